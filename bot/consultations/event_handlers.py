"""Which function handles which event: each module enters the handlers of its own subject with `@handles(...)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from bot.consultations.participant import Participation, Person

if TYPE_CHECKING:
    from bot.consultations.batch_context import BatchContext

EventT = TypeVar("EventT")
Handler = Callable[["BatchContext", Person, EventT, datetime], None]
"""Adds the rows of one event of one person; the time is the hour in which it happened."""


class Request(NamedTuple, Generic[EventT]):
    """An event that is handled after the rows of the batch were written."""

    person: Person
    event: EventT
    participation: Participation | None
    """Where the person stood when it happened."""


FollowUp = Callable[["BatchContext", list[Request[EventT]]], None]
"""Handles all events of one class that a batch caused so far, after the rows were written."""

_handlers: dict[type[Any], Handler[Any]] = {}
HANDLERS: Final[Mapping[type[Any], Handler[Any]]] = MappingProxyType(_handlers)
"""The handler of each event class. `bot.conversations.batch_order` imports every module that enters one."""


def handles(*kinds: type[EventT]) -> Callable[[Handler[EventT]], Handler[EventT]]:
    """Enters the handler of one or more event classes. It runs when the turn was taken, before rows are written.

    >>> @handles(LanguageChosen)                                                # doctest: +SKIP
    ... def choose_language(batch: BatchContext, person: Person, event: LanguageChosen, hour: datetime) -> None:
    ...     batch.add(contacts.set_languages, ContactLanguage(person.contact_id, event.language))
    """

    def enter(handler: Handler[EventT]) -> Handler[EventT]:
        for kind in kinds:
            _enter(kind, handler)
        return handler

    return enter


def handles_after_write(kind: type[EventT]) -> Callable[[FollowUp[EventT]], FollowUp[EventT]]:
    """Enters a handler that runs once the rows of the batch are written, with all events of this class at once.

    Nothing else happens in the batch before it has run.
    """

    def enter(follow_up: FollowUp[EventT]) -> FollowUp[EventT]:
        def put_off(batch: BatchContext, person: Person, event: EventT, hour: datetime) -> None:
            batch.after_write(follow_up, Request(person, event, person.participation))

        _enter(kind, put_off)
        return follow_up

    return enter


def _enter(kind: type[Any], handler: Handler[Any]) -> None:
    if kind in _handlers:
        raise ValueError(f"{kind.__name__} has a handler already")
    _handlers[kind] = handler
