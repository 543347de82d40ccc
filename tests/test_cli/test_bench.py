"""The benchmark measures what it says: every answer stored, every vote counted, also over Telegram."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.bench import console, editions, exports, pushes, results, sender, telegram, web, weighing
from tests.support.databases import Houses


async def test_residents_answer_over_the_websocket(tmp_path):
    measured = await web.measure_web(f"sqlite:///{tmp_path}/bench.db", residents=3, rounds=2)
    assert measured.answers_per_s > 0
    assert 0 < measured.p50_ms <= measured.p99_ms
    assert 5 < measured.page_kb < 40


async def test_people_fill_in_the_form(tmp_path):
    measured = await web.measure_forms(f"sqlite:///{tmp_path}/bench.db", people=2)
    assert measured.post_ms > 0
    assert measured.page_ms > 0


def test_every_stored_vote_is_counted(tmp_path):
    url = f"sqlite:///{tmp_path}/bench.db"
    results.prepare_results(url, people=200, statements=30, each=20)
    assert results.seconds(url, votes=4000) > 0


@pytest.mark.parametrize("mode", telegram.MODES)
async def test_residents_answer_over_telegram(tmp_path, mode):
    measured = await telegram.measure_telegram(f"sqlite:///{tmp_path}/bench.db", mode, residents=3, rounds=2)
    assert measured.answers_per_s > 0
    assert 0 < measured.p50_ms <= measured.p99_ms


async def test_messages_are_sent_over_telegram():
    assert await telegram.sends_per_s(50) > 0


async def test_everybody_is_planned_and_the_pace_is_kept(tmp_path):
    url = f"sqlite:///{tmp_path}/bench.db"
    Path(url.removeprefix("sqlite:///")).touch()
    pushes.prepare_push(url, people=500)
    assert pushes.plan(url, people=500).seconds > 0
    pace = await pushes.send(url, 40, 3.2)
    assert 36 <= pace.per_s <= 42
    assert pace.refused == 0


async def test_sender_bench_keeps_the_rate_of_a_strict_server():
    measured = await sender.measure_sender(30, seconds=2)
    assert measured.refused == 0
    assert 0 < measured.reply_p99_ms < 2000
    assert measured.spread_percent < 10


def test_weighing_bench_measures_routing_and_similarity():
    assert weighing.route(people=50, statements=30).per_s > 0
    assert weighing.similar_ms(300, look_ups=20) > 0


def test_exports_are_measured_beside_their_bare_rows(tmp_path):
    url = f"sqlite:///{tmp_path / 'large.db'}"
    editions.prepare_editions(url, people=40)
    measured = exports.measure_export(url, tmp_path)
    assert all(figure > 0 for figure in measured)
    assert [path.name for path in tmp_path.iterdir() if "large" not in path.name] == []


def test_conversations_are_measured_beside_editions(tmp_path):
    file = tmp_path / "bench.db"
    editions.prepare_editions(f"sqlite:///{file}", people=40)
    measured = editions.measure_editions(file, residents=2, seconds=0.2)
    assert measured.editions > 0
    assert measured.seconds > 0
    assert measured.ratio > 0


async def test_every_page_of_the_console_is_measured(houses: Houses) -> None:
    measured = await console.measure_console(
        houses.make_empty().url, people=50, proposals=40, waiting=30, rounds=2, watched=0.1
    )
    paths = {page.path for page in measured.pages}
    assert {"/console/", "/console/consultations", "/console/consultations/bench/reading"} <= paths
    assert 0 < measured.reading_p95_ms <= measured.p95_ms
