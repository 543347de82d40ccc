"""A consultation with everything a page can show, in all languages: for tests that visit every page.

Figures in sectors and groups of opinion, rated proposals with a status and a translation, a recording, a live meeting
with a result. All of it is stored as rows: it takes a second.
"""

from __future__ import annotations

import io
import json
import shutil
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from bot.authoring.dialogue_tests import record_dialogue, stored_dialogue
from bot.authoring.drafts import DraftAuthor, find_draft, save_draft
from bot.authoring.preview_run import PreviewStep, compile_preview
from bot.consultations.stored_revisions import read_revision
from bot.results.editions.renewal import renew_edition
from flows.definition import Consultation
from flows.languages import LANGUAGES
from flows.session import Session
from flows.values import Value
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.attachments import NewAttachment, insert_attachments
from storage.tables.dialogue_tests import replace_dialogue_test
from storage.tables.entry_places import EntryPlace, insert_entry_place
from storage.tables.moderation import NewModeration, NewProposalText, insert_moderations, upsert_translations
from storage.tables.proposals import (
    NewProposalStatus,
    ProposalRelease,
    add_statuses,
    insert_proposals,
    release_proposals,
)
from storage.tables.ratings import NewRatingEvent, store_votes
from storage.tables.revisions import PublishedRevision, find_live_revision
from storage.tables.rooms import StoredRoom, insert_rooms
from storage.tables.sessions import StoredSession
from storage.tables.staff import StaffMember, insert_staff
from tests.support.app import publish
from tests.support.houses import media_of
from tests.support.rows import answer, new_id, proposal, pseudonym, stored_session

DATABASE: Final = "mitsprache.db"
SLUG: Final = "park"
IDEA: Final = "P-1111-1111"
ROOM: Final = "K7M2PX"
MEMBER: Final = 4711
"""A member of the staff."""
PLACE: Final = "BIB7"
CHANGED: Final = "Licht im Park am Abend?"
"""The first question in a draft of the next version."""
RUN: Final = "Erste Frage"
"""A run that must go on working."""
RECORDING: Final = f"{'a' * 64}.wav"
PEOPLE: Final = 40
NOW: Final = datetime.now(UTC)
LAMPS: Final = {
    "key": "lamps",
    "type": "choice",
    "text": dict.fromkeys(LANGUAGES, "Licht im Park?"),
    "audio": {"de": RECORDING},
    "options": [{"value": it, "label": dict.fromkeys(LANGUAGES, it.title())} for it in ("ja", "nein", "egal")],
}
"""The first question: read aloud by a recording in German."""


@contextmanager
def copy_of(folder: Path, to: Path) -> Iterator[Store]:
    """The store of a copy of such a data folder."""
    shutil.copytree(folder, to / "data")
    opened = Store(f"sqlite:///{to / 'data' / DATABASE}")
    yield opened
    opened.dispose()


def publish_sample(store: Store, sample: Path, data: Path) -> None:
    """Publishes the questions of a sample that has all languages as a real consultation, after `LAMPS`; its recording
    lies in the data folder. There are no answers yet. `sample` is a database with the samples.
    """
    samples = Store(f"sqlite:///{sample}")
    with samples.reading() as connection:
        found = find_live_revision(connection, "kiez-ideen")
    samples.dispose()
    assert found is not None
    content: dict[str, Any] = json.loads(found.content)
    questions = [LAMPS, *content["questions"]]
    changes = {"slug": SLUG, "sample": False, "keywords": [], "questions": questions}
    publish(store, Consultation.model_validate(content | changes))
    shutil.copytree(media_of(sample), media_of(data / DATABASE))
    (data / "media" / RECORDING).write_bytes(_silence())
    with store.begin() as connection:
        insert_staff(connection, [StaffMember(MEMBER, "Cem B.", "facilitator", bytes(32), NOW)])
        park = _live(connection).consultation_id
        insert_rooms(connection, [StoredRoom(new_id(), ROOM, park, "", False, NOW)])
        insert_entry_place(connection, EntryPlace(park, PLACE, "Bibliothek am Tor", NOW))
        _begin_changes(connection)


