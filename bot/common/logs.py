"""Logs without personal data or secrets.

Only harmless content passes: the name of the event (listed in docs/reference/log-events.md) and the keys in `SAFE` with
short values. An exception is logged by class and place, never with its text.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final, TextIO

import structlog

# fmt: off
SAFE: Final = frozenset((
    "event", "level", "timestamp", "logger", "fault", "place", "held_back",
    "channel", "outbox_id", "consultation_id", "revision", "state", "attempts",
    "step", "count", "messages", "repeats", "answers", "failures", "seconds", "milliseconds",
    "port", "pid", "method", "route", "status", "update_id",
))
# fmt: on
"""Keys that may be logged; their values must not contain personal data."""
HIDDEN: Final = "(hidden)"
LONGEST: Final = 200
REPEATS_SECONDS: Final = 60.0
"""Minimum interval between repeats of the same error."""
REPEATS_KNOWN: Final = 1000
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
# fmt: off
_QUIET: Final = (
    "aiohttp.access", "alembic", "asyncio", "httpcore", "httpx", "nio", "peewee", "sqlalchemy", "telegram",
)
# fmt: on
"""Libraries that log much at level info."""

Line = MutableMapping[str, Any]

log = structlog.get_logger()


def configure_logs(form: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Sends all logs, also those of libraries, to a stream: as JSON, or readable on a terminal ("auto")."""
    stream = stream or sys.stderr
    readable = form == "console" or (form == "auto" and stream.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            replace_exceptions,
            Repeats(),
            hide_unsafe_values,
            as_readable if readable else as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _Writer(stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LibraryHandler)]:
        root.removeHandler(handler)
    root.addHandler(LibraryHandler())
    root.setLevel(_LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(_LEVELS[level], logging.WARNING))
    logging.captureWarnings(capture=True)


def log_uncaught_exceptions() -> None:
    """Logs uncaught exceptions like all others; Python would print them with their text."""
    sys.excepthook = lambda kind, error, _: _uncaught(error)
    sys.unraisablehook = lambda unraisable: _uncaught(unraisable.exc_value)
    threading.excepthook = lambda arguments: _uncaught(arguments.exc_value)


def _uncaught(error: BaseException | None) -> None:
    log.error("uncaught_exception", **(error_place(error) if error else {}))


def error_place(error: BaseException) -> dict[str, str]:
    """Returns class and place of an error. Its text and variables may hold personal data and are not logged."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    place = f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if code and trace else "?"
    return {"fault": type(error).__name__, "place": place}


def replace_exceptions(_: Any, __: str, line: Line) -> Line:
    """Replaces exceptions by their class and place."""
    info = line.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        line.update(error_place(error))
    return line


class Repeats:
    """Drops errors repeated within a minute, and adds their number to the next one.

    Several tasks retry an unreachable database every second, which would flood the log.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[object, ...], tuple[float, int]] = {}

    def __call__(self, _: Any, __: str, line: Line) -> Line:
        if "fault" not in line:
            return line
        key = tuple(line.get(name) for name in ("event", "level", "channel", "consultation_id", "fault", "place"))
        now = self._clock()
        since, held_back = self._said.get(key, (-math.inf, 0))
        if now - since < REPEATS_SECONDS:
            self._said[key] = (since, held_back + 1)
            raise structlog.DropEvent
        if len(self._said) >= REPEATS_KNOWN:
            self._said.clear()
        self._said[key] = (now, 0)
        return {**line, "held_back": held_back} if held_back else line


def hide_unsafe_values(_: Any, __: str, line: Line) -> Line:
    """Hides the values of keys outside `SAFE`, and shortens the others."""
    return {key: _short(value) if key in SAFE else HIDDEN for key, value in line.items()}


def _short(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else HIDDEN
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def as_json(_: Any, __: str, line: Line) -> str:
    """Returns a JSON object in ASCII, which escapes line breaks, escape sequences and bidirectional characters."""
    return json.dumps(line)


def as_readable(_: Any, __: str, line: Line) -> str:
    """Returns a readable line: time, level, event, and the rest as key=value."""
    rest = dict(line)
    head = [str(rest.pop("timestamp", ""))[11:19], f"{rest.pop('level', '')!s:<7}", str(rest.pop("event", ""))]
    words = " ".join([*head, *(f"{key}={value}" for key, value in rest.items())])
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in words)


class LibraryHandler(logging.Handler):
    """Handles log records of libraries. Their texts may quote anything, so only logger, place and error are logged."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        found = error_place(error) if error else {"place": f"{record.filename}:{record.lineno}"}
        level = record.levelname.lower()
        log.log(_LEVELS.get(level, logging.WARNING), "library_message", logger=record.name, **found)


class _Writer:
    """Writes lines. A failing write (full disk, closed pipe) must not stop a conversation."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        try:
            self._stream.write(message + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass

    log = debug = info = warning = error = critical = fatal = exception = msg
