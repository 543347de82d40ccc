"""The Polis bundle, in and out: real input, small bundles, and broken ones of which nothing is taken over."""

from __future__ import annotations

import lzma
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.cli import exchange
from bot.common.errors import CommandError
from bot.exchange import content
from bot.exchange.bundle import pseudonym
from bot.exchange.formats import polis
from bot.exchange.importer import ImportOptions
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.revisions import find_live_revision
from tests.support import polis_bundle

COMMENTS = """timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body
1651045000,x,0,7,2,1,1,"Mehr Bäume, bitte"
1651045001,x,1,,1,0,-1,'- Lampen
1651045002,x,2,8,0,0,0,Bänke
"""
VOTES = """timestamp,datetime,comment-id,voter-id,vote,important
1651046000,x,0,7,1,0
1651046003,x,0,8,-1,0
1651046002,x,0,8,1,1
1651046004,x,1,9,1,1
1651046005,x,0,9,0,0
"""
SUMMARY = 'topic,Unser Park\nurl,https://pol.is/4abc\nconversation-description,"Zeile, mit\nUmbruch"\n'
PEOPLE = """participant,group-id,n-comments,n-votes,n-agree,n-disagree,0,1,2
7,,1,1,1,0,1,,
8,,1,1,0,1,-1,,
9,,0,2,1,0,0,1,
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name, content_ in (("comments", COMMENTS), ("votes", VOTES), ("summary", SUMMARY)):
        (folder / f"{name}.csv").write_text(content_, encoding="utf-8")
    with lzma.open(folder / "participants-votes.csv.xz", "wt", encoding="utf-8") as file:
        file.write(PEOPLE)
    return folder


def take(store: Store, path: Path, slug: str = "park"):
    return exchange.import_rows(store, Settings(), "polis", path, ImportOptions(slug))


def rows_of(store: Store) -> dict[str, int]:
    names = ("consultations", "proposals", "moderations", "decisions", "ratings", "rating_events", "triggers")
    with store.reading() as connection:
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}


def test_a_bundle_is_taken_over_once(store, bundle):
    _, taken = take(store, bundle)
    assert taken == ("park", True, 3, 0, 5, 0)
    with store.reading() as connection:
        found = content.load_content(connection, "park")
        revision = find_live_revision(connection, "park")
    assert revision is not None
    assert revision.state == "closed"
    assert [it.text for it in found.proposals] == ["Mehr Bäume, bitte", "- Lampen", "Bänke"]
    assert [(it.source, it.source_id) for it in found.proposals] == [("https://pol.is/4abc", str(n)) for n in range(3)]
    assert [found.states[it.id].state for it in found.proposals] == ["released", "hidden", "waiting"]
    assert [it.text for it in found.shown] == ["Mehr Bäume, bitte"]
    assert found.proposals[0].pseudonym == pseudonym("https://pol.is/4abc", "7")
    assert found.proposals[1].pseudonym is None
    eight = [(it.vote, it.important) for it in found.votes if it.pseudonym == pseudonym("https://pol.is/4abc", "8")]
    assert eight == [(1, True), (-1, False)], "in the order in which they were cast"
    before = rows_of(store)
    _, again = take(store, bundle)
    assert again == ("park", False, 0, 3, 0, 5)
    assert rows_of(store) == before
    assert before["rating_events"] == 5
    assert before["ratings"] == 4


def test_the_same_conversation_does_not_come_in_under_two_names(store, bundle):
    take(store, bundle)
    before = rows_of(store)
    with pytest.raises(CommandError, match="was imported as park already"):
        take(store, bundle, "other")
    assert rows_of(store) == before


def test_more_votes_of_the_same_conversation_are_added(store, bundle):
    take(store, bundle)
    with (bundle / "votes.csv").open("a") as file:
        file.write("1651047000,x,2,7,1,0\n")
    comments = COMMENTS.replace("2,8,0,0,0", "2,8,1,0,0")
    (bundle / "comments.csv").write_text(comments, encoding="utf-8")
    (bundle / "participants-votes.csv.xz").unlink()
    assert take(store, bundle)[1][2:] == (0, 3, 1, 5)


def test_what_is_exported_can_be_taken_over_again(store, bundle, tmp_path):
    take(store, bundle)
    with store.reading() as connection:
        found = content.load_content(connection, "park")
    out = tmp_path / "out"
    out.mkdir()
    assert polis.write_polis(found, out) == [
        "summary.csv",
        "comments.csv",
        "votes.csv",
        "participant-votes.csv",
        "comment-groups.csv",
    ]
    again = polis.read_polis(out)
    assert [it.text for it in again.statements] == [it.text for it in found.proposals]
    assert [it.state for it in again.statements] == ["released", "hidden", "waiting"]
    assert [(it.vote, it.important, it.at) for it in again.votes] == [
        (it.vote, it.important, it.at) for it in found.votes
    ]
    raw = (out / "comments.csv").read_text()
    assert "'- Lampen" in raw, "no spreadsheet runs it"
    groups = polis_bundle.rows(out, "comment-groups.csv")
    assert groups[0]["total-agrees"] == "1", "by last vote"
    comments = polis_bundle.rows(out, "comments.csv")
    assert comments[0]["agrees"] == "2", "by vote events"


def test_turned_signs_are_seen_and_turned_back(store, bundle):
    votes = VOTES.replace(",1,", ",X,").replace(",-1,", ",1,").replace(",X,", ",-1,")
    # The column before the last is the vote; statement and voter ids hold no 1 but statement 1.
    votes = votes.replace("1651046004,x,-1,9,-1,1", "1651046004,x,1,9,-1,1")
    (bundle / "votes.csv").write_text(votes)
    read, _ = take(store, bundle)
    assert [it.vote for it in read.votes] == [1, 1, -1, 1, 0]
    assert "the signs were inverted" in read.remarks[0]


def test_a_zip_file_and_newer_names_will_do(bundle, tmp_path):
    packed = tmp_path / "bundle.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for name in ("comments", "votes", "summary"):
            file.write(bundle / f"{name}.csv", f"export/2024-05-01-{name}.csv")
        file.writestr("export/2024-05-01-participant-votes.csv", PEOPLE)
    read = polis.read_polis(packed)
    assert (read.title, len(read.statements), len(read.votes)) == ("Unser Park", 3, 5)


BROKEN = {
    "no votes": ("votes.csv", None, "votes.csv is missing"),
    "no column": ("votes.csv", ("voter-id", "person"), "votes.csv, row 1: the columns voter-id are missing"),
    "wrong sums": (
        "comments.csv",
        ("7,2,1,1", "7,3,1,1"),
        r"statement 0 has 2 votes \+1 and 1 votes -1.*3 agree and 1",
    ),
    "odd vote": ("votes.csv", ("7,1,0", "7,2,0"), "votes.csv, row 2: vote is '2'"),
    "unknown statement": ("votes.csv", ("x,1,9", "x,4,9"), "votes.csv, row 5: there is no statement '4'"),
    "nobody": ("votes.csv", ("0,7,1", "0,,1"), "row 2: voter-id is empty"),
    "time": ("votes.csv", ("1651046002", "soon"), "row 4: timestamp is 'soon'"),
    "far time": ("votes.csv", ("1651046002", "9" * 18), "row 4: timestamp is '9999"),
    "long": ("comments.csv", ("Bänke", "B" * 10_001), "row 4: the text has 10001 characters"),
    "empty": ("comments.csv", ("Bänke", " "), "row 4: the text is empty"),
    "unseen": ("comments.csv", ("Bänke", "B\x00nke"), r"row 4: the text contains a control character \(U\+0000\)"),
    "twice": ("comments.csv", ("x,2,8", "x,0,8"), "row 4: the id '0' is already used in row 2"),
    "moderated": ("comments.csv", ("0,0,0,B", "0,0,5,B"), "row 4: moderated is '5'"),
    "ragged": ("comments.csv", ("Bänke", "Bänke,mehr"), "row 4: it has 9 cells instead of 8"),
    "encoding": ("comments.csv", ("ä", "\udce4"), "row 2: this is not UTF-8"),
    "matrix": (
        "votes.csv",
        ("0,9,0,0", "0,9,0,0\n1651046009,x,2,9,0,0"),
        "row 4: the votes of participant 9 differ",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_of_a_broken_bundle_nothing_is_taken_over(store, bundle, what):
    name, change, reason = BROKEN[what]
    if change is None:
        (bundle / name).unlink()
    else:
        whole = (bundle / name).read_text(encoding="utf-8")
        assert change[0] in whole
        (bundle / name).write_bytes(whole.replace(*change).encode("utf-8", "surrogateescape"))
    with pytest.raises(CommandError, match=reason):
        exchange.import_rows(store, Settings(), "polis", bundle, ImportOptions("park", is_strict=True))
    assert set(rows_of(store).values()) == {0}


@pytest.mark.parametrize(
    ("merges", "reason"),
    [
        (("1", "2", "0"), "row 2: the merges form a circle"),
        (("0", "", ""), "row 2: the merges form a circle"),
        (("", "9", ""), "row 3: it is merged into '9', which is missing"),
    ],
)
def test_merges_in_a_circle_or_into_nothing_are_refused(store, bundle, merges, reason):
    head, *lines = COMMENTS.splitlines()
    merged = [f"{head},merged-into", *(f"{line},{into}" for line, into in zip(lines, merges, strict=True))]
    (bundle / "comments.csv").write_text("\n".join(merged), encoding="utf-8")
    with pytest.raises(CommandError, match=reason):
        exchange.import_rows(store, Settings(), "polis", bundle, ImportOptions("park", is_strict=True))
    assert set(rows_of(store).values()) == {0}


def test_chains_of_merges_are_taken_over_and_exported(store, bundle, tmp_path):
    head, *lines = COMMENTS.splitlines()
    merged = [f"{head},merged-into", *(f"{line},{into}" for line, into in zip(lines, ("", "2", "0"), strict=True))]
    (bundle / "comments.csv").write_text("\n".join(merged), encoding="utf-8")
    take(store, bundle)
    with store.reading() as connection:
        found = content.load_content(connection, "park")
    assert [found.states[it.id].merged_into for it in found.proposals] == [None, *[found.proposals[0].id] * 2]
    out = tmp_path / "out"
    out.mkdir()
    polis.write_polis(found, out)
    assert [it.merged_into for it in polis.read_polis(out).statements] == [None, "0", "0"]


def test_a_bomb_is_not_unpacked(bundle, monkeypatch):
    monkeypatch.setattr("bot.exchange.archives.MAX_FILE_BYTES", 1000)
    with lzma.open(bundle / "votes.csv.xz", "wt") as file:
        file.write("0" * 5000)
    (bundle / "votes.csv").unlink()
    with pytest.raises(CommandError, match="it has more than 0 MB"):
        polis.read_polis(bundle)
    (bundle / "votes.csv.xz").write_bytes(b"no xz")
    with pytest.raises(CommandError, match="it is damaged"):
        polis.read_polis(bundle)


def test_the_export_lands_whole_and_names_what_there_is(bundle, tmp_path):
    settings = Settings(data=tmp_path / "data")
    said: list[str] = []
    exchange.run_import(settings, "polis", bundle, ImportOptions("", "en", True), said.append, said.append)
    assert said[0] == "unser-park: made, open; source https://pol.is/4abc"
    out = tmp_path / "out.zip"
    exchange.run_export(settings, "unser-park", "polis", out, said.append, said.append, profile="raw")
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        assert "votes.csv" in packed.namelist()
    with pytest.raises(CommandError, match="it exists already"):
        exchange.run_export(settings, "unser-park", "polis", tmp_path / "out.zip", said.append, said.append)
    with pytest.raises(CommandError, match=r"'docx' is not a format; use one of .*polis"):
        exchange.run_export(settings, "unser-park", "docx", tmp_path / "x", said.append, said.append)
    with pytest.raises(CommandError, match="--lang xx"):
        exchange.run_import(settings, "polis", bundle, ImportOptions("a", "xx"), said.append, said.append)


def test_a_real_conversation_comes_out_as_it_was_published(store, real_data, tmp_path):
    _, taken = take(store, real_data)
    assert taken[2:] == (522, 0, 61_936, 0)
    with store.reading() as connection:
        found = content.load_content(connection, "park")
    polis.write_polis(found, tmp_path)
    theirs, ours = polis_bundle.read(real_data), polis_bundle.read(tmp_path)
    assert polis_bundle.differences(theirs, ours) == []
    assert len(ours.people) == 1116
    assert sum(row["group-id"] != "" for row in ours.people.values()) == 900
    assert polis_bundle.likeness(theirs, ours) >= 0.95
    ours.comments["7"]["agrees"] = "0"
    assert polis_bundle.differences(theirs, ours) == ["comments.csv agrees of 7"], "it can tell"
