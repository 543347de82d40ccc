"""The faster `_replace` is the one of named tuples."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from flows.named_tuples import with_fast_replace
from flows.session import Session


@with_fast_replace
class Lamp(NamedTuple):
    street: str
    is_lit: bool = False


def test_it_replaces_what_it_is_told():
    lamp = Lamp("Ulmenweg")
    assert lamp._replace(is_lit=True) == Lamp("Ulmenweg", True)
    assert type(lamp._replace()) is Lamp
    assert lamp == Lamp("Ulmenweg")


@pytest.mark.parametrize(
    "changes", [{}, {"at": "wish"}, {"answers": {"lamps": "yes"}, "repairs": 2, "status": "completed"}]
)
def test_sessions_are_replaced_as_before(changes):
    session = Session("a1b2c3d4", "de", "7K2MP-X0Q4Z", at="lamps")
    assert session._replace(**changes) == Session(**session._asdict() | changes)


def test_an_unknown_field_is_an_error():
    lamp: Any = Lamp("Ulmenweg")
    with pytest.raises(KeyError):
        lamp._replace(colour="red")
