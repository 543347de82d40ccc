"""The scopes that operations need and roles may have. Everything else is refused."""

from __future__ import annotations

from typing import Final, Literal, get_args

import storage.tables.staff
from bot.staff.policy import Action, may
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
    "preview_status": "publish",
    "set_status": "publish",
    "undo_status": "publish",
    "archive": "publish",
    "unarchive": "publish",
    "close": "publish",
    "reopen": "publish",
    "go_live": "publish",
    "back": "publish",
}
"""The scope a key needs, by the name of the operation. An operation that is missing here cannot be registered."""

SCOPE_ACTIONS: Final[dict[Scope, Action]] = {
    "read": "results.public",
    "moderate": "texts.decide",
    "publish": "consultations.change",
}
"""The permission of the staff (`bot.staff.policy`) that each scope stands for."""

ROLES: Final[dict[Role, frozenset[Scope]]] = {
    role: frozenset(scope for scope, action in SCOPE_ACTIONS.items() if may(role, action))
    for role in storage.tables.staff.ROLES
}
"""The scopes a role allows at most; changing a role changes the scopes of existing keys."""
