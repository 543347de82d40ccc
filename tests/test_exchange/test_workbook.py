"""The export as an Excel workbook, read as Excel reads it: the XML of its sheets (ECMA-376)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.common.errors import CommandError
from bot.exchange.exports import codebook, ideas, opendata, package, workbook
from bot.exchange.exports.cells import DAY_STYLE
from bot.exchange.exports.german_heads import german_head
from bot.exchange.exports.package import ExportRequest
from storage.core.store import Store
from tests.support.app import consultation, publish, running, say

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
QUESTIONS: list[dict[str, Any]] = [
    {
        "key": "lamps",
        "type": "choice",
        "text": {"de": "Licht?", "en": "Light?"},
        "options": [
            {"value": "yes", "label": {"de": "Ja, für immer", "en": "Yes"}},
            {"value": "no", "label": {"de": "Nein", "en": "No"}},
        ],
    },
    {
        "key": "wants",
        "type": "choices",
        "text": {"de": "Was?", "en": "What?"},
        "options": [
            {"value": "trees", "label": {"de": "Bäume", "en": "Trees"}},
            {"value": "pond", "label": {"de": "Teich", "en": "Pond"}},
        ],
    },
    {"key": "district", "type": "district", "text": {"de": "Bezirk?", "en": "District?"}},
    {"key": "hours", "type": "number", "decimals": 1, "text": {"de": "Stunden?", "en": "Hours?"}},
    {"key": "wish", "type": "text", "text": {"de": "Noch etwas?", "en": "More?"}},
]
WILD = ("=1+1", "007", "1.12.2026", "https://example.org/", "ein\nzwei")
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


def sheets(path: Path) -> dict[str, list[list[str | float]]]:
    """Every sheet by name: text as str, numbers (and with them dates) as float, "" for nothing. No cell calculates."""
    with zipfile.ZipFile(path) as packed:
        names = [it.get("name", "") for it in ET.fromstring(packed.read("xl/workbook.xml")).iter(f"{SPACE}sheet")]
        found = {}
        for number, name in enumerate(names, start=1):
            content = packed.read(f"xl/worksheets/sheet{number}.xml")
            assert b"<f>" not in content
            assert b"<hyperlink" not in content
            found[name] = [_row(row) for row in ET.fromstring(content).iter(f"{SPACE}row")]
    return found


def _row(row: ET.Element) -> list[str | float]:
    cells: list[str | float] = []
    for cell in row.iter(f"{SPACE}c"):
        column = 0
        for letter in filter(str.isalpha, cell.get("r", "")):
            column = column * 26 + ord(letter) - 64
        cells += [""] * (column - 1 - len(cells))
        text = "".join(part.text or "" for part in cell.iter() if part.tag in {f"{SPACE}t", f"{SPACE}v"})
        cells.append(text if cell.get("t") == "inlineStr" else float(text) if text else "")
    return cells


@pytest.fixture
async def answered(store: Store) -> Store:
    publish(store, consultation(questions=QUESTIONS))
    async with running(store) as (app, channel):
        for number, text in enumerate(WILD):
            for line in ("/start park", "Deutsch", "1", "1", "fertig", "Mitte", "2,5", text, "absenden"):
                await say(app, channel.msg(f"p{number}", line))
        for line in ("/start park", "Deutsch", "überspringen"):
            await say(app, channel.msg("last", line))
    return store


def export(store: Store, out: Path, profile: str) -> dict[str, list[list[str | float]]]:
    package.write_export(store, ExportRequest("park", out, profile, ZoneInfo("Europe/Berlin"), is_workbook=True), NOW)
    return sheets(out)


async def test_raw_workbook_has_labels_numbers_and_times(answered: Store, tmp_path: Path) -> None:
    found = export(answered, tmp_path / "park.xlsx", "raw")
    assert list(found) == ["Liesmich", "Antworten", "Kürzel", "Codebuch"]
    head, *rows = found["Antworten"]
    start = head.index("lamps: Licht?")
    assert head[start:] == [
        *("lamps: Licht?", "wants: Was?", "wants: Bäume", "wants: Teich"),
        *("district: Bezirk?", "hours: Stunden?", "wish: Noch etwas?"),
        "Zählt (1 = hat etwas beantwortet)",
    ]
    assert [row[-1] for row in rows] == [1.0] * 5 + [0.0], "who skipped the only question they came to does not count"
    said = [row[start:-1] for row in rows]
    assert [row[:-1] for row in said[:5]] == [["Ja, für immer", "Bäume", 1.0, 0.0, "Mitte", 2.5]] * 5
    assert [row[-1] for row in said[:5]] == list(WILD), "as they were typed, and never a formula, number, date or link"
    assert said[5][:2] == ["(übersprungen)", "(nicht erreicht)"]
    assert [row[head.index("Stand")] for row in rows] == ["fertig"] * 5 + ["noch unterwegs"]
    (begun,) = {int(float(row[head.index("Begonnen")])) for row in rows}
    assert begun > 46_000, "days since 1900"
    head, *rows = found["Kürzel"]
    assert [row[head.index("district")] for row in rows[:5]] == ["01"] * 5, "keeps its zero"
    assert found["Liesmich"][1] == ["Kürzel: answers_wide.csv"]


async def test_days_are_dates_without_a_time(store: Store, tmp_path: Path) -> None:
    """In both sheets of answers; a day that Excel counts wrongly stays text, and files of text have ISO 8601."""
    publish(store, consultation(questions=[{"key": "moved", "type": "date", "text": {"de": "Seit?", "en": "Since?"}}]))
    async with running(store) as (app, channel):
        for person, day in (("a", "31.3.2027"), ("b", "28.2.1900"), ("c", "überspringen")):
            for line in ("/start park", "Deutsch", day, "absenden"):
                await say(app, channel.msg(person, line))
    out = tmp_path / "park.xlsx"
    found = export(store, out, "raw")
    for name in ("Antworten", "Kürzel"):
        head, *rows = found[name]
        column = next(place for place, it in enumerate(head) if str(it).split(":")[0] == "moved")
        assert [row[column] for row in rows[:2]] == [46477.0, "1900-02-28"]
    with zipfile.ZipFile(out) as packed:
        styles = ET.fromstring(packed.read("xl/styles.xml"))
        codes = {it.get("numFmtId"): it.get("formatCode") for it in styles.iter(f"{SPACE}numFmt")}
        used = [it.get("numFmtId") for it in next(styles.iter(f"{SPACE}cellXfs"))]
        assert codes[used[DAY_STYLE]] == "yyyy-mm-dd"
        assert f's="{DAY_STYLE}"><v>46477<'.encode() in packed.read("xl/worksheets/sheet2.xml")
    package.write_export(store, ExportRequest("park", tmp_path / "csv", "raw"), NOW)
    assert ",2027-03-31," in (tmp_path / "csv" / "answers_wide.csv").read_text(encoding="utf-8-sig")


async def test_analysis_workbook_has_weeks_and_public_only_counts(answered: Store, tmp_path: Path) -> None:
    found = export(answered, tmp_path / "analysis.xlsx", "analysis")
    head, *rows = found["Antworten"]
    assert {row[head.index("wish: Noch etwas?")] for row in rows} == {"(noch nicht freigegeben)", "(nicht erreicht)"}
    assert all("-W" in str(row[head.index("Begonnen")]) for row in rows)
    found = export(answered, tmp_path / "public.xlsx", "public")
    assert list(found) == [
        *("Liesmich", "Vorschläge", "Anzahlen", "Bewertungen", "Zustimmung", "Gruppen", "Stand"),
        *("Reihenfolgen", "Codebuch"),
    ]
    assert ["participations", "", "", "total", "", "", 5.0, 0.0] in [row[:8] for row in found["Anzahlen"]]
    assert ["begun", "", "", "total", "", "", 6.0, 0.0] in [row[:8] for row in found["Anzahlen"]]


async def test_sheets_print_on_one_width_of_paper_under_german_heads(answered: Store, tmp_path: Path) -> None:
    found = export(answered, tmp_path / "park.xlsx", "public")
    assert found["Anzahlen"][0][:5] == ["Tabelle", "Frage", "Fragetyp", "Art", "Kürzel"]
    assert found["Codebuch"][0][-3:-1] == ["Vertraulich", "Beschriftung (de)"]
    assert export(answered, tmp_path / "raw.xlsx", "raw")["Kürzel"][0][:2] == ["response_id", "consultation"]
    with zipfile.ZipFile(tmp_path / "park.xlsx") as packed:
        for number, name in enumerate(found, start=1):
            page = ET.fromstring(packed.read(f"xl/worksheets/sheet{number}.xml"))
            setup, fit = page.find(f"{SPACE}pageSetup"), page.find(f"{SPACE}sheetPr/{SPACE}pageSetUpPr")
            assert setup is not None
            assert fit is not None
            orientation = "portrait" if name == "Liesmich" else "landscape"
            assert (setup.get("paperSize"), setup.get("orientation")) == ("9", orientation)
            assert (fit.get("fitToPage"), setup.get("fitToHeight")) == ("1", "0")
        names = list(ET.fromstring(packed.read("xl/workbook.xml")).iter(f"{SPACE}definedName"))
    titles = [it.text for it in names if it.get("name") == "_xlnm.Print_Titles"]
    assert sorted(map(str, titles)) == sorted(f"{name}!$1:$1" for name in found if name != "Liesmich")


@pytest.mark.parametrize("heads", [*opendata._HEADS.values(), ideas.PROPOSALS, ideas.RATINGS, codebook.HEAD])
def test_each_column_of_a_workbook_has_a_german_name(heads: Sequence[str]) -> None:
    assert len({german_head(it) for it in heads}) == len(heads)


async def test_a_target_that_is_no_workbook_becomes_a_folder_with_one(answered: Store, tmp_path: Path) -> None:
    package.write_export(answered, ExportRequest("park", tmp_path / "out", is_workbook=True), NOW)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["park.xlsx"]
    assert not (tmp_path / "out").stat().st_mode & 0o077, "for its owner only"


async def test_what_no_sheet_holds_is_refused(answered: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 6)
    with pytest.raises(CommandError, match=r"sheet Antworten: more rows than a sheet of Excel holds; use --format csv"):
        export(answered, tmp_path / "park.xlsx", "raw")
    assert not [path.name for path in tmp_path.iterdir() if "park" in path.name], "nor anything half-done beside it"
