"""The scopes that operations need and roles may have. Everything else is refused."""

from __future__ import annotations

from typing import Final, Literal, get_args

from storage.tables.staff import Role

Scope = Literal["read", "moderate", "publish"]
"""The scopes of a key: public data; the queue and decisions about it; statements in the name of the city."""
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

POLICY: Final[dict[str, Scope]] = {
    "list_consultations": "read",
    "show_consultation": "read",
    "list_proposals": "read",
    "show_proposal": "read",
    "list_statuses": "read",
    "list_ratings": "read",
    "list_texts": "read",
    "show_answered": "read",
    "list_queue": "moderate",
    "show_queued": "moderate",
    "decide": "moderate",
    "set_status": "publish",
    "archive": "publish",
    "unarchive": "publish",
    "close": "publish",
    "reopen": "publish",
    "go_live": "publish",
    "back": "publish",
}
"""The scope a key needs, by the name of the operation. An operation that is missing here cannot be registered."""

ROLES: Final[dict[Role, frozenset[Scope]]] = {
    "helper": frozenset(),
    "facilitator": frozenset({"read", "moderate", "publish"}),
    "kernteam": frozenset({"read", "moderate", "publish"}),
    "admin": frozenset({"read"}),  # runs the installation, and reads no text before its release
}
"""The scopes a role allows at most; changing a role changes the scopes of existing keys."""
