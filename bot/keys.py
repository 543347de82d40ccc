"""The keys that keep identity and participation apart: pseudonyms, look-ups and sealed addresses.

Everything is derived from one secret (`secret.key` in the data folder). Who has only the database can neither tell an
address from its look-up nor which contact stands behind a pseudonym. Pseudonymous is not anonymous: who has both can.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.base import VaultError

FILE: Final = "secret.key"
"""Its name in the data folder."""
SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12
RECENT: Final = 10_000


class SecretError(VaultError):
    """The secret key is missing, damaged or of another installation."""


class Keys:
    """The keys of one installation, derived from its secret by HKDF-SHA256 (RFC 5869)."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise SecretError(f"the secret key has {len(secret)} bytes instead of {SECRET_BYTES}")
        self._vaults = _derive(secret, b"vaults")
        self._lookup = _derive(secret, b"lookup")
        self._pseudonym = _derive(secret, b"pseudonym")
        self._waiting = _derive(secret, b"waiting")
        self._seal = AESGCM(_derive(secret, b"seal"))
        self.web = _derive(secret, b"web")
        """Signs what browsers keep, so that nobody can make up a conversation."""
        self.staff = _derive(secret, b"staff")
        """Hashes personal codes of staff and signs what they are let in with."""
        self.doors = _derive(secret, b"doors")
        """Hashes the codes by which people link their chats."""
        self._files = AESGCM(_derive(secret, b"attachments"))
        # Whoever writes now will write again soon; an HMAC costs more than the rest of finding a person.
        self.lookup = lru_cache(RECENT)(self._make_lookup)
        self.waiting = lru_cache(RECENT)(self._make_waiting)

    def _make_lookup(self, channel: str, address: str) -> bytes:
        """32 bytes by which an address is found again (HMAC-SHA256; an unkeyed hash of a phone number is no secret)."""
        return hmac.digest(self._lookup, f"{channel}\0{address}".encode(), "sha256")

    def pseudonym(self, contact_id: int, consultation_id: int) -> str:
        """32 hexadecimal digits: who a contact is within one consultation, and nowhere else."""
        return hmac.digest(self._pseudonym, b"%d|%d" % (contact_id, consultation_id), "sha256")[:16].hex()

    def _make_waiting(self, contact_id: int) -> bytes:
        """16 bytes that mark the one session which waits for this contact."""
        return hmac.digest(self._waiting, b"%d" % contact_id, "sha256")[:16]

    def seal(self, text: str, lookup: bytes) -> bytes:
        """The text encrypted (AES-256-GCM) and bound to the look-up it belongs to."""
        return _sealed(self._seal, text.encode(), lookup)

    def unseal(self, sealed: bytes, lookup: bytes) -> str:
        """The text that was sealed. Raises SecretError where key, look-up or content do not belong together."""
        return _unsealed(self._seal, sealed, lookup).decode()

    def seal_file(self, content: bytes, name: str) -> bytes:
        """The content of a file encrypted and bound to its name."""
        return _sealed(self._files, content, name.encode())

    def unseal_file(self, sealed: bytes, name: str) -> bytes:
        """The content that was sealed. Raises SecretError as `unseal` does."""
        return _unsealed(self._files, sealed, name.encode())

    def vault(self, purpose: str) -> Vault:
        """Seals what is kept outside the database, with a key of its own for each purpose."""
        return Vault(_derive(self._vaults, purpose.encode()))


class Vault:
    """Seals texts with one key (`adapters.base.Vault`). What was sealed with another one, or changed, does not open.

    >>> kiez = Keys(bytes(32)).vault("kiez")
    >>> kiez.unseal(kiez.seal("a token"))
    'a token'
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str) -> str:
        """The text sealed, in base64."""
        return base64.b64encode(_sealed(self._cipher, text.encode(), b"")).decode()

    def unseal(self, sealed: str) -> str:
        """The text that was sealed. Raises SecretError."""
        try:
            raw = base64.b64decode(sealed, validate=True)
        except ValueError as fault:
            raise SecretError("what was sealed is damaged; put it back from your backup") from fault
        return _unsealed(self._cipher, raw, b"").decode()


def _sealed(cipher: AESGCM, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, content, bound)


def _unsealed(cipher: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as fault:
        remedy = f"put the right {FILE} back from your backup"
        raise SecretError(f"this was sealed with another secret key; {remedy}") from fault


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"mitsprache " + purpose).derive(secret)


def load_or_create(path: Path) -> Keys:
    """The keys from the secret in this file, which is created (readable by its owner only) where there is none.

    Raises SecretError when the file is no key, OSError when it cannot be made.
    """
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return load(path)


def load(path: Path) -> Keys:
    """The keys from the secret in this file. Raises SecretError when there is none, or it is no key."""
    try:
        return Keys(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except FileNotFoundError as fault:
        raise SecretError(f"{path} is missing; put it back from your backup") from fault
    except OSError as fault:
        raise SecretError(f"{path} cannot be read ({fault.strerror}); check its rights") from fault
    except ValueError as fault:
        raise SecretError(f"{path} is not a secret key; put the right one back from your backup") from fault


def load_fitting(path: Path, sealed: bytes, lookup: bytes) -> Keys:
    """The keys with which an address of the database was sealed. Raises SecretError when this file is not their secret:
    with another one everybody would be a stranger, and nobody could be answered or have their data deleted.
    """
    if not path.exists():
        raise SecretError(f"{path} is missing, but the database needs it; put it back from your backup")
    keys = load(path)
    try:
        keys.unseal(sealed, lookup)
    except SecretError as fault:
        raise SecretError(f"{path} is not the key of this database; put the right one back from your backup") from fault
    return keys
