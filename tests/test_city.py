"""A city keeps its own ledger, and every output agrees with it in every cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.city.run import Report, run
from tests.city.town import TRIALS
from tests.support.databases import Houses, only_postgresql
from tests.support.sizes import size

SEED = 20261130
CELLS_EACH = 160
"""The minimum number of compared figures and cells per resident."""
OUTPUTS = {"long", "wide", "excel", "workbook", "words", "counts", "json", "page", "lines", "open-data", "api-ratings"}


def assert_agrees(report: Report, cells: int) -> None:
    assert report.is_good, report.account()
    for check in report.moments:
        assert set(check.cells) >= OUTPUTS
    assert report.moments[-1].cells.total() > cells, "too little was compared to mean anything"
    assert report.revisions == {1, 2}
    assert {"waiting", "completed", "interrupted"} == set(report.ledger.context("status"))
    assert {"self", "assisted", "paper"} == set(report.ledger.context("mode"))
    assert len(report.ledger.context("language")) == 4
    assert set(report.ledger.context("channel")) == {"chat", "messenger", "web"}
    assert report.tried == TRIALS, "nobody tried it out, and so nothing was said of their figures"
    assert {"waiting", "released", "hidden", "merged"} == {idea.state for idea in report.ledger.ideas}


@pytest.mark.long
async def test_a_city_agrees_with_every_output(tmp_path: Path) -> None:
    residents = size("residents of the simulated city")
    assert_agrees(await run(tmp_path, residents, SEED), CELLS_EACH * residents)


@pytest.mark.long(48)
@only_postgresql
async def test_a_city_agrees_on_postgresql(houses: Houses, tmp_path: Path) -> None:
    assert_agrees(await run(tmp_path, 150, SEED, houses.make_empty().url), CELLS_EACH * 150)
