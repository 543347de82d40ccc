"""The benchmark measures what it says: a few residents over the WebSocket, each answer stored."""

from __future__ import annotations

from bot.bench import web


async def test_residents_answer_over_the_websocket(tmp_path):
    measured = await web.measure(f"sqlite:///{tmp_path}/bench.db", residents=3, rounds=2)
    assert measured.answers_per_s > 0
    assert 0 < measured.p50_ms <= measured.p99_ms
    assert 5 < measured.page_kb < 40
