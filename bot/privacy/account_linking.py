"""Account linking: links two chats of one person by a code and separates them again, after confirmation.

The contact that showed the code remains and takes over the addresses, subscriptions and answers of the other one. If
both answered the same consultation, the person chooses which answers count. The superseded answers leave all tables
that are counted or exported; they are stored encrypted for the person alone, until erased or expired.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Final, NamedTuple

from pydantic_core import to_json

from bot.common.erasure_log import ErasedRecord
from bot.common.ids import day_of, hour_of, random_id
from bot.common.keys import Keys
from bot.consultations import incompatible_sessions
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import PendingCompilations
from bot.consultations.event_handlers import Request, handles_after_write
from bot.consultations.open_question import repeat_open_question
from bot.consultations.pseudonyms import pseudonyms_of
from bot.consultations.session_rows import SessionRows
from bot.privacy import personal_data
from flows.commands.linking import CODE_DIGITS
from flows.dialogue import engine
from flows.events import LinkRequested, MessageCreated
from flows.messages import MsgOut
from flows.phrase_families import LINK_SIDES
from flows.renderer import Renderer
from storage.core.engines import locks_rows
from storage.tables import answers, contacts
from storage.tables.account_links import (
    NewLinkCode,
    NewSupersededAnswer,
    claim_link_code,
    claimed_link_code,
    count_failed_link_attempts,
    drop_claimed_link_code,
    insert_superseded_answers,
    merge_contacts,
    record_failed_link_attempt,
    rekey_waiting_session,
    rename_pseudonyms,
    store_link_code,
)
from storage.tables.answers import answers_of_people
from storage.tables.contacts import (
    AddressOwner,
    ContactStop,
    NewContact,
    addresses_of_contacts,
    adopt_addresses,
    insert_contacts,
)
from storage.tables.ratings import erase_ratings, ratings_of_people
from storage.tables.revisions import revisions_by_id
from storage.tables.sessions import erase_sessions, release_sessions, sessions_of_people

VALID: Final = timedelta(minutes=15)
MOST_FAILURES: Final = 5
FORGIVEN_AFTER: Final = timedelta(hours=1)
"""Maximum age of failed attempts; only their hour is stored."""


class _Overlap(NamedTuple):
    """A consultation answered by both contacts: pseudonyms of the current contact and of the other one."""

    here: str
    there: str


@handles_after_write(LinkRequested)
def answer_link_requests(batch: BatchContext, requests: list[Request[LinkRequested]]) -> None:
    """Shows link codes, links chats and separates them."""
    batch.outcome.has_dropped = batch.outcome.has_media = True
    linking = _Linking(batch)
    with PendingCompilations().on_behalf_of(request.person.sender for request in requests):
        for request in requests:
            answer = linking.answer(request)
            batch.say(request.person, answer)
            # "join" and "part" change whose session it is; buttons ask for a confirmation.
            if request.event.kind in {"show", "code", "leave"} and not answer.quick_replies:
                repeat_open_question(batch, request.person)


def link_code_hash(keys: Keys, digits: str) -> bytes:
    """Returns the keyed hash of a link code."""
    return hmac.digest(keys.linking, digits.encode(), "sha256")


class _Linking:
    def __init__(self, batch: BatchContext) -> None:
        self._batch = batch
        self._connection = batch.connection
        self._now = batch.now
        self._keys = batch.keys
        self._catalogue = batch.catalogue

    def answer(self, request: Request[LinkRequested]) -> MsgOut:
        renderer = self._renderer(request)
        match request.event.kind:
            case "show":
                return self._show(request, renderer)
            case "code":
                return self._take_code(request, renderer)
            case "join":
                return self._join(request, renderer)
            case "leave":
                drop_claimed_link_code(self._connection, request.person.contact_id)
                return renderer.message(renderer.text("door.left"))
        return self._unlink(request, renderer)

    def _renderer(self, request: Request[LinkRequested]) -> Renderer:
        if request.participation is None:
            return self._catalogue.main_menu.renderer(request.event.language, form=request.person.form)
        return request.participation.published.flow.localized[request.participation.session.language].renderer

    def _show(self, request: Request[LinkRequested], renderer: Renderer) -> MsgOut:
        digits = f"{self._batch.random.randrange(10**CODE_DIGITS):0{CODE_DIGITS}}"
        row = NewLinkCode(link_code_hash(self._keys, digits), request.person.contact_id, None, self._now + VALID)
        store_link_code(self._connection, row)
        code = " ".join(digits[start : start + 4] for start in range(0, CODE_DIGITS, 4))
        return renderer.message(
            renderer.text("door.code", code=code, minutes=renderer.minutes(int(VALID.total_seconds() // 60)))
        )

    def _take_code(self, request: Request[LinkRequested], renderer: Renderer) -> MsgOut:
        contact_id = request.person.contact_id
        failed = count_failed_link_attempts(self._connection, contact_id, self._now - FORGIVEN_AFTER)
        if failed >= MOST_FAILURES:
            return renderer.message(renderer.text("door.too_often"))
        row = claim_link_code(self._connection, link_code_hash(self._keys, request.event.value), contact_id, self._now)
        if row is None:
            record_failed_link_attempt(self._connection, contact_id, failed, hour_of(self._now))
            return renderer.message(renderer.text("door.unknown"))
        return self._confirm(request, renderer, self._answered_twice(contact_id, row.contact_id))

    def _confirm(self, request: Request[LinkRequested], renderer: Renderer, answered_twice: list[_Overlap]) -> MsgOut:
        """Asks for confirmation; shows both sets of answers where a consultation was answered twice."""
        link = renderer.command("link")
        leave = link.with_arguments("leave", label=renderer.text("door.leave"))
        if not answered_twice:
            replies = [link.with_arguments("join"), leave]
            return renderer.message(f"{renderer.text('door.confirm')}\n{renderer.text('door.how')}", replies)
        lines = [renderer.text("door.confirm"), "", renderer.text("door.twice")]
        for one in answered_twice:
            for phrase, name in (("door.from_here", one.here), ("door.from_there", one.there)):
                lines += ["", renderer.text(phrase)]
                lines += personal_data.answers_in_words(
                    self._connection, name, request.person.language, self._catalogue
                )
        lines += ["", renderer.text("door.how_twice")]
        replies = [link.with_arguments("join", it, label=renderer.text(LINK_SIDES[it])) for it in ("here", "there")]
        return renderer.message("\n".join(lines), [*replies, leave])

    def _join(self, request: Request[LinkRequested], renderer: Renderer) -> MsgOut:
        row = claimed_link_code(self._connection, request.person.contact_id, self._now)
        if row is None:
            return renderer.message(renderer.text("door.unknown"))
        answered_twice = self._answered_twice(request.person.contact_id, row.contact_id)
        if answered_twice and not request.event.value:
            return self._confirm(request, renderer, answered_twice)
        lost = [one.there if request.event.value == "here" else one.here for one in answered_twice]
        self._merge_contacts(request, row.contact_id, lost)
        return renderer.message(renderer.text("door.joined"))

    def _pseudonyms(self, here: int, there: int) -> list[_Overlap]:
        both = (pseudonyms_of(self._connection, it, self._keys) for it in (here, there))
        return list(map(_Overlap, *both))

    def _answered_twice(self, here: int, there: int) -> list[_Overlap]:
        """Returns the consultations with answers of both contacts; empty sessions do not count."""
        every = self._pseudonyms(here, there)
        given = answers_of_people(self._connection, [name for pair in every for name in pair])
        spoke = {row.pseudonym for row in given if row.value is not None}
        return [pair for pair in every if pair.here in spoke and pair.there in spoke]

    def _empty(self, both: list[_Overlap]) -> list[str]:
        """Returns the session to erase of each pair: the one here if it has no answers, else the one there."""
        spoke = {row.pseudonym for row in answers_of_people(self._connection, [it for pair in both for it in pair])}
        return [pair.there if pair.here in spoke else pair.here for pair in both]

    def _merge_contacts(self, request: Request[LinkRequested], kept: int, lost: list[str]) -> None:
        gone = request.person.contact_id
        every = self._pseudonyms(gone, kept)
        stored = sessions_of_people(
            self._connection, [name for pair in every for name in pair], lock=locks_rows(self._connection)
        )
        for name in lost:
            self._keep_superseded(name, kept)
        # Of two sessions, an empty one is erased.
        empty = self._empty([pair for pair in every if {*pair} <= stored.keys() - lost])
        erase_sessions(self._connection, empty)
        removed = {*lost, *empty}
        waits = {row.pseudonym for row in stored.values() if row.waiting_key == self._keys.waiting(kept)}
        if request.participation and request.participation.pseudonym not in removed and waits - removed:
            self._pause(request)
        if request.person.incompatible_session and waits:
            release_sessions(
                self._connection,
                [incompatible_sessions.released_session(request.person.incompatible_session, self._now)],
            )
        rename_pseudonyms(self._connection, every)
        rekey_waiting_session(self._connection, self._keys.waiting(gone), self._keys.waiting(kept))
        merge_contacts(self._connection, kept, gone)
        self._batch.outcome.erased_records.append(ErasedRecord("joined", str(gone), str(kept)))

    def _pause(self, request: Request[LinkRequested]) -> None:
        """Interrupts the current session: at most one session waits, and that of the other contact continues."""
        participation = request.participation
        if participation is None:
            return
        turn = engine.interrupt(participation.published.flow, participation.session)
        participation.session = turn.session
        self._batch.section(SessionRows).note(request.person, participation)
        self._batch.apply(request.person, (it for it in turn.events if not isinstance(it, MessageCreated)))
        self._batch.write()
        request.person.participation = None

    def _keep_superseded(self, name: str, kept: int) -> None:
        """Removes the data of a pseudonym from all tables that count and stores it encrypted."""
        row = sessions_of_people(self._connection, [name])[name]
        published = self._catalogue.revision(self._connection, row.revision_id)
        consultation = published.flow.consultation
        said = {
            "session": {**row._asdict(), "waiting_key": None},
            "answers": [it._asdict() for it in answers_of_people(self._connection, [name])],
            "consents": [it._asdict() for it in answers.consents_of(self._connection, [name])],
            "ratings": [it._asdict() for it in ratings_of_people(self._connection, [name])],
        }
        number = random_id(self._batch.random)
        sealed = self._keys.encrypt(to_json(said).decode(), personal_data.superseded_context(number))
        days = timedelta(days=consultation.retention.days)
        ends = revisions_by_id(self._connection, [row.revision_id])[row.revision_id].closes_at
        until = ends + days if ends else None
        if not published.is_trial:  # answers in a test are not kept
            insert_superseded_answers(self._connection, [NewSupersededAnswer(number, kept, sealed, until)])
        erase_sessions(self._connection, [name])
        answers.erase_consents(self._connection, [name])
        erase_ratings(self._connection, [name])

    def _unlink(self, request: Request[LinkRequested], renderer: Renderer) -> MsgOut:
        """Makes this address a separate contact without answers."""
        person = request.person
        known = addresses_of_contacts(self._connection, [person.contact_id])
        if len(known) < 2:
            return renderer.message(renderer.text("door.alone"), [renderer.command("link")])
        new = NewContact(random_id(self._batch.random), person.language, day_of(self._now), person.spoken_language)
        insert_contacts(self._connection, [new])
        adopt_addresses(self._connection, [AddressOwner(person.lookup, new.id)])
        contacts.mark_stopped(self._connection, [ContactStop(new.id, known[0].stopped_at)])
        return renderer.message(renderer.text("door.parted"))
