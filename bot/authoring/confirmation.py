"""Shows what publishing changes, and asks for confirmation where only a person can decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
    for error in impact.questions:
        say(str(error))
    keys = dict.fromkeys(change.key for change in impact.unconfirmed)
    apart = {change.key for change in impact.unconfirmed if change.kind == "measure"}
    questions = [(change_texts.APART if key in apart else change_texts.QUESTION).format(key=key) for key in keys]
    for it in impact.lists:
        for line in top_list_texts.describe_top_list(it):
            say(line)
        if not takes:
            questions.append(top_list_texts.QUESTION.format(slug=it.slug))
    if questions and (ask is None or not all(map(ask, questions))):
        say(change_texts.NOT_PUBLISHED)
        if impact.lists and ask is None:
            say("--yes takes what is listed.")
        raise Unconfirmed
    return frozenset(keys)


def describe_impact(impact: PublishImpact) -> Iterator[str]:
    """Yields what publishing changed, one line each."""
    for change in impact.changes:
        yield change_texts.describe_change(change).reason
    for number, people in impact.under_way.items():
        yield change_texts.describe_under_way(people, number)
