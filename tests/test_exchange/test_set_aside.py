"""Files of other programs with unreadable rows between valid ones: those are rejected, these are imported."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import exchange
from bot.cli.main import app
from bot.common.errors import CommandError
from bot.exchange.bundle import Bundle
from bot.exchange.formats import decidim, pb
from bot.exchange.importer import ImportOptions, ImportOutcome
from bot.exchange.rejected_rows import BadFile, RejectedRows
from bot.settings import Settings
from storage.core.store import Store
from tests.support.app import rows
from tests.test_exchange import test_kinds as kinds
from tests.test_exchange import test_polis as votes

LONG = "x" * 10_001
MARKS = "\u202bمقاعد\u202c أكثر"


def take(store: Store, kind: str, path: Path, **wish: Any) -> tuple[Bundle, ImportOutcome]:
    return exchange.import_rows(store, Settings(), kind, path, ImportOptions("ideen", **wish))


def texts(store: Store) -> list[str]:
    return [row[0] for row in rows(store, "SELECT text FROM proposals ORDER BY source_id")]


def places(bundle: Bundle) -> list[int]:
    """The rejected rows, each with reason and remedy."""
    for line in bundle.set_aside_lines:
        place, _, reason = line.partition(": ")
        assert "row" in place
        assert "; " in reason
    return [int(line.partition("row ")[2].partition(":")[0]) for line in bundle.set_aside_lines]


# What a row says; None: it cannot be read.
CSV_ROWS: list[tuple[bytes, str | None]] = [
    (b"1;Licht;Gut\n", "Gut"),
    (b"2;B\xffnke;Latein\n", None),
    (b"3;x\n", None),
    (b'4;Zitat;"offen\n', None),
    (b"5;Danach;Wieder gut\n", "Wieder gut"),
    (b"6;;\n", None),
    (f"7;Lang;{LONG}\n".encode(), None),
    (b"8;Null;a\x00b\n", None),
    (b"9;Formel;=1+1 ist zwei\n", "=1+1 ist zwei"),
    (b"10;Nein;-Nein! Nicht hier.\n", "-Nein! Nicht hier."),
    (b"11;Amt;@Amt! +1\n", "@Amt! +1"),
    (b'12;Bild;"<img src=x onerror=alert(1)> und a <b und c> d"\n', "<img src=x onerror=alert(1)> und a <b und c> d"),
    (b"1;Doppelt;noch einmal\n", None),
    (f"13;Arabisch;{MARKS}\n".encode(), "مقاعد أكثر"),
    (b"\n", ""),
    (b";ohne;Nummer\n", None),
    (b"14\x00;Null;in der Nummer\n", None),
    (b"15;Schluss;Ende\n", "Ende"),
]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "vorschlaege.csv"
    path.write_bytes(b"id;title/de;body/de\n" + b"".join(row for row, _ in CSV_ROWS))
    return path


def test_rows_of_a_table(store: Store, mixed: Path):
    bundle, taken = take(store, "decidim", mixed)
    assert sorted(texts(store)) == sorted(said for _, said in CSV_ROWS if said)
    assert places(bundle) == [2 + n for n, (_, said) in enumerate(CSV_ROWS) if said is None and n != 12] + [14]
    assert bundle.set_aside == len(places(bundle))
    assert taken.statements == 8
    told = " ".join(bundle.remarks)
    assert "1 texts contain markup, which is kept as text (vorschlaege.csv, row 13)" in told
    assert "1 texts contained direction marks, which were removed (vorschlaege.csv, row 15)" in told
    assert take(store, "decidim", mixed)[1][1:] == (False, 0, 8, 0, 0), "a second time changes nothing"


def test_markup_goes_out_escaped(store: Store, mixed: Path, tmp_path: Path):
    take(store, "decidim", mixed)
    found = kinds.loaded(store)
    decidim.write_decidim(found, tmp_path)
    assert "'=1+1 ist zwei" in (tmp_path / "proposals.csv").read_text(), "no spreadsheet runs it"
    again = decidim.read_decidim(tmp_path / "proposals.csv")
    assert sorted(it.text for it in again.statements) == sorted(texts(store))


def good(number: int) -> dict[str, Any]:
    return {"id": number, "title": {"de": "T"}, "body": {"de": f"N{number}"}}


def test_elements_of_a_list(store: Store, tmp_path: Path):
    deep: Any = "x"
    for _ in range(50):
        deep = {"a": deep}
    bad: list[Any] = [
        7,
        None,
        {"title": {"de": "ohne Nummer"}},
        good(1) | {"body": {"de": "\ud83d"}},
        good(2) | {"body": {"de": "a\x00b"}},
        good(3) | {"category": deep},
        good(4) | {"latitude": "nan", "longitude": "1e999"},
        good(5) | {"title": ["T"], "body": [1]},
        good(6) | {"published_at": "gestern"},
        good(7) | {"body": {"de": LONG}},
    ]
    mixed = [it for number, one in enumerate(bad) for it in (one, good(100 + number))]
    path = tmp_path / "liste.json"
    path.write_bytes(json.dumps(mixed).encode())
    bundle, taken = take(store, "decidim", path)
    assert taken.statements == len(bad)
    assert places(bundle) == [1 + 2 * number for number in range(len(bad))]
    path.write_bytes(path.read_bytes().replace(b"N100", b"N\xff100"))
    assert places(read_of(decidim, path)) == [1, 2, *(1 + 2 * number for number in range(1, len(bad)))]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadFile, match=r"liste\.json: this is not JSON: the text is incomplete; export it again"):
        take(store, "decidim", path)


def read_of(kind: Any, path: Path) -> Bundle:
    aside = RejectedRows()
    found: Bundle = kind.FORMAT.read(path, "de", aside)
    return Bundle(found.source, "", "", found.statements, set_aside=aside.count, set_aside_lines=tuple(aside.lines))


def test_original_text_is_preferred_to_machine_translation(tmp_path: Path):
    path = tmp_path / "a.json"
    machine = {"es": "Bancos", "machine_translations": {"de": "Banken"}}
    path.write_text(json.dumps([{"id": 1, "title": machine, "body": machine}]), encoding="utf-8")
    aside = RejectedRows()
    (it,) = decidim.read_decidim(path, "de", aside).statements
    assert (it.title, it.text) == ("Bancos", "Bancos")
    assert list(aside.remarks()) == [
        "1 texts are not there in de and were taken in the language they were written in (a.json, row 1)."
    ]


def test_features_of_a_collection(store: Store, tmp_path: Path):
    def feature(number: object, **more: Any) -> dict[str, Any]:
        return {**kinds.LOCATED, "properties": {**kinds.SAID, "id": number, **more}}

    bad: list[Any] = [
        [],
        {"type": "Polygon"},
        feature(""),
        feature(1, title="", contributionContent=None),
        feature(2, contributionContent="a\x00b"),
        feature(3, contributionContent="\udc00 halb"),
        feature(4, dateCreated=["gestern"], title={"a": 1}, contributionContent=[]),
        feature(5, contributionContent=LONG),
        feature(6) | {"geometry": {"type": "Point", "coordinates": [52, "x"]}},
        feature("n\x00"),
        feature(100),
    ]
    mixed = [it for number, one in enumerate(bad) for it in (feature(100 + number), one)]
    bundle, taken = take(store, "pds", kinds.geojson(tmp_path / "w.geojson", *mixed))
    assert taken.statements == len(bad)
    assert sorted(places(bundle)) == [2 + 2 * number for number in range(len(bad))]
    assert "132 votes for and 33 against are sums" in bundle.remarks[0], "of those that came in"


def test_rows_of_a_sheet(store: Store, tmp_path: Path):
    def idea(number: int, **change: str) -> dict[str, str]:
        return kinds.IDEA | {"Referenznr.": f"2026-{number}"} | change

    ideas = [
        idea(1),
        idea(2, Status="vielleicht"),
        idea(3, Titel="=HYPERLINK(1)", Beschreibung="<script>alert(1)</script>"),
        idea(4, Beschreibung="", Titel=""),
        idea(5, Erstellt="01.02.2025"),
        idea(6, Erstellt="morgen"),
        idea(7, **{"Ort (Breitengrad)": "95"}),
        idea(1),
        idea(8, **{"Positive Bewertungen": "viele"}),
        idea(9),
    ]
    path = kinds.sheet(tmp_path / "ideen.xlsx", *ideas)
    cells = '<row r="12"><c r="A12"><f>1+1</f><v>2</v></c></row>'
    cells += '<row r="13"><c r="A13" t="s"><v>99999999999999</v></c></row>'
    kinds.repack(path, kinds.SHEET, with_rows(path, kinds.SHEET, cells))
    bundle, taken = take(store, "meinberlin", path)
    assert taken.statements == 4
    assert sorted(places(bundle)) == [3, 5, 7, 8, 9, 10, 12, 13]
    assert "<script>alert(1)</script>" in texts(store)
    assert "48 positive and 12 negative" in bundle.remarks[0], "of those that came in"
    assert ("2025-02-01",) in [(str(row[0])[:10],) for row in rows(store, "SELECT created_at FROM proposals")]


def with_rows(path: Path, name: str, more: str) -> bytes:
    with zipfile.ZipFile(path) as packed:
        before, _, after = packed.read(name).partition(b"</sheetData>")
    return before + more.encode() + b"</sheetData>" + after


def test_ballots_of_a_budget(store: Store, tmp_path: Path):
    more = b"10;1\n10;3\n11;9\n;1\n12;3;x;y\n1\xff;1\n13;1,bridge\n"
    content = kinds.VOTED.replace("num_votes;10", "num_votes;17").encode() + more
    path = tmp_path / "weiher.pb"
    path.write_bytes(content)
    bundle, taken = take(store, "pb", path)
    assert taken.votes == 12
    assert sorted(places(bundle)) == [28, 29, 30, 31, 32]
    path.write_bytes(content.replace(b"num_votes;17", b"num_votes;18"))
    with pytest.raises(CommandError, match="num_votes is 18, but there are 17; download it again"):
        take(store, "pb", path)


def test_unaffordable_project_keeps_the_rest_of_each_ballot(store: Store, tmp_path: Path):
    path = kinds.budget_file(tmp_path, kinds.VOTED.replace("1;60;6;", "1;600;6;").replace("40;4;Park", "40.0;4;Park"))
    bundle, taken = take(store, "pb", path)
    assert taken.votes == 10
    assert places(bundle) == [12]
    assert bundle.budgeting is not None
    assert [it.label for it in bundle.budgeting.projects] == ["Brücke", "Park"]
    assert set(bundle.budgeting.ballots.values()) == {("bridge",), ("p3",)}
    assert "6 texts of ballots name rejected projects" in bundle.remarks[0]


def test_one_project_each_is_approval(tmp_path: Path):
    found = pb.read_pb(kinds.budget_file(tmp_path, kinds.VOTED.replace("approval", "choose-1")))
    assert found.budgeting is not None
    assert len(found.budgeting.ballots) == 10


def test_decimal_amounts_are_rounded_and_told(tmp_path: Path):
    amounts = kinds.VOTED.replace("budget;100", "budget;100.50").replace("40;4;Park", "39,4;4;Park")
    aside = RejectedRows()
    found = pb.read_pb(kinds.budget_file(tmp_path, amounts), aside=aside).budgeting
    assert found is not None
    assert (found.amount, [it.cost for it in found.projects]) == (101, [60, 40, 39])
    assert list(aside.remarks()) == [f"2 texts {pb.ROUNDED} (weiher.pb; weiher.pb, row 14)."]
    with pytest.raises(BadFile, match=r"budget is '0\.0'"):
        pb.read_pb(kinds.budget_file(tmp_path, kinds.VOTED.replace("budget;100", "budget;0.0")))


def conversation(folder: Path, comments: bytes, cast: bytes) -> Path:
    folder.mkdir()
    (folder / "comments.csv").write_bytes(votes.COMMENTS.encode() + comments)
    (folder / "votes.csv").write_bytes(votes.VOTES.encode() + cast)
    (folder / "summary.csv").write_text(votes.SUMMARY, encoding="utf-8")
    return folder


def test_statements_and_votes_of_a_conversation(store: Store, tmp_path: Path):
    comments = b"""1651045003,x,3,8,1,0,1,"Siehe <a href=""https://x.example"">hier</a>"
