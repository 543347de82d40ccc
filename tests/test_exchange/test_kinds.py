"""mein.berlin, Decidim, PDS and .pb: in and out, and broken files of which nothing is taken over."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from sqlalchemy import text

from bot.cli import exchange
from bot.cli.context import command_context
from bot.common.errors import CommandError
from bot.exchange import archives, content, known_formats, xlsx_reader
from bot.exchange.content import BudgetQuestion, ExchangeContent
from bot.exchange.exports import package
from bot.exchange.formats import decidim, meinberlin, pb, pds
from bot.exchange.importer import ImportOptions
from bot.proposals.codes import parse_proposal_code
from bot.results import published
from bot.results.ballots import BudgetOutcome
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.ratings import NewRatingEvent, store_votes
from tests.support import rows

IDEA = {
    "Referenznr.": "2026-00012",
    "Link": "https://mein.berlin.de/ideas/2026-00012/",
    "Titel": "Bänke am Weiher",
    "Beschreibung": "<p>Drei Bänke &amp; ein Tisch</p>",
    "Positive Bewertungen": "12",
    "Negative Bewertungen": "3",
    "Kategorie": "Plätze",
    "Status": "wird umgesetzt",
    "Rückmeldung": "Kommt im Mai.",
    "Urheber": "Erika Mustermann",
    "Erstellt": "2026-03-04T10:20:30+01:00",
    "Ort (Längengrad)": "13.41234",
    "Ort (Breitengrad)": "52.52345",
    "Ortsbezeichnung": "Weißer See",
}
NOW = datetime(2026, 11, 25, tzinfo=UTC)
PLAIN = {"Referenznr.": "2026-00013", "Titel": "Mehr Licht", "Beschreibung": "Abends ist es dunkel."}


def sheet(path: Path, *ideas: dict[str, str], head: tuple[str, ...] = meinberlin.HEAD) -> Path:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, head)
        for row, idea in enumerate(ideas, 1):
            for place, name in enumerate(head):
                if name in idea:
                    page.write(row, place, idea[name])
    return path


def take(store: Store, kind: str, path: Path, slug: str = "ideen", **wish: Any):
    return exchange.import_rows(store, Settings(), kind, path, ImportOptions(slug, **wish))


def loaded(store: Store, slug: str = "ideen") -> ExchangeContent:
    with store.reading() as connection:
        return content.load_content(connection, slug, "https://stadt.example")


def test_ideas_of_mein_berlin_come_in_without_their_authors(store, tmp_path):
    path = sheet(tmp_path / "ideen.xlsx", IDEA, PLAIN)
    bundle, taken = take(store, "meinberlin", path)
    assert taken[2:] == (2, 0, 0, 0)
    assert "12 positive and 3 negative ratings are sums" in bundle.remarks[0]
    assert take(store, "meinberlin", path)[1][1:] == (False, 0, 2, 0, 0)
    first, second = loaded(store).proposals
    assert (first.source, first.source_id) == ("https://mein.berlin.de", "2026-00012")
    assert (first.title, first.text, first.topic, first.place) == (
        "Bänke am Weiher",
        "Drei Bänke & ein Tisch",
        "Plätze",
        "Weißer See",
    )
    assert (first.longitude, first.latitude) == (13.41, 52.52), "about a kilometre"
    assert first.created_at == datetime(2026, 3, 4, 9, 20, 30, tzinfo=UTC)
    assert first.status == "accepted"
    assert loaded(store).answers[first.id] == "Kommt im Mai."
    assert first.pseudonym is None
    assert parse_proposal_code(first.code) == first.code, "whoever sends the code hears what became of it"
    assert (second.status, second.topic, second.longitude) == ("received", None, None)
    with store.reading() as connection:
        assert "Mustermann" not in str(connection.execute(text("SELECT * FROM proposals")).all())


def test_another_module_of_the_same_platform_may_go_elsewhere(store, tmp_path):
    take(store, "meinberlin", sheet(tmp_path / "a.xlsx", IDEA))
    take(store, "meinberlin", sheet(tmp_path / "b.xlsx", PLAIN), "zweite-runde")
    assert len(loaded(store, "zweite-runde").proposals) == 1


def test_ideas_go_out_as_mein_berlin_knows_them_and_come_back(store, tmp_path):
    take(store, "meinberlin", sheet(tmp_path / "ideen.xlsx", IDEA, PLAIN | {"Titel": "- Licht"}))
    found = loaded(store)
    with store.begin() as connection:
        votes = [(n, rows.pseudonym(person), v) for n, person, v in ((1, 1, 1), (2, 2, 1), (3, 3, -1), (4, 3, 1))]
        at = datetime(2026, 11, 25, tzinfo=UTC)
        store_votes(connection, [NewRatingEvent(n, found.proposals[0].id, who, v, False, at) for n, who, v in votes])  # type: ignore[arg-type]
    found = loaded(store)
    assert meinberlin.write_meinberlin(found, tmp_path) == ["meinberlin.xlsx"]
    (_, first), (_, second) = xlsx_reader.xlsx_rows(tmp_path / "meinberlin.xlsx", meinberlin.HEAD)
    assert first["Link"] == f"https://stadt.example/p/{found.proposals[0].code}"
    assert (first["Positive Bewertungen"], first["Negative Bewertungen"]) == ("3", "0"), "by last vote"
    assert (first["Status"], first["Rückmeldung"], first["Urheber"]) == ("wird umgesetzt", "Kommt im Mai.", "")
    assert second["Titel"] == "'- Licht", "no spreadsheet runs it"
    again = meinberlin.read_meinberlin(tmp_path / "meinberlin.xlsx")
    assert [(it.title, it.text, it.status, it.longitude) for it in again.statements] == [
        (it.title, it.text, it.status, it.longitude) for it in found.proposals
    ]


def geojson(path: Path, *features: object) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


SAID = {
    "id": 17,
    "title": "Bänke am Weiher",
    "contributionContent": "<p>Drei Bänke</p>",
    "category": "Plätze",
    "dateCreated": "2026-03-04T10:20:30+01:00",
    "votingPro": 12,
    "votingContra": "3",
    "belongToProject": "weiher",
    "link": "https://dipas.example/17",
}
POINT = {"type": "Point", "coordinates": [13.41234, 52.52345]}
LOCATED = {"type": "Feature", "geometry": POINT, "properties": SAID}


def test_contributions_of_dipas_come_in_once_with_their_places(store, tmp_path):
    anywhere = {"type": "Feature", "id": "x", "geometry": None, "properties": {"title": "Mehr Licht"}}
    path = geojson(tmp_path / "w.geojson", LOCATED, anywhere)
    bundle, taken = take(store, "pds", path)
    assert taken[2:] == (2, 0, 0, 0)
    assert "12 votes for and 3 against are sums" in bundle.remarks[0]
    assert take(store, "pds", path)[1][1:] == (False, 0, 2, 0, 0)
    first, second = loaded(store).proposals
    assert (first.source, first.source_id, first.title, first.text) == (
        "pds:dipas.example/weiher",
        "17",
        "Bänke am Weiher",
        "Drei Bänke",
    )
    assert (first.longitude, first.latitude, first.topic) == (13.41, 52.52, "Plätze")
    assert (second.title, second.text, second.longitude) == (None, "Mehr Licht", None)


def test_what_goes_out_as_geojson_comes_in_again(store, tmp_path):
    take(store, "pds", geojson(tmp_path / "w.geojson", LOCATED))
    pds.write_pds(loaded(store), tmp_path)
    (again,) = pds.read_pds(tmp_path / "proposals.geojson").statements
    (before,) = loaded(store).proposals
    assert (again.source_id, again.title, again.text) == (before.code, before.title, before.text)
    assert (again.longitude, again.latitude) == (before.longitude, before.latitude)


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        ({"type": "Polygon"}, "row 2: this is not a feature"),
        (LOCATED, "row 2: the id '17' is already used in row 1"),
        ({**LOCATED, "properties": {**SAID, "id": ""}}, "row 2: id is missing"),
        ({**LOCATED, "properties": {"id": 18}}, "row 2: title and contributionContent are missing"),
        ({**LOCATED, "properties": {**SAID, "id": 18, "dateCreated": "gestern"}}, "row 2: dateCreated is 'gestern'"),
        (
            {**LOCATED, "properties": {**SAID, "id": 18}, "geometry": {"type": "Point"}},
            "row 2: geometry is not a point",
        ),
        (
            {**LOCATED, "properties": {**SAID, "id": 18}, "geometry": {"type": "Point", "coordinates": [52, "x"]}},
            "row 2: latitude is 'x'",
        ),
    ],
)
def test_of_broken_geojson_nothing_is_taken_over(store, tmp_path, feature, reason):
    with pytest.raises(CommandError, match=reason):
        take(store, "pds", geojson(tmp_path / "w.geojson", LOCATED, feature), is_strict=True)
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM proposals")).scalar() == 0


@pytest.mark.parametrize("content", ["[]", "{}", "{", '{"features": 3}', '{"features": []}', "[" * 100_000])
def test_what_is_no_geojson_is_said(tmp_path, content):
    path = tmp_path / "w.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CommandError, match=r"^w\.geojson: "):
        pds.read_pds(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Status": "vielleicht"}, "row 2: Status is 'vielleicht'"),
        ({"Titel": ""}, "row 2: the text is empty"),
        ({"Referenznr.": " "}, "row 2: Referenznr. is empty"),
        ({"Erstellt": "gestern"}, "row 2: Erstellt is 'gestern'"),
        ({"Ort (Längengrad)": "190"}, r"row 2: Ort \(Längengrad\) is '190'"),
        ({"Positive Bewertungen": "viele"}, "row 2: Positive Bewertungen is 'viele'"),
    ],
)
def test_of_a_broken_sheet_nothing_is_taken_over(store, tmp_path, change, reason):
    path = sheet(tmp_path / "ideen.xlsx", IDEA | change, PLAIN)
    with pytest.raises(CommandError, match=reason):
        take(store, "meinberlin", path, is_strict=True)
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM consultations")).scalar_one() == 0


def repack(path: Path, name: str, content_: bytes) -> None:
    with zipfile.ZipFile(path) as old:
        parts = {it: old.read(it) for it in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for it, old_content in (parts | {name: content_}).items():
            new.writestr(it, old_content)


SHEET = "xl/worksheets/sheet1.xml"
MAIN = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (f"{LAUGHS}{MAIN}</sheetData></worksheet>", "declares entities"),
        (f"{MAIN}</sheetData>", "its XML is broken"),
        (
            f'{MAIN}<row r="1"><c r="A1"><f>1+1</f><v>2</v></c></row></sheetData></worksheet>',
            "row 1: a cell contains a formula",
        ),
        (f'{MAIN}<row r="1"><c r="A1" t="s"><v>999</v></c></row></sheetData></worksheet>', "refers to a missing text"),
        (
            f'{MAIN}<row r="1"><c r="A1" t="e"><v>#REF!</v></c></row></sheetData></worksheet>',
            "a cell contains an error",
        ),
        (f"{MAIN}</sheetData></worksheet>", "the first sheet is empty"),
    ],
)
def test_spreadsheets_that_mean_harm_are_refused(tmp_path, xml, reason):
    path = sheet(tmp_path / "ideen.xlsx", IDEA)
    repack(path, SHEET, xml.encode())
    with pytest.raises(CommandError, match=reason):
        list(xlsx_reader.xlsx_rows(path, ("Titel",)))


def test_a_bomb_in_utf_16_or_without_end_is_refused(tmp_path, monkeypatch):
    path = sheet(tmp_path / "ideen.xlsx", IDEA)
    repack(path, SHEET, f"{LAUGHS}{MAIN}</sheetData></worksheet>".encode("utf-16"))
    with pytest.raises(CommandError, match="odd encoding"):
        list(xlsx_reader.xlsx_rows(path, ("Titel",)))
    far = f'{MAIN}<row r="1"><c r="ZZZ1"><v>1</v></c></row></sheetData></worksheet>'
    repack(path, SHEET, far.encode())
    monkeypatch.setattr(xlsx_reader, "_MOST_CELLS", 1000)
    with pytest.raises(CommandError, match="more than 1000 cells"):
        list(xlsx_reader.xlsx_rows(path, ("Titel",)))
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 100)
    with pytest.raises(CommandError, match="has more than 0 MB"):
        list(xlsx_reader.xlsx_rows(path, ("Titel",)))
    path.write_bytes(b"no zip")
    with pytest.raises(CommandError, match="it is not an XLSX file"):
        list(xlsx_reader.xlsx_rows(path, ("Titel",)))


def test_columns_may_stand_in_any_order_and_days_may_be_numbers(tmp_path):
    head = ("Titel", "Erstellt", "Beschreibung", "Referenznr.")
    path = tmp_path / "ideen.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, head)
        page.write_row(1, 0, ("Licht", 46085.5, "Es ist dunkel.", "7"))
    (it,) = meinberlin.read_meinberlin(path).statements
    assert (it.title, it.created_at) == ("Licht", datetime(2026, 3, 4, 12, tzinfo=UTC))
    with pytest.raises(CommandError, match=r"the columns Referenznr\. are missing"):
        meinberlin.read_meinberlin(sheet(tmp_path / "x.xlsx", IDEA, head=("Titel", "Beschreibung")))


DECIDIM = """id;title/ca;title/de;body/ca;body/de;state;answer/de;address;latitude;longitude;published_at;url
5;Bancs;Bänke;<p>Tres</p>;<p>Drei</p>;accepted;Im Mai.;Weiher;52,5;13,4;2026-03-04 09:20:30 UTC;https://d.example/p/5
6;Llum;;Fosc;;withdrawn;;;;;2026-03-05T09:20:30Z;
"""


@pytest.fixture
def proposals_csv(tmp_path: Path) -> Path:
    path = tmp_path / "proposals.csv"
    path.write_text(DECIDIM.replace(" UTC", "+00:00"), encoding="utf-8")
    return path


def test_proposals_of_decidim_come_in_in_the_wished_language(store, proposals_csv, tmp_path):
    _, taken = take(store, "decidim", proposals_csv)
    assert taken[2:] == (2, 0, 0, 0)
    first, second = loaded(store).proposals
    assert (first.source, first.source_id) == ("decidim:d.example", "5")
    assert (first.title, first.text, first.status, first.latitude) == ("Bänke", "Drei", "accepted", 52.5)
    assert (second.title, second.text, second.released_at) == ("Llum", "Fosc", None)
    assert [it.id for it in loaded(store).shown] == [first.id]
    as_json = tmp_path / "proposals.json"
    nested = [{"id": 5, "title": {"ca": "Bancs", "de": "Bänke"}, "body": {"de": "<p>Drei</p>"}, "state": None}]
    as_json.write_text(json.dumps(nested), encoding="utf-8")
    (it,) = decidim.read_decidim(as_json, "ca").statements
    assert (it.source_id, it.title, it.text) == ("5", "Bancs", "Drei")


def test_proposals_go_out_as_decidim_imports_them(store, proposals_csv, tmp_path):
    take(store, "decidim", proposals_csv)
    found = loaded(store)
    out = tmp_path / "out"
    out.mkdir()
    assert decidim.write_decidim(found, out) == ["proposals.csv", "proposals.json"]
    head = (out / "proposals.csv").read_text().splitlines()[0].split(";")
    assert {"title/de", "body/de", "address", "latitude", "longitude", "state", "answer/de"} <= set(head)
    for name in ("proposals.csv", "proposals.json"):
        (it,) = decidim.read_decidim(out / name).statements
        assert (it.title, it.text, it.status, it.answer) == ("Bänke", "Drei", "accepted", "Im Mai.")
        assert it.link == f"https://stadt.example/p/{found.shown[0].code}"


@pytest.mark.parametrize(
    ("name", "content_", "reason"),
    [
        ("a.csv", "title/de;body/de\nx;y\n", "row 1: the columns id are missing"),
        ("a.csv", "id;title/de;body/de;state\n1;x;y;lost\n", "row 2: state is 'lost'"),
        ("a.csv", "id;title/de;body/de\n1;x;y\n1;x;y\n", "row 3: the id '1' is already used in row 2"),
        ("a.json", "{", "this is not JSON"),
        ("a.json", '{"id": 1}', "this is not a list of proposals"),
        ("a.json", "[" * 100_000, "this is not JSON"),
        ("a.json", '[{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}]', "nested too deeply"),
        ("a.json", "[]", "it contains no proposal"),
    ],
)
def test_broken_proposals_are_refused(tmp_path, name, content_, reason):
    path = tmp_path / name
    path.write_text(content_, encoding="utf-8")
    with pytest.raises(CommandError, match=reason):
        decidim.read_decidim(path)


def test_located_proposals_go_out_as_geojson(store, tmp_path):
    take(store, "meinberlin", sheet(tmp_path / "ideen.xlsx", IDEA, PLAIN))
    assert pds.write_pds(loaded(store), tmp_path) == ["proposals.geojson"]
    collection = json.loads((tmp_path / "proposals.geojson").read_text())
    (feature,) = collection["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [13.41, 52.52]}
    assert feature["properties"]["title"] == "Bänke am Weiher"
    assert (feature["properties"]["votingPro"], feature["properties"]["dateCreated"][:10]) == (0, "2026-03-04")


VOTED = """META
key;value
description;Haushalt 2026
country;Germany
unit;Weiher
num_projects;3
num_votes;10
budget;100
vote_type;approval
PROJECTS
project_id;cost;votes;name;selected
1;60;6;Straße;0
bridge;40;6;Brücke;1
3;40;4;Park;1
VOTES
voter_id;vote
""" + "".join(f"{number};{'1,bridge' if number < 6 else '3'}\n" for number in range(10))


def budget_file(tmp_path: Path, content: str = VOTED) -> Path:
    path = tmp_path / "weiher.pb"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_vote_on_a_budget_comes_in_once_and_is_counted(store, tmp_path):
    path = budget_file(tmp_path)
    bundle, taken = take(store, "pb", path, "haushalt")
    assert bundle.source.startswith("pb:Germany/Weiher/Haushalt 2026#")
    assert taken[1:] == (True, 0, 0, 10, 0)
    assert take(store, "pb", path, "haushalt")[1][1:] == (False, 0, 0, 0, 10)
    with store.reading() as connection:
        found = published.preview_results(connection, "haushalt")
    assert found.participations == 10
    (outcome,) = found.outcomes.values()
    assert isinstance(outcome, BudgetOutcome)
    fair, greedy = outcome.spendings
    # As in docs/reference/results.md: each voter has 10, so the six buy the bridge and the four the park.
    assert (set(fair.projects), set(greedy.projects)) == ({"bridge", "p3"}, {"p1", "bridge"})
    pb.write_pb(loaded(store, "haushalt"), tmp_path)
    again = pb.read_pb(tmp_path / "haushalt-budget.pb").budgeting
    assert again is not None
    assert again.projects == (("p1", "Straße", 60), ("bridge", "Brücke", 40), ("p3", "Park", 40))
    assert sorted(again.ballots.values()) == [("p1", "bridge")] * 6 + [("p3",)] * 4
    assert package.write_export(store, package.ExportRequest("haushalt", tmp_path / "offen", "public"), NOW) == 10


def test_sums_that_differ_from_the_ballots_are_told(store, tmp_path):
    path = budget_file(tmp_path, VOTED.replace("3;40;4;Park;1", "3;40;5;Park;1"))
    bundle, taken = take(store, "pb", path, "haushalt")
    assert taken.votes == 10
    assert bundle.remarks == ("the sums of 1 projects differ from the ballots by 1 in all; the ballots count.",)


def test_a_vote_on_many_projects_is_counted(store, tmp_path):
    """More than a chat can offer: the consultation stays closed."""
    more = "".join(f"{number};5;1;Projekt {number};0\n" for number in range(4, 151))
    voted = VOTED.replace("3;40;4;Park;1\n", f"3;40;4;Park;1\n{more}").replace("num_projects;3", "num_projects;150")
    path = budget_file(tmp_path, voted.replace("9;3\n", f"9;{','.join(map(str, range(3, 151)))}\n"))
    with pytest.raises(CommandError, match="more than 20 answers are offered"):
        take(store, "pb", path, "haushalt", is_open=True)
    assert take(store, "pb", path, "haushalt")[1].votes == 10
    with store.reading() as connection:
        (outcome,) = published.preview_results(connection, "haushalt").outcomes.values()
    assert isinstance(outcome, BudgetOutcome)
    assert outcome.spendings[1].votes["p150"] == 1
    assert set(outcome.spendings[1].projects) >= {"p1", "bridge"}
    pb.write_pb(loaded(store, "haushalt"), tmp_path)
    again = pb.read_pb(tmp_path / "haushalt-budget.pb").budgeting
    assert again is not None
    assert len(again.projects) == 150


def test_another_budget_does_not_go_into_the_same_consultation(store, tmp_path):
    take(store, "pb", budget_file(tmp_path), "haushalt")
    with pytest.raises(CommandError, match="does not ask about this budget"):
        take(store, "pb", budget_file(tmp_path, VOTED.replace("budget;100", "budget;120")), "haushalt")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("META", "WHAT", "row 1: it does not begin with META"),
        ("VOTES\n", "", "the section VOTES is missing"),
        ("approval", "ordinal", "vote_type is 'ordinal'"),
        ("budget;100", "budget;viel", "budget is 'viel'"),
        ("num_votes;10", "num_votes;11", "num_votes is 11, but there are 10"),
        ("1;60;6;", "1;600;6;", "row 12: it costs 600, more than the budget of 100"),
        ("1;60;6;", "1;-3;6;", "row 12: cost is '-3'"),
        ("3;40;4;", "1;40;4;", "row 14: project_id is missing or repeated"),
        ("9;3", "8;3", "row 26: voter_id is missing or repeated"),
        ("9;3", "9;4", "row 26: there is no project '4'"),
        ("9;3", "9;3;x;y", "row 26: it has 4 cells instead of 2"),
        ("3;40;4;Park;1\n", "".join(f"{n};40;1;P{n};1\n" for n in range(4, 203)), "it has 201 projects"),
    ],
)
def test_of_a_broken_budget_nothing_is_taken_over(store, tmp_path, old, new, reason):
    assert old in VOTED
    with pytest.raises(CommandError, match=reason):
        take(store, "pb", budget_file(tmp_path, VOTED.replace(old, new, 1)), "haushalt", is_strict=True)
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar() == 0
        assert connection.execute(text("SELECT count(*) FROM consultations WHERE slug = 'haushalt'")).scalar() == 0


def test_budgets_go_out_as_pb(tmp_path):
    options = {"road": ("Straße; breit", 60), "bridge": ("Brücke", 40), "park": ("Park", 40)}
    ballots = (*[frozenset({"road", "bridge"})] * 6, *[frozenset({"park"})] * 4)
    found = ExchangeContent(
        "haushalt", "Haushalt", "de", "", (), {}, (), {}, (BudgetQuestion("fund", "Wofür?", 100, options, ballots),)
    )
    assert pb.write_pb(found, tmp_path) == ["haushalt-fund.pb"]
    lines = (tmp_path / "haushalt-fund.pb").read_text().splitlines()
    assert [lines.index(it) for it in ("META", "PROJECTS", "VOTES")] == [0, 11, 16]
    assert "budget;100" in lines
    assert lines[12:16] == [
        "project_id;cost;votes;name;selected",
        'road;60;6;"Straße; breit";0',
        "bridge;40;6;Brücke;1",
        "park;40;4;Park;1",
    ]
    assert lines[17:20] == ["voter_id;vote", "0;road,bridge", "1;road,bridge"]
    with pytest.raises(CommandError, match=r"there is no \.pb"):
        pb.write_pb(ExchangeContent("x", "X", "de", "", (), {}, (), {}), tmp_path)


def test_one_file_may_be_called_as_one_likes(tmp_path):
    settings = Settings(data=tmp_path / "data")
    said: list[str] = []
    path = sheet(tmp_path / "ideen.xlsx", IDEA)
    exchange.run_import(settings, "meinberlin", path, ImportOptions("ideen"), said.append, said.append)
    exchange.run_export(settings, "ideen", "meinberlin", tmp_path / "zurueck.xlsx", said.append, said.append)
    assert [it.title for it in meinberlin.read_meinberlin(tmp_path / "zurueck.xlsx").statements] == ["Bänke am Weiher"]
    assert known_formats.format_names() == ["decidim", "meinberlin", "pb", "pds", "polis"]


@pytest.mark.parametrize("kind", ["decidim", "meinberlin", "pb", "pds", "polis"])
def test_hidden_figures_are_in_no_file_of_another_program(tmp_path, kind):
    """They are hidden until the end; raw data need a purpose."""
    settings = Settings(data=tmp_path / "data")
    said: list[str] = []
    if kind == "pb":
        exchange.run_import(
            settings, "pb", budget_file(tmp_path), ImportOptions("ideen", is_open=True), said.append, said.append
        )
    else:
        path = geojson(tmp_path / "x.geojson", LOCATED)
        exchange.run_import(settings, "pds", path, ImportOptions("ideen", is_open=True), said.append, said.append)
    with pytest.raises(CommandError, match="hidden until it is closed"):
        exchange.run_export(settings, "ideen", kind, tmp_path / "out", said.append, said.append, purpose="test")
    with pytest.raises(CommandError, match="cannot be public"):
        exchange.run_export(settings, "ideen", kind, tmp_path / "out", said.append, said.append, profile="public")
    assert not (tmp_path / "out").exists()
    out = tmp_path / "out"
    exchange.run_export(settings, "ideen", kind, out, said.append, said.append, profile="raw", purpose="test")
    assert out.exists()
    with command_context(settings, said.append) as (store, _), store.reading() as connection:
        acts = [(it.act, it.purpose) for it in audit_entries(connection)]
    assert ("export.raw", f"{kind}: test") in acts
