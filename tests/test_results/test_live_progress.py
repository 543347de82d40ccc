"""The funnel that staff watches: what it counts, and what it rounds or merges."""

from __future__ import annotations

from typing import Any

from bot.results.live_progress import load_live_progress, question_progress
from bot.web.consultation_cache import ConsultationCache
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.entry_places import EntryPlace, insert_entry_place
from storage.tables.live_counts import AnswerDurationCount
from storage.tables.participations import Tally
from storage.tables.revisions import find_live_revision
from tests.support.app import consultation
from tests.support.ideas import open_consultation
from tests.support.rows import NOW, answer, stored_session

YES_NO = [{"value": it, "label": {"de": it, "en": it}} for it in ("yes", "no")]
ASK_IF = {"equal": {"question": "lamps", "value": "no"}}
ASKED: list[dict[str, Any]] = [
    {"key": "lamps", "type": "choice", "text": {"de": "Licht?", "en": "Light?"}, "options": YES_NO},
    {"key": "why", "type": "text", "text": {"de": "Warum?", "en": "Why?"}, "ask_if": ASK_IF},
    {"key": "end", "type": "choice", "text": {"de": "Fertig?", "en": "Done?"}, "options": YES_NO},
]


def test_the_funnel_rounds_what_depends_on_answers():
    counts = [
        AnswerDurationCount("lamps", 15, 18),
        AnswerDurationCount("lamps", None, 2),
        AnswerDurationCount("why", 60, 13),
        AnswerDurationCount("end", 5, 4),
        AnswerDurationCount("end", 30, 9),
    ]
    lamps, why, end = question_progress(consultation(questions=ASKED), counts, Tally(23, 20, 13))
    assert (lamps.answered, lamps.left, lamps.seconds, lamps.is_protected) == (20, 3, 15, False)
    assert (why.answered, why.left, why.seconds, why.is_protected) == (10, 0, 60, True)
    assert (end.answered, end.left, end.seconds, end.is_protected) == (13, 7, 30, False)


def test_who_skips_a_question_does_not_stop_there():
    skipped = [{**it, "ask_if": None} for it in ASKED]
    counts = [AnswerDurationCount("lamps", 15, 20), AnswerDurationCount("end", 5, 14)]
    lamps, why, end = question_progress(consultation(questions=skipped), counts, Tally(23, 20, 16))
    assert [it.answered for it in (lamps, why, end)] == [20, 0, 14]
    assert [it.left for it in (lamps, why, end)] == [3, 4, 0], (
        "four went no further than the lamps; two skipped the end"
    )


async def test_small_groups_are_merged(store: Store) -> None:
    open_consultation(store)
    with store.begin() as connection:
        revision = find_live_revision(connection, "park")
        assert revision
        insert_entry_place(connection, EntryPlace(revision.consultation_id, "BIB7", "Bibliothek", NOW))
        codes = ["bib7"] * 7 + ["BIB7"] * 2 + ["JUG2"] * 3 + [None] * 9
        for number, code in enumerate(codes):
            language = "tr" if number == 0 else "de"
            mine = stored_session(connection, revision, number, place_code=code, language=language, channel="web")
            upsert_answers(connection, [answer(mine, "lamps", "true")])
    cache = ConsultationCache(store)
    await cache.refresh()
    published = cache.find_any("park")
    assert published
    with store.reading() as connection:
        found = load_live_progress(connection, revision.consultation_id, "park", published.consultation)
    assert found.tally.begun == 21
    assert found.undelivered == 0
    assert (dict(found.channels.sizes), found.channels.merged) == ({}, 21), "a rest of one is nobody's number"
    assert found.places.sizes.keys() <= {("Bibliothek",), ("",)}
    assert found.places.merged >= 5
    assert sum(found.places.sizes.values()) + found.places.merged == 21
