"""The benchmark: medians of several runs with their spread. Figures of one machine; compare only within one run."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bot.cli.bench import (
    console,
    editions,
    engine,
    exports,
    live,
    many,
    pushes,
    results,
    sender,
    sessions,
    telegram,
    web,
    weighing,
)
from bot.cli.bench.databases import NO_POSTGRES, postgres_databases, sqlite_databases
from bot.common.errors import Say

RUNS = 5
OPEN_SESSIONS = 100_000
MEMORY_SESSIONS = 10_000

"""Returns the URL of a new, empty database at each call."""


class Figure(NamedTuple):
    """One figure: its median and spread over the runs; `missing` is the reason why there is none."""

    name: str
    unit: str
    values: tuple[float, ...]
    missing: str = ""

    @property
    def median(self) -> float | None:
        return statistics.median(self.values) if self.values else None

    def line(self) -> str:
        if not self.values:
            return f"{self.name:34} not measured: {self.missing}"
        low, high = min(self.values), max(self.values)
        return (
            f"{self.name:34} {self.median:>12,.4g} {self.unit:12} ({low:,.4g} to {high:,.4g}, {len(self.values)} runs)"
        )


def _with_much_data(runs: int) -> Iterator[Figure]:
    """Measures what depends on how much is stored: sessions, consultations, editions, votes."""
    with sqlite_databases() as url:
        # One run: memory left by a first run would hide the growth in the second.
        yield Figure("kb_per_open_session", "kB", (asyncio.run(sessions.open_sessions(url(), MEMORY_SESSIONS)),))
        full = url()
        asyncio.run(sessions.open_sessions(full, OPEN_SESSIONS))
        starts = [asyncio.run(sessions.start_up_s(full, person)) for person in range(runs)]
        yield Figure("startup_s_100k_sessions", "s", tuple(starts))
        full = url()
        many.prepare_consultations(full)
        listed = [many.listed(full) for _ in range(runs)]
        yield Figure("startup_s_500_consultations", "s", tuple(one.seconds for one in listed))
        yield Figure("startup_mb_500_consultations", "MB", tuple(one.mb for one in listed))
        yield Figure("look_ms_500_consultations", "ms", tuple(one.look_ms for one in listed))
        yield from _in_the_console(url())
        large = Path(url().removeprefix("sqlite:///"))
        yield from _beside_editions(runs, large)
        yield from _exported(runs, large)
        votes = url()
        results.prepare_results(votes)
        yield Figure("results_s_1m_votes", "s", tuple(results.seconds(votes) for _ in range(runs)))


def run_benchmark(runs: int = RUNS, postgres: str = "", seconds: float = live.SECONDS) -> Iterator[Figure]:
    """Yields all figures, each as soon as it is measured. `postgres` is the URL of a server that allows creating
    databases.
    """
    yield Figure("engine_steps_per_s", "steps/s", tuple(engine.steps_per_s(json=False) for _ in range(runs)))
    yield Figure("engine_steps_per_s_json", "steps/s", tuple(engine.steps_per_s(json=True) for _ in range(runs)))
    with sqlite_databases() as url:
        alone = [asyncio.run(live.measure_live(url(), 1, seconds=seconds)) for _ in range(runs)]
        crowd = [asyncio.run(live.measure_live(url(), 64, seconds=seconds)) for _ in range(runs)]
    yield Figure("answers_per_s_sqlite_1", "answers/s", tuple(measured.answers_per_s for measured in alone))
    yield Figure("answers_per_s_sqlite_64", "answers/s", tuple(measured.answers_per_s for measured in crowd))
    yield from _on_postgres(runs, postgres, seconds)
    yield Figure("p50_ms_sqlite_1", "ms", tuple(measured.p50_ms for measured in alone))
    yield Figure("p99_ms_sqlite_64", "ms", tuple(measured.p99_ms for measured in crowd))
    yield from _on_the_web(runs)
    yield from _on_telegram(runs)
    yield from _pushed(runs, postgres)
    yield from _at_the_pace_of_a_channel(runs)
    yield from _with_much_data(runs)
    yield from _weighing(runs)


def _in_the_console(url: str) -> Iterator[Figure]:
    """One run: it takes half a minute to fill the database."""
    measured = asyncio.run(console.measure_console(url))
    yield Figure("console_p95_ms", "ms", (measured.p95_ms,))
    yield Figure("console_cpu_p95_ms", "ms", (measured.cpu_p95_ms,))
    yield Figure("console_reading_p95_ms", "ms", (measured.reading_p95_ms,))
    yield Figure("console_live_percent", "% of one core", (measured.live_percent,))


def _beside_editions(runs: int, file: Path) -> Iterator[Figure]:
    editions.prepare_editions(f"sqlite:///{file}")
    pairs = [editions.measure_editions(file) for _ in range(runs)]
    yield Figure("answers_beside_editions", "of alone", tuple(one.ratio for one in pairs))
    yield Figure("cpu_beside_editions", "of alone", tuple(one.cpu_ratio for one in pairs))
    yield Figure("edition_s_200k_answers", "s", tuple(one.seconds for one in pairs))


def _exported(runs: int, large: Path) -> Iterator[Figure]:
    """Measures the export of the consultation stored for `editions`."""
    measured = [exports.measure_export(f"sqlite:///{large}", large.parent) for _ in range(runs)]
    for name in exports.ExportMeasurement._fields:
        unit = "of csv.writer" if name.endswith("ratio") else "s"
        yield Figure(f"export_{name}_200k", unit, tuple(getattr(one, name) for one in measured))


def _weighing(runs: int) -> Iterator[Figure]:
    routed = [weighing.route() for _ in range(runs)]
    yield Figure("routing_decisions_per_s", "decisions/s", tuple(one.per_s for one in routed))
    yield Figure("routing_p50_ms", "ms", tuple(one.p50_ms for one in routed))
    yield Figure("routing_p99_ms", "ms", tuple(one.p99_ms for one in routed))
    yield Figure("similar_ms_50k", "ms", tuple(weighing.similar_ms() for _ in range(runs)))


def print_report(runs: int, postgres: str, say: Say, complain: Say, *, as_json: bool) -> None:
    """Prints each figure as soon as it is measured; with `as_json` the medians at the end, null for a missing
    figure.
    """
    medians: dict[str, float | None] = {}
    for figure in run_benchmark(runs, postgres):
        medians[figure.name] = figure.median
        (complain if as_json else say)(figure.line())
    if as_json:
        say(json.dumps(medians))


def _on_the_web(runs: int) -> Iterator[Figure]:
    with sqlite_databases() as url:
        measured = [asyncio.run(web.measure_web(url())) for _ in range(runs)]
        filled = [asyncio.run(web.measure_forms(url())) for _ in range(runs)]
    yield Figure("ws_answers_per_s_200", "answers/s", tuple(one.answers_per_s for one in measured))
    yield Figure("ws_p50_ms_200", "ms", tuple(one.p50_ms for one in measured))
    yield Figure("ws_p99_ms_200", "ms", tuple(one.p99_ms for one in measured))
    yield Figure("form_post_ms", "ms", tuple(one.post_ms for one in filled))
    yield Figure("form_page_ms", "ms", tuple(one.page_ms for one in filled))
    yield Figure("page_kb_gzip", "kB", tuple(one.page_kb for one in measured))


def _on_telegram(runs: int) -> Iterator[Figure]:
    names = ("telegram_answers_per_s_polling", "telegram_answers_per_s_webhook")
    if not telegram.is_there():
        for name in (*names, "telegram_sends_per_s"):
            yield Figure(name, "/s", (), "the stand-in of Telegram comes with the tests")
        return
    with sqlite_databases() as url:
        for name, mode in zip(names, telegram.MODES, strict=True):
            measured = [asyncio.run(telegram.measure_telegram(url(), mode)) for _ in range(runs)]
            yield Figure(name, "answers/s", tuple(one.answers_per_s for one in measured))
            yield Figure(f"telegram_p50_ms_{mode}", "ms", tuple(one.p50_ms for one in measured))
            yield Figure(f"telegram_p99_ms_{mode}", "ms", tuple(one.p99_ms for one in measured))
    yield Figure("telegram_sends_per_s", "messages/s", tuple(asyncio.run(telegram.sends_per_s()) for _ in range(runs)))


def _pushed(runs: int, postgres: str) -> Iterator[Figure]:
    with sqlite_databases() as url:
        full = url()
        pushes.prepare_push(full)
        planned = [pushes.plan(full) for _ in range(runs)]
        yield Figure("push_plan_s_100k", "s", tuple(one.seconds for one in planned))
        yield Figure("push_plan_mb_100k", "MB", tuple(one.mb for one in planned))
        paces = {rate: asyncio.run(pushes.send(full, rate, 10)) for rate in (30, 1000)}
    for rate, pace in paces.items():
        yield Figure(f"push_per_s_{rate}", "messages/s", (pace.per_s,))
        yield Figure(f"push_spread_{rate}", "of the mean", (pace.spread,))
        yield Figure(f"push_refused_{rate}", "messages", (pace.refused,))
    with postgres_databases(postgres) as made:
        if made is None:
            yield Figure("push_plan_s_100k_postgres", "s", (), NO_POSTGRES)
            return
        full = made()
        pushes.prepare_push(full)
        yield Figure("push_plan_s_100k_postgres", "s", tuple(pushes.plan(full).seconds for _ in range(runs)))


def _at_the_pace_of_a_channel(runs: int) -> Iterator[Figure]:
    for rate in (30, 1000):
        measured = [asyncio.run(sender.measure_sender(rate)) for _ in range(runs)]
        yield Figure(f"pace_refused_{rate}", "messages", tuple(one.refused for one in measured))
        yield Figure(f"pace_spread_{rate}", "%", tuple(one.spread_percent for one in measured))
        yield Figure(f"pace_reply_p99_ms_{rate}", "ms", tuple(one.reply_p99_ms for one in measured))


def _on_postgres(runs: int, postgres: str, seconds: float) -> Iterator[Figure]:
    names = {1: "answers_per_s_postgres_1", 64: "answers_per_s_postgres_64"}
    with postgres_databases(postgres) as url:
        for residents, name in names.items():
            if url is None:
                yield Figure(name, "answers/s", (), NO_POSTGRES)
                continue
            measured = [asyncio.run(live.measure_live(url(), residents, seconds=seconds)) for _ in range(runs)]
            yield Figure(name, "answers/s", tuple(one.answers_per_s for one in measured))
