"""Parses a stored value as an answer to its question: one of the possible answers, or none.

Pure. An invalid value is never printed outside the profile `raw`: it may be anything, including personal text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Final

from flows.days import parse_day
from flows.tally import Tally
from flows.values import Value


def code_of(value: Value) -> str:
    """Returns the code of a single value.

    >>> code_of("trees"), code_of(True), code_of(3), code_of(0.000001)
    ('trees', 'true', '3', '0.000001')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, dict):
        return " ".join(f"{code}={amount}" for code, amount in value.items())
    return " ".join(value) if isinstance(value, list) else str(value)


def parse_value(tally: Tally, codes: Collection[str], value: Value) -> Value | None:
    """Returns the value as an answer with this tally, None if invalid. For "many", a single code is a list of one.

    >>> parse_value("many", {"a", "b"}, "a"), parse_value("many", {"a", "b"}, ["a", "Ein Satz"])
    (['a'], None)
    >>> parse_value("number", (), 7), parse_value("number", {"1", "5"}, 7), parse_value("number", (), True)
    (7, None, None)
    """
    return _READ[tally](codes, value)


def _text(codes: Collection[str], value: Value) -> Value | None:
    return value if isinstance(value, str) else None


def _many(codes: Collection[str], value: Value) -> Value | None:
    chosen = [value] if isinstance(value, str) else value
    is_known = isinstance(chosen, list) and all(code in codes for code in chosen)
    return chosen if is_known else None


def _amounts(codes: Collection[str], value: Value) -> Value | None:
    if not isinstance(value, dict):
        return None
    return value if all(code in codes and _is_number(amount) for code, amount in value.items()) else None


def _pairs(codes: Collection[str], value: Value) -> Value | None:
    is_known = isinstance(value, list) and all(_is_decision(codes, str(decision)) for decision in value)
    return value if is_known else None


def _is_decision(codes: Collection[str], decision: str) -> bool:
    """Whether it is "park>school" or "park=school"."""
    first, sign, second = decision.partition(">" if ">" in decision else "=")
    return bool(sign) and first in codes and second in codes


def _option(codes: Collection[str], value: Value) -> Value | None:
    return value if isinstance(value, str | bool) and code_of(value) in codes else None


def _day(codes: Collection[str], value: Value) -> Value | None:
    return value if parse_day(value) is not None else None


def _number(codes: Collection[str], value: Value) -> Value | None:
    return value if _is_number(value) and (not codes or code_of(value) in codes) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_READ: Final[Mapping[Tally, Callable[[Collection[str], Value], Value | None]]] = {
    "text": _text,
    "many": _many,
    "order": _many,
    "amounts": _amounts,
    "pairs": _pairs,
    "votes": _number,
    "date": _day,
    "code": _text,
    "option": _option,
    "number": _number,
}
