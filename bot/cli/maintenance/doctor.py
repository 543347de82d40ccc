"""`doctor`: checks the installation and explains each problem. Changes nothing."""

from __future__ import annotations

import errno
import os
import platform
import resource
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import available_timezones

from adapters.base import Finding
from bot.authoring import file_check
from bot.authoring.publishing import SAMPLES
from bot.cli import dead_letters
from bot.cli.maintenance import scrub
from bot.common import database_mark, erasure_log, keys
from bot.common.errors import Say, program_call
from bot.common.i18n import phrase_catalogues
from bot.common.remedies import remedy
from bot.common.subkeys import secret_id
from bot.consultations import stored_revisions
from bot.delivery import channels, waiting
from bot.delivery.attachments import checks
from bot.privacy import re_erasure
from bot.settings import Settings
from storage import migrate
from storage.core.errors import StorageError, StoreDamaged
from storage.core.store import Store
from storage.tables.contacts import EncryptedAddress, any_encrypted_address

LEAST_SPACE_MB: Final = 500
LEAST_FILES: Final = 4096
"""Minimum of open files for many concurrent visitors: every open page takes one."""


def examine_installation(settings: Settings, say: Say) -> bool:
    """Prints each finding on a line; True if there is no problem."""
    all_well = True
    for finding in all_findings(settings):
        say(f"{'ok   ' if finding.is_well else 'FAULT'}  {finding.words}")
        all_well &= finding.is_well
    return all_well


def all_findings(settings: Settings) -> Iterator[Finding]:
    """Yields all findings, in the order in which a start needs the parts."""
    yield Finding(sys.version_info >= (3, 11), f"Python {platform.python_version()} (3.11 or newer is needed)")
    folder = _folder(settings.data)
    yield folder
    if folder.is_well:  # files in an unreadable folder cannot be checked
        yield _space(settings.data)
        database, sealed = _database(settings)
        yield _secret(settings.data / keys.FILE, sealed)
        yield from _ring(settings.data / keys.FILE)
        yield database
        if database.is_well:
            yield from _consultations(settings)
            yield from _erased(settings)
            yield from scrub.scrub_findings(settings)
            yield from dead_letters.dead_letter_findings(settings)
            yield from waiting.delayed_message_findings(settings)
            yield from checks.attachment_findings(settings)
    yield _port(settings)
    yield from _proxy(settings)
    yield _files()
    yield _clock(settings, datetime.now(UTC))
    yield from channels.channel_findings(settings)
    yield from _texts()


def _folder(data: Path) -> Finding:
    there = _nearest(data)
    if there != data.absolute():
        is_well = _is_writable(there)
        remedy = (
            "will be created at the first start"
            if is_well
            else f"cannot be accessed or created: this user has no access to {there}"
        )
        return Finding(is_well, f"data folder {data.absolute()} {remedy}")
    if not there.is_dir():
        return Finding(is_well=False, words=f"data folder {there} is a file: give a folder with --data")
    if not _is_writable(there):
        return Finding(is_well=False, words=f"data folder {there} cannot be written to: check its owner and rights")
    return Finding(is_well=True, words=f"data folder {there}")


def _proxy(settings: Settings) -> Iterator[Finding]:
    """Checks that the server in front, which makes the public address secure, is named."""
    web = settings.web
    if web.public_url.startswith("https:"):
        words = "no proxy is named, so all visitors share one limit: set web.trusted_proxies (docs/operate/proxy.md)"
        named = f"requests of {', '.join(map(str, web.trusted_proxies))} may name the visitor's address"
        yield Finding(bool(web.trusted_proxies), named if web.trusted_proxies else words)


def _nearest(path: Path) -> Path:
    """Returns the path, or its nearest existing parent; unreadable ones count as missing."""
    return next(it for it in (path.absolute(), *path.absolute().parents) if os.path.exists(it))  # noqa: PTH110 - never raises


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def _space(data: Path) -> Finding:
    free = shutil.disk_usage(_nearest(data)).free // 1_000_000
    words = f"{free} MB of disk space free"
    return Finding(free >= LEAST_SPACE_MB, words if free >= LEAST_SPACE_MB else f"{words}: free at least 500 MB")


def _secret(path: Path, sealed: EncryptedAddress | None) -> Finding:
    """Checks the secret key. `sealed`: an encrypted address of the database, which the key must decrypt."""
    if not path.exists() and sealed is None:
        return Finding(is_well=True, words="secret key will be created at the first start")
    try:
        if sealed is None:
            keys.load_keys(path)
        else:
            keys.load_matching_keys(path, sealed.sealed, sealed.lookup)
        mode = stat.S_IMODE(path.stat().st_mode)
    except (OSError, keys.SecretError) as error:
        return Finding(is_well=False, words=f"secret key: {error}")
    if mode & 0o077:
        return Finding(is_well=False, words=f"secret key can be read by others: chmod 600 {path}")
    return Finding(is_well=True, words="secret key, readable by its owner only")


