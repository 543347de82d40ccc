"""`rotate-key`: replaces the secret, and with `--sealed` also all encryption keys.

A kill at any moment leaves a secret and a key ring that match: the ring is wrapped by both secrets before the new one
replaces the old one. During re-encryption the older keys decrypt the remaining values, and the command continues where
it was killed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.cli.context import command_context
from bot.cli.serving import single_instance
from bot.common import audit
from bot.common.atomic_file import locked, replace_durably
from bot.common.errors import CommandError, Say, unusable_path
from bot.common.keys import FILE, NEEDS_RING, RING, SECRET_BYTES, Keys, read_secret
from bot.common.subkeys import Keyring, secret_id, wrap
from bot.delivery.service_lock import hold_service_lock
from bot.privacy.re_encryption import ReEncryption
from bot.settings import Settings
from storage.core.store import Store

GRACE_SECONDS: Final = 30.0
"""How long another command may take to store data encrypted with the old keys."""


def rotate_secret(settings: Settings, say: Say, complain: Say) -> None:
    """Replaces the secret; the subkeys stay, so the service may run meanwhile. Raises CommandError and the errors of
    `command_context`.
    """
    _is_there(settings.data)
    with command_context(settings, complain) as (store, keys):
        try:
            name = _renew(settings.data, store, keys, "secret", lambda ring: ring)
        except OSError as error:
            raise unusable_path(error, "--data") from error
    say(f"The secret key was replaced ({name}).")
    _advise(settings.data, say)


def rotate_encryption_keys(settings: Settings, say: Say, complain: Say, grace: float = GRACE_SECONDS) -> None:
    """Replaces the secret and re-encrypts all encrypted values; continues an interrupted run. The service must be
    stopped, and cannot be started meanwhile. Raises the errors of `rotate_secret`.
    """
    _is_there(settings.data)
    with (
        single_instance(settings.data, complain),
        hold_service_lock(settings),
        command_context(settings, complain) as (store, keys),
    ):
        try:
            if read_secret(settings.data / FILE)[1].is_reencrypting():
                say("Continuing the interrupted rotation; the secret key does not change.")
            else:
                name = _renew(
                    settings.data, store, keys, "secret and sealing keys", lambda ring: ring.renewed(_today())
                )
                say(f"The secret key was replaced ({name}); encrypted data is encrypted again.")
            unreadable = _reencrypt_all(settings, store, keys, complain, grace)
            _drop(settings.data)
            store.scrub()
        except OSError as error:
            raise unusable_path(error, "--data") from error
    if unreadable:
        say(f"{unreadable} values cannot be decrypted with any key; they stay unchanged.")
    say("All data is encrypted with the new keys; the previous keys are deleted.")
    _advise(settings.data, say)


def _is_there(data: Path) -> None:
    if not (data / FILE).is_file():
        raise CommandError(f"{data / FILE}: does not exist, so there is nothing to rotate; check --data")


def _renew(data: Path, store: Store, keys: Keys, what: str, change: Callable[[Keyring], Keyring]) -> str:
    """Stores a new secret and the changed keyring, records it, and returns the name of the secret."""
    new = secrets.token_bytes(SECRET_BYTES)
    with locked(data), store.begin() as connection:
        old, ring = read_secret(data / FILE)
        ring = change(ring)._replace(rotated_on=_today())
        audit.record_entry(connection, keys, audit.operator().did("key.rotate", secret_id(new), what))
        replace_durably(wrap(ring, old, new), data / RING)
        replace_durably(f"{new.hex()}\n{NEEDS_RING}\n".encode("ascii"), data / FILE)
        replace_durably(wrap(ring, new), data / RING)
    return secret_id(new)


def _reencrypt_all(settings: Settings, store: Store, keys: Keys, complain: Say, grace: float) -> int:
    """Makes two passes: values encrypted with the previous keys by a concurrent command are stored before the second
    pass. Returns the number of values that no key decrypts.
    """
    begun = time.monotonic()
    ReEncryption(settings, store, keys, complain).run()
    time.sleep(max(0.0, begun + grace - time.monotonic()))
    walk = ReEncryption(settings, store, keys, complain)
    walk.run()
    return walk.unreadable


def _drop(data: Path) -> None:
    with locked(data):
        secret, ring = read_secret(data / FILE)
        replace_durably(wrap(ring.settled(), secret), data / RING)


def _advise(data: Path, say: Say) -> None:
    say(
        f"Make a backup now, and copy {data / FILE} and {data / RING} to wherever you keep them: only both together "
        "open the database. Backups made before keep their own."
    )


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"
