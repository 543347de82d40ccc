"""A slice of the campaign: kill -9 at every named step and at random, on both channels; the ledgers decide."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.campaign.__main__ import is_good
from tests.campaign.run import Report, campaign, prepare
from tests.campaign.talk import Count, account
from tests.test_adapters.harness import harness_of

KILLS = 50


@pytest.mark.parametrize("channel", ["telegram", "matrix"])
async def test_kills_lose_nothing_and_double_no_more_than_the_channel_makes_us(channel, tmp_path, request):
    made = harness_of(channel)
    given = request.getfixturevalue(made.fixture) if made.fixture else None
    database = f"sqlite:///{tmp_path}/house.db"
    prepare(database)
    async with made(database, tmp_path, given).open() as harness:
        report = await campaign(harness, KILLS, people=3, seed=20261125)
    assert is_good(report), report.line()
    assert sum(report.kills.values()) == KILLS
    assert report.answers > KILLS / 2, "too little was said for the kills to mean anything"
    assert_silent(report, tmp_path)


def assert_silent(report: Report, folder: Path) -> None:
    """The houses logged something, and neither words nor addresses nor secrets."""
    lines = (folder / "house.log").read_text(encoding="utf-8")
    assert "Wunsch" not in lines
    assert not [secret for secret in report.secrets if secret in lines]
    for line in lines.splitlines():
        json.loads(line)


def test_the_account_finds_what_is_missing_doubled_and_late():
    row = [
        "Willkommen",
        "Was fehlt?",
        "Was fehlt? → Wunsch 1 von P7.",
        "bisher: Wunsch 1 von P7. Was fehlt?",
        "→ Wunsch 2 von P7.",
    ]
    assert account(row, 7, 2) == Count(0, 0, 0)
    assert account([*row[:3], row[2], *row[3:]], 7, 2) == Count(0, 1, 0)
    assert account([*row[:3], row[4]], 7, 2) == Count(1, 0, 0)
    assert account([*row[:3], row[4], row[3]], 7, 2) == Count(0, 0, 1)
    assert account(row, 7, 3) == Count(2, 0, 0)


def test_a_report_with_losses_is_not_good():
    assert is_good(Report("telegram", doubled_messages=3, doubled_per_kill=1))
    assert not is_good(Report("telegram", doubled_per_kill=2))
    assert not is_good(Report("matrix", doubled_per_kill=1))
    assert not is_good(Report("matrix", lost_answers=1))
    assert not is_good(Report("matrix", lost_messages=1))
    assert not is_good(Report("matrix", doubled_answers=1))
