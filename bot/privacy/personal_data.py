"""Shows contacts their stored data and erases it; the only module that joins identity and participation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from types import MappingProxyType

from pydantic_core import from_json
from sqlalchemy import Connection

from bot.common.dead_letters import open_dead_letter
from bot.common.erasure_log import ErasedRecord
from bot.common.keys import Keys
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue, PendingCompilations
from bot.consultations.event_handlers import Request, handles, handles_after_write
from bot.consultations.open_question import repeat_open_question
from bot.consultations.participant import Person
from bot.consultations.pseudonyms import pseudonyms_of
from bot.consultations.stored_revisions import UnreadableError
from bot.privacy import subscriptions
from bot.proposals import contributions, lineage, merge_split
from flows.dialogue.messages_text import localized_flow
from flows.events import DataRequested, ErasureRequested
from flows.flow import Flow
from flows.languages import LANGUAGES
from flows.messages import MsgOut
from flows.phrase_families import MISSING_IN_SUMMARY
from flows.renderer import Renderer
from flows.session import Session
from flows.values import Missing
from storage.tables import answers, contacts, messages
from storage.tables.account_links import superseded_answers_of
from storage.tables.answers import StoredAnswer, answers_of_people
from storage.tables.attachments import attachments_of_people
from storage.tables.consultations import all_consultation_ids
from storage.tables.contacts import (
    NewAddress,
    addresses_of_contacts,
    delete_contacts,
    encrypted_addresses,
    find_addresses,
)
from storage.tables.messages import erase_dead_letters
from storage.tables.opt_ins import opt_ins_of_contacts
from storage.tables.outbox import insert_messages, recall_unasked_messages
from storage.tables.participations import ParticipationProgress, progress_of_people
from storage.tables.proposals import proposals_of_people
from storage.tables.ratings import erase_ratings, ratings_of_people
from storage.tables.revisions import revisions_by_id
from storage.tables.sessions import StoredSession, erase_sessions, sessions_of_people
from storage.tables.staff import staff_in_chats


@handles_after_write(DataRequested)
def show_data(batch: BatchContext, requests: list[Request[DataRequested]]) -> None:
    """Shows contacts their stored data."""
    people = [request.person for request in requests]
    with PendingCompilations().on_behalf_of(person.sender for person in people):
        for person in people:
            batch.say(person, personal_data_message(batch.connection, person, batch.keys, batch.catalogue))
            repeat_open_question(batch, person)


@handles(ErasureRequested)
def ask_to_be_erased(batch: BatchContext, person: Person, event: ErasureRequested, hour: datetime) -> None:
    """Requests an erasure; messages to the contact are final messages from now on."""
    batch.erased.append(person)
    batch.after_write(erase_people, person)


def erase_people(batch: BatchContext, people: list[Person]) -> None:
    """Erases the data of these contacts; their addresses stay until the final messages are sent."""
    connection, keys, outcome = batch.connection, batch.keys, batch.outcome
    numbers = [person.contact_id for person in people]
    outcome.has_media = True
    outcome.recalled += recall_unasked_messages(connection, numbers)
    outcome.erased_addresses += _other_doors(connection, people, keys)
    outcome.erased_records += [ErasedRecord("person", str(number)) for number in numbers]
    erase_contacts(connection, numbers, keys, batch.ids)
    for person in people:
        sealed = keys.encrypt(person.address, person.lookup)
        row = NewAddress(
            lookup=person.lookup, contact_id=None, channel=person.channel, sealed=sealed, created_at=batch.today
        )
        batch.add(contacts.insert_addresses, row)
    batch.rows_of(insert_messages).extend(batch.final_rows)
    batch.final_rows.clear()


def _other_doors(connection: Connection, people: Sequence[Person], keys: Keys) -> list[tuple[str, str]]:
    """Returns channel and address of all linked chats except the ones these contacts write from."""
    here = {person.lookup for person in people}
    doors = addresses_of_contacts(connection, [person.contact_id for person in people])
    others = {door.lookup: door.channel for door in doors if door.lookup not in here}
    sealed = encrypted_addresses(connection, list(others))
    return [(channel, keys.decrypt(sealed[lookup], lookup)) for lookup, channel in others.items()]


def personal_data_message(connection: Connection, person: Person, keys: Keys, catalogue: Catalogue) -> MsgOut:
    """Describes all data stored about a contact, in its language."""
    place = person.participation  # keeps the form of address of the consultation
    localized = place and place.published.flow.localized[place.session.language]
    renderer = localized.renderer if localized else catalogue.main_menu.renderer(person.language, form=person.form)
    language = LANGUAGES[renderer.language].name
    doors = addresses_of_contacts(connection, [person.contact_id])
    channels = dict.fromkeys(door.channel for door in doors)
    channel = renderer.text("list.comma").join(channels) or person.channel
    lines = [renderer.text("mydata.head"), renderer.text("mydata.contact", channel=channel, language=language)]
    lines.append(renderer.text("mydata.doors"))
    for member in staff_in_chats(connection, [person.lookup]).values():
        lines.append(renderer.text("mydata.team", name=member.name))
    wishes = opt_ins_of_contacts(connection, [person.contact_id]).get(person.contact_id, [])
    lines += [
        renderer.text("mydata.news", what=what)
        for what in subscriptions.subscriptions_in_words(wishes, renderer, catalogue)
    ]
    pseudonyms = pseudonyms_of(connection, person.contact_id, keys)
    sessions = list(_sessions(connection, pseudonyms, person, catalogue, renderer))
    lines += sessions
    lines += _superseded(connection, person, keys, catalogue, renderer)
    if not sessions:
        lines += ["", renderer.text("mydata.nothing")]
    lines += _unhandled(connection, [door.lookup for door in doors], keys, renderer)
    lines += contributions.own_contribution_lines(connection, pseudonyms, renderer)
    return renderer.message("\n".join(lines))


def _unhandled(connection: Connection, lookups: Sequence[bytes], keys: Keys, renderer: Renderer) -> Iterator[str]:
    """Yields the messages that could not be answered."""
    letters = messages.dead_letters_of(connection, lookups)
    for letter in sorted(open_dead_letter(letter, keys) for letter in letters):
        yield renderer.text("mydata.unhandled", text=letter.said)


def _sessions(
    connection: Connection, pseudonyms: Sequence[str], person: Person, catalogue: Catalogue, renderer: Renderer
) -> Iterator[str]:
    """Yields each session with its answers and its attachments."""
    stored = sessions_of_people(connection, pseudonyms)
    given: dict[int, list[StoredAnswer]] = {}
    for answer in answers_of_people(connection, pseudonyms):
        given.setdefault(answer.session_id, []).append(answer)
    sent = attachments_of_people(connection, pseudonyms)
    read = contributions.answer_review_texts(connection, [row.id for row in stored.values()], renderer)
    for row in stored.values():
        yield ""
        yield from _session_in_words(
            connection, row, given=given.get(row.id, []), catalogue=catalogue, person=person, read=read
        )
        for it in sent:
            if it.session_id == row.id:
                yield f"{renderer.text(f'media.shown.{it.kind}')}: {renderer.text(f'media.state.{it.state}')}"


def _superseded(
    connection: Connection, person: Person, keys: Keys, catalogue: Catalogue, renderer: Renderer
) -> Iterator[str]:
    """Yields the answers that others replaced when addresses were linked."""
    for aside in superseded_answers_of(connection, person.contact_id):
        kept = from_json(keys.decrypt(aside.sealed, superseded_context(aside.id)))
        said = {it["question_key"]: (it["value"], it["missing"]) for it in kept["answers"]}
        where = kept["session"]["revision_id"], kept["session"]["language"]
        yield from ("", renderer.text("mydata.set_aside"))
        yield from _in_words(connection, *where, said, catalogue, person.language)


def _session_in_words(
    connection: Connection,
    row: StoredSession,
    given: list[StoredAnswer],
    catalogue: Catalogue,
    person: Person,
    read: Mapping[tuple[int, str], str],
) -> list[str]:
    said: dict[str, tuple[str | None, str | None]] = {
        answer.question_key: (answer.value, answer.missing) for answer in given
    }
    mine = {key: told for (session_id, key), told in read.items() if session_id == row.id}
    title, *lines = _in_words(
        connection,
        row.revision_id,
        spoken=row.language,
        said=said,
        catalogue=catalogue,
        language=person.language,
        read=mine,
    )
    if row.place_code:
        flow = _flow(connection, row.revision_id, catalogue)
        renderer = catalogue.main_menu.renderer(person.language or row.language)
        if flow:
            renderer = flow.localized[person.language if person.language in flow.languages else row.language].renderer
        lines.insert(0, renderer.text("mydata.place", place=row.place_code))
    return [title, *lines]


def _flow(connection: Connection, revision_id: int, catalogue: Catalogue) -> Flow | None:
    """Returns the flow of a revision; None if this version cannot read it."""
    try:
        return catalogue.revision(connection, revision_id).flow
    except UnreadableError:
        return None


def _as_stored(
    connection: Connection, revision_id: int, said: dict[str, tuple[str | None, str | None]], renderer: Renderer
) -> list[str]:
    """Returns the answers to unreadable questions, with the keys of consultation and questions."""
    lines = [revisions_by_id(connection, [revision_id])[revision_id].slug]
    for key, (value, missing) in said.items():
        shown = value if value is not None else renderer.text(MISSING_IN_SUMMARY[missing or Missing.NOT_ASKED])
        lines.append(f"{key}\n   {renderer.arrow} {shown}")
    return lines


def _in_words(
    connection: Connection,
    revision_id: int,
    spoken: str,
    said: dict[str, tuple[str | None, str | None]],
    catalogue: Catalogue,
    language: str | None,
    read: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Formats answers (JSON, or the reason for a missing one, by question) for their author, preferably in the author's
    language; `read` has the moderation state of each answer.
    """
    flow = _flow(connection, revision_id, catalogue)
    if flow is None:
        return _as_stored(connection, revision_id, said, catalogue.main_menu.renderer(language or spoken))
    answers = {key: from_json(value) for key, (value, _) in said.items() if value is not None}
    language = language if language in flow.languages else spoken
    localized = localized_flow(flow, Session(flow.code, language, "", answers=answers))
    lines = [localized.renderer.localized(flow.consultation.title)]
    for key in flow.questions:
        if key not in said:
            continue
        if key in answers:
            shown = localized.questions[key].show(answers[key])
        else:
            shown = localized.renderer.text(MISSING_IN_SUMMARY[said[key][1] or Missing.NOT_ASKED])
        lines.append(
            f"{localized.titles[key]}\n   {localized.renderer.arrow} "
            + " ".join([shown, *filter(None, [read.get(key)])])
        )
    renderer = localized.renderer
    lines.append(renderer.text("mydata.deletion", days=renderer.days(flow.consultation.retention.days)))
    return lines


