"""Staff sign-in: exchanges access codes (`bot.staff.codes`) for signed tickets.

A ticket is valid for a working day and becomes invalid when its owner signs out or is revoked.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from bot.common.keys import Keys
from bot.staff.codes import redeem_code, staff_code_hash
from storage.core.store import Store
from storage.tables.api_keys import StoredApiKey
from storage.tables.staff import StaffMember, staff_by_id

HOURS: Final = 8
"""Lifetime of a ticket: a working day."""
MICROSECONDS: Final = 1_000_000
DIGITS_OF_SECONDS: Final = 12
LONGEST_NAME: Final = 80


async def authenticate_staff(store: Store, keys: Keys, code: str) -> StaffMember | None:
    """Returns the staff member of an access code; None for wrong and revoked codes.

    Only keyed hashes are compared, so that timing reveals nothing about codes.
    """
    return await store.write(partial(redeem_code, digest=staff_code_hash(keys, code), now=datetime.now(UTC)))


def issue_ticket(keys: Keys, member: StaffMember, now: datetime) -> str:
    """Returns a ticket for the browser: staff id, expiry in microseconds and signature."""
    content = f"{member.id}.{int((now + timedelta(hours=HOURS)).timestamp() * MICROSECONDS)}"
    return f"{content}.{_signature(keys, content)}"


async def staff_of_ticket(store: Store, keys: Keys, value: str, now: datetime) -> StaffMember | None:
    """Returns the owner of a ticket; None for forged and expired tickets, after a sign-out, and for revoked owners."""
    content, _, signature = value[:200].rpartition(".")
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(keys, content).encode()):
        return None
    number, _, text = content.partition(".")
    # Earlier versions wrote seconds.
    until = datetime.fromtimestamp(int(text) / (MICROSECONDS if len(text) > DIGITS_OF_SECONDS else 1), UTC)
    if now >= until:
        return None
    member = await store.read(partial(staff_by_id, staff_id=int(number)))
    if member is None or member.revoked_at is not None:
        return None
    is_over = member.signed_out_at is not None and until - timedelta(hours=HOURS) <= member.signed_out_at
    return None if is_over else member


def form_token(keys: Keys, value: str) -> str:
    """Returns the CSRF token for forms on pages of this ticket."""
    return hmac.digest(keys.staff, f"form/{value}".encode("utf-8", "replace"), "sha256")[:16].hex()


def is_valid_form_token(keys: Keys, value: str, token: object) -> bool:
    """Whether a CSRF token belongs to this ticket."""
    return hmac.compare_digest(str(token or "").encode("utf-8", "replace"), form_token(keys, value).encode())


def _signature(keys: Keys, content: str) -> str:
    return hmac.digest(keys.staff, f"ticket/{content}".encode("utf-8", "replace"), "sha256").hex()


def validity_in_words(row: StaffMember | StoredApiKey) -> str:
    """Describes the validity of a code or key: created, last used or revoked."""
    used = f"last used {row.used_at:%Y-%m-%d}" if row.used_at else "never used"
    return f"since {row.created_at:%Y-%m-%d}  " + (f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else used)
