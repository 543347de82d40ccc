"""Passwords of staff, as Argon2id hashes (RFC 9106). Hashing takes memory, so few run at the same time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 200
"""Longest password in characters; longer ones would only cost processor time."""
AT_ONCE: Final = 2
"""Hashes computed at the same time; each takes 64 MiB."""

Weakness = Literal["short", "long", "monotonous", "name"]

_hasher: Final = PasswordHasher()
_threads: Final = ThreadPoolExecutor(AT_ONCE, "argon2")
_NO_PASSWORD: Final = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}${'A' * 22}${'A' * 43}"
)
"""A hash of the same cost that fits no password: an account without one takes as long as one with a wrong password. It
is written, not computed, because computing it takes a tenth of a second at each start.
"""


def weakness_of(password: str, name: str) -> Weakness | None:
    """Returns why a password is too weak, or None.

    Length decides (NIST SP 800-63B, 5.1.1.2): no rules about kinds of characters, no expiry.
    """
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    if len(set(password.casefold())) < 5:
        return "monotonous"
    if name and name.casefold().replace(" ", "") in password.casefold().replace(" ", ""):
        return "name"
    return None


async def hash_password(password: str) -> bytes:
    """Returns the hash of a password in the format of the Argon2 reference implementation."""
    loop = asyncio.get_running_loop()
    return (await loop.run_in_executor(_threads, _hasher.hash, password)).encode()


async def verify_password(stored: bytes | None, password: str) -> bool:
    """Whether this is the password of a stored hash; None (no such account) takes as long and is False."""
    known = stored.decode() if stored else _NO_PASSWORD
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _verify, known, password[:LONGEST]) and stored is not None


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
