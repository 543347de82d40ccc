"""Linkage attack: joins identity and participation tables without a key, by equal values, by neighbours and by order.

Each column of one half is compared with each column of the other: the attack guesses for each person of the first half
the same person in the second. A random guess is right about once, independently of the number of people.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import select, text

from storage.core.store import Store
from storage.models import metadata

IDENTITY: Final = (
    *("contacts", "addresses", "received", "dead_letters", "outbox", "staff_chats", "opt_ins", "broadcasts"),
    *("broadcast_recipients", "link_codes", "link_attempts", "set_aside"),
)
PARTICIPATION: Final = (
    *("sessions", "answers", "consents", "proposals", "ratings", "rating_events", "proposal_statuses", "moderations"),
    *("decisions", "proposal_texts", "attachments"),
)
FEWEST: Final = 8
"""The minimum number of people with values in both columns: fewer give no evidence."""
DEVIATIONS: Final = 5.0
"""A number of standard deviations (1 / √(people - 1)) that no rank correlation of thousands of pairs reaches by
chance.
"""
SEEN: Final = 0.93
"""A rank correlation that is a link for few people as well, where that many deviations exceed the maximum."""


class Column(NamedTuple):
    """The values of one column, by the number of the person."""

    name: str
    """Table and column; the place of a row in its table is a column, too."""
    values: dict[int, list[Any]]


class Link(NamedTuple):
    """A guess by two columns that is better than chance."""

    identity: str
    participation: str
    how: str
    right: float
    people: int


def columns(
    store: Store, tables: Iterable[str], owner: Mapping[tuple[str, Any], int], *, has_places: bool
) -> Iterator[Column]:
    """All columns of these tables. `owner`: the person behind a value of a column, which names them in the tables of
    this half; `has_places`: whether the order of rows counts.
    """
    for name in tables:
        table = metadata.tables[name]
        with store.reading() as connection:
            rows = connection.execute(select(table)).mappings().all()
        owners = [next((owner[key, row[key]] for key in row if (key, row[key]) in owner), None) for row in rows]
        cells = {column.name: [_plain(row[column.name]) for row in rows] for column in table.c}
        if has_places:
            cells["(place)"] = list(range(len(rows)))
        for column, given in cells.items():
            values: dict[int, list[Any]] = {}
            for person, value in zip(owners, given, strict=True):
                if person is not None and value is not None:
                    values.setdefault(person, []).append(value)
            if values:
                yield Column(f"{name}.{column}", values)


def links(identity: Sequence[Column], participation: Sequence[Column]) -> Iterator[Link]:
    """Every pair that tells more than chance."""
    for one in identity:
        for other in participation:
            people = sorted(one.values.keys() & other.values.keys())
            if len(people) < FEWEST:
                continue
            for how, right in _guesses(one, other, people):
                if right > _bound(how, len(people)):
                    yield Link(one.name, other.name, how, right, len(people))


def _bound(how: str, people: int) -> float:
    """More than this is no chance: one right guess is expected, five come once in hundreds of pairs."""
    if how != "rank":
        return max(7.0, people / 5)
    return 1.0 if people < 2 * FEWEST else min(SEEN, DEVIATIONS / (people - 1) ** 0.5)


def _guesses(one: Column, other: Column, people: list[int]) -> Iterator[tuple[str, float]]:
    yield "equal", _by_equality(one, other, people)
    mine, theirs = ([column.values[person] for person in people] for column in (one, other))
    if not _are_alike(mine) or not _are_alike(theirs):
        return
    for pick in (min, max):
        left, right = [pick(each) for each in mine], [pick(each) for each in theirs]
        yield "order", float(np.sum(_order(left, one.name) == _order(right, other.name)))
        if type(left[0]) is type(right[0]) is int and len(set(left)) > 1:
            yield "neighbour", _by_neighbour(left, right)
        if min(len(set(left)), len(set(right))) >= FEWEST:
            yield "rank", abs(float(np.corrcoef(_ranks(left), _ranks(right))[0, 1]))


def _by_equality(one: Column, other: Column, people: list[int]) -> float:
    """Right guesses where one of those with an equal value is taken at random."""
    having: dict[Any, set[int]] = {}
    for person in people:
        for value in other.values[person]:
            having.setdefault(value, set()).add(person)
    right = 0.0
    for person in people:
        found = [having[value] for value in set(one.values[person]) if value in having]
        right += max((1 / len(each) for each in found if person in each), default=0.0)
    return right


def _by_neighbour(left: list[int], right: list[int]) -> float:
    nearest = [min(range(len(right)), key=lambda it: abs(right[it] - value)) for value in left]
    return float(sum(place == guess for place, guess in enumerate(nearest)))


def _order(values: list[Any], column: str) -> Any:
    """The places of people in the order of their values; of equal ones at random, for each column again."""
    chance = random.Random(column)
    mixed = {place: chance.random() for place in range(len(values))}
    return np.array(sorted(range(len(values)), key=lambda place: (values[place], mixed[place])))


def _ranks(values: list[Any]) -> Any:
    distinct = {value: rank for rank, value in enumerate(sorted(set(values)))}
    return np.array([distinct[value] for value in values], dtype=float)


def _are_alike(values: list[list[Any]]) -> bool:
    kinds = {type(value) for each in values for value in each}
    return len(kinds) == 1 and kinds <= {int, float, str, bytes}


def _plain(value: Any) -> Any:
    """A moment as milliseconds since the ids' epoch, times 2²², as in ids: so both are compared."""
    if isinstance(value, datetime):
        return int((value.timestamp() - datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1000) << 22
    if isinstance(value, bool):
        return int(value)
    return repr(value) if isinstance(value, dict | list) else value


def people_by(store: Store, sql: str) -> dict[Any, Any]:
    """A query of two columns as a mapping."""
    with store.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(text(sql))}