def _begin_changes(connection: Connection) -> None:
    """A member changes a question, and recorded a run through the old one."""
    draft = find_draft(connection, SLUG)
    assert draft is not None
    text = draft.text.replace("Licht im Park?", CHANGED, 1)
    save_draft(connection, draft.consultation_id, draft.version, text, DraftAuthor("Cem B.", NOW))
    consultation = read_revision(_live(connection))
    assert consultation is not None
    test = record_dialogue(RUN, compile_preview(consultation), "de", [PreviewStep("ja")], overheard=False)
    replace_dialogue_test(connection, stored_dialogue(test, draft.consultation_id, "Cem B.", NOW))


def seed(store: Store) -> None:
    """Forty people have answered, half of them in the live meeting, and rated twelve proposals; figures are made."""
    with store.begin() as connection:
        revision = _live(connection)
        _add_answers(connection, revision)
        _add_proposals(connection, revision.consultation_id)
        connection.exec_driver_sql("UPDATE rooms SET at = 'lamps', shows_results = true")
    renew_edition(store, SLUG)


def _add_answers(connection: Connection, revision: PublishedRevision) -> None:
    answers = []
    for number in range(PEOPLE):
        camp = number % 4 > 0
        given: dict[str, Value] = {
            "lamps": ("ja", "nein", "egal")[number % 3],
            "district": f"0{1 + number % 3}",
            "first": ["shade", "school_ways", "meeting"] if camp else ["meeting", "shade"],
            "fund": {"festival": 3, "beds": 2} if camp else {"homework": 5},
        }
        state = Session(SLUG, "de", "R", answers=given, status="completed", submitted=True).to_json()
        done = {"state": state, "waiting_key": None, "status": "completed", "ended_at": NOW}
        mine = stored_session(connection, revision, number, place_code=f"room-{ROOM}" if number % 2 else None, **done)
        answers += [answer(mine, key, json.dumps(value)) for key, value in given.items()]
    upsert_answers(connection, answers)
    insert_attachments(connection, [_picture(mine)])


def _picture(session: StoredSession) -> NewAttachment:
    """A picture beside the answer to the first question, which is still to be fetched."""
    return NewAttachment(
        id=new_id(),
        session_id=session.id,
        question_key="lamps",
        kind="picture",
        channel="telegram",
        handle=b"handle",
        file="a" * 32,
        due_at=NOW + timedelta(days=3650),
        at=NOW,
    )


def _add_proposals(connection: Connection, consultation_id: int) -> None:
    texts = [
        "Mehr Bänke am Wasser, mit Lehne und Schatten.",
        "ازرعوا المزيد من الأشجار",
        *map("Idee {}".format, range(10)),
    ]
    ideas = [
        proposal(consultation_id, 1000 + number, IDEA if not number else f"P-{number:04}-0000", text=text)
        for number, text in enumerate(texts)
    ]
    ideas[1] = ideas[1]._replace(language="ar")
    insert_proposals(connection, ideas)
    insert_moderations(connection, [NewModeration(it.id, "released", [], None, None, NOW) for it in ideas])
    release_proposals(connection, [ProposalRelease(it.id, NOW) for it in ideas])
    add_statuses(
        connection,
        [
            NewProposalStatus(
                new_id(), ideas[0].id, "accepted", {"de": "Passt."}, "Bezirksamt", "https://example.org", NOW
            )
        ],
    )
    upsert_translations(
        connection, [NewProposalText(ideas[1].id, "de", None, "Pflanzt mehr Bäume", "Ayşe", False, NOW)]
    )
    votes = [
        # Two camps: three in four and the rest, who disagree about every second proposal.
        NewRatingEvent(new_id(), idea.id, pseudonym(person), 1 if place % 2 or person % 4 else -1, False, NOW)
        for person in range(PEOPLE)
        for place, idea in enumerate(ideas)
        if (person + place) % 5
    ]
    store_votes(connection, votes)


def _live(connection: Connection) -> PublishedRevision:
    found = find_live_revision(connection, SLUG)
    assert found is not None
    return found


def _silence() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(1600))
    return file.getvalue()
