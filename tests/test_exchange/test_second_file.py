"""A second file: of another vote or conversation it comes in whole, of the same one it changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic_core import to_json
from sqlalchemy import text

from bot.cli import exchange
from bot.common.errors import CommandError
from bot.exchange import ballots
from bot.exchange.bundle import Bundle, pseudonym
from bot.exchange.file_format import FileFormat
from bot.exchange.formats import pb, polis
from bot.exchange.importer import ImportOptions, ImportOutcome
from bot.exchange.rejected_rows import RejectedRows
from bot.proposals import moderation_decisions
from bot.proposals.moderation_decisions import ProposalWording
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.answers import answers_to_question
from storage.tables.audit import audit_entries
from storage.tables.proposals import proposals_of_source
from storage.tables.revisions import revisions_once_live
from tests.support.ideas import chair
from tests.test_exchange.test_kinds import IDEA, PLAIN, SAID, geojson, sheet
from tests.test_exchange.test_polis import COMMENTS, PEOPLE, SUMMARY, VOTES

Meta = dict[str, str]
GDYNIA: Meta = {
    "description": "Municipal PB in Gdynia",
    "country": "Poland",
    "unit": "Gdynia",
    "instance": "2020",
    "subunit": "Babie Doły",
}
"""As Pabulib names votes: most of a city's share country, unit and instance."""


def vote(path: Path, meta: Meta, costs: dict[str, int], people: range, names: str = "Projekt") -> Path:
    """A file of approval ballots in which voter 17 is voter 17 of every other file, too."""
    head = meta | {"num_projects": str(len(costs)), "num_votes": str(len(people)), "budget": "100000"}
    head |= {"vote_type": "approval", "rule": "greedy", "date_begin": "01.06.2019", "language": "pl", "edition": "6"}
    chosen = {person: [it for at, it in enumerate(costs) if (person + at) % 3] for person in people}
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, delimiter=";", lineterminator="\n")
        lines.writerows([["META"], ["key", "value"], *head.items()])
        lines.writerows([["PROJECTS"], ["project_id", "cost", "votes", "name", "selected"]])
        lines.writerows([it, cost, "0", f"{names} {it}", "0"] for it, cost in costs.items())
        lines.writerows([["VOTES"], ["voter_id", "age", "sex", "vote"]])
        lines.writerows([person, "40", "F", ",".join(its)] for person, its in chosen.items())
    return path


LARGE, SMALL = {"11": 60_000, "12": 45_000, "13": 80_000}, {"21": 9_000, "22": 4_500}


def votes_of_a_city(folder: Path) -> dict[str, Path]:
    """Votes that differ in one thing each: year, district, size, description, edition, or nothing but names."""
    return {
        "large": vote(folder / "a.pb", GDYNIA, LARGE, range(318)),
        "small": vote(folder / "b.pb", GDYNIA, SMALL, range(12, 318)),
        "year": vote(folder / "c.pb", GDYNIA | {"instance": "2021"}, LARGE, range(100, 400)),
        "subunit": vote(folder / "d.pb", GDYNIA | {"subunit": "Chylonia"}, LARGE, range(318)),
        "district": vote(folder / "e.pb", GDYNIA | {"district": "Nord"}, LARGE, range(318)),
        "described": vote(folder / "f.pb", GDYNIA | {"description": "Green PB in Gdynia"}, LARGE, range(318)),
        "named": vote(folder / "g.pb", GDYNIA, LARGE, range(318), names="Park"),
        "cheaper": vote(folder / "h.pb", GDYNIA, LARGE | {"11": 59_000}, range(318)),
        "bare": vote(folder / "i.pb", {}, LARGE, range(50)),
        "bare-2": vote(folder / "j.pb", {}, SMALL, range(50)),
    }


def take(store: Store, kind: str, path: Path, slug: str) -> ImportOutcome:
    return exchange.import_rows(store, Settings(), kind, path, ImportOptions(slug))[1]


def counted(store: Store, table: str = "sessions") -> int:
    with store.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def everything(store: Store) -> dict[str, int]:
    tables = ("consultations", "revisions", "sessions", "answers", "proposals", "moderations", "ratings")
    return {table: counted(store, table) for table in (*tables, "rating_events", "decisions", "triggers")}


def test_two_wards_of_a_city_both_come_in(store: Store) -> None:
    """Their voters are 1 to 6 in both files."""
    for ward in ("ward-a", "ward-b"):
        path = Path(__file__).parent / "votes" / f"{ward}.pb"
        assert take(store, "pb", path, ward) == ImportOutcome(ward, True, 0, 0, 6, 0)
        assert take(store, "pb", path, ward) == ImportOutcome(ward, False, 0, 0, 0, 6)
    assert counted(store) == 12