def answers_in_words(connection: Connection, pseudonym: str, language: str | None, catalogue: Catalogue) -> list[str]:
    """Formats the answers of a pseudonym for their author."""
    row = sessions_of_people(connection, [pseudonym])[pseudonym]
    given = answers_of_people(connection, [pseudonym])
    said: dict[str, tuple[str | None, str | None]] = {
        answer.question_key: (answer.value, answer.missing) for answer in given
    }
    return _in_words(
        connection, row.revision_id, spoken=row.language, said=said, catalogue=catalogue, language=language
    )


def superseded_context(number: int) -> bytes:
    """Returns the value to which a superseded set of answers is bound by encryption."""
    return b"set aside %d" % number


def erase_contacts(connection: Connection, contact_ids: Sequence[int], keys: Keys, new_id: Callable[[], int]) -> None:
    """Deletes contacts with addresses, waiting messages, sessions, answers, consents, proposals and ratings.

    Attachments become orphans, and `bot.delivery.attachments.fetcher` deletes them, file and row. Call
    `mark_erased_tables` in the same transaction, and `Store.scrub` after the commit. A later message of these senders
    creates a new contact. Their addresses are also removed from memory.
    """
    every = all_consultation_ids(connection)
    pseudonyms = [keys.pseudonym(number, one) for number in contact_ids for one in every]
    erase_ratings(connection, pseudonyms)
    own = proposals_of_people(connection, pseudonyms)
    copies = lineage.copies_of_codes(connection, [row.code for row in own])
    merge_split.erase_proposals(connection, new_id, [row.id for row in (*own, *copies)])
    erase_sessions(connection, pseudonyms)
    answers.erase_consents(connection, pseudonyms)
    erase_dead_letters(connection, [door.lookup for door in addresses_of_contacts(connection, contact_ids)])
    delete_contacts(connection, contact_ids)
    keys.forget()


