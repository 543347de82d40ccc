"""The permissions of staff: which role may do what. Pages, chat, command line and API read this one table.

What is not listed is refused. A member with `assigned_only` has the permissions of the role only in the consultations
assigned to them: `bot.staff.assignments`.
"""

from __future__ import annotations

from typing import Final, Literal

from storage.tables.staff import ROLES, Role

Action = Literal[
    "account.own",
    "assist",
    "consultations.list",
    "consultations.change",
    "texts.read",
    "texts.decide",
    "answers.publish",
    "push",
    "rooms.lead",
    "results.public",
    "results.inner",
    "export.public",
    "export.analysis",
    "export.raw",
    "audit.read",
    "accounts.manage",
    "settings.change",
]

_EVERYONE: Final = frozenset(ROLES)
_READERS: Final = _EVERYONE - {"helper"}
_FORMER: Final[frozenset[Role]] = frozenset({"helper", "facilitator", "kernteam", "admin"})
_TEAM: Final[frozenset[Role]] = frozenset({"facilitator", "kernteam"})

ALLOWED: Final[dict[Action, frozenset[Role]]] = {
    "account.own": _EVERYONE,
    "assist": _FORMER,
    "consultations.list": _READERS,
    "consultations.change": _TEAM,
    # The administrator runs the installation and reads no text before its release.
    "texts.read": _TEAM,
    "texts.decide": _TEAM,
    "answers.publish": _TEAM,
    "push": frozenset({"facilitator", "admin"}),
    "rooms.lead": _TEAM | {"admin"},
    "results.public": _READERS,
    "results.inner": _TEAM,
    "export.public": _READERS,
    "export.analysis": _TEAM,
    "export.raw": frozenset({"kernteam"}),
    "audit.read": frozenset({"kernteam", "admin", "auditor"}),
    "accounts.manage": frozenset({"admin"}),
    "settings.change": frozenset({"admin"}),
}
"""The roles that each action permits."""


def may(role: Role, action: Action) -> bool:
    """Whether a role permits an action."""
    return role in ALLOWED[action]


def actions_of(role: Role) -> frozenset[Action]:
    """Returns all actions that a role permits."""
    return frozenset(action for action, roles in ALLOWED.items() if role in roles)
