"""API keys: issued, shown once, verified, revoked.

A key looks like `mitsprache_7K2MPX0Q_…`: a public label, then 130 random bits. The table stores a keyed hash. Each key
belongs to a staff member and is void once that account is revoked.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.common.audit import Actor
from bot.common.code_alphabet import random_code
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.web.api.policy import ROLES, SCOPES, Scope
from storage.tables.api_keys import StoredApiKey, api_key_by_hash
from storage.tables.staff import StaffMember, staff_by_id

PREFIX: Final = "mitsprache"
LONGEST: Final = 100
_USE_NOTED: Final = timedelta(hours=1)


class Bearer(NamedTuple):
    """The key of a request and its owner."""

    key: StoredApiKey
    member: StaffMember

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes of the key today, limited by the role of its owner."""
        return frozenset(scope for scope in SCOPES if scope in self.key.scopes) & ROLES[self.member.role]

    @property
    def actor(self) -> Actor:
        """The key and its owner, for the audit log."""
        return Actor(f"{self.key.label} ({self.member.name})", self.member.role, "api")

    def is_idle(self, now: datetime) -> bool:
        """Tells whether the use is to be recorded; once an hour is enough."""
        return self.key.used_at is None or now - self.key.used_at > _USE_NOTED


def key_digest(keys: Keys, key: str) -> bytes:
    """Returns the keyed hash of a key."""
    return hmac.digest(keys.staff, b"api/" + key[:LONGEST].encode("utf-8", "replace"), "sha256")


def find_bearer(connection: Connection, wanted: bytes) -> Bearer | None:
    """Returns the owner of the key with this hash; None for unknown and revoked keys, and for revoked accounts.

    Only keyed hashes are compared, so the duration reveals nothing about keys.
    """
    key = api_key_by_hash(connection, wanted)
    known = key.key_hash if key else bytes(len(wanted))
    if not hmac.compare_digest(known, wanted) or key is None or key.revoked_at is not None:
        return None
    member = staff_by_id(connection, key.staff_id)
    return None if member is None or member.revoked_at is not None else Bearer(key, member)


def new_access_key(
    keys: Keys, member: StaffMember, scopes: Iterable[Scope], slug: str | None, now: datetime
) -> tuple[str, StoredApiKey]:
    """Returns a new key: as it is shown, and as it is stored."""
    label = random_code(8)
    key = f"{PREFIX}_{label}_{random_code(26)}"
    return key, StoredApiKey(
        id=Ids()(),
        label=label,
        staff_id=member.id,
        key_hash=key_digest(keys, key),
        scopes=sorted(scopes),
        slug=slug,
        created_at=now,
    )
