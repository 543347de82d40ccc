"""One person, several doors: two chats are linked by a code, and parted again. Nothing is merged without being asked.

The contact who showed the code stays; the other one's chats, wishes and answers become theirs. Where both answered the
same consultation the person chooses which answers count. The others leave all tables that are counted and exported, and
are kept sealed for the person alone, until they are erased or their time is over.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection

from bot import privacy, stranded
from bot.catalogue import Catalogue
from bot.effects import DoorWish, Effects
from bot.ids import day_of, random_id
from bot.keys import Keys
from bot.ledger import Gone
from bot.meeting import locks
from flows import engine
from flows.doors import CODE_DIGITS
from flows.events import Said
from flows.messages import MsgOut
from flows.voice import Voice
from storage import answers, contacts, doors, ratings, sessions
from storage.contacts import AddressOwner, ContactStop, NewContact
from storage.doors import NewLinkCode, NewSetAside

VALID: Final = timedelta(minutes=15)
MOST_FAILURES: Final = 5
FORGIVEN_AFTER: Final = timedelta(hours=1)


class _Twice(NamedTuple):
    """A consultation which both contacts answered: pseudonyms of the door one writes from, and of the other one."""

    here: str
    there: str


def settle(connection: Connection, asked: Effects, keys: Keys, catalogue: Catalogue) -> Effects:
    """Shows codes, links and parts chats, after `asked` was written. Gives what there is to say."""
    late = Effects(asked.ids, asked.now)
    linking = _Linking(connection, late, keys, catalogue)
    for wish in asked.doors:
        late.say(wish.person, linking.answer(wish))
    late.write(connection)
    return late


def code_hash(keys: Keys, digits: str) -> bytes:
    """What the table knows of a code."""
    return hmac.digest(keys.doors, digits.encode(), "sha256")


class _Linking:
    def __init__(self, connection: Connection, effects: Effects, keys: Keys, catalogue: Catalogue) -> None:
        self._connection = connection
        self._effects = effects
        self._now = effects.now
        self._keys = keys
        self._catalogue = catalogue

    def answer(self, wish: DoorWish) -> MsgOut:
        voice = self._voice(wish)
        match wish.asked.kind:
            case "show":
                return self._show(wish, voice)
            case "code":
                return self._take_code(wish, voice)
            case "join":
                return self._join(wish, voice)
            case "leave":
                doors.drop_claim(self._connection, wish.person.contact_id)
                return voice.message(voice.say("door.left"))
        return self._part(wish, voice)

    def _voice(self, wish: DoorWish) -> Voice:
        if wish.place is None:
            return self._catalogue.lobby.voice(wish.asked.language)
        return wish.place.published.flow.scripts[wish.place.session.language].voice

    def _show(self, wish: DoorWish, voice: Voice) -> MsgOut:
        digits = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        row = NewLinkCode(code_hash(self._keys, digits), wish.person.contact_id, None, self._now + VALID)
        doors.offer(self._connection, row)
        code = " ".join(digits[start : start + 4] for start in range(0, CODE_DIGITS, 4))
        return voice.message(voice.say("door.code", code=code, minutes=int(VALID.total_seconds() // 60)))

    def _take_code(self, wish: DoorWish, voice: Voice) -> MsgOut:
        contact_id = wish.person.contact_id
        failed = doors.failures(self._connection, contact_id, self._now - FORGIVEN_AFTER)
        if failed >= MOST_FAILURES:
            return voice.message(voice.say("door.too_often"))
        row = doors.claim(self._connection, code_hash(self._keys, wish.asked.value), contact_id, self._now)
        if row is None:
            doors.failed(self._connection, contact_id, failed, self._now)
            return voice.message(voice.say("door.unknown"))
        return self._confirm(wish, voice, self._twice(contact_id, row.contact_id))

    def _confirm(self, wish: DoorWish, voice: Voice, twice: list[_Twice]) -> MsgOut:
        """What will be joined; where something was answered twice, both, and which shall count."""
        link = voice.command("link")
        leave = link._replace(token=f"{link.token}.leave", label=voice.say("door.leave"))
        if not twice:
            replies = [link._replace(token=f"{link.token}.join"), leave]
            return voice.message(f"{voice.say('door.confirm')}\n{voice.say('door.how')}", replies)
        lines = [voice.say("door.confirm"), "", voice.say("door.twice")]
        for one in twice:
            for phrase, name in (("door.from_here", one.here), ("door.from_there", one.there)):
                lines += ["", voice.say(phrase)]
                lines += privacy.said_as(self._connection, name, wish.person.language, self._catalogue)
        lines += ["", voice.say("door.how_twice")]
        replies = [
            *(
                link._replace(token=f"{link.token}.join.{it}", label=voice.say(f"door.{it}"))
                for it in ("here", "there")
            ),
            leave,
        ]
        return voice.message("\n".join(lines), replies)

    def _join(self, wish: DoorWish, voice: Voice) -> MsgOut:
        row = doors.claimed(self._connection, wish.person.contact_id, self._now)
        if row is None:
            return voice.message(voice.say("door.unknown"))
        twice = self._twice(wish.person.contact_id, row.contact_id)
        if twice and not wish.asked.value:
            return self._confirm(wish, voice, twice)
        lost = [one.there if wish.asked.value == "here" else one.here for one in twice]
        self._unite(wish, row.contact_id, lost)
        return voice.message(voice.say("door.joined"))

    def _pseudonyms(self, here: int, there: int) -> list[_Twice]:
        both = (privacy.pseudonyms_of(self._connection, it, self._keys) for it in (here, there))
        return list(map(_Twice, *both))

    def _twice(self, here: int, there: int) -> list[_Twice]:
        """What both have answered. A session without any answer is no voice."""
        every = self._pseudonyms(here, there)
        given = answers.of_people(self._connection, [name for pair in every for name in pair])
        spoke = {row.pseudonym for row in given if row.value is not None}
        return [pair for pair in every if pair.here in spoke and pair.there in spoke]

    def _unite(self, wish: DoorWish, kept: int, lost: list[str]) -> None:
        gone = wish.person.contact_id
        every = self._pseudonyms(gone, kept)
        stored = sessions.of_people(
            self._connection, [name for pair in every for name in pair], lock=locks(self._connection)
        )
        for name in lost:
            self._set_aside(name, kept)
        # Of two sessions of which one is empty, that one goes.
        both = [pair for pair in every if pair.here in stored and pair.there in stored and not {*pair} & {*lost}]
        spoke = {row.pseudonym for row in answers.of_people(self._connection, [it for pair in both for it in pair])}
        empty = [pair.there if pair.here in spoke else pair.here for pair in both]
        sessions.erase(self._connection, empty)
        removed = {*lost, *empty}
        waits = [row for name, row in stored.items() if row.waiting_key == self._keys.waiting(kept)]
        if wish.place and wish.place.pseudonym not in removed and any(row.pseudonym not in removed for row in waits):
            self._pause(wish)
        if wish.person.stranded and waits:
            sessions.release(self._connection, [stranded.release(wish.person.stranded, self._now)])
        doors.rename(self._connection, every)
        doors.rekey(self._connection, self._keys.waiting(gone), self._keys.waiting(kept))
        doors.join(self._connection, kept, gone)
        self._effects.gone.append(Gone("joined", str(gone), str(kept)))

    def _pause(self, wish: DoorWish) -> None:
        """At most one session waits for a person: that of the other door goes on."""
        place, before = wish.place, Effects(self._effects.ids, self._now)
        if place is None:
            return
        turn = engine.interrupt(place.published.flow, place.session)
        place.session = turn.session
        before.apply(wish.person, tuple(it for it in turn.events if not isinstance(it, Said)), self._now)
        before.write(self._connection)
        wish.person.place = None

    def _set_aside(self, name: str, kept: int) -> None:
        """Takes out of everything that counts what was said under this name, and keeps it sealed."""
        row = sessions.of_people(self._connection, [name])[name]
        consultation = self._catalogue.revision(self._connection, row.revision_id).flow.consultation
        said = {
            "session": {**row._asdict(), "waiting_key": None},
            "answers": [it._asdict() for it in answers.of_people(self._connection, [name])],
            "consents": [it._asdict() for it in answers.consents_of(self._connection, [name])],
            "ratings": [it._asdict() for it in ratings.of_people(self._connection, [name])],
        }
        number = self._effects.ids()
        sealed = self._keys.seal(to_json(said).decode(), privacy.bound_to(number))
        days = timedelta(days=consultation.retention.days + 1)
        closes = consultation.closes
        until = datetime.combine(closes, time(), self._now.tzinfo) + days if closes else None
        doors.put_aside(self._connection, [NewSetAside(number, kept, sealed, until)])
        sessions.erase(self._connection, [name])
        answers.erase_consents(self._connection, [name])
        ratings.erase(self._connection, [name])

    def _part(self, wish: DoorWish, voice: Voice) -> MsgOut:
        """This chat becomes a contact of its own, with nothing answered yet."""
        person = wish.person
        known = contacts.of_contacts(self._connection, [person.contact_id])
        if len(known) < 2:
            return voice.message(voice.say("door.alone"), [voice.command("link")])
        new = NewContact(random_id(), person.language, day_of(self._now))
        contacts.insert(self._connection, [new])
        contacts.adopt(self._connection, [AddressOwner(person.lookup, new.id)])
        contacts.mark_stopped(self._connection, [ContactStop(new.id, known[0].stopped_at)])
        return voice.message(voice.say("door.parted"))
