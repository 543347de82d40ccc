"""Visits: one person at a device that others use after them. A visit lives in memory only and is wiped wholly.

A kiosk and a helper's tablet have the same danger: the next person sees what the last one said. So such a conversation
has no cookie that lasts and no resume code. It is known by a random number which the server forgets at the end, or when
nobody does anything; whoever shows that number afterwards (back button, saved tab) is taken to the beginning.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog
from aiohttp import web

from adapters.web.doors import Conversation
from adapters.web.errors import RequestError
from adapters.web.hub import WebHub
from bot.common.logs import error_place
from bot.consultations.entry_codes import parse_entry_code
from bot.web.context import SIZE_COOKIE, site_of
from bot.web.request_locale import COOKIE as LANGUAGE_COOKIE
from flows.messages import Mode

log = structlog.get_logger()

COOKIE: Final = "visit"
GRACE_SECONDS: Final = 30.0
"""So much later than its page the server wipes: for pages without JavaScript, and for slow lines."""
SWEEP_SECONDS: Final = 5.0
MOST: Final = 5_000


class DeviceProfile(NamedTuple):
    """A kind of shared device. The first part of its paths is its `base`."""

    base: str
    mode: Mode
    idle: int
    """Seconds without anybody doing anything, after which the page asks whether somebody is still there."""
    warning: int
    """Seconds that the question stands before everything is wiped; it can be prolonged as often as one likes."""
    typing: int
    """The same as `idle` without JavaScript where something is to be written: the page cannot see that one writes."""
    farewell: int
    """Seconds that the last page stands."""

    def path(self, slug: str, page: str = "", place: str = "") -> str:
        """The address of a page, with the place code of the device."""
        return f"{self.base}/{slug}{f'/{page}' if page else ''}{f'?at={place}' if place else ''}"


KIOSK: Final = DeviceProfile("/kiosk", "self", idle=90, warning=20, typing=300, farewell=60)
ASSIST: Final = DeviceProfile("/assist", "assisted", idle=600, warning=60, typing=900, farewell=300)


@dataclass(slots=True)
class DeviceSession:
    """One person's visit. `owner` is the id of the helper who signed in, 0 at a kiosk; it is stored nowhere."""

    token: str
    profile: DeviceProfile
    conversation: Conversation
    owner: int
    until: float
    problem: str = ""
    """The phrase for what was missing in what was `written`, for the next page."""
    written: str = ""


class DeviceSessions:
    """All visits of this process. A restart ends them."""

    def __init__(self, hub: WebHub, clock: Callable[[], float] = time.monotonic) -> None:
        self._hub = hub
        self._clock = clock
        self._visits: dict[str, DeviceSession] = {}

    def begin(self, profile: DeviceProfile, slug: str, owner: int = 0) -> DeviceSession:
        """A visit of somebody new. Raises RequestError (`too_many`)."""
        self.sweep()
        if len(self._visits) >= MOST:
            raise RequestError("too_many", profile.idle)
        token = secrets.token_hex(16)
        # No resume code looks like this, so none opens such a conversation.
        id_ = f"visit-{secrets.token_hex(16)}"
        csrf = hashlib.sha256(f"{id_}{token}".encode()).hexdigest()[:32]
        session = DeviceSession(token, profile, Conversation(slug, id_, csrf), owner, 0)
        self._visits[token] = session
        self.touch(session)
        return session

    def find(self, token: str, profile: DeviceProfile, slug: str, owner: int = 0) -> DeviceSession | None:
        """The visit with this number at this door; None once it was wiped, or where it is somebody else's."""
        self.sweep()
        session = self._visits.get(token)
        if session is None or (session.profile, session.conversation.slug, session.owner) != (profile, slug, owner):
            return None
        return session

    def touch(self, session: DeviceSession) -> None:
        """Somebody is there."""
        session.until = (
            self._clock()
            + max(session.profile.typing, session.profile.farewell)
            + session.profile.warning
            + GRACE_SECONDS
        )

    def wipe(self, session: DeviceSession) -> None:
        """Forgets everything about a visit; what was answered stays answered."""
        self._visits.pop(session.token, None)
        self._hub.wipe(session.conversation.address)

    def wipe_all_of(self, owner: int) -> None:
        """Wipes the visits of one helper."""
        for session in [session for session in self._visits.values() if session.owner == owner]:
            self.wipe(session)

    def sweep(self) -> None:
        """Wipes the visits where nobody is there any more."""
        now = self._clock()
        for session in [session for session in self._visits.values() if session.until <= now]:
            self.wipe(session)

    def __len__(self) -> int:
        return len(self._visits)


DEVICE_SESSIONS: Final = web.AppKey("visits", DeviceSessions)


async def sweep_idle_sessions(application: web.Application) -> AsyncIterator[None]:
    """Wipes idle visits while the application runs, whether anybody asks for a page or not."""

    async def sweep() -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                application[DEVICE_SESSIONS].sweep()
            except Exception as error:  # noqa: BLE001 - who comes next at a kiosk must not see what was said before
                log.error("device_sessions_not_deleted", **error_place(error))

    task = asyncio.create_task(sweep())
    yield
    task.cancel()
    await asyncio.wait([task])


def device_profile_of(request: web.Request) -> DeviceProfile | None:
    """The kind of shared device that shows this page; None for pages in people's own browsers."""
    return next((profile for profile in (KIOSK, ASSIST) if f"{request.path}/".startswith(f"{profile.base}/")), None)


def device_sessions_of(request: web.Request) -> DeviceSessions:
    return request.app[DEVICE_SESSIONS]


def device_session_of(request: web.Request, profile: DeviceProfile, slug: str, owner: int = 0) -> DeviceSession | None:
    """The visit of this browser, if it is not over."""
    return device_sessions_of(request).find(request.cookies.get(COOKIE, ""), profile, slug, owner)


def is_session_form(request: web.Request, session: DeviceSession, token: object) -> bool:
    """Whether a form was on a page of this visit, and of ours."""
    given = str(token or "").encode("utf-8", "replace")
    return site_of(request).routes.is_ours(request) and hmac.compare_digest(given, session.conversation.csrf.encode())


def set_session_cookie(request: web.Request, response: web.StreamResponse, session: DeviceSession) -> None:
    """Lets the browser keep the visit, until it is closed."""
    is_secure = site_of(request).routes.clients.is_secure(request)
    path = session.profile.path(session.conversation.slug)
    response.set_cookie(COOKIE, session.token, path=path, httponly=True, samesite="Strict", secure=is_secure)


def end_session(request: web.Request, profile: DeviceProfile, slug: str, owner: int = 0) -> web.Response:
    """Ends the visit of this browser, if there is one, and goes to the beginning with nothing left."""
    session = device_session_of(request, profile, slug, owner)
    if session:
        device_sessions_of(request).wipe(session)
    location = profile.path(slug, place=entry_code_of(request)) if profile is KIOSK else profile.base
    response = web.Response(status=303, headers={"Location": location, "Clear-Site-Data": '"cache"'})
    clear_cookies(response, profile, slug)
    return response


def clear_cookies(response: web.StreamResponse, profile: DeviceProfile, slug: str) -> None:
    """Takes everything from the browser that a person may have left."""
    response.del_cookie(COOKIE, path=profile.path(slug))
    if profile is KIOSK:
        for name in (LANGUAGE_COOKIE, SIZE_COOKIE):
            response.del_cookie(name)


def entry_code_of(request: web.Request) -> str:
    """The place code of the address, "" where there is none that could be one."""
    return parse_entry_code(request.query.get("at", ""))
