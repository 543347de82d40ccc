"""Checks that no text, address or token of the tests appears in a log (canary values).

A pytest plugin (`tests/conftest.py` loads it). It replaces the operator's log for the whole run, at the most verbose
level, and searches it for canaries at the end; after every test it searches standard error. A canary fails the run,
even if all tests passed.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from typing import TextIO

import pytest

from bot.common import logs

WORD = "Kanarienvogel"
"""Part of the residents' messages."""
TELEGRAM_IDS = "7707077070"
"""The prefix of user ids on the Telegram stand-in in tests that search for them. A shorter one would sometimes occur in
the microseconds of a log.
"""

CANARIES = {
    WORD: "words of a person",
    "kanari@example.org": "words of a person",
    TELEGRAM_IDS: "an address on Telegram",
    ":city.test": "an address on Matrix",
    "park/page-": "an address on the web",
    "TEST-TOKEN-of-the-stand-in": "the token of a bot",
    "Erfunden": "the name of a person",
}
"""Each with the meaning of a match."""


class Watch:
    """Where the logs of this run go."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.log: TextIO = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - open for the whole run

    def look(self, where: str, text: str) -> None:
        for canary, meaning in CANARIES.items():
            if canary in text:
                self.found[f"{meaning} ({canary!r}) in {where}"] += 1

    def look_through_the_log(self) -> None:
        self.log.seek(0)
        for line in self.log:
            self.look("the log", line)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            for title, text in report.sections:
                if "stderr" in title:
                    self.look(f"what {report.nodeid} wrote to standard error", text)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.look_through_the_log()
        if self.found and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for leak, times in self.found.items():
            terminalreporter.write_line(f"LEAKED {times} ×: {leak}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    watch = Watch()
    logs.configure_logs("json", "debug", watch.log)
    config.pluginmanager.register(watch, "canaries")
