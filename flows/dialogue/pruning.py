"""Drops answers that are no longer on the path, in the same turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

from flows.dialogue import messages_text
from flows.events import AnswerDropped, Event
from flows.flow import Flow
from flows.path import Path
from flows.session import Session

T = TypeVar("T")
MOST_NAMED: Final = 5
"""Number of questions that the notice about dropped answers names; the others are counted."""


class Dropped(NamedTuple):
    """A session without the dropped answers, and the events."""

    session: Session
    events: tuple[Event, ...] = ()
    line: str = ""
    """The notice to the contact; "" if no answer was dropped."""


class Pruned(NamedTuple):
    """A session whose answers are all on the path."""

    session: Session
    path: Path
    events: tuple[Event, ...]
    line: str


def prune(flow: Flow, session: Session) -> Pruned:
    """Drops what no answer to an open question leads to."""
    path = flow.path(session)
    if flow.is_settled(session) or not (off := flow.off_path(session, path)):
        return Pruned(session, path, (), "")
    session, events, line = drop_answers(flow, session, off)
    return Pruned(session, flow.path(session), events, line)


def drop_answers(flow: Flow, session: Session, keys: Sequence[str]) -> Dropped:
    """Drops the stored data of these questions."""
    asked = messages_text.localized_flow(flow, session).questions
    events: list[Event] = []
    for key in keys:
        events.append(AnswerDropped(key, session.answers.get(key)))
        if key in session.answers and key in asked:
            events += asked[key].after_drop(session.answers[key])
    given = [key for key in keys if key in session.answers or key in session.also_stored]
    kept = session._replace(
        answers=_without(session.answers, keys),
        missing=_without(session.missing, keys),
        words=_without(session.words, keys),
        also_stored=[key for key in session.also_stored if key not in keys],
    )
    if session.last_key in keys:  # an edit of its message must not restore it
        kept = kept._replace(last_key="", last_message="")
    return Dropped(kept, tuple(events), _line(flow, session, given))


def _without(known: dict[str, T], keys: Iterable[str]) -> dict[str, T]:
    gone = frozenset(keys)
    return {key: value for key, value in known.items() if key not in gone}


def _line(flow: Flow, session: Session, keys: Iterable[str]) -> str:
    """Returns the notice that names the dropped answers, in the order of the flow."""
    given = frozenset(keys)
    titles = [messages_text.short_title(flow, session, key) for key in flow.questions if key in given]
    if not titles:
        return ""
    renderer = messages_text.localized_flow(flow, session).renderer
    named = [renderer.text("dropped.name", title=title) for title in titles[:MOST_NAMED]]
    if rest := len(titles) - len(named):
        named.append(renderer.text("dropped.more", n=rest))
    return renderer.text("dropped", n=len(titles), questions=renderer.listed(named))
