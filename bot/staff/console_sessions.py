"""Sessions in the console: a random token in the browser, and its keyed hash in the table."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.common.keys import Keys
from storage.tables import console_sessions as table
from storage.tables.console_sessions import ConsoleSession
from storage.tables.staff import StaffMember, staff_by_id

LONGEST: Final = timedelta(hours=12)
"""The absolute time-out: a session ends so long after the sign-in."""
IDLE: Final = timedelta(hours=1)
"""The idle time-out."""
TOUCH_AFTER: Final = timedelta(minutes=1)
"""How often the time of the last use is written."""
TOKEN_LENGTH: Final = 43
_SYSTEMS: Final = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
_BROWSERS: Final = {"Edg/": "Edge", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}


class SignedIn(NamedTuple):
    """A member with the session of this browser."""

    member: StaffMember
    session: ConsoleSession


def token_hash(keys: Keys, token: str) -> bytes:
    """Returns the keyed hash under which a token is stored."""
    return hmac.digest(keys.staff, b"console/" + token[:100].encode("utf-8", "replace"), "sha256")


def csrf_token(keys: Keys, token: str) -> str:
    """Returns the CSRF token for forms in this session."""
    return hmac.digest(keys.staff, b"console-form/" + token[:100].encode("utf-8", "replace"), "sha256")[:16].hex()


def begin_session(
    connection: Connection, keys: Keys, staff_id: int, browser: str, now: datetime, *, proved_at: datetime | None = None
) -> str:
    """Begins a session and returns its token, which is new for every sign-in. Removes all expired sessions.

    `proved_at`: when the member proved who they are, if that was earlier (at an identity provider).
    """
    token = secrets.token_urlsafe(32)
    table.delete_expired_console_sessions(connection, now, now - IDLE)
    session = ConsoleSession(
        token_hash=token_hash(keys, token),
        staff_id=staff_id,
        browser=browser,
        created_at=max(min(proved_at or now, now), now - LONGEST),
        seen_at=now,
        ends_at=now + LONGEST,
    )
    table.insert_console_sessions(connection, [session])
    return token


def session_of_token(connection: Connection, keys: Keys, token: str, now: datetime) -> SignedIn | None:
    """Returns the member and session of a token; None for unknown and ended sessions and revoked members."""
    if len(token) != TOKEN_LENGTH:
        return None
    session = table.console_session_by_token(connection, token_hash(keys, token))
    if session is None or session.ends_at <= now or session.seen_at + IDLE <= now:
        return None
    member = staff_by_id(connection, session.staff_id)
    return SignedIn(member, session) if member and member.revoked_at is None else None


def is_touch_due(session: ConsoleSession, now: datetime) -> bool:
    """Whether the time of the last use is to be written again."""
    return now - session.seen_at >= TOUCH_AFTER


def browser_name(user_agent: str) -> str:
    """Returns a coarse name of browser and system, by which members recognise their devices.

    >>> browser_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox, Linux'
    """
    browser = next((name for mark, name in _BROWSERS.items() if mark in user_agent), "?")
    system = next((name for name in _SYSTEMS if name in user_agent), "?")
    return f"{browser}, {system}"
