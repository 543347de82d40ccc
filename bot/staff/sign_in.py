"""People who work here: tickets they are let in with, and the commands that give and take personal codes.

Whoever signs in with a code (`bot.staff.codes`) gets a ticket for a working day: signed, so that nobody can make one
up, and worth nothing once its owner is revoked.
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
"""So long a ticket lasts: a working day."""
LONGEST_NAME: Final = 80


async def authenticate_staff(store: Store, keys: Keys, code: str) -> StaffMember | None:
    """Whom this code lets in; None for a wrong code and a revoked one alike.

    The code itself is never compared, only its keyed hash: how long that takes tells nothing about codes.
    """
    return await store.write(partial(redeem_code, digest=staff_code_hash(keys, code), now=datetime.now(UTC)))


def issue_ticket(keys: Keys, member: StaffMember, now: datetime) -> str:
    """What the browser of somebody who signed in keeps: who, until when, and a signature."""
    content = f"{member.id}.{int((now + timedelta(hours=HOURS)).timestamp())}"
    return f"{content}.{_signature(keys, content)}"


async def staff_of_ticket(store: Store, keys: Keys, value: str, now: datetime) -> StaffMember | None:
    """Who holds this ticket; None for forged and old ones, and once its owner is revoked."""
    content, _, signature = value[:200].rpartition(".")
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(keys, content).encode()):
        return None
    number, _, until = content.partition(".")
    if now.timestamp() >= int(until):
        return None
    member = await store.read(partial(staff_by_id, staff_id=int(number)))
    return member if member and member.revoked_at is None else None


def form_token(keys: Keys, value: str) -> str:
    """What forms of this ticket's pages have to send along; nobody else can know it."""
    return hmac.digest(keys.staff, f"form/{value}".encode("utf-8", "replace"), "sha256")[:16].hex()


def is_valid_form_token(keys: Keys, value: str, token: object) -> bool:
    """Whether a form was on a page of this ticket."""
    return hmac.compare_digest(str(token or "").encode("utf-8", "replace"), form_token(keys, value).encode())


def _signature(keys: Keys, content: str) -> str:
    return hmac.digest(keys.staff, f"ticket/{content}".encode("utf-8", "replace"), "sha256").hex()


def validity_in_words(row: StaffMember | StoredApiKey) -> str:
    """Since when a code or key lets in, and when it was last used, or ended: how a line of a list ends."""
    used = f"last used {row.used_at:%Y-%m-%d}" if row.used_at else "never used"
    return f"since {row.created_at:%Y-%m-%d}  " + (f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else used)
