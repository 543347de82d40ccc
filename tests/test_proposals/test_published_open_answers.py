"""Released answers to open questions in all public outputs: none without review, none beside an id."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.cli.results import as_data
from bot.common.i18n.locale import Locale
from bot.exchange.exports.package import ExportRequest, write_export
from bot.proposals import moderation_decisions
from bot.proposals.moderation_decisions import ProposalWording
from bot.results import published, text_output
from bot.results.published import PublishedResults
from storage.core.store import Store
from tests.support.app import consultation, publish, running, say
from tests.support.data_package import package_errors
from tests.support.ideas import NOW, chair
from tests.test_proposals.test_open_answers import answer, standings

SECRET = "Ruft Erika an"


@pytest.fixture
async def store(store: Store) -> Store:
    """Six answers: one released, one released after an edit and translated, one hidden, three that wait."""
    publish(store, consultation())
    async with running(store) as (app, channel):
        for who in "abcdef":
            await answer(app, channel, who, f"{SECRET} {who}")
            await say(app, channel.msg(who, "/submit"))
    first, second, third, *_ = standings(store)
    with store.begin() as connection:
        moderation_decisions.edit_text(
            chair(connection), first.proposal.id, ProposalWording(None, "Mehr Bänke"), "ein Name"
        )
        moderation_decisions.approve_text(chair(connection), first.proposal.id)
        moderation_decisions.edit_text(
            chair(connection), second.proposal.id, ProposalWording(None, "=Licht!"), "ein Name"
        )
        moderation_decisions.translate_text(
            chair(connection), second.proposal.id, "en", ProposalWording(None, "Light!"), translator="Ada"
        )
        moderation_decisions.approve_text(chair(connection), second.proposal.id)
        moderation_decisions.hide_text(chair(connection), third.proposal.id, "Werbung")
    return store


def read(store: Store) -> PublishedResults:
    with store.reading() as connection:
        return published.preview_results(connection, "park")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_analysts_get_released_answers_and_no_others(store: Store, tmp_path: Path) -> None:
    write_export(store, ExportRequest("park", tmp_path / "out", seed=1), NOW)
    long = [row for row in table(tmp_path / "out/answers_long.csv") if row["question_key"] == "wish"]
    assert sorted(row["text"] for row in long) == ["", "", "", "", "=Licht!", "Mehr Bänke"]
    assert all((row["withheld"] == "1") == (row["text"] == "") for row in long)
    wide = table(tmp_path / "out/answers_wide.csv")
    assert sorted((row["wish"], row["wish.withheld"]) for row in wide)[-2:] == [("=Licht!", "0"), ("Mehr Bänke", "0")]
    assert not any(SECRET in path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir())


def test_public_texts_have_no_link_to_a_participation(store: Store, tmp_path: Path) -> None:
    write_export(store, ExportRequest("park", tmp_path / "out", profile="public"), NOW)
    rows = table(tmp_path / "out/texts.csv")
    assert sorted(tuple(row.values()) for row in rows) == [
        ("wish", "de", "'=Licht!", "", ""),
        ("wish", "de", "Mehr Bänke", "", ""),
        ("wish", "en", "Light!", "de", "Ada"),
    ]
    assert list(rows[0]) == ["question_key", "language", "text", "original_language", "translator"]
    package = json.loads((tmp_path / "out/datapackage.json").read_text(encoding="utf-8"))
    assert "texts.csv" in [resource["path"] for resource in package["resources"]]
    assert package_errors(tmp_path / "out") == []
    assert "texts.csv" in (tmp_path / "out/LIESMICH.txt").read_text(encoding="utf-8")
    files = [path.read_bytes() for path in (tmp_path / "out").iterdir()]
    assert not any(SECRET.encode() in file for file in files)
    write_export(store, ExportRequest("park", tmp_path / "again", profile="public"), NOW)
    assert (tmp_path / "again/texts.csv").read_bytes() == (tmp_path / "out/texts.csv").read_bytes()


def test_where_nothing_is_released_there_is_no_table(store: Store, tmp_path: Path) -> None:
    with store.begin() as connection:
        connection.execute(text("UPDATE moderations SET state = 'waiting'"))
    write_export(store, ExportRequest("park", tmp_path / "out", profile="public"), NOW)
    assert not (tmp_path / "out/texts.csv").exists()
    assert "  A person reads every answer before it is shown here. None is released yet." in list(
        text_output.result_lines(read(store), Locale.of("en"))
    )


def test_the_result_tells_them_in_the_language_of_who_reads(store: Store) -> None:
    lines = list(text_output.result_lines(read(store), Locale.of("en")))
    assert "  A person has read and released these answers." in lines
    assert {"    – Light!", "    – Mehr Bänke"} <= set(lines)
    assert not any(SECRET in line for line in lines)
    data = as_data(read(store))["open_answers"]["wish"]
    assert sorted(one["text"] for one in data) == ["=Licht!", "Mehr Bänke"]
