"""The keys that keep identity and participation apart: pseudonyms, look-ups and sealed addresses.

All of them hang on one secret (`secret.key` in the data folder): derived from it at first, wrapped by it in `keys.json`
since it was rotated (`bot/common/subkeys.py`). Who has only the database can neither tell an address from its look-up
nor which contact stands behind a pseudonym. Pseudonymous is not anonymous: who has both can.
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

from adapters.base import VaultError
from bot.common.subkeys import FIXED, ForeignRing, Ring, derive, derived, unwrap

FILE: Final = "secret.key"
"""Its name in the data folder."""
RING: Final = "keys.json"
"""The name of the subkeys beside it, since it was rotated."""
NEEDS_RING: Final = f"# opens {RING}, which belongs to it"
"""What a rotated secret says of itself, so that nothing is derived from it where the ring is lost."""
SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ATTEMPTS: Final = 3
"""To read secret and ring as one, while they are rotated."""
RECENT: Final = 10_000


class SecretError(VaultError):
    """The secret key is missing, damaged or of another installation."""


class MessageNames(NamedTuple):
    """How a message that came is named; 32 hexadecimal digits each."""

    received: str
    """In identity, to recognise repeats."""
    said: str
    """In participation, to recognise which answer an edit is about."""


class _Ciphers(NamedTuple):
    """What seals (the first of each) and what opens, newest first."""

    texts: tuple[AESGCM, ...]
    files: tuple[AESGCM, ...]
    vaults: tuple[bytes, ...]


class Keys:
    """The keys of one installation. They read the ring again when `rotate-key` has changed it."""

    def __init__(self, secret: bytes, ring: Ring | None = None, path: Path | None = None) -> None:
        """`ring`: the subkeys, where they are not derived from the secret; `path`: the file of the secret."""
        if len(secret) != SECRET_BYTES:
            raise SecretError(f"the secret key has {len(secret)} bytes instead of {SECRET_BYTES}")
        ring = ring or derived(secret)
        fixed = {purpose: ring.of(purpose)[0] for purpose in FIXED}
        self._lookup = fixed["lookup"]
        self._pseudonym = fixed["pseudonym"]
        self._waiting = fixed["waiting"]
        # Once for every message that comes: copied, an HMAC is made in half the time.
        self._messages = hmac.new(derive(fixed["lookup"], b"messages"), digestmod="sha256")
        self._order = Cipher(algorithms.AES(derive(fixed["lookup"], b"order")), modes.ECB())  # noqa: S305 - a PRF here
        self.web = fixed["web"]
        """Signs what browsers keep, so that nobody can make up a conversation."""
        self.staff = fixed["staff"]
        """Hashes personal codes of staff and signs what they are let in with."""
        self.doors = fixed["doors"]
        """Hashes the codes by which people link their chats."""
        self._audit = fixed["audit"]
        self._erased = AESGCM(fixed["erased"])
        self._path = path
        self._beside = str(path.with_name(RING)) if path else ""
        self._seen: tuple[int, int] | None = None
        self._ring = ring
        self._ciphers = _ciphers(ring)
        # Whoever writes now will write again soon; an HMAC costs more than the rest of finding a person.
        self.lookup = lru_cache(RECENT)(self._make_lookup)
        self.waiting = lru_cache(RECENT)(self._make_waiting)

    def forget(self) -> None:
        """Forgets the addresses that were looked up: after an erasure none of them is kept in memory."""
        self.lookup.cache_clear()
        self.waiting.cache_clear()

    def _now(self) -> _Ciphers:
        """The ciphers as the ring says now. Those that were dropped still open what was read before."""
        seen = _state_of(self._beside)
        if seen != self._seen and self._path is not None:
            with suppress(SecretError):  # while a backup is put in place, what is known goes on
                found = read(self._path)[1]
                self._ring = found._replace(keys=tuple(dict.fromkeys(found.keys + self._ring.keys)))
                self._ciphers, self._seen = _ciphers(self._ring), seen
        return self._ciphers

    def _make_lookup(self, channel: str, address: str) -> bytes:
        """32 bytes by which an address is found again (HMAC-SHA256; an unkeyed hash of a phone number is no secret)."""
        return hmac.digest(self._lookup, f"{channel}\0{address}".encode(), "sha256")

    def pseudonym(self, contact_id: int, consultation_id: int) -> str:
        """32 hexadecimal digits: who a contact is within one consultation, and nowhere else."""
        return hmac.digest(self._pseudonym, b"%d|%d" % (contact_id, consultation_id), "sha256")[:16].hex()

    def _make_waiting(self, contact_id: int) -> bytes:
        """16 bytes that mark the one session which waits for this contact."""
        return hmac.digest(self._waiting, b"%d" % contact_id, "sha256")[:16]

    def message_names(self, channel: str, external_id: str) -> MessageNames:
        """What a channel's own id of a message is called in each of the halves. Neither name leads to the other one, or
        to the id, without the key (they are halves of one HMAC-SHA256).
        """
        made = self._messages.copy()
        made.update(f"{channel}\0{external_id}".encode())
        digest = made.hexdigest()
        return MessageNames(digest[:32], digest[32:])

    def hide_order(self, number: int, order: int) -> int:
        """Where the row with this random id stands in line (63 bits), encrypted; the same again decrypts."""
        return order ^ self.order_masks([number])[0]

    def order_masks(self, numbers: Sequence[int]) -> list[int]:
        """What the orders of rows with these random ids are encrypted with: 63 bits of AES-256 of each id, used
        once as in counter mode.
        """
        blocks = b"".join(number.to_bytes(16) for number in numbers)
        masks = self._order.encryptor().update(blocks)
        return [int.from_bytes(masks[start : start + 8]) >> 1 for start in range(0, len(masks), 16)]

    def audit_mac(self, content: bytes) -> bytes:
        """32 bytes that only the holder of the secret can make: with them rows of the audit log are chained."""
        return hmac.digest(self._audit, content, "sha256")

    def seal(self, text: str, lookup: bytes) -> bytes:
        """The text encrypted (AES-256-GCM) and bound to the look-up it belongs to."""
        return _sealed(self._now().texts[0], text.encode(), lookup)

    def unseal(self, sealed: bytes, lookup: bytes) -> str:
        """The text that was sealed. Raises SecretError where key, look-up or content do not belong together."""
        return _unsealed(self._now().texts, sealed, lookup).decode()

    def reseal(self, sealed: bytes, lookup: bytes) -> bytes | None:
        """The same text sealed with the newest key; None where it is already. Raises SecretError as `unseal` does."""
        return _resealed(self._now().texts, sealed, lookup)

    def rebind(self, sealed: bytes, before: bytes, after: bytes) -> bytes | None:
        """The same text bound to something else than before; None where no key of this house opens it."""
        try:
            return self.seal(self.unseal(sealed, before), after)
        except SecretError:
            return None

    def seal_file(self, content: bytes, name: str) -> bytes:
        """The content of a file encrypted and bound to its name."""
        return _sealed(self._now().files[0], content, name.encode())

    def unseal_file(self, sealed: bytes, name: str) -> bytes:
        """The content that was sealed. Raises SecretError as `unseal` does."""
        return _unsealed(self._now().files, sealed, name.encode())

    def reseal_file(self, sealed: bytes, name: str) -> bytes | None:
        """What `reseal` is for texts."""
        return _resealed(self._now().files, sealed, name.encode())

    def vault(self, purpose: str) -> Vault:
        """Seals what is kept outside the database, with a key of its own for each purpose."""
        return Vault(lambda: [AESGCM(derive(value, purpose.encode())) for value in self._now().vaults])

    def ledger_vault(self) -> Vault:
        """Seals what is noted of erasures. Its key never changes: an older backup has to read what was erased since."""
        return Vault(lambda: [self._erased])


class Vault:
    """Seals texts for one purpose (`adapters.base.Vault`). What was sealed with another one, or changed, does not open.

    >>> kiez = Keys(bytes(32)).vault("kiez")
    >>> kiez.unseal(kiez.seal("a token"))
    'a token'
    """

    def __init__(self, ciphers: Callable[[], Sequence[AESGCM]]) -> None:
        """`ciphers`: those that are valid now, newest first."""
        self._ciphers = ciphers

    def seal(self, text: str) -> str:
        """The text sealed, in base64."""
        return base64.b64encode(_sealed(self._ciphers()[0], text.encode(), b"")).decode()

    def unseal(self, sealed: str) -> str:
        """The text that was sealed. Raises SecretError."""
        try:
            raw = base64.b64decode(sealed, validate=True)
        except ValueError as fault:
            raise SecretError("what was sealed is damaged; put it back from your backup") from fault
        return _unsealed(self._ciphers(), raw, b"").decode()


def _sealed(cipher: AESGCM, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, content, bound)


def _unsealed(ciphers: Sequence[AESGCM], sealed: bytes, bound: bytes) -> bytes:
    for cipher in ciphers:
        with suppress(InvalidTag, ValueError):
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    remedy = f"put the right {FILE} back from your backup"
    raise SecretError(f"this was sealed with another secret key; {remedy}")


def _resealed(ciphers: Sequence[AESGCM], sealed: bytes, bound: bytes) -> bytes | None:
    with suppress(SecretError):
        _unsealed(ciphers[:1], sealed, bound)
        return None
    return _sealed(ciphers[0], _unsealed(ciphers[1:], sealed, bound), bound)


def _ciphers(ring: Ring) -> _Ciphers:
    texts, files = (tuple(map(AESGCM, ring.of(purpose))) for purpose in ("seal", "attachments"))
    return _Ciphers(texts, files, ring.of("vaults"))


def _state_of(ring: str) -> tuple[int, int] | None:
    """Another one when this file was replaced."""
    if not ring:
        return None
    try:
        found = os.stat(ring)  # noqa: PTH116 - once for each thing sealed, and paths are slow
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


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
    """The keys of the secret in this file. Raises SecretError when there is none, or it is no key, or the ring beside
    it is missing or of another one.
    """
    return Keys(*read(path), path)


def read(path: Path) -> tuple[bytes, Ring]:
    """The secret in this file and the subkeys that hang on it. Raises SecretError as `load` does."""
    for attempt in range(_ATTEMPTS):
        secret, is_rotated = _read_secret(path)
        ring = path.with_name(RING)
        try:
            return secret, unwrap(ring.read_bytes(), secret)
        except FileNotFoundError as fault:
            if is_rotated:
                raise SecretError(f"{ring} is missing, but {path} needs it; put it back from your backup") from fault
            return secret, derived(secret)
        except OSError as fault:
            raise SecretError(f"{ring} cannot be read ({fault.strerror}); check its rights") from fault
        except ForeignRing as fault:
            if attempt + 1 == _ATTEMPTS:  # not replaced between one file and the other
                remedy = "put both back from the same backup"
                raise SecretError(f"{ring} is damaged or does not belong to {path}; {remedy}") from fault
    raise AssertionError  # the last attempt returns or raises


def _read_secret(path: Path) -> tuple[bytes, bool]:
    """The secret, and whether it says that a ring belongs to it."""
    try:
        first, *more = path.read_text(encoding="ascii").strip().splitlines() or [""]
        if more not in ([], [NEEDS_RING]):
            raise ValueError
        secret = bytes.fromhex(first)
    except FileNotFoundError as fault:
        raise SecretError(f"{path} is missing; put it back from your backup") from fault
    except OSError as fault:
        raise SecretError(f"{path} cannot be read ({fault.strerror}); check its rights") from fault
    except ValueError as fault:
        raise SecretError(f"{path} is not a secret key; put the right one back from your backup") from fault
    if len(secret) != SECRET_BYTES:
        raise SecretError(f"the secret key has {len(secret)} bytes instead of {SECRET_BYTES}")
    return secret, bool(more)


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
