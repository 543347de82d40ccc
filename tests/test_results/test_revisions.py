"""Figures over revisions: every answer is counted as what it was when it was given."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli import results
from bot.common.i18n.locale import Locale
from bot.consultations.catalogue import Catalogue
from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from bot.proposals import publication
from bot.results import published, text_output, vote_loader
from bot.results.ballots import BudgetOutcome
from bot.results.live_results import MeetingQuestion
from flows.session import Session
from flows.values import Value
from storage.core.store import Store
from storage.tables.answers import NewAnswer, upsert_answers
from storage.tables.revisions import find_live_revision
from storage.tables.rooms import StoredRoom, insert_rooms
from storage.tables.sessions import (
    SessionRenewal,
    SessionStep,
    erase_sessions,
    insert_sessions,
    renew_sessions,
    session_ids_of,
    sessions_by_id,
    sessions_of_people,
    step_sessions,
)
from tests.support.revision_history import history

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
Question = dict[str, Any]


def text(german: str) -> dict[str, str]:
    return {"de": german, "en": f"{german} (en)"}


def choice(labels: dict[str, str], **more: Any) -> Question:
    options = [{"value": value, "label": text(label)} for value, label in labels.items()]
    return {"key": "way", "type": "choice", "text": text("Wie?"), "options": options} | more


def scale(low: int, high: int, **more: Any) -> Question:
    ends = {"min_label": text("schlecht"), "max_label": text("gut")}
    return {"key": "way", "type": "scale", "text": text("Wie gut?"), "min": low, "max": high} | ends | more


def counts(store: Store) -> dict[str, dict[str, int | None]]:
    """Variable → cell → number, as `results --inner --json` tells them."""
    with store.reading() as connection:
        found = results.as_data(published.preview_results(connection, "park", is_inner=True))["questions"]
    return {name: it["counts"] for name, it in found.items()}


def told(store: Store, *kinds: str) -> dict[str, dict[str, int | None]]:
    """The same without the reasons for no answer, and without unused answers."""
    return {
        name: {cell: n for cell, n in cells.items() if n != 0 and not cell.startswith("missing.")}
        for name, cells in counts(store).items()
    }


def lines(store: Store, language: str = "de") -> list[str]:
    with store.reading() as connection:
        return list(text_output.result_lines(published.preview_results(connection, "park"), Locale.of(language)))


def exported(store: Store, folder: Path, profile: str, name: str) -> list[dict[str, str]]:
    out = folder / profile
    if not out.exists():
        package.write_export(store, ExportRequest("park", out, profile, UTC), NOW)
    with (out / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


AB = {"a": "Rot", "b": "Blau"}


def test_one_of_a_choice_is_one_of_several(store):
    history(store, ([choice(AB)], [{"way": "a"}] * 18), ([choice(AB, type="choices")], [{"way": ["a", "b"]}] * 7))
    assert told(store) == {"way": {"answered": 25, "chosen.a": 25, "chosen.b": 7}}
    assert "  Rot: 25, 100 % (87 – 100 %)" in lines(store)


def test_choice_answers_count_under_a_newer_choices_revision(store):
    history(store, ([choice(AB)], [{"way": "a"}] * 18), ([choice(AB, type="choices")], []))
    assert told(store) == {"way": {"answered": 18, "chosen.a": 18}}


def test_the_same_number_of_another_scale_is_another_answer(store, tmp_path):
    history(store, ([scale(1, 5)], [{"way": 5}] * 26), ([scale(0, 10)], [{"way": 5}] * 27))
    assert told(store) == {"way": {"option.5": 27}, "way.1": {"option.5": 26}}
    said = lines(store)
    assert "Wie gut? (so gefragt in Fassung 1)" in said
    assert "  5 – gut: 26, 100 % (87 – 100 %)" in said
    assert "  5: 27, 100 % (88 – 100 %)" in said
    wide = exported(store, tmp_path, "raw", "answers_wide.csv")
    assert [(row["way"], row["way.1"]) for row in wide] == [("not_asked", "5")] * 26 + [("5", "not_asked")] * 27
    long = exported(store, tmp_path, "raw", "answers_long.csv")
    assert {row["variable"] for row in long if row["value"] and row["revision"] == "1"} == {"way.1"}
    rows = [row for row in exported(store, tmp_path, "public", "counts.csv") if row["code"] == "5"]
    assert [(row["question_key"], row["n"], row["label"], row["revisions"]) for row in rows] == [
        ("way", "27", "5", "2"),
        ("way.1", "26", "5 – gut", "1"),
    ]


def test_a_scale_that_comes_back_is_the_same(store):
    history(
        store,
        ([scale(1, 5)], [{"way": 5}] * 6),
        ([scale(0, 10)], [{"way": 5}] * 7),
        ([scale(1, 5)], [{"way": 4}] * 8),
    )
    with store.reading() as connection:  # revision 1 is live again, and no third one is made
        assert len(published.preview_results(connection, "park").subject.revisions) == 2
    history(store, ([scale(1, 5, hint=text("Bitte wählen"))], [{"way": 4}] * 9))
    assert told(store)["way"] == {"option.5": 6, "option.4": 17}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (scale(1, 5), scale(1, 5, min_label=text("gut"), max_label=text("schlecht"))),
        (scale(1, 5), scale(1, 5, max_label=text("hervorragend"))),
        (
            {"key": "way", "type": "consent", "text": text("Dürfen wir das speichern?")},
            {"key": "way", "type": "consent", "text": text("Dürfen wir das weitergeben?")},
        ),
        (choice(AB), choice({"a": "Blau", "b": "Rot"})),
        (choice(AB), choice({"a": "Grün", "b": "Rot"})),
        (choice({"a": "< 5 km", "b": "> 5 km"}), choice({"a": "> 5 km", "b": "< 5 km"})),
        (choice(AB, type="rank"), choice(AB, type="rank", options=choice({"a": "Blau", "b": "Rot"})["options"])),
        (
            choice(AB, type="points", budget=10),
            choice(AB, type="points", budget=100),
        ),
        ({"key": "way", "type": "number", "text": text("Wie weit?"), "max": 10}, scale(1, 5)),
        (
            {"key": "way", "type": "number", "text": text("Wie weit?"), "unit": text("km")},
            {"key": "way", "type": "number", "text": text("Wie weit?"), "unit": text("m")},
        ),
    ],
)
def test_what_means_something_else_is_a_variable_of_its_own(store, one, other):
    given: dict[str, Value] = {
        "scale": 5,
        "consent": True,
        "choice": "a",
        "rank": ["a", "b"],
        "points": {"a": 3},
        "number": 5,
    }
    said = [[{"way": given[it["type"]]}] * number for it, number in ((one, 6), (other, 7))]
    history(store, ([one], said[0]), ([other], said[1]))
    found = counts(store)
    assert set(found) == {"way", "way.1"}
    for name, here, elsewhere in (("way", 7, 6), ("way.1", 6, 7)):
        cells = found[name]
        assert sum(cells[it] or 0 for it in cells if it.startswith(("option.", "answered"))) == here
        assert cells["missing.not_asked"] == elsewhere


@pytest.mark.parametrize(
    "other",
    [
        choice({"a": "rot!", "b": " BLAU"}),
        choice({**AB, "c": "Gelb"}),
        choice({"a": "Rot"} | {"c": "Gelb"}),
        choice({"a": "Rötlich", "b": "Blau"}),
        choice(AB, text=text("Welche Farbe?")),
        choice(AB, skip=False, dont_know=False),
        choice(AB, options=[{"value": "a", "label": {"de": "Rot", "en": "Red"}}, choice(AB)["options"][1]]),
    ],
)
def test_what_means_the_same_is_counted_together(store, other):
    history(store, ([choice(AB)], [{"way": "a"}] * 18 + [{"way": "b"}] * 9), ([other], [{"way": "a"}] * 7))
    assert told(store) == {"way": {"option.a": 25, "option.b": 9}}


def test_a_removed_option_keeps_its_name(store, tmp_path):
    history(store, ([choice(AB)], [{"way": "b"}] * 9), ([choice({"a": "Rot", "c": "Gelb"})], [{"way": "c"}] * 7))
    assert "  Blau: 9, 56 % (33 – 77 %)" in lines(store)
    book = exported(store, tmp_path, "public", "codebook.csv")
    assert [(row["code"], row["revisions"], row["label_de"]) for row in book if row["entry"] == "code"] == [
        ("a", "1 2", "Rot"),
        ("c", "2", "Gelb"),
        ("b", "1", "Blau"),
    ]


def test_an_order_still_tells_what_was_removed(store):
    before = choice({**AB, "c": "Gelb"}, type="rank", min=1)
    after = choice({"a": "Rot", "c": "Gelb"}, type="rank", min=1)
    history(store, ([before], [{"way": ["b", "a"]}] * 9), ([after], [{"way": ["a", "c"]}] * 3))
    assert [line for line in lines(store) if line[:5] in {"  1. ", "  2. ", "  3. "}] == [
        "  1. Blau",
        "  2. Rot",
        "  3. Gelb",
    ]


def test_a_label_that_was_replaced_is_told_with_the_one_before(store, tmp_path):
    history(
        store,
        ([choice(AB)], [{"way": "a"}] * 18),
        ([choice({"a": "Rötlich", "b": "Blau."})], [{"way": "a"}] * 7),
    )
    said = lines(store)
    assert "  Rötlich (früher: „Rot“): 25, 100 % (87 – 100 %)" in said
    assert any(line.startswith("  Blau.: 0") for line in said), "punctuation is no other name"
    book = exported(store, tmp_path, "analysis", "codebook.csv")
    assert [(row["code"], row["revisions"], row["label_de"]) for row in book if row["code"] == "a"] == [
        ("a", "2", "Rötlich"),
        ("a", "1", "Rot"),
    ]


def test_swapped_labels_are_told_as_they_were_given(store, tmp_path):
    history(
        store,
        ([choice(AB)], [{"way": "a"}] * 18 + [{"way": "b"}] * 6),
        ([choice({"a": "Blau", "b": "Rot"})], [{"way": "a"}] * 27),
    )
    said = lines(store)
    newest, earlier = said.index("Wie?"), said.index("Wie? (so gefragt in Fassung 1)")
    assert [line.partition(",")[0] for line in said[newest + 2 : newest + 4]] == ["  Blau: 27", "  Rot: 0"]
    assert [line.partition(",")[0] for line in said[earlier + 2 : earlier + 4]] == ["  Rot: 18", "  Blau: 6"]
    book = [row for row in exported(store, tmp_path, "raw", "codebook.csv") if row["entry"] == "code"]
    assert [(row["variable"], row["question_key"], row["code"], row["label_de"], row["revisions"]) for row in book] == [
        ("way", "way", "a", "Blau", "2"),
        ("way", "way", "b", "Rot", "2"),
        ("way.1", "way", "a", "Rot", "1"),
        ("way.1", "way", "b", "Blau", "1"),
    ]


def test_three_revisions_of_which_two_swap(store):
    """A third one that would fit both does not bring them together."""
    history(
        store,
        ([choice(AB)], [{"way": "a"}] * 6),
        ([choice({"a": "Blau", "b": "Rot"})], [{"way": "a"}] * 7),
        ([choice({"c": "Gelb", "d": "Lila"})], [{"way": "c"}] * 8),
    )
    assert told(store) == {"way": {"option.a": 7, "option.c": 8}, "way.1": {"option.a": 6}}


def test_a_question_text_that_changed_is_described_in_both_ways(store, tmp_path):
    history(store, ([choice(AB)], [{"way": "a"}] * 6), ([choice(AB, text=text("Und nun?"))], [{"way": "a"}] * 7))
    book = exported(store, tmp_path, "public", "codebook.csv")
    assert [(row["label_de"], row["revisions"]) for row in book if row["entry"] == "question"] == [
        ("Und nun?", "2"),
        ("Wie?", "1"),
    ]


def test_sectors_are_what_was_declared_as_sectors(store):
    """Answers under the same key that were none name no sector."""
    sectors = {"key": "way", "type": "sectors", "text": text("Wo?")}
    words = {"key": "way", "type": "text", "text": text("Wo?")}
    history(store, ([words], [{"way": "Erika"}] * 6), ([sectors], [{"way": ["science"]}] * 7))
    with store.reading() as connection:
        declared = vote_loader.load_sectors(connection, published.preview_results(connection, "park").subject)
    assert {name: len(people) for name, people in declared.items()} == {
        "administration": 0,
        "business": 0,
        "civil_society": 0,
        "residents": 0,
        "science": 7,
    }


def test_a_budget_buys_nothing_that_was_removed(store):
    def fund(*costs: tuple[str, int]) -> Question:
        options = [{"value": it, "label": text(it.title()), "cost": cost} for it, cost in costs]
        return {"key": "way", "type": "points", "text": text("Was?"), "budget": 100, "options": options}

    before, after = fund(("road", 60), ("park", 50), ("tram", 90)), fund(("road", 60), ("park", 50))
    history(store, ([before], [{"way": {"tram": 90}}] * 9), ([after], [{"way": {"park": 50}}] * 6))
    with store.reading() as connection:
        spread = published.preview_results(connection, "park").outcomes["way"]
    assert isinstance(spread, BudgetOutcome)
    assert {share.option: share.people for share in spread.shares} == {"tram": 9, "park": 6, "road": 0}
    assert [spending.projects for spending in spread.spendings] == [("park",), ("park",)]


def test_repeated_answer_belongs_to_the_newer_revision(store):
    """An older program left the row of the first answer as it was; the session knows."""
    history(store, ([choice(AB)], [{"way": "a"}] * 6), ([choice({"a": "Blau", "b": "Rot"})], []))
    with store.begin() as connection:
        newest = find_live_revision(connection, "park")
        assert newest is not None
        rows = list(sessions_by_id(connection, list(session_ids_of(connection, newest.consultation_id))).values())
        renew_sessions(connection, [SessionRenewal(row.id, newest.id) for row in rows])
    assert told(store) == {"way": {"option.a": 6}, "way.1": {}}
    with store.begin() as connection:
        begun_anew = Session("ABCDEF", "de", "R", at="way").to_json()
        steps = [SessionStep(row.id, begun_anew, row.channel, row.language, NOW) for row in rows]
        step_sessions(connection, steps)
    assert told(store) == {"way": {}, "way.1": {"option.a": 6}}, "not answered anew"


def test_a_meeting_counts_what_was_answered_to_its_question(store):
    people = history(store, ([scale(1, 5)], [{"way": 5}] * 6), ([scale(0, 10)], [{"way": 5}] * 27))
    room = StoredRoom(1, "ABC234", 0, "way", True, NOW)
    with store.begin() as connection:
        newest = find_live_revision(connection, "park")
        assert newest is not None
        found = sessions_of_people(connection, people)
        erase_sessions(connection, people)
        rows = [row._replace(place_code="room-ABC234") for row in found.values()]
        insert_sessions(connection, rows)
        about = ("5", None, False, NOW, "test", "de")
        upsert_answers(
            connection,
            [NewAnswer(row.id, "way", row.consultation_id, row.revision_id, *about, "self") for row in rows],
        )
        here = room._replace(consultation_id=newest.consultation_id)
        flow = Catalogue().revision(connection, newest.id).flow
        insert_rooms(connection, [here])
        shown = publication.refresh_meeting_picture(connection, MeetingQuestion(here, newest, flow, {"way": ["5"]}, 5))
    assert (shown.at_least, shown.answered, shown.values) == (20, 27, {"5": 27})