def contacts_without_data(
    connection: Connection, contact_ids: Sequence[int], consultation_ids: Iterable[int], keys: Keys
) -> list[int]:
    """Returns those of these contacts without answers, proposals and votes in any of these consultations."""
    every = list(consultation_ids)
    names = {keys.pseudonym(number, one): number for number in contact_ids for one in every}
    known = set(progress_of_people(connection, list(names)))
    known.update(row.pseudonym for row in proposals_of_people(connection, list(names)) if row.pseudonym)
    known.update(row.pseudonym for row in ratings_of_people(connection, list(names)))
    tied = {names[name] for name in known}
    return [number for number in contact_ids if number not in tied]


def contacts_among(contact_ids: Iterable[int], consultation_id: int, pseudonyms: Set[str], keys: Keys) -> list[int]:
    """Returns the contacts with these pseudonyms; never stored."""
    return [number for number in contact_ids if keys.pseudonym(number, consultation_id) in pseudonyms]


def contacts_by_pseudonym(
    contact_ids: Iterable[int], consultation_id: int, pseudonyms: Set[str], keys: Keys
) -> dict[str, int]:
    """Returns the contacts with these pseudonyms, by pseudonym; never stored."""
    names = ((keys.pseudonym(number, consultation_id), number) for number in contact_ids)
    return {name: number for name, number in names if name in pseudonyms}


def progress_of_contacts(
    connection: Connection, contact_ids: Sequence[int], consultation_id: int, keys: Keys
) -> dict[int, ParticipationProgress]:
    """Returns the progress of contacts that began a consultation. Computed on demand: never store it with a contact."""
    names = {keys.pseudonym(contact_id, consultation_id): contact_id for contact_id in contact_ids}
    found = progress_of_people(connection, list(names))
    return {names[pseudonym]: standing for pseudonym, standing in found.items()}


def codes_at(connection: Connection, lookup: bytes, consultation_id: int, keys: Keys) -> list[str]:
    """Returns the codes of proposals from this address in a consultation, oldest first, to show to their author."""
    known = find_addresses(connection, [lookup]).get(lookup)
    if known is None or known.contact_id is None:
        return []
    pseudonym = keys.pseudonym(known.contact_id, consultation_id)
    return [row.code for row in proposals_of_people(connection, [pseudonym]) if row.withdrawn_at is None]