def test_every_vote_of_a_city_comes_in_whole_and_once(store: Store, tmp_path: Path) -> None:
    files = votes_of_a_city(tmp_path)
    for slug, path in files.items():
        bundle = pb.read_pb(path)
        assert bundle.budgeting is not None
        assert take(store, "pb", path, slug) == ImportOutcome(slug, True, 0, 0, len(bundle.budgeting.ballots), 0)
    before = everything(store)
    for slug, path in files.items():
        taken = take(store, "pb", path, slug)
        assert (taken.is_new, taken.votes) == (False, 0)
        for other in files:
            if other != slug:
                with pytest.raises(CommandError, match=r"does not ask about this budget|was imported as"):
                    take(store, "pb", path, other)
    assert everything(store) == before


def test_the_answers_of_each_vote_are_those_of_its_file(store: Store, tmp_path: Path) -> None:
    large, small = (vote(tmp_path / f"{it}.pb", GDYNIA, it, range(20)) for it in (LARGE, SMALL))
    take(store, "pb", large, "large")
    take(store, "pb", small, "small")
    with store.reading() as connection:
        for number in connection.execute(text("SELECT id FROM consultations ORDER BY slug")).scalars():
            revisions = [it.id for it in revisions_once_live(connection, number)]
            given = answers_to_question(connection, number, "budget", revisions).values()
            assert len(given) == 20
        people = list(connection.execute(text("SELECT pseudonym FROM sessions")).scalars())
    assert len(set(people)) == 40, "in each consultation a voter is somebody else"


def test_the_same_vote_does_not_come_in_under_two_names(store: Store, tmp_path: Path) -> None:
    path = vote(tmp_path / "a.pb", GDYNIA, LARGE, range(20))
    take(store, "pb", path, "one")
    before = everything(store)
    for again in (path, path.rename(tmp_path / "other-name.pb")):
        if again.exists():
            with pytest.raises(CommandError, match="was imported as one already; use --as with that name"):
                take(store, "pb", again, "two")
    # A newer file with more ballots is the same vote.
    more = vote(tmp_path / "b.pb", GDYNIA, LARGE, range(25))
    with pytest.raises(CommandError, match="was imported as one already"):
        take(store, "pb", more, "two")
    assert everything(store) == before
    assert take(store, "pb", more, "one")[1:] == (False, 0, 0, 5, 20)


def test_a_file_without_ballots_makes_no_consultation(store: Store, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="it contains no ballot"):
        take(store, "pb", vote(tmp_path / "a.pb", GDYNIA, LARGE, range(0)), "one")
    assert counted(store, "consultations") == 0


def test_nothing_makes_a_new_consultation_that_is_not_whole(store: Store, tmp_path: Path, monkeypatch) -> None:
    """A final guard for any error of recognition."""
    path = vote(tmp_path / "a.pb", GDYNIA, LARGE, range(20))
    monkeypatch.setattr(ballots, "add_ballots", lambda *_: 14)
    with pytest.raises(CommandError, match="6 of the votes would be missing in it; nothing was taken over"):
        take(store, "pb", path, "one")
    assert counted(store, "consultations") == 0


