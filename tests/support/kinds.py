"""How long each kind of test took, printed at the end: `pytestmark = pytest.mark.kind("every route")`.

It is printed, not asserted: how long a test takes depends on the machine.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

SECONDS: Final = 60
"""The aim for a kind in `.ci/run`, on two cores."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"kind(name): its seconds are printed at the end; the aim is {SECONDS}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if kind := item.get_closest_marker("kind"):
        item.user_properties.append(("kind", kind.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    took: Counter[str] = Counter()
    for report in {id(it): it for them in terminalreporter.stats.values() for it in them}.values():
        for name, value in getattr(report, "user_properties", ()):
            if name == "kind":
                took[value] += report.duration
    for kind, seconds in took.most_common():
        terminalreporter.write_line(f"{kind}: {seconds:.1f} s in all processes; the aim is {SECONDS} s on two cores")
