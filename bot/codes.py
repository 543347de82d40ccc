"""Personal codes of people who work here: 80 random bits, shown once; the table holds a keyed hash of each."""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bot.keys import Keys
from storage import staff
from storage.staff import StaffMember

CODE_LENGTH: Final = 16
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans("OIL", "011")
_BETWEEN: Final = re.compile(r"[\s\u00ad\u200b-\u200f\u2010-\u2015_.-]")


def new_code() -> str:
    """A personal code of 80 random bits, in groups that can be read out: "7K2M-PX0Q-4ZTA-9C3D"."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def code_hash(keys: Keys, code: str) -> bytes:
    """What the table knows of a code. Case, blanks and hyphens do not matter; O, I and L are the digits they look like.

    What cannot be a code is hashed all the same, so that it is refused like any other.
    """
    plain = _BETWEEN.sub("", code[:100]).upper().translate(_MISREAD)
    return hmac.digest(keys.staff, b"code/" + plain.encode("utf-8", "replace"), "sha256")


def take_code(connection: Connection, digest: bytes, now: datetime) -> StaffMember | None:
    """Who has the code with this hash, noted as used; None where there is nobody, or nobody any more."""
    member = staff.by_code(connection, digest)
    known = member.code_hash if member else bytes(len(digest))
    if not hmac.compare_digest(known, digest) or member is None or member.revoked_at is not None:
        return None
    staff.used(connection, member.id, now)
    return member
