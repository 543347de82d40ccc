"""The subkeys of an installation and their format on disk: wrapped by the secret. This module opens no file.

Before the first rotation the subkeys are derived from the secret. After it they are independent values in a file beside
the secret, the keyring, and a new secret only wraps them again. Subkeys in `FIXED_PURPOSES` never change: contacts are
found by them, and older backups read the erasure log with them. A purpose in `ENCRYPTION_PURPOSES` may have several
valid subkeys; the newest one encrypts.
"""

from __future__ import annotations

import base64
import os
import secrets
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic_core import from_json, to_json

FIXED_PURPOSES: Final = ("lookup", "pseudonym", "waiting", "web", "staff", "doors", "audit", "erased")
ENCRYPTION_PURPOSES: Final = ("seal", "attachments", "vaults")
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class ForeignKeyring(Exception):
    """The keyring is damaged, or this secret does not wrap it."""


class Subkey(NamedTuple):
    purpose: str
    version: int
    value: bytes


class Keyring(NamedTuple):
    """All subkeys; `rotated_on` is the day of the secret, `sealed_on` the day of the newest encryption keys."""

    keys: tuple[Subkey, ...]
    rotated_on: str = ""
    sealed_on: str = ""

    def of(self, purpose: str) -> tuple[bytes, ...]:
        """Returns the values for a purpose, newest first."""
        found = sorted((key for key in self.keys if key.purpose == purpose), key=lambda key: -key.version)
        return tuple(key.value for key in found)

    def is_reencrypting(self) -> bool:
        """Whether some data may still be encrypted with an older key."""
        return any(len(self.of(purpose)) > 1 for purpose in ENCRYPTION_PURPOSES)

    def renewed(self, day: str) -> Keyring:
        """Returns a copy with a new key per encryption purpose; older keys still decrypt."""
        new = (Subkey(it, 1 + self._newest(it), secrets.token_bytes(KEY_BYTES)) for it in ENCRYPTION_PURPOSES)
        return self._replace(keys=(*self.keys, *new), sealed_on=day)

    def settled(self) -> Keyring:
        """Returns a copy without the older keys."""
        return self._replace(keys=tuple(key for key in self.keys if key.version == self._newest(key.purpose)))

    def _newest(self, purpose: str) -> int:
        return max(key.version for key in self.keys if key.purpose == purpose)


def derive(secret: bytes, purpose: bytes) -> bytes:
    """Derives 32 bytes for one purpose with HKDF-SHA256 (RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"mitsprache " + purpose).derive(secret)


def derive_ring(secret: bytes) -> Keyring:
    """Derives the subkeys of an installation whose secret was never rotated."""
    values = {purpose: derive(secret, purpose.encode()) for purpose in (*FIXED_PURPOSES, *ENCRYPTION_PURPOSES)}
    values["erased"] = derive(values["vaults"], b"erased")  # the erasure log once used the purpose "vaults"
    return Keyring(tuple(Subkey(purpose, 1, value) for purpose, value in values.items()))


def secret_id(secret: bytes) -> str:
    """Returns a name for a secret that reveals nothing about it."""
    return derive(secret, b"id")[:4].hex()


def wrap(ring: Keyring, *wrapping: bytes) -> bytes:
    """Serialises a keyring so that each of these secrets can unwrap it."""
    wrapped = {secret_id(secret): [_wrapped(key, _wrapping(secret)) for key in ring.keys] for secret in wrapping}
    days = {"rotated_on": ring.rotated_on, "sealed_on": ring.sealed_on}
    return to_json({"format": 1, **days, "wrapped": wrapped}, indent=2) + b"\n"


def unwrap(content: bytes, secret: bytes) -> Keyring:
    """Reads a serialised keyring. Raises ForeignKeyring."""
    try:
        found = from_json(content)
        cipher = _wrapping(secret)
        keys = tuple(_unwrapped(it, cipher) for it in found["wrapped"][secret_id(secret)])
        ring = Keyring(keys, str(found["rotated_on"]), str(found["sealed_on"]))
    except (InvalidTag, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ForeignKeyring from error
    if not all(ring.of(purpose) for purpose in (*FIXED_PURPOSES, *ENCRYPTION_PURPOSES)):
        raise ForeignKeyring
    return ring


def _wrapping(secret: bytes) -> AESGCM:
    return AESGCM(derive(secret, b"wrap"))


def _wrapped(key: Subkey, cipher: AESGCM) -> dict[str, str | int]:
    nonce = os.urandom(_NONCE_BYTES)
    value = nonce + cipher.encrypt(nonce, key.value, _bound_to(key.purpose, key.version))
    return {"purpose": key.purpose, "version": key.version, "value": base64.b64encode(value).decode()}


def _unwrapped(entry: dict[str, str | int], cipher: AESGCM) -> Subkey:
    purpose, version = str(entry["purpose"]), int(entry["version"])
    value = base64.b64decode(str(entry["value"]), validate=True)
    opened = cipher.decrypt(value[:_NONCE_BYTES], value[_NONCE_BYTES:], _bound_to(purpose, version))
    return Subkey(purpose, version, opened)


def _bound_to(purpose: str, version: int) -> bytes:
    """Returns the associated data that ties an entry to its purpose and version."""
    return f"mitsprache subkey {purpose} {version}".encode()
