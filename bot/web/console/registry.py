"""The pages of the console with the permission that each needs. A page that names no action cannot be registered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal, NamedTuple

from aiohttp import web

from bot.staff.policy import ALLOWED, Action
from bot.web.console.visit import Visit

PageHandler = Callable[[Visit], Awaitable[web.StreamResponse]]


class ConsolePage(NamedTuple):
    """One page or form target. `path` is below `/console`."""

    method: Literal["GET", "POST"]
    path: str
    action: Action
    handler: PageHandler
    takes_file: bool = False
    """Whether its form may upload a file."""


CONSOLE_PAGES: Final[list[ConsolePage]] = []


def console_page(
    method: Literal["GET", "POST"], path: str, action: Action, *, takes_file: bool = False
) -> Callable[[PageHandler], PageHandler]:
    """Registers a handler. Raises KeyError for an action that the policy does not know.

    The handler runs only for a signed-in member whose role permits the action; of a POST the CSRF token is checked.
    """
    ALLOWED[action]

    def enter(handler: PageHandler) -> PageHandler:
        CONSOLE_PAGES.append(ConsolePage(method, path, action, handler, takes_file))
        return handler

    return enter
