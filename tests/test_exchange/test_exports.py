"""`export`: what stands in the files, and what does not."""

from __future__ import annotations

import csv
import filecmp
import gc
import io
import json
import sys
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from bot.cli import exporting
from bot.common.errors import CommandError
from bot.exchange.exports import package
from bot.exchange.exports.metadata import PROFILES
from bot.exchange.exports.package import ExportRequest
from bot.exchange.exports.tables import LONG
from bot.settings import Settings
from flows.messages import MsgIn
from storage.core.base import table_of
from storage.core.store import Store
from storage.tables.answers import AnswerRow
from storage.tables.consultations import set_consultation_state
from storage.tables.editions import EditionRow
from storage.tables.revisions import find_live_revision, list_live_revisions
from storage.tables.sessions import session_ids_of
from tests.support.app import consultation, publish, running, say
from tests.support.data_package import package_errors

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SAID_AT = datetime(2026, 11, 1, 23, tzinfo=UTC)  # in Berlin it is already Monday: the next week
BERLIN = ZoneInfo("Europe/Berlin")
Row = dict[str, str]
Question = dict[str, Any]


def said_at_night(store: Store) -> None:
    """The app goes by its own clock; here by this one."""
    with store.begin() as connection:
        connection.execute(update(table_of(AnswerRow)).values(answered_at=SAID_AT))


def text(german: str) -> dict[str, str]:
    return {"de": german, "en": f"{german} (en)"}


def options(*values: str) -> list[dict[str, Any]]:
    return [{"value": value, "label": text(value.title())} for value in values]


LAMPS: Question = {"key": "lamps", "type": "choice", "text": text("Licht?"), "options": options("ja", "nein", "egal")}
WISHES: Question = {
    "key": "wishes",
    "type": "choices",
    "min": 0,
    "text": text("Was?"),
    "options": options("baum", "bank"),
}
ORDER: Question = {
    "key": "first",
    "type": "rank",
    "min": 1,
    "text": text("Zuerst?"),
    "options": options("baum", "bank"),
}
FUND: Question = {
    "key": "fund",
    "type": "points",
    "budget": 5,
    "text": text("Wie viel?"),
    "options": options("a1", "b2"),
}
FAR: Question = {"key": "far", "type": "number", "decimals": 1, "text": text("Wie weit?")}
WORDS: Question = {"key": "words", "type": "text", "text": text("Worte?")}
DISTRICT: Question = {"key": "district", "type": "district", "text": text("Bezirk?")}
WHY: Question = {**WORDS, "key": "why", "ask_if": {"equal": {"question": "lamps", "value": "nein"}}}
ALL = [LAMPS, WHY, WISHES, FAR, WORDS]


@pytest.fixture
def opened(database) -> Iterator[Callable[[], Store]]:
    """Opens the database as often as wanted: an app closes its store when it stops."""
    stores: list[Store] = []

    def open_() -> Store:
        stores.append(Store(database.url))
        return stores[-1]

    yield open_
    for store in stores:
        store.dispose()


async def chat(store: Store, *people: tuple[str, ...], slug: str = "park", channel: str = "test") -> None:
    """All people send their lines, in German, at the same time."""
    async with running(store) as (app, _):
        for number, lines in enumerate(people):
            address = f"{channel}{number}"
            said = (f"/start {slug}", "Deutsch", *lines)
            msgs = [MsgIn("test", address, f"{address}/{n}/{slug}", SAID_AT, line) for n, line in enumerate(said)]
            await say(app, *msgs)


def export(store: Store, out: Path, profile: str = "raw", **more: Any) -> int:
    return package.write_export(store, ExportRequest("park", out, profile, BERLIN, **more), NOW)


