"""Registry of event handlers: each module registers its own with `@handles(...)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from bot.consultations.participant import Participation, Person

EventT = TypeVar("EventT")
BatchT = TypeVar("BatchT", bound="Batch")


class Batch(Protocol):
    """The part of `bot.consultations.batch_context.BatchContext` that the registry uses."""

    def after_write(self, follow_up: Callable[[Any, list[Any]], None], item: Any) -> None:
        """Calls `follow_up` with all its items after the rows of the batch are written."""


Handler = Callable[[BatchT, Person, EventT, datetime], None]
"""Adds the rows of one event; the time is the hour of the event."""


class Request(NamedTuple, Generic[EventT]):
    """An event to handle after the rows of the batch are written."""

    person: Person
    event: EventT
    participation: Participation | None
    """The participation of the contact at the time of the event."""


FollowUp = Callable[[BatchT, list[Request[EventT]]], None]
"""Handles all events of one class in a batch, after its rows are written."""

_handlers: dict[type[Any], Handler[Any, Any]] = {}
HANDLERS: Final[Mapping[type[Any], Handler[Any, Any]]] = MappingProxyType(_handlers)
"""The handler of each event class. `bot.conversations.batch_order` imports all modules with handlers."""


def handles(*kinds: type[EventT]) -> Callable[[Handler[BatchT, EventT]], Handler[BatchT, EventT]]:
    """Registers the handler of one or more event classes. It runs after the turn, before rows are written.

    >>> @handles(LanguageChosen)                                                # doctest: +SKIP
    ... def choose_language(batch: BatchContext, person: Person, event: LanguageChosen, hour: datetime) -> None:
    ...     batch.add(contacts.set_languages, ContactLanguage(person.contact_id, event.language))
    """

    def enter(handler: Handler[BatchT, EventT]) -> Handler[BatchT, EventT]:
        for kind in kinds:
            _enter(kind, handler)
        return handler

    return enter


def handles_after_write(kind: type[EventT]) -> Callable[[FollowUp[BatchT, EventT]], FollowUp[BatchT, EventT]]:
    """Registers a handler that runs after the rows of the batch are written, with all events of this class.

    No further message is taken before it has run.
    """

    def enter(follow_up: FollowUp[BatchT, EventT]) -> FollowUp[BatchT, EventT]:
        def put_off(batch: BatchT, person: Person, event: EventT, hour: datetime) -> None:
            batch.after_write(follow_up, Request(person, event, person.participation))

        _enter(kind, put_off)
        return follow_up

    return enter


def _enter(kind: type[Any], handler: Handler[Any, Any]) -> None:
    if kind in _handlers:
        raise ValueError(f"{kind.__name__} has a handler already")
    _handlers[kind] = handler
