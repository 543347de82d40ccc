"""Shows what publishing changes, and asks for confirmation where only a person can decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from bot.authoring import change_texts, top_list_texts
from bot.authoring.publish_impact import PublishImpact
from bot.common.errors import Say

Ask = Callable[[str], bool]
"""Asks the person at the terminal; True for yes."""


class Unconfirmed(Exception):
    """A required confirmation is missing; the reason has been printed."""


def confirm(impact: PublishImpact, say: Say, ask: Ask | None, *, takes: bool = False) -> frozenset[str]:
    """Returns the keys of the questions that the publisher confirms to mean the same as before.

    Also shows what would be taken from earlier waves and asks for confirmation; `takes` confirms it in advance.
    `ask` is None without a terminal.

    Raises Unconfirmed where something was not confirmed.
    """
    lists = chain.from_iterable(map(top_list_texts.describe_top_list, impact.lists))
    for line in (*map(str, impact.questions), *lists):
        say(line)
    questions = [*_about_meaning(impact), *(() if takes else _about_lists(impact))]
    if questions and (ask is None or not all(map(ask, questions))):
        say(change_texts.NOT_PUBLISHED)
        if impact.lists and ask is None:
            say("--yes takes what is listed.")
        raise Unconfirmed
    return frozenset(change.key for change in impact.unconfirmed)


def _about_meaning(impact: PublishImpact) -> Iterator[str]:
    """Yields whether each changed question still means the same."""
    apart = {change.key for change in impact.unconfirmed if change.kind == "measure"}
    for key in dict.fromkeys(change.key for change in impact.unconfirmed):
        yield (change_texts.APART if key in apart else change_texts.QUESTION).format(key=key)


def _about_lists(impact: PublishImpact) -> Iterator[str]:
    """Yields whether to take each list from an earlier wave."""
    return (top_list_texts.QUESTION.format(slug=it.slug) for it in impact.lists)


def describe_impact(impact: PublishImpact) -> Iterator[str]:
    """Yields what publishing changed, one line each."""
    for change in impact.changes:
        yield change_texts.describe_change(change).reason
    for number, people in impact.under_way.items():
        yield change_texts.describe_under_way(people, number)
