"""What all tests share: `--full`, and a spoken account of what was skipped."""

import logging
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.memory_disk import use_memory
from tests.support.timeouts import PATIENCE

use_memory()

# A run must not depend on chance, nor on how busy the machine is. `--hypothesis-profile search` looks for what is new.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same every time", settings.get_profile("search"), derandomize=True)
settings.load_profile("same every time")

pytest_plugins = [
    "tests.support.leak_check",
    "tests.support.databases",
    "tests.support.houses",
    "tests.support.kinds",
    "tests.support.order",
    "tests.support.sizes",
    "tests.support.synapse",
    "tests.upgrades",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full",
        action="store_true",
        help="a part that is missing here (a browser, PostgreSQL …) fails the run instead of being skipped",
    )
    parser.addoption(
        "--consultations",
        default="40",
        help="how many drawn consultations the attacker on published figures reads (tests/test_disclosure)",
    )
    parser.addoption(
        "--editions",
        default="2",
        help="in how many editions in a row the attacker reads each of them",
    )
    parser.addoption(
        "--from-consultation",
        default="0",
        help="the first of them (each number draws another one)",
    )
    parser.addoption(
        "--every-language",
        action="store_true",
        help="look at every page in every language (test_every_page.py and test_every_route.py), not in two",
    )
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite tests/test_flows/golden/ from what the question types do now, to be read in the diff",
    )
    parser.addoption(
        "--update-transcripts",
        action="store_true",
        help="rewrite tests/transcripts/ from what the bot says now, to be read in the diff",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "beside: needs what lies beside the project; --full does not insist on it")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_instead_of_skip(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_instead_of_skip(report, collector.config)
    return report


def fail_instead_of_skip(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    """With --full, nothing is missing silently. An expected failure stays one; what `beside` marks is not ours."""
    may_be = hasattr(report, "wasxfail") or "beside" in getattr(report, "keywords", ())
    if report.skipped and not may_be and config.getoption("full"):
        report.outcome = "failed"
        report.longrepr = f"--full: {skip_reason(report)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(skip_reason(report) for report in terminalreporter.stats.get("skipped", []))
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped {count} × {reason}")
    if reasons:
        terminalreporter.write_line("--full makes each of these a failure, save what lies beside the project.")


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The words given to pytest.skip."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


@pytest.fixture
def real_data(request: pytest.FixtureRequest) -> Path:
    """Returns the folder of a real conversation of Polis. If the folder exists beside the project, it must be
    complete.
    """
    from tests.support.real_input import DATA  # late: it needs the whole app

    if not DATA.is_dir():
        if not DATA.parents[1].is_dir():
            request.node.add_marker(pytest.mark.beside)
        pytest.skip(f"real input: the data is not at {DATA.parent.name}/{DATA.name}")
    return DATA


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Generator[None]:
    """A command that runs within a test configures the logs of the whole process: the next test would miss lines."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers, root.level = handlers, level


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that says nothing for a while hangs for people; here the machine may just be busy. Tests of what
    people are told then set their own limits.
    """
    for limit in (
        "conversations.inbox.BUSY_PATIENCE",
        "conversations.inbox.PROBE_TIMEOUT",
        "web.server.KNOWN",
        "web.consultation_cache.PATIENCE",
    ):
        monkeypatch.setattr(f"bot.{limit}_SECONDS", PATIENCE)