def _ring(path: Path) -> Iterator[Finding]:
    """Yields the day of the last rotation, and whether it is complete."""
    ring = path.with_name(keys.RING)
    if not ring.exists():
        return  # there never was one; or the missing keyring is already reported
    try:
        secret, found = keys.read_secret(path)
        mode = stat.S_IMODE(ring.stat().st_mode)
    except (OSError, keys.SecretError):
        return  # already reported
    words = f"{ring.name}: secret key {secret_id(secret)} since {found.rotated_on}"
    if found.sealed_on:
        words += f", sealing keys of {found.sealed_on}"
    if mode & 0o077:
        yield Finding(is_well=False, words=f"{ring.name} can be read by others: chmod 600 {ring}")
    elif found.is_reencrypting():
        yield Finding(
            False, f"{words}; the keys before are still in use: finish with `{program_call()} rotate-key --sealed`"
        )
    else:
        yield Finding(is_well=True, words=words)


def _database(settings: Settings) -> tuple[Finding, EncryptedAddress | None]:
    """Returns findings on the database, and an encrypted address for testing the key."""
    try:
        store = Store(settings.database())
    except Exception as error:  # noqa: BLE001 - a mistyped URL can cause any error, which is reported
        words = f"database_url is invalid ({type(error).__name__}): see docs/reference/settings.md"
        return Finding(is_well=False, words=words), None
    sealed = None
    try:
        database_mark.check_database(settings.data, store)
        if not database_mark.database_exists(store):
            return Finding(is_well=True, words="database will be created at the first start"), None
        with store.reading() as connection:
            revision = migrate.current_revision(connection)
            sealed = any_encrypted_address(connection) if revision else None
        migrate.check_schema(store)
        if flaw := store.flaw():
            raise StoreDamaged(flaw)
    except StorageError as error:
        return Finding(is_well=False, words=f"database ({store.dialect}): {error} {_capital(remedy(error))}."), sealed
    finally:
        store.dispose()
    return Finding(is_well=True, words=f"database ({store.dialect}) answers, tables of {revision}"), sealed


def _consultations(settings: Settings) -> Iterator[Finding]:
    """Yields revisions that this version cannot read."""
    store = Store(settings.database())
    try:
        with store.reading() as connection:
            yield from (
                Finding(is_well=False, words=words)
                for words in stored_revisions.list_unreadable(connection, thoroughly=True)
            )
    except StorageError:
        return  # there is no database yet
    finally:
        store.dispose()


def _erased(settings: Settings) -> Iterator[Finding]:
    """Checks that the erasure log exists and that no erased record has returned."""
    folder = settings.data / erasure_log.FOLDER
    if not (settings.data / keys.FILE).exists():
        return  # there is no contact yet, or the missing key is already reported
    if not folder.is_dir():
        words = "it contains the erasure log; copy it from the previous data folder (`restore --erased DIR`)"
        yield Finding(False, f"{folder} is missing: {words}. If there never was one, the next start makes it")
        return
    store = Store(settings.database())
    try:
        book = erasure_log.ErasureLog(settings.data, keys.load_keys(settings.data / keys.FILE))
        noted, back = book.read(), re_erasure.find_restored(store, book)
    except (OSError, StorageError, keys.SecretError) as error:
        yield Finding(False, f"{folder} cannot be read ({type(error).__name__}): check its rights")
        return
    finally:
        store.dispose()
    if noted.unreadable:
        yield Finding(False, f"{folder}: {noted.unreadable} lines are of another secret key: restore the right one")
    if back:
        yield Finding(
            False, f"erased records have returned ({back.in_words()}): erase them again with `{program_call()} restore`"
        )
    elif not os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        yield Finding(False, f"{folder} cannot be written to, so contacts cannot be erased: check its owner and rights")
    else:
        yield Finding(True, f"erasure log: {len(noted.records)} records, none of them in the database")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return Finding(
                    True, f"port {settings.port} is in use (by this service?): a start uses the next free one"
                )
            return Finding(is_well=False, words=f"host {settings.host} port {settings.port}: {error.strerror}")
    return Finding(is_well=True, words=f"port {settings.port} is free")


def _files() -> Finding:
    """Checks the limit of open files; a start raises it to the maximum."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < LEAST_FILES:
        remedy = "LimitNOFILE=65536 in the unit (docs/operate/operation.md)"
        words = f"{hard} open files are allowed, so many pages at most: {remedy}"
        return Finding(is_well=False, words=words)
    return Finding(is_well=True, words=f"{hard} open files are allowed")


def _clock(settings: Settings, now: datetime) -> Finding:
    """Checks the clock, which determines opening times, quiet hours and the validity of certificates."""
    if not available_timezones():
        return Finding(
            is_well=False, words="this machine has no time zone data, so days end at midnight UTC: install tzdata"
        )
    words = f"it is {now.astimezone(settings.zone()):%Y-%m-%d %H:%M} in {settings.timezone}"
    if now.date() < migrate.newest_migration_day():
        return Finding(is_well=False, words=f"{words}, before this program was made: set the clock (timedatectl)")
    return Finding(is_well=True, words=words)


def _texts() -> Iterator[Finding]:
    """Checks the shipped phrase catalogues and sample consultations."""
    for language in phrase_catalogues.catalogue_languages():
        try:
            phrase_catalogues.load_phrases(language)
        except phrase_catalogues.PhrasesError as error:
            yield Finding(is_well=False, words=str(error))
    issues = [
        issue for path in sorted(SAMPLES.glob("*.yaml")) for issue in file_check.read_consultation_file(path).issues
    ]
    errors = [str(issue) for issue in issues if not issue.warning]
    yield from (Finding(is_well=False, words=error) for error in errors)
    if not errors:
        yield Finding(
            is_well=True, words=f"speaks {', '.join(phrase_catalogues.catalogue_languages())}; the samples are valid"
        )
