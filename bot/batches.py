"""One batch of messages inside one transaction: repeats dropped, people found, rounds of turns, rows written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from adapters.base import Outgoing
from bot import doors, groups, news, ownership, privacy
from bot.attachments import receiving
from bot.catalogue import Catalogue
from bot.dead_letters import dead_letter
from bot.effects import Effects
from bot.ids import Ids
from bot.keys import Keys
from bot.ledger import Gone, Ledger
from bot.meeting import Meeting
from bot.person import Person
from bot.turns import Here, Turns
from flows.messages import MsgIn, MsgOut
from flows.text import clean
from storage import contacts, messages
from storage.messages import NewReceived

LONGEST_TEXT = 20_000
"""Characters of a message that are looked at: more than any answer may have, so that its question says "too long"."""


@dataclass(slots=True)
class BatchResult:
    """What came of a batch; true once it is committed."""

    taken: int
    repeats: int
    answers: int = 0
    failures: int = 0
    has_erased: bool = False
    has_media: bool = False
    """Attachments came, or went."""
    outgoing: list[tuple[str, bytes, Outgoing]] = field(default_factory=list)
    """Channel, look-up and message of everything there is to say."""
    parting: list[tuple[str, bytes, Outgoing]] = field(default_factory=list)
    """The same of what is said to addresses that are forgotten afterwards."""
    left_doors: list[tuple[str, str]] = field(default_factory=list)
    """Where else those who were erased could be reached: their channels have to forget them."""
    gone: list[Gone] = field(default_factory=list)
    recalled: list[int] = field(default_factory=list)
    """Broadcasts taken back, because somebody said "stop" or was erased."""

    def add(self, effects: Effects) -> None:
        self.answers += len(effects.answers)
        self.failures += len(effects.dead_letters)
        self.has_erased |= bool(effects.erased)
        self.has_media |= bool(effects.detached or effects.erased or effects.doors)
        self.outgoing += effects.outgoing
        self.parting += effects.parting
        self.recalled += effects.recalled
        self.left_doors += effects.left_doors
        self.gone += effects.gone


class Batches:
    """Works on batches. Everything it needs from outside is given here; `work` runs on the writing thread."""

    def __init__(
        self,
        keys: Keys,
        catalogue: Catalogue,
        ids: Ids,
        ledger: Ledger,
        meeting: Meeting,
        turns: Turns,
        *,
        refresh_seconds: float = 1.0,
    ) -> None:
        self._turns = turns
        self._keys = keys
        self.catalogue = catalogue
        self._ids = ids
        self._ledger = ledger
        self._meeting = meeting
        self._refresh_seconds = refresh_seconds
        self._refreshed_at = datetime.min.replace(tzinfo=UTC)

    def work(self, connection: Connection, batch: Sequence[MsgIn]) -> BatchResult:
        """Takes the messages in order. Touches its connection only, and the ledger, where twice is as good as once: it
        may be run again after a lost lock.
        """
        now = datetime.now(UTC)
        self._ids.tick()
        self._refresh(connection, now)
        fresh = self._take(connection, batch, now)
        result = BatchResult(taken=len(fresh), repeats=len(batch) - len(fresh))
        while fresh:
            effects = Effects(self._ids, now)
            fresh = groups.answer(connection, effects, self._keys, self.catalogue, fresh)
            people = self._meeting.find(connection, effects, fresh)
            self._turns.look(connection, people, fresh)
            fresh = self._rounds(connection, effects, people, fresh)
            effects.write(connection)
            if effects.detached:
                receiving.receive(connection, effects, self._keys)
            result.add(effects)
            if effects.data_wanted or effects.erased:
                result.add(privacy.settle_rights(connection, effects, self._keys, self.catalogue))
            if effects.news:
                result.add(news.settle(connection, effects, self.catalogue))
            if effects.mine:
                result.add(ownership.settle(connection, effects, self._keys, self.catalogue))
            if effects.doors:
                result.add(doors.settle(connection, effects, self._keys, self.catalogue))
        self._ledger.note(result.gone)  # before the commit: nobody is told "deleted" of what is not noted
        return result

    def bury(self, connection: Connection, msg: MsgIn, fault: Exception) -> list[MsgOut]:
        """Sets a message aside that nothing else can be stored with; gives what there is to say to its sender."""
        now, keys = datetime.now(UTC), self._keys
        if not messages.take(connection, [NewReceived(msg.channel, msg.external_id, now)]):
            return []
        lookup = keys.lookup(msg.channel, msg.address)
        messages.set_aside(connection, [dead_letter(keys, self._ids(), lookup, msg, fault, now)])
        sender = contacts.find(connection, [lookup]).get(lookup)
        voice = self.catalogue.lobby.voice(sender.language if sender else None, msg.language_hint)
        return [voice.message(voice.say("trouble.message"))]

    def _refresh(self, connection: Connection, now: datetime) -> None:
        if (now - self._refreshed_at).total_seconds() >= self._refresh_seconds:
            self.catalogue.refresh(connection)
            self._refreshed_at = now

    def _take(self, connection: Connection, batch: Sequence[MsgIn], now: datetime) -> list[MsgIn]:
        """The messages that are new, each once, made safe."""
        rows = {(msg.channel, msg.external_id): NewReceived(msg.channel, msg.external_id, now) for msg in batch}
        new = messages.take(connection, list(rows.values()))
        fresh = []
        for msg in batch:
            key = (msg.channel, msg.external_id)
            if key in new:
                new.discard(key)
                fresh.append(_made_safe(msg, now))
        return fresh

    def _rounds(
        self, connection: Connection, effects: Effects, people: dict[tuple[str, str], Person], batch: list[MsgIn]
    ) -> list[MsgIn]:
        """Takes the messages in rounds, in each at most one of each person, so that their order is kept.

        Gives what is left when somebody asked to see or erase their data, for news or another door, and what came
        through a second door: that is done before anything else happens.
        """
        batch, other_doors = _by_one_door(people, batch)
        while batch and not (effects.data_wanted or effects.erased or effects.news or effects.doors or effects.mine):
            later: list[MsgIn] = []
            now: dict[int, Here] = {}
            for msg in batch:
                person = people[msg.channel, msg.address]
                if person.contact_id in now:
                    later.append(msg)
                else:
                    now[person.contact_id] = Here(msg, person)
            self._turns.take(connection, effects, list(now.values()))
            batch = later
        return [*batch, *other_doors]


def _by_one_door(people: Mapping[tuple[str, str], Person], batch: list[MsgIn]) -> tuple[list[MsgIn], list[MsgIn]]:
    """The messages that can be taken now, and those of people who wrote through another of their doors as well: they
    come when all of the first is done, because both see the same session."""
    first: dict[int, Person] = {}
    now: list[MsgIn] = []
    later: list[MsgIn] = []
    for msg in batch:
        person = people[msg.channel, msg.address]
        (now if first.setdefault(person.contact_id, person) is person else later).append(msg)
    return now, later


def _made_safe(msg: MsgIn, now: datetime) -> MsgIn:
    text = clean(msg.text[:LONGEST_TEXT])
    if text == msg.text and msg.sent_at <= now:
        return msg
    return msg._replace(text=text, sent_at=min(msg.sent_at, now))
