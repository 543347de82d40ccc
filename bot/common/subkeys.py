"""The subkeys of an installation, and how they lie on disk: wrapped by its secret. No file is touched here.

The first ones are derived from the secret, as they always were. Since the secret was rotated they are values of their
own in a file beside it, the ring, and a new secret only wraps them anew. Those in `FIXED` never change: by them people
are found again, or an older backup reads what a newer house noted. Of those in `SEALING` several may be valid, the
newest of which seals.
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

FIXED: Final = ("lookup", "pseudonym", "waiting", "web", "staff", "doors", "audit", "erased")
SEALING: Final = ("seal", "attachments", "vaults")
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class ForeignRing(Exception):
    """The ring is damaged, or no secret that wraps it is this one."""


class Subkey(NamedTuple):
    purpose: str
    version: int
    value: bytes


class Ring(NamedTuple):
    """All subkeys. `rotated_on` and `sealed_on` are days: of the secret, and of the newest keys in `SEALING`."""

    keys: tuple[Subkey, ...]
    rotated_on: str = ""
    sealed_on: str = ""

    def of(self, purpose: str) -> tuple[bytes, ...]:
        """The values for a purpose, newest first."""
        found = sorted((key for key in self.keys if key.purpose == purpose), key=lambda key: -key.version)
        return tuple(key.value for key in found)

    def is_resealing(self) -> bool:
        """Whether something may still be sealed with a key that is to be dropped."""
        return any(len(self.of(purpose)) > 1 for purpose in SEALING)

    def renewed(self, day: str) -> Ring:
        """The same with a new key for each purpose in `SEALING`; the older ones still open."""
        new = (Subkey(it, 1 + self._newest(it), secrets.token_bytes(KEY_BYTES)) for it in SEALING)
        return self._replace(keys=(*self.keys, *new), sealed_on=day)

    def settled(self) -> Ring:
        """The same without the older keys."""
        return self._replace(keys=tuple(key for key in self.keys if key.version == self._newest(key.purpose)))

    def _newest(self, purpose: str) -> int:
        return max(key.version for key in self.keys if key.purpose == purpose)


def derive(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes for one purpose, by HKDF-SHA256 (RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"mitsprache " + purpose).derive(secret)


def derived(secret: bytes) -> Ring:
    """The subkeys of an installation whose secret was never rotated."""
    values = {purpose: derive(secret, purpose.encode()) for purpose in (*FIXED, *SEALING)}
    values["erased"] = derive(values["vaults"], b"erased")  # the ledger's was one of the vaults once
    return Ring(tuple(Subkey(purpose, 1, value) for purpose, value in values.items()))


def id_of(secret: bytes) -> str:
    """By what a secret is named; tells nothing of it."""
    return derive(secret, b"id")[:4].hex()


def wrap(ring: Ring, *wrapping: bytes) -> bytes:
    """The ring as it is written, to be opened with any of these secrets."""
    wrapped = {id_of(secret): [_wrapped(key, _wrapping(secret)) for key in ring.keys] for secret in wrapping}
    days = {"rotated_on": ring.rotated_on, "sealed_on": ring.sealed_on}
    return to_json({"format": 1, **days, "wrapped": wrapped}, indent=2) + b"\n"


def unwrap(content: bytes, secret: bytes) -> Ring:
    """The ring that was written. Raises ForeignRing."""
    try:
        found = from_json(content)
        cipher = _wrapping(secret)
        keys = tuple(_unwrapped(it, cipher) for it in found["wrapped"][id_of(secret)])
        ring = Ring(keys, str(found["rotated_on"]), str(found["sealed_on"]))
    except (InvalidTag, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise ForeignRing from fault
    if not all(ring.of(purpose) for purpose in (*FIXED, *SEALING)):
        raise ForeignRing
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
    """So that no entry can be passed off as another one."""
    return f"mitsprache subkey {purpose} {version}".encode()
