"""Repeats logged erasures after an older database was restored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot.common.erasure_log import ErasedRecord, ErasureLog, Kind
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.privacy import personal_data
from bot.proposals import lineage, merge_split
from storage.core.store import Store
from storage.tables.contacts import existing_contacts
from storage.tables.erasures import mark_erased_tables
from storage.tables.opt_ins import NewOptIn, SubscriptionKey, opt_ins_of_contacts, withdraw_opt_ins
from storage.tables.outbox import recall_unasked_messages
from storage.tables.proposals import StoredProposal, Withdrawal, proposals_by_code, withdraw_proposals
from storage.tables.ratings import erase_votes, voters_of


class RestoredRecords(NamedTuple):
    """Records in the database that the erasure log lists as erased."""

    people: Sequence[int] = ()
    ideas: Sequence[int] = ()
    withdrawn: Sequence[int] = ()
    votes: Sequence[tuple[str, int]] = ()
    """Pseudonym and proposal."""
    wishes: Sequence[SubscriptionKey] = ()

    def __bool__(self) -> bool:
        return any(self)

    def in_words(self) -> str:
        """Describes the numbers: "people: 2, ideas: 1"."""
        return ", ".join(f"{name}: {len(found)}" for name, found in self._asdict().items() if found)


def erase_again(store: Store, keys: Keys, erasure_log: ErasureLog) -> RestoredRecords:
    """Erases restored records and returns them; writes nothing if there are none.

    It may be killed at any time and run by several processes. Raises OSError and the classes of `storage.core.errors`.
    """
    if not find_restored(store, erasure_log):
        return RestoredRecords()
    gone = erasure_log.read().records

    def work(connection: Connection) -> RestoredRecords:
        found = _find_in_store(connection, gone)
        _erase(connection, found, keys)
        mark_erased_tables(connection)
        return found

    erased = store.run(work)
    store.scrub()
    return erased


def find_restored(store: Store, erasure_log: ErasureLog) -> RestoredRecords:
    """Finds restored records without changing them. Raises the same errors as `erase_again`."""
    gone = erasure_log.read().records
    if not gone:
        return RestoredRecords()
    with store.reading() as connection:
        return _find_in_store(connection, gone)


class _LoggedContacts:
    """Log entries about contacts."""

    def __init__(self, gone: Sequence[ErasedRecord]) -> None:
        self._people = set(_names(gone, "person"))
        self._joined = {one.name: one.detail for one in gone if one.kind == "joined"}
        """The remaining contact of each linked one."""
        self._wishes: dict[tuple[str, str], str] = {}
        """The last day of each withdrawn subscription, by contact and subject."""
        for one in gone:
            if one.kind == "wish":
                about, _, day = one.detail.rpartition("/")
                self._wishes[one.name, about] = max(day, self._wishes.get((one.name, about), ""))

    def erased(self) -> list[int]:
        names = self._people | self._joined.keys()
        return [int(name) for name in names if not self._people.isdisjoint(self._since(name))]

    def who_wished(self) -> list[int]:
        return [int(name) for name in {name for name, _ in self._wishes} | self._joined.keys()]

    def is_taken_back(self, row: NewOptIn) -> bool:
        about, given = f"{row.about}/{row.subject}", f"{row.given_at:%Y-%m-%d}"
        # Not of the same day: it may have been given again afterwards.
        return any(given < self._wishes.get((name, about), "") for name in self._since(str(row.contact_id)))

    def _since(self, name: str) -> Iterator[str]:
        """Yields the contact and those it was linked to since."""
        seen: set[str] = set()
        while name and name not in seen:
            seen.add(name)
            yield name
            name = self._joined.get(name, "")


def _find_in_store(connection: Connection, gone: Sequence[ErasedRecord]) -> RestoredRecords:
    """Looks up the logged records in the database."""
    logged = _LoggedContacts(gone)
    ideas = [row.id for row in _with_copies(connection, _names(gone, "idea"))]
    withdrawn = _with_copies(connection, _names(gone, "withdrawn"))
    wishes = opt_ins_of_contacts(connection, logged.who_wished())
    return RestoredRecords(
        sorted(existing_contacts(connection, logged.erased())),
        ideas,
        [row.id for row in withdrawn if row.withdrawn_at is None and row.id not in ideas],
        sorted(voters_of(connection, [int(name) for name in _names(gone, "vote")])),
        [SubscriptionKey(*row[:3]) for rows in wishes.values() for row in rows if logged.is_taken_back(row)],
    )


def _names(gone: Sequence[ErasedRecord], kind: Kind) -> list[str]:
    return [one.name for one in gone if one.kind == kind]


def _with_copies(connection: Connection, codes: Sequence[str]) -> list[StoredProposal]:
    return [*proposals_by_code(connection, codes).values(), *lineage.copies_of_codes(connection, codes)]


def _erase(connection: Connection, found: RestoredRecords, keys: Keys) -> None:
    now = datetime.now(UTC)
    new_id = Ids()
    personal_data.erase_contacts(connection, found.people, keys, new_id)
    merge_split.erase_proposals(connection, new_id, found.ideas)
    withdraw_proposals(connection, [Withdrawal(id_, now) for id_ in found.withdrawn])
    erase_votes(connection, found.votes)
    withdraw_opt_ins(connection, found.wishes)
    # Their queued broadcasts would still be sent.
    recall_unasked_messages(connection, [wish.contact_id for wish in found.wishes])
