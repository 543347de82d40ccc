"""How far the participations of a live consultation have come, for its staff.

The numbers are of participations, never of values. Groups by channel, language and place are merged below the smallest
cell. The number of people who answered a sensitive question, or one that depends on answers, would disclose the answer
of a person whose arrival a viewer notices; it is rounded down to a multiple of the smallest cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from bot.results.counts.small_groups import merge_small_groups
from flows.definition import Consultation
from flows.questions.base import Question
from storage.tables.begin_counts import network_totals
from storage.tables.bursts import count_bursts
from storage.tables.entry_places import count_entries, entry_places
from storage.tables.live_counts import (
    AnswerDurationCount,
    count_answer_durations,
    count_channels_and_languages,
    count_undelivered,
)
from storage.tables.participations import Tally, tally_participations


class QuestionProgress(NamedTuple):
    """One question of the funnel, in the order in which it is asked."""

    key: str
    answered: int
    left: int
    """How many people went no further than the question before that all are asked: fewer answered this one or a later
    one. Who skips a question goes on. 0 for protected questions."""
    seconds: int | None
    """The class of the median duration by its upper end; None if too few durations are known."""
    is_protected: bool
    """Whether the number is rounded down."""


class GroupSizes(NamedTuple):
    """A partition of all participations. `merged`: the number in groups that are too small to be named."""

    sizes: Mapping[tuple[str, ...], int]
    merged: int


class BurstProgress(NamedTuple):
    """Participations that began in a burst of their network; only the web page marks them."""

    begun: int
    """Participations on the channels that have bursts."""
    bursts: int
    busiest: int
    """The participations that began on one network within one hour, at most, in the last week."""
    places: GroupSizes
    """Those in bursts by name of the place; ("",) for people who came without a code."""


class LiveProgress(NamedTuple):
    """Everything the live page shows."""

    tally: Tally
    questions: tuple[QuestionProgress, ...]
    channels: GroupSizes
    """By channel and language."""
    places: GroupSizes
    """By name of the place; ("",) for people who came without a code."""
    undelivered: int
    bursts: BurstProgress | None = None
    """None without bursts."""


def load_live_progress(
    connection: Connection, consultation_id: int, slug: str, definition: Consultation
) -> LiveProgress:
    """Counts one consultation. `definition`: its live revision."""
    least = definition.smallest_cell
    tally = tally_participations(connection, consultation_id)
    cells = count_channels_and_languages(connection, consultation_id)
    return LiveProgress(
        tally,
        questions=tuple(question_progress(definition, count_answer_durations(connection, consultation_id), tally)),
        channels=_merged({(it.channel, it.language): it.number for it in cells}, least),
        places=_merged(_places(connection, consultation_id, tally.begun), least),
        undelivered=count_undelivered(connection, slug),
        bursts=_bursts(connection, consultation_id, least),
    )


def _bursts(connection: Connection, consultation_id: int, least: int) -> BurstProgress | None:
    counts = count_bursts(connection, consultation_id)
    if not (number := sum(it.bursts for it in counts)):
        return None
    channels = {it.channel for it in counts if it.bursts}
    names = _place_names(connection, consultation_id)
    sizes: Counter[tuple[str, ...]] = Counter()
    for it in counts:
        sizes[names.get(it.place_code.upper(), it.place_code),] += it.bursts
    return BurstProgress(
        begun=sum(it.begun for it in counts if it.channel in channels),
        bursts=number,
        busiest=network_totals(connection, consultation_id).busiest,
        places=_merged(+sizes, least),
    )


def question_progress(
    definition: Consultation, counts: Iterable[AnswerDurationCount], tally: Tally
) -> list[QuestionProgress]:
    """Returns the funnel. Pure."""
    least, depends = definition.smallest_cell, False
    by_question: dict[str, dict[int | None, int]] = {}
    for it in counts:
        by_question.setdefault(it.question_key, {})[it.took] = it.number
    found = []
    for node in definition.asked():
        classes = by_question.get(node.key, {})
        number = sum(classes.values())
        is_protected = depends or node.ask_if is not None or (isinstance(node, Question) and node.sensitive)
        if is_protected:
            number -= number % least
        seconds = median_class(classes, least)
        found.append(QuestionProgress(node.key, number, 0, seconds, is_protected=is_protected))
        depends = depends or any(way.condition for way in node.leaving())
    return _with_left(found, tally)


def _with_left(questions: Sequence[QuestionProgress], tally: Tally) -> list[QuestionProgress]:
    """Adds how many people went no further, from how many came as far as each question."""
    reached, came = [], tally.finished
    for question in reversed(questions):
        came = came if question.is_protected else max(came, question.answered)
        reached.append(came)
    before, found = tally.begun, []
    for question, came in zip(questions, reversed(reached), strict=True):
        found.append(question if question.is_protected else question._replace(left=max(0, before - came)))
        before = before if question.is_protected else came
    return found


def median_class(classes: Mapping[int | None, int], least: int) -> int | None:
    """Returns the class of the median; None if fewer durations than `least` are known.

    >>> median_class({5: 2, 15: 4, None: 90}, 5), median_class({5: 2}, 5)
    (15, None)
    """
    known = sorted((took, number) for took, number in classes.items() if took is not None)
    total = sum(number for _, number in known)
    if total < least:
        return None
    seen = 0
    for took, number in known:
        seen += number
        if seen * 2 >= total:
            return took
    return None


def _places(connection: Connection, consultation_id: int, begun: int) -> dict[tuple[str, ...], int]:
    names = _place_names(connection, consultation_id)
    sizes: dict[tuple[str, ...], int] = {}
    for it in count_entries(connection, consultation_id):
        name = names.get(it.code.upper(), it.code)
        sizes[name,] = sizes.get((name,), 0) + it.begun
    without = begun - sum(sizes.values())
    return {**sizes, ("",): without} if sizes else {}


def _place_names(connection: Connection, consultation_id: int) -> dict[str, str]:
    return {it.code.upper(): it.name for it in entry_places(connection, consultation_id)}


def _merged(sizes: Mapping[tuple[str, ...], int], least: int) -> GroupSizes:
    names = {str(number): key for number, key in enumerate(sizes)}
    found = merge_small_groups({name: sizes[key] for name, key in names.items()}, least)
    shown = {names[name]: number for name, number in found.published.items() if number}
    return GroupSizes(dict(sorted(shown.items(), key=lambda it: -it[1])), sum(sizes.values()) - sum(shown.values()))