1651045004,x,4,8,9,9,1,a\x00b
1651045005,x,5,8,0,0,7,Zustand
1651045006,x,6,8,0,0,1,Lat\xffin
1651045007,x,sieben,8,0,0,1,Nummer
1651045008,x,8,8,0,0,1,"=> so nicht"
"""
    cast = b"""1651046006,x,3,7,1,0
1651046007,x,4,7,1,0
1651046008,x,0,\xff,1,0
1651046009,x,0,7,5,0
1651046010,x,77,7,1,0
bald,x,0,7,1,0
1651046011,x,0,,1,0
1651046012,x,0
"""
    path = conversation(tmp_path / "klima", comments, cast)
    bundle, taken = take(store, "polis", path)
    assert (taken.statements, taken.votes) == (5, 6)
    assert len(places(bundle)) == 4 + 6
    told = " ".join(bundle.remarks)
    assert "1 votes on rejected statements are left out" in told
    assert "1 texts contain markup, which is kept as text (comments.csv, row 5)" in told
    assert 'Siehe <a href="https://x.example">hier</a>' in texts(store)
    with pytest.raises(CommandError, match="row 6: the text contains a control character"):
        take(store, "polis", path, is_strict=True)


def test_a_wrong_sum_is_told_and_votes_can_be_trusted(store: Store, tmp_path: Path):
    path = conversation(tmp_path / "klima", b"", b"")
    (path / "comments.csv").write_text(votes.COMMENTS.replace("0,7,2,1,1", "0,7,3,1,1"), encoding="utf-8")
    with pytest.raises(CommandError, match=r"3 agree and 1 disagree; 1 of 3 statements .* --trust-votes"):
        take(store, "polis", path)
    bundle, taken = take(store, "polis", path, trusts_votes=True)
    assert taken.votes == 5
    assert "the sums of 1 statements differ from the votes by 1 in all; the votes count" in bundle.remarks[0]
    assert [it.vote for it in bundle.votes] == [1, 1, -1, 1, 0], "in the direction in which most sums fit"


@pytest.mark.parametrize("kind", ["decidim", "meinberlin", "pds", "pb", "polis"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 500, b"\xff\xfeh\x00i\x00", b"%PDF-1.7\n", b"[" * 9000, "Straße;\n".encode("latin-1")]
)
def test_what_is_of_another_kind_is_refused_whole(store: Store, tmp_path: Path, kind: str, content: bytes):
    for name in ("a.csv", "a.json"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(BadFile, match=r"^a\.(csv|json)(, row 1)?: .+; .+"):
            take(store, kind, path)
    assert rows(store, "SELECT count(*) FROM consultations") == [(0,)]


def test_where_nothing_can_be_read_the_file_is_refused(store: Store, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("id;body/de\n;x\n;y\n", encoding="utf-8")
    with pytest.raises(
        BadFile, match=r"a\.csv: it contains no proposal; 2 rows cannot be read, the first: a\.csv, row 2"
    ):
        take(store, "decidim", path)


def test_the_command_says_how_many_and_ends_with_3(mixed: Path, tmp_path: Path):
    run = CliRunner()
    data = ["--data", str(tmp_path / "data")]
    done = run.invoke(app, [*data, "import", "decidim", str(mixed), "--as", "ideen"])
    assert done.exit_code == 3, done.output
    assert "9 rows were skipped and are not counted" in done.output
    assert "vorschlaege.csv, row 3: this is not UTF-8" in done.output
    strict = run.invoke(app, [*data, "import", "decidim", str(mixed), "--as", "anders", "--strict"])
    assert strict.exit_code == 1
    whole = tmp_path / "gut.csv"
    whole.write_text("id;body/de\n1;Gut\n", encoding="utf-8")
    assert run.invoke(app, [*data, "import", "decidim", str(whole), "--as", "gut"]).exit_code == 0
    many = tmp_path / "viele.csv"
    many.write_text("id;body/de\n77;Anders\n" + ";leer\n" * 300, encoding="utf-8")
    done = run.invoke(app, [*data, "import", "decidim", str(many), "--as", "viele"])
    assert "… and 200 more; see " in done.output
    assert len((tmp_path / "viele.csv.set-aside.txt").read_text(encoding="utf-8").splitlines()) == 300


def test_a_quotation_mark_that_is_never_closed_swallows_one_line(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text('id;body/de\n1;"a\n' + "".join(f"{number};Zeile\n" for number in range(2, 2000)), encoding="utf-8")
    found = read_of(decidim, path)
    assert (len(found.statements), found.set_aside) == (1998, 1)
