"""Who hears of an official answer, and what they read: for notifications, and for previews before they are sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.broadcasts.messages import STOP
from bot.common.i18n import phrase_catalogues
from bot.common.keys import Keys
from bot.privacy import personal_data
from bot.proposals.contribution_status import step_lines
from bot.proposals.merge_split import authors
from bot.proposals.moderation_rules import ModerationItem
from bot.proposals.official_answers import earlier_items
from flows.messages import MsgOut, QuickReply
from storage.tables import opt_ins
from storage.tables.contacts import KnownAddress, addresses_of_contacts
from storage.tables.proposals import NewProposalStatus
from storage.tables.ratings import ratings_of_proposals
from storage.tables.revisions import live_revision_of

FIRST: Final = "de"
PORTION: Final = 5_000
"""Subscribers read at once."""


class OutcomeAudience(NamedTuple):
    """How many people hear of one answer, or of several, by channel and language."""

    numbers: Mapping[tuple[str, str], int]

    @property
    def total(self) -> int:
        return sum(self.numbers.values())

    def by_channel(self) -> dict[str, int]:
        """Returns the number of people by channel, the largest first."""
        return self._by(0)

    def by_language(self) -> dict[str, int]:
        """Returns the number of people by language, the largest first."""
        return self._by(1)

    def _by(self, place: int) -> dict[str, int]:
        found: Counter[str] = Counter()
        for key, number in self.numbers.items():
            found[key[place]] += number
        return dict(found.most_common())


def audiences(
    connection: Connection, items: Sequence[ModerationItem], keys: Keys
) -> tuple[dict[int, OutcomeAudience], OutcomeAudience]:
    """Returns, for answers to these proposals, who hears of each; and all people together, each counted once.

    Reads each subscriber of the consultations once. The result contains numbers only.
    """
    people: dict[int, dict[int, KnownAddress]] = {item.proposal.id: {} for item in items}
    everyone: dict[int, KnownAddress] = {}
    for consultation_id, concerned in _concerned_of(connection, items).items():
        names = frozenset().union(*concerned.values())
        contacts = _subscribers(connection, consultation_id, names, keys)
        addresses = {it.contact_id: it for it in reachable(connection, contacts.values()) if it.contact_id is not None}
        everyone |= addresses
        for number, wanted in concerned.items():
            known = (contacts[name] for name in wanted if name in contacts)
            people[number] |= {contact: addresses[contact] for contact in known if contact in addresses}
    return {number: _audience(found.values()) for number, found in people.items()}, _audience(everyone.values())


def concerned_people(connection: Connection, item: ModerationItem) -> frozenset[str]:
    """Returns the pseudonyms of all authors and, for public proposals, of raters."""
    number = item.proposal.id
    people = authors(connection, [number])[number]
    if item.is_public:
        people |= ratings_of_proposals(connection, [number])[number].keys()
    return people


def reachable(connection: Connection, contact_ids: Iterable[int]) -> Iterable[KnownAddress]:
    """Returns the oldest reachable address per contact, without stopped contacts."""
    found: dict[int, KnownAddress] = {}
    for address in addresses_of_contacts(connection, list(contact_ids)):
        if address.contact_id is not None and address.stopped_at is None and address.unreachable_at is None:
            found.setdefault(address.contact_id, address)
    return found.values()


def language_read(address: KnownAddress) -> str:
    """Returns the language in which a contact is notified."""
    return read if (read := address.reads()) in phrase_catalogues.catalogue_languages() else FIRST


def outcome_message(step: NewProposalStatus, code: str, language: str, public_url: str) -> MsgOut:
    """Returns the notification about a status of the proposal with this code, as it is sent."""
    say = partial(_say, language)
    lines = [say("account.news", code=code), *step_lines(step, say, language)]
    if public_url:
        lines.append(say("account.page", link=f"{public_url}/p/{code}"))
    stop = QuickReply(STOP, say("button.stop"))
    return MsgOut("\n".join([*lines, say("push.stop")]), (stop,), language)


def _concerned_of(connection: Connection, items: Sequence[ModerationItem]) -> dict[int, dict[int, frozenset[str]]]:
    """Returns the pseudonyms by consultation and proposal, with those of the originals in earlier waves."""
    found: dict[int, dict[int, frozenset[str]]] = {}
    for item in items:
        for one in (item, *earlier_items(connection, item)):
            of_consultation = found.setdefault(one.proposal.consultation_id, {})
            of_consultation[item.proposal.id] = concerned_people(connection, one)
    return found


def _subscribers(
    connection: Connection, consultation_id: int, pseudonyms: frozenset[str], keys: Keys
) -> dict[str, int]:
    """Returns the contacts with these pseudonyms who want to hear what comes of a consultation; never stored."""
    about = live_revision_of(connection, consultation_id)
    found: dict[str, int] = {}
    after, is_more = 0, bool(about and pseudonyms)
    while about and is_more:
        portion = opt_ins.subscriber_ids(connection, "outcome", about.slug, after_id=after, limit=PORTION)
        found |= personal_data.contacts_by_pseudonym(portion, consultation_id, pseudonyms, keys)
        is_more = len(portion) == PORTION
        after = portion[-1] if portion else after
    return found


def _audience(addresses: Iterable[KnownAddress]) -> OutcomeAudience:
    return OutcomeAudience(Counter((it.channel, language_read(it)) for it in addresses))


def _say(language: str, phrase: str, /, **values: object) -> str:
    return phrase_catalogues.load_phrases(language).text(phrase, "sie", **values)
