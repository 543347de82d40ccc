"""Every log event: what it means and what to do, with its level and module."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from bot.cli.reference.markdown import item, paragraph
from bot.common.logs import SAFE

_ROOT: Final = Path(__file__).parents[3]
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log"})


class LogCall(NamedTuple):
    """A call of a logger in the source."""

    event: str
    """Its event; the source of the argument where that is no fixed text."""
    level: str
    module: str
    keys: frozenset[str]


class LogEntry(NamedTuple):
    """The text about one or several events, from `log_events.toml`."""

    group: str
    events: tuple[str, ...]
    meaning: str
    remedy: str


def lines() -> Iterator[str]:
    yield from paragraph(
        "Logs go to standard error: JSON in a service, readable in a terminal (`log_format`). Every event has a name. "
        '"Report" means: tell the maintainers the event with its `fault` and `place`.'
    )
    yield from paragraph(
        "The logs contain no text, address or secret of a resident. Only these keys are logged: "
        + ", ".join(f"`{key}`" for key in sorted(SAFE))
        + "."
    )
    calls = list(log_calls())
    group = ""
    for entry in log_entries():
        if entry.group != group:
            yield from (("", f"## {entry.group}", "") if group else (f"## {entry.group}", ""))
            group = entry.group
        levels = ", ".join(_levels(call for call in calls if call.event in entry.events))
        names = ", ".join(f"`{event}`" for event in entry.events)
        yield from item(f"{names} ({levels}): {entry.meaning}")
        if entry.remedy:
            yield from item(f"What to do: {entry.remedy}", level=1)


def log_entries() -> list[LogEntry]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return [
        LogEntry(found["group"], tuple(found["events"]), found["meaning"], found.get("remedy", ""))
        for found in tomllib.loads(text)["entry"]
    ]


def _levels(calls: Iterable[LogCall]) -> list[str]:
    return sorted({"warning or error" if call.level == "log" else call.level for call in calls})


def log_calls() -> Iterator[LogCall]:
    """Yields every call of a logger in the four packages."""
    packages = (_ROOT / name for name in ("adapters", "bot", "flows", "storage"))
    for path in sorted(path for package in packages for path in package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (level := _level(node)):
                keys = frozenset(word.arg for word in node.keywords if word.arg)
                yield LogCall(_event(node), level, path.relative_to(_ROOT).as_posix(), keys)


def _level(call: ast.Call) -> str:
    """Returns the called method of a logger; "" if it is no logger."""
    if not isinstance(call.func, ast.Attribute):
        return ""
    owner, method = ast.unparse(call.func.value), call.func.attr
    is_logger = owner == "log" or (owner.startswith("structlog.get_logger(") and method in _LEVELS)
    return method if is_logger else ""


def _event(call: ast.Call) -> str:
    """Returns the event of a call; its source where the event is no fixed text."""
    given = call.args[1 if ast.unparse(call.func).endswith(".log") else 0 :]  # log(level, event)
    fixed = given[0] if len(given) == 1 else None
    return str(fixed.value) if isinstance(fixed, ast.Constant) else ast.unparse(call)