# --- what an earlier version took over --------------------------------------------------------------------------------


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Within this block ballots are taken over as 0.1 did: under a source and pseudonyms that other votes share."""
    with monkeypatch.context() as patch:
        patch.setattr(ballots, "_name", lambda bundle, slug, voter: pseudonym(bundle.before[0], voter))
        patch.setattr(ballots, "_check_elsewhere", lambda *_: None)
        yield patch


def test_ballots_of_an_earlier_version_are_recognised(store: Store, tmp_path: Path, as_before) -> None:
    large = vote(tmp_path / "a.pb", GDYNIA, LARGE, range(318))
    small = vote(tmp_path / "b.pb", GDYNIA, SMALL, range(12, 321))
    take(store, "pb", large, "large")
    # 306 of 309 were lost: their pseudonyms were those of the first vote.
    take(store, "pb", vote(tmp_path / "c.pb", GDYNIA, SMALL, range(318, 321)), "small")
    as_before.undo()
    assert take(store, "pb", large, "large")[1:] == (False, 0, 0, 0, 318)
    with pytest.raises(CommandError, match="was imported as large already"):
        take(store, "pb", large, "again")
    assert take(store, "pb", small, "small")[1:] == (False, 0, 0, 306, 3)
    assert take(store, "pb", small, "small")[1:] == (False, 0, 0, 0, 309)
    more = vote(tmp_path / "d.pb", GDYNIA, LARGE, range(320))
    assert take(store, "pb", more, "large")[1:] == (False, 0, 0, 2, 318)


def test_same_projects_in_another_district_are_another_vote(store, tmp_path, as_before) -> None:
    take(store, "pb", vote(tmp_path / "a.pb", GDYNIA, LARGE, range(50)), "one")
    as_before.undo()
    other = vote(tmp_path / "b.pb", GDYNIA | {"subunit": "Chylonia"}, LARGE, range(50))
    swapped = other.read_text(encoding="utf-8").replace(";12,13\n", ";11\n")
    other.write_text(swapped, encoding="utf-8")
    assert take(store, "pb", other, "two")[1:] == (True, 0, 0, 50, 0)


# --- statements -------------------------------------------------------------------------------------------------------


def conversation(folder: Path, *, summary: str = "", word: str = "Bänke") -> Path:
    """A Polis bundle without an address, unless the summary has one."""
    folder.mkdir(parents=True)
    comments = COMMENTS.replace("Bänke", word).replace("Mehr Bäume", f"Mehr {word}")
    for name, content in (("comments", comments.replace("Lampen", f"Lampen {word}")), ("votes", VOTES)):
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    (folder / "participants-votes.csv").write_text(PEOPLE, encoding="utf-8")
    if summary:
        (folder / "summary.csv").write_text(summary, encoding="utf-8")
    return folder


OTHER = {"Titel": "Rampe am Amt", "Beschreibung": "Die Stufen sind zu hoch."}


def second_files(kind: str, folder: Path) -> tuple[Path, Path]:
    """Two files of different conversations with the same ids, and the same source as far as the files tell."""
    match kind:
        case "meinberlin":
            return sheet(folder / "a.xlsx", IDEA, PLAIN), sheet(folder / "b.xlsx", IDEA | OTHER, PLAIN | OTHER)
        case "pds":
            other = {**SAID, "title": "Rampe", "contributionContent": "Stufen sind zu hoch"}
            features = ({"type": "Feature", "geometry": None, "properties": it} for it in (SAID, other))
            first, second = (geojson(folder / f"{at}.geojson", it) for at, it in enumerate(features))
            return first, second
        case "decidim":
            rows = "id;title/de;body/de;url\n7;{0};{0} bitte;https://d.example/p/7\n8;{0} auch hier;Ja;\n"
            for word in ("Rampe", "Lampe"):
                (folder / f"{word}.csv").write_text(rows.format(word), encoding="utf-8")
            return folder / "Rampe.csv", folder / "Lampe.csv"
        case _:
            return conversation(folder / "1" / "export"), conversation(folder / "2" / "export", word="Rampen")


KINDS = ("meinberlin", "pds", "decidim", "polis")


@pytest.mark.parametrize("kind", KINDS)
def test_two_conversations_with_the_same_ids_both_come_in(store: Store, tmp_path: Path, kind: str) -> None:
    first, second = second_files(kind, tmp_path)
    one, two = take(store, kind, first, "one"), take(store, kind, second, "two")
    assert one.is_new
    assert one[2:] == two[2:], "both as they are"
    assert one.known_statements == two.known_votes == 0
    before = everything(store)
    for path, slug, other in ((first, "one", "two"), (second, "two", "one")):
        assert take(store, kind, path, slug)[2:] == (0, one.statements, 0, one.votes)
        with pytest.raises(CommandError, match=rf"was imported as {slug} already"):
            take(store, kind, path, "three")
        with pytest.raises(CommandError, match=rf"was imported as {slug} already"):
            take(store, kind, path, other)
    assert everything(store) == before


@pytest.mark.parametrize("kind", KINDS)
def test_other_conversation_with_equal_ids_is_not_merged(store, tmp_path, kind) -> None:
    first, second = second_files(kind, tmp_path)
    take(store, kind, first, "one")
    before = everything(store)
    if kind == "polis":  # known by its first statement, so its ids are others
        taken = take(store, kind, second, "one")
        assert taken[2:] == (3, 0, 5, 0)
        return
    with pytest.raises(CommandError, match=r"row \d+: .* says something else than what was taken over from"):
        take(store, kind, second, "one")
    assert everything(store) == before


def test_edited_statements_are_still_the_same_conversation(store: Store, tmp_path: Path) -> None:
    take(store, "meinberlin", sheet(tmp_path / "a.xlsx", IDEA, PLAIN), "ideen")
    reworded = sheet(tmp_path / "b.xlsx", IDEA | OTHER, PLAIN)
    bundle, taken = exchange.import_rows(store, Settings(), "meinberlin", reworded, ImportOptions("ideen"))
    assert taken[2:] == (0, 2, 0, 0)
    assert bundle.remarks[-1] == "1 statements have changed in the file; the stored texts stay."
    with store.begin() as connection:
        ideas = proposals_of_source(connection, "https://mein.berlin.de")
        for idea in ideas:
            moderation_decisions.edit_text(chair(connection), idea.id, ProposalWording(None, "Ohne Namen"), "a name")
    assert take(store, "meinberlin", tmp_path / "a.xlsx", "ideen")[2:] == (0, 2, 0, 0)
    with pytest.raises(CommandError, match="was imported as ideen already"):
        take(store, "meinberlin", tmp_path / "a.xlsx", "two")


def test_a_sentence_in_common_makes_no_conversation_the_same(store: Store, tmp_path: Path) -> None:
    ideas = [PLAIN | {"Referenznr.": str(at), "Titel": f"Idee {at}"} for at in range(5)]
    take(store, "meinberlin", sheet(tmp_path / "a.xlsx", *ideas), "one")
    other = sheet(tmp_path / "b.xlsx", ideas[0], *(it | OTHER for it in ideas[1:]))
    with pytest.raises(CommandError, match="row 3: '1' says something else than"):
        take(store, "meinberlin", other, "one")
    assert take(store, "meinberlin", other, "two")[2:] == (5, 0, 0, 0)


def test_new_ideas_are_imported_although_their_ids_are_taken(store: Store, tmp_path: Path) -> None:
    third = IDEA | {"Referenznr.": "3"}
    take(store, "meinberlin", sheet(tmp_path / "a.xlsx", PLAIN), "one")
    take(store, "meinberlin", sheet(tmp_path / "b.xlsx", third), "two")
    path = sheet(tmp_path / "c.xlsx", PLAIN, third | OTHER)
    assert take(store, "meinberlin", path, "one")[2:] == (1, 1, 0, 0)
    assert take(store, "meinberlin", path, "one")[2:] == (0, 2, 0, 0)


def test_conversation_without_url_is_known_under_any_path(store: Store, tmp_path: Path) -> None:
    take(store, "polis", conversation(tmp_path / "export"), "one")
    moved = (tmp_path / "export").rename(tmp_path / "elsewhere")
    assert take(store, "polis", moved, "one")[2:] == (0, 3, 0, 5)
    with pytest.raises(CommandError, match="was imported as one already"):
        take(store, "polis", moved, "two")


def test_conversation_imported_by_an_older_version_is_known(store: Store, tmp_path: Path, monkeypatch) -> None:
    path = conversation(tmp_path / "export")

    def before(where: Path, language: str, aside: RejectedRows) -> Bundle:
        bundle = polis.read_polis(where, language, aside)
        return replace(bundle, source=bundle.before[0], before=())

    with monkeypatch.context() as patch:
        patch.setattr(exchange, "format_called", lambda _: FileFormat(before, polis.write_polis))
        assert take(store, "polis", path, "one")[1:] == (True, 3, 0, 5, 0)
    counts = everything(store)
    assert take(store, "polis", path, "one")[1:] == (False, 0, 3, 0, 5)
    assert everything(store) == counts
    other = conversation(tmp_path / "2" / "export", word="Rampen")
    assert take(store, "polis", other, "two")[1:] == (True, 3, 0, 5, 0)


def test_projects_of_one_file_are_known_under_any_file_name(store: Store, tmp_path: Path) -> None:
    features = [
        {"type": "Feature", "geometry": None, "properties": {**SAID, "id": at, "belongToProject": f"P{at}"}}
        for at in (1, 2)
    ]
    path = geojson(tmp_path / "a.geojson", *features)
    take(store, "pds", path, "one")
    assert take(store, "pds", path.rename(tmp_path / "b.geojson"), "one")[2:] == (0, 2, 0, 0)
    with pytest.raises(CommandError, match="was imported as one already"):
        take(store, "pds", tmp_path / "b.geojson", "two")


def test_an_import_is_recorded(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", publish_samples=False)
    path = conversation(tmp_path / "export", summary=SUMMARY)
    for _ in range(2):
        exchange.run_import(settings, "polis", path, ImportOptions("park"), lambda _: None, lambda _: None)
    store = Store(settings.database())
    with store.reading() as connection:
        found = [(row.act, row.object, row.purpose) for row in audit_entries(connection)]
    store.dispose()
    assert found == [
        ("consultation.publish", "park/1", ""),
        ("import", "park", "polis: 3 statements, 5 votes"),
    ]
    assert to_json(found)
