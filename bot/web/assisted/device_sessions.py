"""Sessions on shared devices (kiosk, helper's tablet): in memory only, deleted completely.

On a shared device the next person must not see the answers of the last one. So such a conversation has no lasting
cookie and no resume code, only a random token that the server forgets at the end or after a period of inactivity.
A request with a forgotten token (back button, saved tab) leads to the first page.
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

from adapters.web.errors import RequestError
from adapters.web.hub import WebHub
from adapters.web.sessions import WebConversation
from bot.common.logs import error_place
from bot.consultations.entry_codes import parse_entry_code
from bot.web.context import SIZE_COOKIE, site_of
from bot.web.request_locale import COOKIE as LANGUAGE_COOKIE
from flows.messages import Mode

log = structlog.get_logger()

COOKIE: Final = "visit"
GRACE_SECONDS: Final = 30.0
"""The server ends a session this much later than its page: for pages without JavaScript and slow connections."""
SWEEP_SECONDS: Final = 5.0
MOST: Final = 5_000


class DeviceProfile(NamedTuple):
    """A kind of shared device. `base` is the first part of its paths."""

    base: str
    mode: Mode
    idle: int
    """Seconds of inactivity after which the page asks whether the person is still there."""
    warning: int
    """Seconds that the question is shown before the session ends; it can be extended without limit."""
    typing: int
    """As `idle`, for text fields without JavaScript, where the page cannot detect typing."""
    farewell: int
    """Seconds that the last page is shown."""

    def path(self, slug: str, page: str = "", place: str = "") -> str:
        """Returns the address of a page, with the entry code of the device."""
        return f"{self.base}/{slug}{f'/{page}' if page else ''}{f'?at={place}' if place else ''}"


KIOSK: Final = DeviceProfile("/kiosk", "self", idle=90, warning=20, typing=300, farewell=60)
ASSIST: Final = DeviceProfile("/assist", "assisted", idle=600, warning=60, typing=900, farewell=300)


@dataclass(slots=True)
class DeviceSession:
    """The session of one person. `owner` is the id of the signed-in helper, 0 at a kiosk; it is not stored."""

    token: str
    profile: DeviceProfile
    conversation: WebConversation
    owner: int
    until: float
    problem: str = ""
    """The phrase for the error in what was `written`, for the next page."""
    written: str = ""


class DeviceSessions:
    """All device sessions of this process. A restart ends them."""

    def __init__(self, hub: WebHub, clock: Callable[[], float] = time.monotonic) -> None:
        self._hub = hub
        self._clock = clock
        self._visits: dict[str, DeviceSession] = {}

    def begin(self, profile: DeviceProfile, slug: str, owner: int = 0) -> DeviceSession:
        """Starts the session of a new person. Raises RequestError (`too_many`)."""
        self.sweep()
        if len(self._visits) >= MOST:
            raise RequestError("too_many", profile.idle)
        token = secrets.token_hex(16)
        # No resume code looks like this, so none opens such a conversation.
        id_ = f"visit-{secrets.token_hex(16)}"
        csrf = hashlib.sha256(f"{id_}{token}".encode()).hexdigest()[:32]
        session = DeviceSession(token, profile, WebConversation(slug, id_, csrf), owner, 0)
        self._visits[token] = session
        self.touch(session)
        return session

    def find(self, token: str, profile: DeviceProfile, slug: str, owner: int = 0) -> DeviceSession | None:
        """Returns the session with this token on this device, or None if it has ended or belongs to another helper."""
        self.sweep()
        session = self._visits.get(token)
        if session is None or (session.profile, session.conversation.slug, session.owner) != (profile, slug, owner):
            return None
        return session

    def touch(self, session: DeviceSession) -> None:
        """Extends the session."""
        session.until = (
            self._clock()
            + max(session.profile.typing, session.profile.farewell)
            + session.profile.warning
            + GRACE_SECONDS
        )

    def wipe(self, session: DeviceSession) -> None:
        """Deletes a session and its conversation log; stored answers stay."""
        self._visits.pop(session.token, None)
        self._hub.wipe(session.conversation.address)

    def wipe_all_of(self, owner: int) -> None:
        """Deletes the sessions of one helper."""
        for session in [session for session in self._visits.values() if session.owner == owner]:
            self.wipe(session)

    def sweep(self) -> None:
        """Deletes idle sessions."""
        now = self._clock()
        for session in [session for session in self._visits.values() if session.until <= now]:
            self.wipe(session)

    def __len__(self) -> int:
        return len(self._visits)


DEVICE_SESSIONS: Final = web.AppKey("visits", DeviceSessions)


async def sweep_idle_sessions(application: web.Application) -> AsyncIterator[None]:
    """Deletes idle sessions periodically while the application runs."""

    async def sweep() -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                application[DEVICE_SESSIONS].sweep()
            except Exception as error:  # noqa: BLE001 - the next visitor of a kiosk must not see an earlier conversation
                log.error("device_sessions_not_deleted", **error_place(error))

    task = asyncio.create_task(sweep())
    yield
    task.cancel()
    await asyncio.wait([task])


def device_profile_of(request: web.Request) -> DeviceProfile | None:
    """Returns the device profile of a page; None for pages in visitors' own browsers."""
    return next((profile for profile in (KIOSK, ASSIST) if f"{request.path}/".startswith(f"{profile.base}/")), None)


def device_sessions_of(request: web.Request) -> DeviceSessions:
    return request.app[DEVICE_SESSIONS]


def device_session_of(request: web.Request, profile: DeviceProfile, slug: str, owner: int = 0) -> DeviceSession | None:
    """Returns the session of this browser, or None if it has ended."""
    return device_sessions_of(request).find(request.cookies.get(COOKIE, ""), profile, slug, owner)


def is_session_form(request: web.Request, session: DeviceSession, token: object) -> bool:
    """Tells whether a form comes from a page of this session."""
    given = str(token or "").encode("utf-8", "replace")
    return site_of(request).routes.is_ours(request) and hmac.compare_digest(given, session.conversation.csrf.encode())


def set_session_cookie(request: web.Request, response: web.StreamResponse, session: DeviceSession) -> None:
    """Sets the session cookie, which lasts until the browser is closed."""
    is_secure = site_of(request).routes.clients.is_secure(request)
    path = session.profile.path(session.conversation.slug)
    response.set_cookie(COOKIE, session.token, path=path, httponly=True, samesite="Strict", secure=is_secure)


def end_session(request: web.Request, profile: DeviceProfile, slug: str, owner: int = 0) -> web.Response:
    """Ends the session of this browser and redirects to the first page."""
    session = device_session_of(request, profile, slug, owner)
    if session:
        device_sessions_of(request).wipe(session)
    location = profile.path(slug, place=entry_code_from(request)) if profile is KIOSK else profile.base
    response = web.Response(status=303, headers={"Location": location, "Clear-Site-Data": '"cache"'})
    clear_cookies(response, profile, slug)
    return response


def clear_cookies(response: web.StreamResponse, profile: DeviceProfile, slug: str) -> None:
    """Deletes all cookies that a person may have left in the browser."""
    response.del_cookie(COOKIE, path=profile.path(slug))
    if profile is KIOSK:
        for name in (LANGUAGE_COOKIE, SIZE_COOKIE):
            response.del_cookie(name)


def entry_code_from(request: web.Request) -> str:
    """Returns the entry code of the address, or ""."""
    return parse_entry_code(request.query.get("at", ""))
