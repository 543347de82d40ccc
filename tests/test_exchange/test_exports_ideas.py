"""What people proposed and weighed, in the exports for the core team and for analysts."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.exchange.exports import ideas, package
from bot.exchange.exports.package import ExportRequest
from bot.proposals.merge_split import merge_proposals
from bot.proposals.moderation_decisions import approve_text, hide_text
from storage.core.store import Store
from storage.tables.proposals import proposals_of_consultation
from storage.tables.revisions import find_live_revision
from tests.support.app import consultation, publish, running, say
from tests.support.ideas import chair, open_consultation, released

QUESTIONS: list[dict[str, Any]] = [
    {"key": "idea", "type": "proposal", "text": {"de": "Idee?", "en": "Idea?"}},
    {
        "key": "weigh",
        "type": "statements",
        "text": {"de": "Was halten Sie davon?", "en": "What do you think?"},
        "block": 2,
    },
]
VOTES = ("1", "2", "3")
COUNTED = ("agrees", "disagrees", "passes", "important")
TEXTS = ("=Bänke am Fluss", "Tempo 30 überall", "Herr Meyer stört")


def read(path: Path, name: str) -> list[dict[str, str]]:
    with (path / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
async def weighed(store: Store) -> Store:
    """Three people proposed something and rated two of others alike; one idea is released, one hidden, one waits."""
    park = open_consultation(store, questions=QUESTIONS)
    with store.begin() as connection:
        for person, text in enumerate(("Mehr Bäume.", "Ein Café."), start=11):
            released(connection, park, person, text=text)
    async with running(store) as (app, channel):
        for number, (idea, vote) in enumerate(zip(TEXTS, VOTES, strict=True)):
            for line in ("/start park", "Deutsch", idea, "so abgeben", vote, vote, "absenden"):
                await say(app, channel.msg(f"p{number}", line))
    with store.begin() as connection:
        ids = {row.text: row.id for row in proposals_of_consultation(connection, park)}
        approve_text(chair(connection), ids[TEXTS[0]])
        hide_text(chair(connection), ids[TEXTS[2]], "Name")
    return store


def export(store: Store, out: Path, profile: str) -> Path:
    package.write_export(store, ExportRequest("park", out, profile), datetime(2026, 11, 26, tzinfo=UTC))
    return out


@pytest.mark.parametrize("at_once", [1, 1000])
async def test_every_idea_and_every_rating_is_there(
    weighed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("bot.results.counts.participation_reader.CHUNK_SIZE", at_once)
    out = export(weighed, tmp_path / "raw", "raw")
    by_text = {row["text"]: row for row in read(out, "proposals.csv")}
    assert [by_text[text]["state"] for text in TEXTS] == ["released", "waiting", "hidden"]
    assert [by_text[text]["withheld"] for text in TEXTS] == ["0", "0", "0"]
    trees = by_text["Mehr Bäume."]
    assert [trees[name] for name in ("agrees", "disagrees", "passes", "important")] == ["1", "1", "1", "0"]
    wide = read(out, "answers_wide.csv")
    assert [row["idea"] for row in wide] == [by_text[text]["code"] for text in TEXTS]
    rated = {(row["response_id"], row["code"]): row["vote"] for row in read(out, "ratings_long.csv")}
    said = {row["response_id"]: vote for row, vote in zip(wide, ("agree", "disagree", "pass"), strict=True)}
    others = [by_text[text]["code"] for text in ("Mehr Bäume.", "Ein Café.")]
    assert rated == {(name, code): vote for name, vote in said.items() for code in others}


async def test_analysts_get_released_words_only(weighed: Store, tmp_path: Path) -> None:
    out = export(weighed, tmp_path / "analysis", "analysis")
    rows = read(out, "proposals.csv")
    assert {row["text"] for row in rows if row["withheld"] == "0"} == {TEXTS[0], "Mehr Bäume.", "Ein Café."}
    assert {(row["state"], row["text"]) for row in rows if row["withheld"] == "1"} == {("waiting", ""), ("hidden", "")}
    assert [row["code"] for row in rows] == sorted(row["code"] for row in rows), "not in the order in which they came"
    everything = b"".join(path.read_bytes() for path in out.iterdir()).decode()
    assert TEXTS[1] not in everything
    assert TEXTS[2] not in everything
    assert [row["idea"] for row in read(out, "answers_wide.csv")] == ["proposed"] * 3
    answers = b"".join(path.read_bytes() for path in out.glob("answers*")).decode()
    assert not any(row["code"] in answers for row in rows), "a code shown around must not lead to all answers"
    names = {row["response_id"] for row in read(out, "answers_wide.csv")}
    rated = read(out, "ratings_long.csv")
    assert {row["response_id"] for row in rated} == names
    assert {row["rated_at"] for row in rated} == {read(out, "answers_long.csv")[0]["answered_at"]}
    assert "proposed: es gab einen Vorschlag" in everything
    assert "ratings_long.csv  eine Zeile" in everything


def test_where_nobody_proposes_nothing_is_said_of_it(store: Store, tmp_path: Path) -> None:
    publish(store, consultation())
    out = export(store, tmp_path / "raw", "raw")
    assert not {path.name for path in out.iterdir()} & set(ideas.IDEA_FILES)
    assert "proposals.csv" not in (out / "LIESMICH.txt").read_text(encoding="utf-8")


async def test_votes_on_a_merged_proposal_are_counted_once(weighed: Store, tmp_path: Path) -> None:
    before = read(export(weighed, tmp_path / "before", "raw"), "proposals.csv")
    with weighed.begin() as connection:
        park = find_live_revision(connection, "park")
        assert park
        ids = {row.text: row.id for row in proposals_of_consultation(connection, park.consultation_id)}
        merge_proposals(chair(connection), ids["Ein Café."], ids["Mehr Bäume."])
    after = read(export(weighed, tmp_path / "after", "raw"), "proposals.csv")
    row = {row["text"]: row for row in after}
    assert row["Ein Café."]["state"] == "merged"
    assert [row["Ein Café."][name] for name in COUNTED] == [""] * 4
    people = {name: sum(int(one[name] or 0) for one in after) for name in COUNTED}
    assert people == {name: int(row["Mehr Bäume."][name]) for name in COUNTED}
    assert sum(people.values()) < sum(int(one[name]) for one in before for name in COUNTED), "each person once"
