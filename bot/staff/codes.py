"""Access codes of staff: 80 random bits, shown once; the table stores a keyed hash."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bot.common.code_alphabet import MISREAD, group_code, normalise_code, random_code
from bot.common.keys import Keys
from storage.tables.staff import StaffMember, record_staff_sign_in, staff_by_code

CODE_LENGTH: Final = 16


def new_staff_code() -> str:
    """Returns a random access code of 80 bits in groups: "7K2M-PX0Q-4ZTA-9C3D"."""
    return group_code(random_code(CODE_LENGTH))


def staff_code_hash(keys: Keys, code: str) -> bytes:
    """Returns the keyed hash of a code. Ignores case, blanks and hyphens; reads O, I and L as digits.

    Invalid codes are hashed as well, so that all wrong codes are refused alike.
    """
    letters = normalise_code(code[:100]).translate(MISREAD)
    return hmac.digest(keys.staff, b"code/" + letters.encode("utf-8", "replace"), "sha256")


def redeem_code(connection: Connection, digest: bytes, now: datetime) -> StaffMember | None:
    """Returns the staff member with this code hash and records the use; None for unknown and revoked codes."""
    member = staff_by_code(connection, digest)
    known = member.code_hash if member else bytes(len(digest))
    if not hmac.compare_digest(known, digest) or member is None or member.revoked_at is not None:
        return None
    record_staff_sign_in(connection, member.id, now)
    return member
