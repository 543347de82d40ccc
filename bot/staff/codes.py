"""Personal codes of people who work here: 80 random bits, shown once; the table holds a keyed hash of each."""

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
    """A personal code of 80 random bits, in groups that can be read out: "7K2M-PX0Q-4ZTA-9C3D"."""
    return group_code(random_code(CODE_LENGTH))


def staff_code_hash(keys: Keys, code: str) -> bytes:
    """What the table knows of a code. Case, blanks and hyphens do not matter; O, I and L are the digits they look like.

    What cannot be a code is hashed all the same, so that it is refused like any other.
    """
    letters = normalise_code(code[:100]).translate(MISREAD)
    return hmac.digest(keys.staff, b"code/" + letters.encode("utf-8", "replace"), "sha256")


def redeem_code(connection: Connection, digest: bytes, now: datetime) -> StaffMember | None:
    """Who has the code with this hash, noted as used; None where there is nobody, or nobody any more."""
    member = staff_by_code(connection, digest)
    known = member.code_hash if member else bytes(len(digest))
    if not hmac.compare_digest(known, digest) or member is None or member.revoked_at is not None:
        return None
    record_staff_sign_in(connection, member.id, now)
    return member
