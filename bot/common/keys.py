"""Keys that separate identity from participation: pseudonyms, look-up hashes and encrypted addresses.

All keys depend on one secret (`secret.key` in the data folder). They are derived from it until the first rotation;
after that `keys.json` holds them, wrapped by the secret (`bot/common/subkeys.py`). Without the secret, the database
reveals neither the address behind a look-up nor the contact behind a pseudonym. The data is pseudonymous, not
anonymous: the secret and the database together identify people.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.base import CipherError
from bot.common.keyed_hash import KeyedHash
from bot.common.subkeys import FIXED_PURPOSES, ForeignKeyring, Keyring, derive, derive_ring, unwrap

FILE: Final = "secret.key"
"""File name of the secret in the data folder."""
RING: Final = "keys.json"
"""File name of the subkeys beside it; exists after the first rotation."""
NEEDS_RING: Final = f"# opens {RING}, which belongs to it"
"""Second line of a rotated secret: without the keyring the program refuses to derive keys from it."""
SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ATTEMPTS: Final = 3
"""How often to read secret and keyring until they match, as a rotation replaces one after the other."""
RECENT: Final = 10_000


class SecretError(CipherError):
    """The secret key is missing, damaged or of another installation."""


class MessageNames(NamedTuple):
    """The two names of a received message, 32 hexadecimal digits each."""

    received: str
    """Name in the identity tables, to recognise repeats."""
    said: str
    """Name in the participation tables, to find the answer that an edited message belongs to."""


class _Ciphers(NamedTuple):
    """Ciphers, newest first: the first one encrypts, all of them decrypt."""

    texts: tuple[AESGCM, ...]
    files: tuple[AESGCM, ...]
    vaults: tuple[bytes, ...]


class Keys:
    """The keys of one installation. The keyring is read again after `rotate-key` has changed it."""

    def __init__(self, secret: bytes, ring: Keyring | None = None, path: Path | None = None) -> None:
        """`ring`: the subkeys if they are not derived from the secret; `path`: the file of the secret."""
        if len(secret) != SECRET_BYTES:
            raise SecretError(f"the secret key has {len(secret)} bytes instead of {SECRET_BYTES}")
        ring = ring or derive_ring(secret)
        fixed = {purpose: ring.of(purpose)[0] for purpose in FIXED_PURPOSES}
        self._lookup = fixed["lookup"]
        self._pseudonym = fixed["pseudonym"]
        self._waiting = fixed["waiting"]
        self._messages = KeyedHash(derive(fixed["lookup"], b"messages"))
        self._order = Cipher(algorithms.AES(derive(fixed["lookup"], b"order")), modes.ECB())  # noqa: S305 - a PRF here
        self.web = fixed["web"]
        """Signs the conversation cookies of browsers."""
        self.staff = fixed["staff"]
        """Hashes the access codes of staff and signs their session cookies."""
        self.linking = fixed["doors"]
        """Hashes the codes that link accounts."""
        self._audit = fixed["audit"]
        self._erased = AESGCM(fixed["erased"])
        self._path = path
        self._beside = str(path.with_name(RING)) if path else ""
        self._seen: tuple[int, int] | None = None
        self._ring = ring
        self._ciphers = _ciphers(ring)
        # A sender usually writes again soon, and the HMAC is the slowest part of finding a contact.
        self.lookup = lru_cache(RECENT)(self._make_lookup)
        self.waiting = lru_cache(RECENT)(self._make_waiting)

    def forget(self) -> None:
        """Clears the cached look-ups, so that no erased address stays in memory."""
        self.lookup.cache_clear()
        self.waiting.cache_clear()

    def _now(self) -> _Ciphers:
        """Returns the current ciphers. Dropped keys still decrypt cached values."""
        seen = _state_of(self._beside)
        if seen != self._seen and self._path is not None:
            with suppress(SecretError):  # during a restore the cached keys stay in use
                found = read_secret(self._path)[1]
                self._ring = found._replace(keys=tuple(dict.fromkeys(found.keys + self._ring.keys)))
                self._ciphers, self._seen = _ciphers(self._ring), seen
        return self._ciphers

    def _make_lookup(self, channel: str, address: str) -> bytes:
        """Returns the 32-byte look-up of an address (HMAC-SHA256; an unkeyed hash of a phone number can be guessed)."""
        return hmac.digest(self._lookup, f"{channel}\0{address}".encode(), "sha256")

    def pseudonym(self, contact_id: int, consultation_id: int) -> str:
        """Returns 32 hexadecimal digits that identify a contact within one consultation only."""
        return hmac.digest(self._pseudonym, b"%d|%d" % (contact_id, consultation_id), "sha256")[:16].hex()

    def _make_waiting(self, contact_id: int) -> bytes:
        """Returns 16 bytes that mark the one session waiting for this contact."""
        return hmac.digest(self._waiting, b"%d" % contact_id, "sha256")[:16]

    def message_names(self, channel: str, external_id: str) -> MessageNames:
        """Returns the names of a message, derived from the channel's id of it, for identity and participation.

        They are halves of one HMAC-SHA256: without the key neither reveals the other or the id.
        """
        digest = self._messages.hexdigest(f"{channel}\0{external_id}".encode())
        return MessageNames(digest[:32], digest[32:])

    def hide_order(self, number: int, order: int) -> int:
        """Encrypts the queue position (63 bits) of the row with this random id; applied twice it decrypts."""
        return order ^ self.order_masks([number])[0]

    def order_masks(self, numbers: Sequence[int]) -> list[int]:
        """Returns the masks that encrypt the queue positions of rows with these random ids.

        Each is 63 bits of AES-256 of the id and is used once, as in counter mode.
        """
        blocks = b"".join(number.to_bytes(16) for number in numbers)
        masks = self._order.encryptor().update(blocks)
        return [int.from_bytes(masks[start : start + 8]) >> 1 for start in range(0, len(masks), 16)]

    def audit_mac(self, content: bytes) -> bytes:
        """Returns the 32-byte MAC that chains the rows of the audit log."""
        return hmac.digest(self._audit, content, "sha256")

    def encrypt(self, text: str, lookup: bytes) -> bytes:
        """Encrypts a text (AES-256-GCM) and binds it to the look-up it belongs to."""
        return _encrypted(self._now().texts[0], text.encode(), lookup)

    def decrypt(self, encrypted: bytes, lookup: bytes) -> str:
        """Decrypts a text. Raises SecretError unless key, look-up and content belong together."""
        return _decrypted(self._now().texts, encrypted, lookup).decode()

    def reencrypt(self, encrypted: bytes, lookup: bytes) -> bytes | None:
        """Encrypts a text with the newest key; None if it is already. Raises SecretError as `decrypt` does."""
        return _reencrypted(self._now().texts, encrypted, lookup)

    def rebind(self, encrypted: bytes, before: bytes, after: bytes) -> bytes | None:
        """Binds an encrypted text to another value; None if no key of this installation decrypts it."""
        try:
            return self.encrypt(self.decrypt(encrypted, before), after)
        except SecretError:
            return None

    def encrypt_file(self, content: bytes, name: str) -> bytes:
        """Encrypts the content of a file and binds it to its name."""
        return _encrypted(self._now().files[0], content, name.encode())

    def decrypt_file(self, encrypted: bytes, name: str) -> bytes:
        """Decrypts the content of a file. Raises SecretError as `decrypt` does."""
        return _decrypted(self._now().files, encrypted, name.encode())

    def reencrypt_file(self, encrypted: bytes, name: str) -> bytes | None:
        """Does for files what `reencrypt` does for texts."""
        return _reencrypted(self._now().files, encrypted, name.encode())

    def cipher(self, purpose: str) -> PurposeCipher:
        """Returns the cipher for data outside the database; each purpose has its own key."""
        return PurposeCipher(lambda: [AESGCM(derive(value, purpose.encode())) for value in self._now().vaults])

    def erasure_log_cipher(self) -> PurposeCipher:
        """Returns the cipher of the erasure log. Its key never changes, so that older backups stay readable."""
        return PurposeCipher(lambda: [self._erased])


class PurposeCipher:
    """Encrypts texts for one purpose (`adapters.base.TextCipher`). Refuses altered texts and those of other purposes.

    >>> cipher = Keys(bytes(32)).cipher("kiez")
    >>> cipher.decrypt(cipher.encrypt("a token"))
    'a token'
    """

    def __init__(self, ciphers: Callable[[], Sequence[AESGCM]]) -> None:
        """`ciphers` returns the valid ciphers, newest first."""
        self._ciphers = ciphers

    def encrypt(self, text: str) -> str:
        """Encrypts a text to base64."""
        return base64.b64encode(_encrypted(self._ciphers()[0], text.encode(), b"")).decode()

    def decrypt(self, encrypted: str) -> str:
        """Decrypts such a text. Raises SecretError."""
        try:
            raw = base64.b64decode(encrypted, validate=True)
        except ValueError as error:
            raise SecretError("the encrypted text is damaged; restore it from your backup") from error
        return _decrypted(self._ciphers(), raw, b"").decode()


def _encrypted(cipher: AESGCM, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, content, bound)


def _decrypted(ciphers: Sequence[AESGCM], encrypted: bytes, bound: bytes) -> bytes:
    for cipher in ciphers:
        with suppress(InvalidTag, ValueError):
            return cipher.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], bound)
    remedy = f"restore the right {FILE} from your backup"
    raise SecretError(f"this was encrypted with another secret key; {remedy}")


def _reencrypted(ciphers: Sequence[AESGCM], encrypted: bytes, bound: bytes) -> bytes | None:
    with suppress(SecretError):
        _decrypted(ciphers[:1], encrypted, bound)
        return None
    return _encrypted(ciphers[0], _decrypted(ciphers[1:], encrypted, bound), bound)


def _ciphers(ring: Keyring) -> _Ciphers:
    texts, files = (tuple(map(AESGCM, ring.of(purpose))) for purpose in ("seal", "attachments"))
    return _Ciphers(texts, files, ring.of("vaults"))


def _state_of(ring: str) -> tuple[int, int] | None:
    """Returns a value that changes when the file is replaced."""
    if not ring:
        return None
    try:
        found = os.stat(ring)  # noqa: PTH116 - once per encryption, and Path is slow
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def load_or_create_keys(path: Path) -> Keys:
    """Loads the keys of the secret in this file; creates it, readable by its owner only, if it is missing.

    Raises SecretError if the file is not a key, OSError if it cannot be created.
    """
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return load_keys(path)


def load_keys(path: Path) -> Keys:
    """Loads the keys of the secret in this file.

    Raises SecretError if the file is missing or not a key, or if the keyring beside it is missing or belongs to another
    secret.
    """
    return Keys(*read_secret(path), path)


def read_secret(path: Path) -> tuple[bytes, Keyring]:
    """Reads the secret in this file and its subkeys. Raises SecretError as `load_keys` does."""
    for attempt in range(_ATTEMPTS):
        secret, is_rotated = _parse_secret(path)
        ring = path.with_name(RING)
        try:
            return secret, unwrap(ring.read_bytes(), secret)
        except FileNotFoundError as error:
            if is_rotated:
                raise SecretError(f"{ring} is missing, but {path} needs it; restore it from your backup") from error
            return secret, derive_ring(secret)
        except OSError as error:
            raise SecretError(f"{ring} cannot be read ({error.strerror}); check its rights") from error
        except ForeignKeyring as error:
            if attempt + 1 == _ATTEMPTS:  # not merely replaced between the two reads
                remedy = "restore both from the same backup"
                raise SecretError(f"{ring} is damaged or does not belong to {path}; {remedy}") from error
    raise AssertionError  # the last attempt returns or raises


def _parse_secret(path: Path) -> tuple[bytes, bool]:
    """Returns the secret, and whether a keyring belongs to it."""
    try:
        first, *more = path.read_text(encoding="ascii").strip().splitlines() or [""]
        if more not in ([], [NEEDS_RING]):
            raise ValueError
        secret = bytes.fromhex(first)
    except FileNotFoundError as error:
        raise SecretError(f"{path} is missing; restore it from your backup") from error
    except OSError as error:
        raise SecretError(f"{path} cannot be read ({error.strerror}); check its rights") from error
    except ValueError as error:
        raise SecretError(f"{path} is not a secret key; restore the right one from your backup") from error
    if len(secret) != SECRET_BYTES:
        raise SecretError(f"the secret key has {len(secret)} bytes instead of {SECRET_BYTES}")
    return secret, bool(more)


def load_matching_keys(path: Path, encrypted: bytes, lookup: bytes) -> Keys:
    """Loads the keys and checks them against an encrypted address of the database.

    Raises SecretError if the address was encrypted with another secret: with the wrong keys no contact could be
    recognised, answered or erased.
    """
    if not path.exists():
        raise SecretError(f"{path} is missing, but the database needs it; restore it from your backup")
    keys = load_keys(path)
    try:
        keys.decrypt(encrypted, lookup)
    except SecretError as error:
        raise SecretError(f"{path} is not the key of this database; restore the right one from your backup") from error
    return keys