def read(path: Path, name: str) -> list[Row]:
    with (path / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def content_of(path: Path) -> str:
    """All that a file says; of a workbook what its sheets say."""
    if path.suffix != ".xlsx":
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as packed:
        return "".join(packed.read(name).decode("utf-8") for name in packed.namelist())


def cells(path: Path) -> dict[tuple[str, ...], str]:
    """counts.csv by table or question, kind and code; "" where suppressed."""
    return {
        (row["question_key"] or row["table"], row["kind"], row["code"]): row["n"] for row in read(path, "counts.csv")
    }


# --- what people said comes out as they said it ---

WILD = [
    "=1+1",
    "+49",
    "-5",
    "@alle",
    'sie sagte "gut", dann; ging sie',
    "eine Zeile\nund noch eine",
    "مرحبا بكم 👩‍👩‍👧",
    "skipped",
    "' ein Apostroph",
    "a\tb",
]


async def test_every_text_comes_out_as_it_went_in(opened, tmp_path):
    publish(opened(), consultation(questions=[WORDS]))
    await chat(opened(), *((words,) for words in WILD))
    export(opened(), tmp_path / "raw")
    assert [row["text"] for row in read(tmp_path / "raw", "answers_long.csv")] == WILD
    wide = read(tmp_path / "raw", "answers_wide.csv")
    assert [row["words"] for row in wide] == WILD
    assert {row["words.missing"] for row in wide} == {""}, "a text that reads like a missing code is none"


async def test_a_double_click_keeps_zeros_and_texts_like_dates(opened, tmp_path):
    """As Excel reads a file: these cells would become 1, 7, a date, a number of fewer digits."""
    changed = [
        "01",
        "007",
        "1-2",
        "1/2",
        "01.02.2027",
        "3 Mai",
        "Mär 7",
        "12e5",
        "1234567890123456",
        "7:30",
        "+49 30 1",
    ]
    kept = ["12", "1,5", "2027-03-31", "3 Bäume", "10178 Berlin", "skipped", "0", "im Mai 2027"]
    publish(opened(), consultation(questions=[WORDS, DISTRICT]))
    await chat(opened(), *((words, "Mitte") for words in (*changed, *kept)))
    export(opened(), tmp_path / "raw")
    data = (tmp_path / "raw" / "answers_wide_excel.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(data, newline=""), delimiter=";"))
    assert [row["words"] for row in rows] == [*(f"'{words}" for words in changed), *kept]
    assert {row["district"] for row in rows} == {"'01"}
    assert {row["district"] for row in read(tmp_path / "raw", "answers_wide.csv")} == {"01"}
    guide = (tmp_path / "raw" / "LIESMICH.txt").read_text(encoding="utf-8")
    assert guide.count('colClasses = "character"') == guide.count("dtype=str") == 2, "in German and English"


async def test_only_the_excel_file_guards_against_formulas(opened, tmp_path):
    publish(opened(), consultation(questions=[WORDS, FAR]))
    await chat(opened(), *((words, "-2,5") for words in WILD))
    export(opened(), tmp_path / "raw")
    data = (tmp_path / "raw" / "answers_wide_excel.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert [row["words"] for row in rows] == [f"'{words}" if words[0] in "=+-@" else words for words in WILD]
    assert {row["far"] for row in rows} == {"-2,5"}, "a number is no formula"
    assert {row["far"] for row in read(tmp_path / "raw", "answers_wide.csv")} == {"-2.5"}


# --- rows and columns ---


async def test_long_and_wide_rows(opened, tmp_path):
    publish(opened(), consultation(questions=ALL))
    await chat(opened(), ("nein", "zu dunkel", "1 und 2", "fertig", "1,5 km", "danke", "absenden"))
    said_at_night(opened())
    assert export(opened(), tmp_path / "raw") == 1
    long = read(tmp_path / "raw", "answers_long.csv")
    assert tuple(long[0]) == LONG
    shown = [tuple(row[name] for name in LONG[3:9]) for row in long]
    assert shown == [
        ("lamps", "choice", "nein", "Nein", "", ""),
        ("why", "text", "", "", "", "zu dunkel"),
        ("wishes", "choices", "baum", "Baum", "", ""),
        ("wishes", "choices", "bank", "Bank", "", ""),
        ("far", "number", "", "", "1.5", ""),
        ("words", "text", "", "", "", "danke"),
    ]
    assert {row["answered_at"] for row in long} == {"2026-11-01T23:00:00Z"}
    assert {(row["withheld"], row["missing"], row["version"]) for row in long} == {("0", "", "1")}
    [wide] = read(tmp_path / "raw", "answers_wide.csv")
    assert wide["response_id"] == long[0]["response_id"]
    assert len(wide["response_id"]) == 32
    assert (wide["status"], wide["language"], wide["mode"]) == ("completed", "de", "self")
    assert (wide["wishes"], wide["wishes.baum"], wide["wishes.bank"]) == ("baum bank", "1", "1")
    assert (wide["lamps"], wide["why"], wide["far"], wide["words"]) == ("nein", "zu dunkel", "1.5", "danke")


async def test_the_five_missing_codes_can_be_told_apart(opened, tmp_path):
    publish(opened(), consultation(questions=[LAMPS | {"refuse": True}, WHY, WISHES, FAR, WORDS]))
    await chat(
        opened(),
        ("ja", "überspringen", "weiß nicht", "danke", "absenden"),
        ("möchte ich nicht sagen", "fertig"),
        ("nein",),
        (),
        ("nein", "stopp"),
    )
    export(opened(), tmp_path / "raw")
    wide = read(tmp_path / "raw", "answers_wide.csv")
    keys = ("lamps", "why", "wishes", "far", "words")
    assert [tuple(row[key] for key in keys) for row in wide] == [
        ("ja", "not_asked", "skipped", "dont_know", "danke"),
        ("refused", "not_asked", "", "interrupted", "interrupted"),
        ("nein", "interrupted", "interrupted", "interrupted", "interrupted"),
        ("interrupted", "not_asked", "interrupted", "interrupted", "interrupted"),
        ("nein", "interrupted", "interrupted", "interrupted", "interrupted"),
    ]
    assert [row["status"] for row in wide] == ["completed", "waiting", "waiting", "waiting", "interrupted"]
    assert [row["wishes.baum"] for row in wide] == ["", "0", "", "", ""], "nothing chosen is no missing answer"
    assert [row["words.missing"] for row in wide][:2] == ["", "interrupted"]
    long = read(tmp_path / "raw", "answers_long.csv")
    assert len(long) == 25, "the person who only looked is there too"
    assert [row["missing"] for row in long[:5]] == ["", "not_asked", "skipped", "dont_know", ""]


async def test_names_of_columns_never_meet(opened, tmp_path):
    keys = ("language", "status", "a", "a_missing")
    questions = [{**WORDS, "key": key} for key in keys] + [{**WISHES, "key": "w"}, {**LAMPS, "key": "w_baum"}]
    publish(opened(), consultation(questions=questions))
    export(opened(), tmp_path / "raw")
    with (tmp_path / "raw" / "answers_wide.csv").open(encoding="utf-8") as file:
        head = next(csv.reader(file))
    assert len(head) == len(set(head))
    assert {"language", "q.language", "status", "q.status", "a.missing", "a_missing", "w.baum", "w_baum"} <= set(head)
    variables = {(row["variable"], row["question_key"]) for row in read(tmp_path / "raw", "codebook.csv")}
    assert ("q.language", "language") in variables
    assert {name for name, _ in variables} >= set(head), "every column stands in the codebook"


async def test_revisions_stand_side_by_side(opened, tmp_path):
    older = {**LAMPS, "options": options("ja", "nein", "vielleicht")}
    publish(opened(), consultation(questions=[older, FAR]))
    await chat(opened(), ("vielleicht", "3", "absenden"))
    publish(opened(), consultation(questions=[WORDS, LAMPS]))
    await chat(opened(), ("neu", "egal", "absenden"), channel="later")
    export(opened(), tmp_path / "raw")
    first, second = read(tmp_path / "raw", "answers_wide.csv")
    assert (first["revision"], first["lamps"], first["far"], first["words"]) == ("1", "vielleicht", "3", "not_asked")
    assert (second["revision"], second["lamps"], second["far"], second["words"]) == ("2", "egal", "not_asked", "neu")
    codes = [row for row in read(tmp_path / "raw", "codebook.csv") if row["question_key"] == "lamps"]
    assert [row["code"] for row in codes] == ["", "ja", "nein", "egal", "vielleicht"]
    assert codes[0]["revisions"] == "1 2"
    [label] = {
        row["option_label"] for row in read(tmp_path / "raw", "answers_long.csv") if row["option_code"] == "egal"
    }
    assert label == "Egal"


async def test_a_question_that_changed_its_type_breaks_nothing(opened, tmp_path):
    publish(opened(), consultation(questions=[{**WORDS, "key": "x"}]))
    await chat(opened(), ("Dunkelheit", "absenden"))
    publish(opened(), consultation(questions=[{**WISHES, "key": "x"}]))
    await chat(opened(), ("1", "fertig", "absenden"), channel="later")
    export(opened(), tmp_path / "raw")
    columns = ("x", "x.baum", "x.1", "x.1.missing")
    assert [tuple(row[it] for it in columns) for row in read(tmp_path / "raw", "answers_wide.csv")] == [
        ("not_asked", "", "Dunkelheit", ""),
        ("baum", "1", "not_asked", "not_asked"),
    ]
    export(opened(), tmp_path / "analysis", "analysis")
    assert "Dunkelheit" not in "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "analysis").iterdir())


# --- how much of people is in it ---


async def test_analysis_export_has_no_texts_times_ids_or_order(opened, tmp_path):
    publish(opened(), consultation(questions=ALL))
    people = [("ja", "fertig", str(n), f"geheim {n}", "absenden") for n in range(40)]
    await chat(opened(), *people)
    said_at_night(opened())
    export(opened(), tmp_path / "raw")
    for name in ("one", "two"):
        export(opened(), tmp_path / name, "analysis")
    raw = read(tmp_path / "raw", "answers_wide.csv")
    one, two = (read(tmp_path / name, "answers_wide.csv") for name in ("one", "two"))
    names = [{row["response_id"] for row in rows} for rows in (raw, one, two)]
    assert sum(map(len, names)) == len(set().union(*names)) == 120, "ids are new in every export"
    assert [row["far"] for row in raw] == [str(n) for n in range(40)]
    assert [row["far"] for row in one] != [row["far"] for row in two], "by chance the same once in 10^47"
    assert sorted(row["far"] for row in one) == sorted(row["far"] for row in raw)
    everything = b"".join(path.read_bytes() for path in (tmp_path / "one").iterdir())
    assert b"geheim" not in everything
    assert not any(row["response_id"].encode() in everything for row in raw)
    assert {(row["words"], row["words.missing"], row["words.withheld"]) for row in one} == {("", "", "1")}
    long = read(tmp_path / "one", "answers_long.csv")
    assert {row["answered_at"] for row in long} == {"2026-W45"}
    assert {row["withheld"] for row in long if row["question_key"] == "words"} == {"1"}
    assert not any("T" in row["started_at"] for row in one)


async def test_public_holds_counts_only(opened, tmp_path):
    publish(opened(), consultation(questions=[LAMPS, WISHES, WORDS]))
    people = [("ja", "1", "fertig", "geheim", "absenden")] * 12 + [("nein", "1 und 2", "fertig")] * 6 + [("egal",)] * 3
    await chat(opened(), *people)
    assert export(opened(), tmp_path / "public", "public") == 21
    names = {path.name for path in (tmp_path / "public").iterdir()}
    of_proposals = {
        "proposals.csv",
        "ratings.csv",
        "agreement.csv",
        "groups.csv",
        "statuses.csv",
        "ballots.csv",
        "datapackage.json",
        "DATENKARTE.md",
        "tabellen.xlsx",
    }
    assert names == {"counts.csv", "codebook.csv", "metadata.json", "LIESMICH.txt"} | of_proposals
    found = cells(tmp_path / "public")
    assert found["participations", "total", ""] == "21"
    # Three of all 21 identify no person; but of 18 with wishes all chose the first.
    assert [found["lamps", "option", code] for code in ("ja", "nein", "egal")] == ["12", "6", "3"]
    assert [found["wishes", kind, code] for kind, code in (("answered", ""), ("missing", "no_answer"))] == ["18", "3"]
    assert {n for key, n in found.items() if key[:2] == ("wishes", "chosen")} == {""}
    why = {
        (row["question_key"], row["kind"], row["code"]): row["reason"]
        for row in read(tmp_path / "public", "counts.csv")
    }
    assert why["wishes", "chosen", "baum"] == "protected"
    assert found["words", "answered", ""] == "12"
    assert "geheim" not in "".join(content_of(path) for path in (tmp_path / "public").iterdir())


async def test_the_data_package_describes_every_table(opened, tmp_path):
    publish(opened(), consultation(questions=[ORDER, FUND, *ALL]))
    await chat(opened(), *[("2 1", "1: 2, 2: 3", "ja", "1", "0,5", "=1+1", "absenden")] * 12, *[("1 2", "2: 5")] * 12)
    for profile in PROFILES:
        export(opened(), tmp_path / profile, profile)
        assert package_errors(tmp_path / profile) == []
    resources = json.loads((tmp_path / "public" / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    types = {(it["path"], field["name"]): field["type"] for it in resources for field in it["schema"]["fields"]}
    assert types["counts.csv", "n"] == types["ballots.csv", "place"] == "integer"


@pytest.mark.parametrize(
    ("file", "before", "after", "error"),
    [
        ("counts.csv", "total,,,21", "total,,,many", "type is"),
        ("codebook.csv", "variable,", "name,", "codebook.csv: Label"),
        ("ratings.csv", "code,", "code,extra,", "ratings.csv: There is an extra label"),
        ("datapackage.json", '"path": "counts.csv"', '"path": "codebook.csv"', "counts.csv is not described"),
        ("datapackage.json", '"type": "integer"', '"type": "whole"', "whole"),
    ],
)
async def test_an_error_of_a_data_package_is_found(opened, tmp_path, file, before, after, error):
    publish(opened(), consultation(questions=[LAMPS]))
    await chat(opened(), *[("ja",)] * 21)
    export(opened(), tmp_path / "public", "public")
    path = tmp_path / "public" / file
    changed = path.read_text(encoding="utf-8").replace(before, after)
    assert changed != path.read_text(encoding="utf-8")
    path.write_text(changed, encoding="utf-8")
    assert error in "\n".join(package_errors(tmp_path / "public"))


async def test_hidden_until_closing_means_hidden_in_open_data_too(opened, tmp_path):
    publish(opened(), consultation(questions=[LAMPS], results="at_close"))
    await chat(opened(), *[("ja", "absenden")] * 9)
    with pytest.raises(CommandError, match="hidden until it is closed"):
        export(opened(), tmp_path / "public", "public")
    assert not (tmp_path / "public").exists()
    store = opened()
    with store.begin() as connection:
        consultation_id = list_live_revisions(connection)[0].consultation_id
        set_consultation_state(connection, consultation_id, "closed")
    assert export(opened(), tmp_path / "public", "public") == 9


@pytest.mark.parametrize(("smallest", "published"), [(12, "3"), (13, "")])
async def test_a_consultation_says_what_its_smallest_published_cell_is(opened, tmp_path, smallest, published):
    publish(opened(), consultation(questions=[LAMPS], smallest_cell=smallest))
    await chat(opened(), *[("ja", "absenden")] * 9, *[("nein", "absenden")] * 3)
    export(opened(), tmp_path / "public", "public")
    assert cells(tmp_path / "public")["lamps", "option", "nein"] == published
    metadata = json.loads((tmp_path / "public" / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["smallest_published_cell"] == smallest
    assert any(f"weniger als {smallest} Menschen" in caveat["de"] for caveat in metadata["caveats"])


async def test_conditions_do_not_reveal_suppressed_numbers(opened, tmp_path):
    only_no = {"ask_if": {"equal": {"question": "lamps", "value": "nein"}}}
    publish(opened(), consultation(questions=[LAMPS, {**LAMPS, "key": "then", **only_no}]))
    people = [("nein", "ja", "absenden")] * 6 + [("nein", "nein", "absenden")] * 5 + [("ja", "absenden")]
    await chat(opened(), *people)
    export(opened(), tmp_path / "public", "public")
    found = cells(tmp_path / "public")
    assert [found["lamps", "option", code] for code in ("ja", "nein", "egal")] == ["", "", ""], "all but one said no"
    # 11 asked would say that 11 said no.
    assert {found["then", "missing", code] for code in ("not_asked", "no_answer")} == {""}
    assert found["then", "option", "ja"] == ""


async def test_too_few_people_publish_nothing(opened, tmp_path):
    publish(opened(), consultation(questions=[LAMPS]))
    await chat(opened(), *[("ja", "absenden")] * 4)
    export(opened(), tmp_path / "public", "public")
    assert set(cells(tmp_path / "public").values()) == {""}
    data = json.loads((tmp_path / "public" / "metadata.json").read_text())
    assert data["participations"] is None
    assert data["participations_by"]["channel"] == {"test": None}


# --- the package ---


async def test_the_same_answers_give_the_same_bytes_but_for_one_time(opened, tmp_path):
    publish(opened(), consultation(questions=ALL))
    await chat(opened(), *[("ja", "fertig", str(n), "danke", "absenden") for n in range(30)])
    for profile in ("raw", "analysis", "public"):
        for name in ("one.zip", "two.zip"):
            export(opened(), tmp_path / profile / name, profile, seed=7)
        assert filecmp.cmp(tmp_path / profile / "one.zip", tmp_path / profile / "two.zip", shallow=False), profile
        wish = ExportRequest("park", tmp_path / profile / "later", profile, BERLIN, 7)
        package.write_export(opened(), wish, NOW + timedelta(hours=1))
        with zipfile.ZipFile(tmp_path / profile / "one.zip") as first:
            for name in first.namelist():
                later = (tmp_path / profile / "later" / name).read_bytes().split(b"\n")
                changed = [(a, b) for a, b in zip(first.read(name).split(b"\n"), later, strict=True) if a != b]
                assert len(changed) == (name == "metadata.json"), name
                assert all(b"exported_at" in a for a, _ in changed)


async def test_metadata_says_what_one_must_know(opened, tmp_path):
    publish(opened(), consultation(questions=[LAMPS], sample=True), sample=True)
    await chat(opened(), *[("ja", "absenden")] * 6, ("nein",))
    export(opened(), tmp_path / "raw")
    data = json.loads((tmp_path / "raw" / "metadata.json").read_text(encoding="utf-8"))
    assert (data["consultation"], data["profile"], data["sample"]) == ("park", "raw", True)
    assert data["exported_at"] == "2026-11-24T09:00:00+00:00"
    assert data["participations"] == 7
    assert data["participations_by"]["status"] == {"completed": 6, "waiting": 1}
    assert data["participations_by"]["language"] == {"de": 7}
    assert len(data["revisions"][0]["sha256"]) == 64
    assert data["personal_data"] is True
    guide = (tmp_path / "raw" / "LIESMICH.txt").read_text(encoding="utf-8")
    assert "BEISPIEL" in guide
    assert "SAMPLE" in guide
    assert {path.name for path in (tmp_path / "raw").iterdir()} == set(data["files"])
    assert all(name in guide for name in data["files"])


def test_an_empty_consultation_is_a_valid_export(opened, tmp_path):
    publish(opened(), consultation())
    for profile in ("raw", "analysis", "public"):
        assert export(opened(), tmp_path / f"{profile}.zip", profile) == 0
        with zipfile.ZipFile(tmp_path / f"{profile}.zip") as zipped:
            assert zipped.testzip() is None
    export(opened(), tmp_path / "raw")
    assert read(tmp_path / "raw", "answers_wide.csv") == []
    export(opened(), tmp_path / "public", "public")
    assert set(cells(tmp_path / "public").values()) == {"0"}


def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(opened, tmp_path):
    store = opened()
    publish(store, consultation())
    full, file = tmp_path / "full", tmp_path / "file"
    full.mkdir()
    (full / "mine").touch()
    file.touch()
    for out, reason in (
        (full, "the folder is not empty"),
        (file, "it exists already"),
        (file / "below", "cannot be"),
        (Path("/"), "is not the name of a new folder or file"),
    ):
        with pytest.raises(CommandError, match=reason):
            export(store, out)
    with pytest.raises(CommandError, match="there is public, analysis, raw"):
        export(store, tmp_path / "new", "secret")
    with pytest.raises(CommandError, match="no consultation is called 'kiez'; there is park"):
        package.write_export(store, ExportRequest("kiez", tmp_path / "new"), NOW)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix not in (".db", ".db-wal", ".db-shm")) == [
        "file",
        "full",
    ]


@pytest.mark.parametrize("target", ["new", "new.zip"])
def test_an_export_that_fails_leaves_nothing(opened, tmp_path, monkeypatch, target):
    publish(opened(), consultation())

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bot.exchange.exports.codebook.codebook_rows", full_disk)
    folder = tmp_path / "exports"
    with pytest.raises(CommandError, match="No space left"):
        export(opened(), folder / target)
    assert list(folder.iterdir()) == []


def test_who_may_read_it(opened, tmp_path):
    publish(opened(), consultation())
    (tmp_path / "empty").mkdir()
    export(opened(), tmp_path / "empty")
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o700
    modes = {}
    for profile in ("raw", "public"):
        export(opened(), tmp_path / f"{profile}.zip", profile)
        modes[profile] = (tmp_path / f"{profile}.zip").stat().st_mode & 0o777
    assert modes == {"raw": 0o600, "public": 0o644}


async def test_memory_does_not_grow_with_the_answers(opened, tmp_path, monkeypatch):
    """An export of 40 more answers needs memory for a small part of their texts only."""
    monkeypatch.setattr("bot.results.counts.participation_reader.CHUNK_SIZE", 10)
    publish(opened(), consultation(questions=[WORDS | {"max_length": 5000}]))
    words = "\N{DECIDUOUS TREE} Bäume " * 600
    await chat(opened(), *[(words,)] * 60)
    with opened().reading() as connection:
        found = find_live_revision(connection, "park")
        assert found
        ids = list(session_ids_of(connection, found.consultation_id))
        stored = connection.execute(select(table_of(AnswerRow).c.value)).scalars().all()
    assert (len(ids), len(stored), min(map(len, stored)) > 4000) == (60, 60, True)

    def peak(number: int, profile: str) -> int:
        """The bytes of an export of this number of participations, at most at a time."""
        store = opened()
        with store.begin() as connection:
            connection.execute(delete(table_of(EditionRow)))
        monkeypatch.setattr("bot.results.counts.participation_reader.session_ids_of", lambda *_: iter(ids[:number]))
        with tidy_memory(), tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            tracemalloc.start()
            export(store, Path(folder) / "export", profile)
            used = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return used

    for profile in ("raw", "public"):
        peak(10, profile)  # what is loaded once is loaded now
    for profile in ("raw", "analysis", "public"):
        few, many = (min(peak(number, profile) for _ in range(2)) for number in (20, 60))
        assert many - few < 40 * sys.getsizeof(words) / 4, profile


@contextmanager
def tidy_memory() -> Iterator[None]:
    """Garbage is collected early, so that it does not count as memory that is used."""
    usual = gc.get_threshold()
    gc.collect()
    gc.set_threshold(500, 5, 5)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def test_the_command(tmp_path):
    """As it is called: with the samples, and nothing said so far."""
    out: list[str] = []
    settings = Settings(data=tmp_path / "data")
    exporting.export_answers(settings, ExportRequest("mein-kiez", tmp_path / "kiez.zip"), out.append, out.append)
    assert out == [f"{tmp_path / 'kiez.zip'}: 0 participations, profile analysis"]


async def test_orders_and_amounts_are_numbers_beside_each_option(opened, tmp_path):
    publish(store := opened(), consultation(questions=[ORDER, FUND]))
    await chat(store, ("2 1", "1: 2, 2: 3"), ("2 fertig", "2 fertig"), ("weiß nicht", "weiß nicht"))
    export(opened(), tmp_path / "raw")
    long = [
        (row["question_key"], row["option_code"], row["value"]) for row in read(tmp_path / "raw", "answers_long.csv")
    ]
    assert sorted(long) == sorted([
        ("first", "bank", "1"), ("first", "baum", "2"), ("fund", "a1", "2"), ("fund", "b2", "3"),
        ("first", "bank", "1"), ("fund", "b2", "1"), ("first", "", ""), ("fund", "", ""),
    ])  # fmt: skip
    columns = ("first", "first.baum", "first.bank", "fund", "fund.a1", "fund.b2")
    assert sorted([row[column] for column in columns] for row in read(tmp_path / "raw", "answers_wide.csv")) == [
        ["bank", "", "1", "b2=1", "0", "1"],
        ["bank baum", "2", "1", "a1=2 b2=3", "2", "3"],
        ["dont_know", "", "", "dont_know", "", ""],
    ]
    book = [row for row in read(tmp_path / "raw", "codebook.csv") if row["question_key"] == "first"]
    assert [(row["entry"], row["code"], row["label_de"]) for row in book] == [
        ("question", "", "Zuerst?"),
        ("code", "baum", "Baum"),
        ("column", "baum", "Baum"),
        ("code", "bank", "Bank"),
        ("column", "bank", "Bank"),
    ]
    with opened().reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT question_key, value FROM v_answers_long ORDER BY answered_at"
        ).fetchall()
    assert ("fund", '{"a1":2,"b2":3}') in [tuple(row) for row in rows]


async def test_published_counts_of_orders_and_amounts_are_people(opened, tmp_path):
    """Not money: a few people with much of it would look like many."""
    publish(store := opened(), consultation(questions=[ORDER, FUND]))
    await chat(store, *[("2 1", "1: 2, 2: 3")] * 8, *[("2 fertig", "2 fertig")] * 16)
    export(opened(), tmp_path / "public", "public")
    found = cells(tmp_path / "public")
    chosen = {key: n for key, n in found.items() if key[1] == "chosen"}
    assert chosen == {
        ("first", "chosen", "baum"): "8",
        ("first", "chosen", "bank"): "24",
        ("fund", "chosen", "a1"): "8",
        ("fund", "chosen", "b2"): "24",
    }
