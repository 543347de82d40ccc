"""Limits failed sign-ins per account and per address, without locking the owner of an account out.

Only failures count. A browser that has signed in to an account before has a bucket of its own ("device cookie", OWASP),
so that failures of strangers do not delay its owner; and passkeys are not limited per account.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from adapters.web.limits import Buckets, Rate
from bot.common.keys import Keys

PER_ADDRESS: Final = Rate(burst=30, per_second=1 / 20)
"""A town hall is one address."""
NUMBER_LENGTH: Final = 16
"""Letters of the random number that a device cookie begins with; its signature follows."""
PER_ACCOUNT: Final = Rate(burst=5, per_second=1 / 60)


class Attempts:
    """Counts failures of this process."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._addresses = Buckets(PER_ADDRESS)
        self._accounts = Buckets(PER_ACCOUNT)

    def wait(self, address: str, account: str, device: str) -> float:
        """Returns the seconds until the next attempt is allowed, 0 for now.

        `account` is "" where an attempt names none (a passkey, a link): then only the address counts, so that failures
        of strangers do not delay others.
        """
        of_account = self._accounts.wait(self._bucket(account, device)) if account else 0.0
        return max(self._addresses.wait(address), of_account)

    def count_failure(self, address: str, account: str, device: str) -> None:
        """Counts a failed attempt."""
        self._addresses.take(address)
        if account:
            self._accounts.take(self._bucket(account, device))

    def new_device(self, account: str) -> str:
        """Returns the value of the device cookie after a sign-in to this account."""
        number = secrets.token_hex(NUMBER_LENGTH // 2)
        return number + self._signature(number, account)

    def _bucket(self, account: str, device: str) -> str:
        number, signature = device[:NUMBER_LENGTH], device[NUMBER_LENGTH:200]
        is_known = hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(number, account).encode())
        return f"{_folded(account)} {number if is_known else ''}"

    def _signature(self, number: str, account: str) -> str:
        content = f"console-device/{number}/{_folded(account)}".encode("utf-8", "replace")
        return hmac.digest(self._keys.staff, content, "sha256")[:16].hex()


def _folded(account: str) -> str:
    return " ".join(account.split()).casefold()[:100]
