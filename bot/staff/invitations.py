"""Links with which an account is set up: for the owner of a new installation, for invited members, and after a loss.

A link is valid once, and for a limited time. Only its keyed hash is stored.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from bot.common.keys import Keys
from storage.tables import invitations as table
from storage.tables.invitations import Invitation

OWNER_LINK: Final = timedelta(hours=24)
INVITATION: Final = timedelta(days=7)


def link_hash(keys: Keys, token: str) -> bytes:
    """Returns the keyed hash under which a link is stored."""
    return hmac.digest(keys.staff, b"invitation/" + token[:100].encode("utf-8", "replace"), "sha256")


def new_link(connection: Connection, keys: Keys, staff_id: int | None, now: datetime) -> str:
    """Returns the token of a new link; earlier links of the same account become invalid. None: the owner link."""
    token = secrets.token_urlsafe(24)
    table.delete_open_invitations(connection, staff_id)
    ends = now + (OWNER_LINK if staff_id is None else INVITATION)
    table.insert_invitations(connection, [Invitation(link_hash(keys, token), staff_id, now, ends)])
    return token


def valid_invitation(connection: Connection, keys: Keys, token: str, now: datetime) -> Invitation | None:
    """Returns the invitation of a link; None for unknown, used and expired links."""
    found = table.invitation_by_token(connection, link_hash(keys, token))
    return found if found and found.used_at is None and now < found.expires_at else None
