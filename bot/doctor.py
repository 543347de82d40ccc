"""`doctor`: says in words whether all is well here. Changes nothing."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zoneinfo import available_timezones

from adapters.base import Finding
from bot import channels, keys, phrases
from bot.attachments import examining
from bot.consultations import reading
from bot.consultations.publishing import SAMPLES
from bot.errors import Say
from bot.settings import Settings
from storage import migrate
from storage.errors import StorageError
from storage.store import Store

LEAST_SPACE_MB: Final = 500


def examine(settings: Settings, say: Say) -> bool:
    """Says every finding in a line of its own; True if all is well."""
    all_well = True
    for finding in findings(settings):
        say(f"{'ok   ' if finding.is_well else 'FAULT'}  {finding.words}")
        all_well &= finding.is_well
    return all_well


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything that is looked at, in the order in which a start would need it."""
    yield Finding(sys.version_info >= (3, 11), f"Python {platform.python_version()} (3.11 or newer is needed)")
    yield _folder(settings.data)
    yield _space(settings.data)
    yield _secret(settings.data / keys.FILE)
    database = _database(settings)
    yield database
    if database.is_well:
        yield from examining.findings(settings)
    yield _port(settings)
    yield _zones(settings)
    yield from channels.findings(settings)
    yield from _texts()


def _folder(data: Path) -> Finding:
    there = next(path for path in (data.absolute(), *data.absolute().parents) if path.exists())
    if there == data.absolute():
        is_well = data.is_dir() and _is_writable(data)
        return Finding(is_well, f"data folder {there}" + ("" if is_well else " cannot be written to: check its rights"))
    is_well = _is_writable(there)
    remedy = "will be made at the first start" if is_well else f"cannot be made: {there} cannot be written to"
    return Finding(is_well, f"data folder {data.absolute()} {remedy}")


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _space(data: Path) -> Finding:
    there = next(path for path in (data.absolute(), *data.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free // 1_000_000
    words = f"{free} MB of disk space free"
    return Finding(free >= LEAST_SPACE_MB, words if free >= LEAST_SPACE_MB else f"{words}: make room, 500 MB at least")


def _secret(path: Path) -> Finding:
    if not path.exists():
        return Finding(is_well=True, words="secret key will be made at the first start")
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        keys.load(path)
    except (OSError, keys.SecretError) as fault:
        return Finding(is_well=False, words=f"secret key: {fault}")
    if mode & 0o077:
        return Finding(is_well=False, words=f"secret key can be read by others: chmod 600 {path}")
    return Finding(is_well=True, words="secret key, readable by its owner only")


def _database(settings: Settings) -> Finding:
    try:
        store = Store(settings.database())
    except Exception as fault:  # noqa: BLE001 - whatever a mistyped address causes, it is a fault to be told
        return Finding(is_well=False, words=f"database_url cannot be understood ({type(fault).__name__})")
    try:
        if store.dialect == "sqlite" and not Path(str(store.writer.url.database)).exists():
            return Finding(is_well=True, words="database will be made at the first start")
        with store.reading() as connection:
            revision = migrate.current(connection)
        migrate.check(store)
    except StorageError as fault:
        return Finding(is_well=False, words=f"database ({store.dialect}): {fault}")
    finally:
        store.dispose()
    return Finding(is_well=True, words=f"database ({store.dialect}) answers, tables of {revision}")


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                return Finding(True, f"port {settings.port} is taken (by this service?): a start takes the next one")
            return Finding(is_well=False, words=f"host {settings.host} port {settings.port}: {fault.strerror}")
    return Finding(is_well=True, words=f"port {settings.port} is free")


def _zones(settings: Settings) -> Finding:
    if available_timezones():
        return Finding(is_well=True, words=f"time zone {settings.timezone}")
    return Finding(is_well=False, words="this machine knows no time zones, days end at midnight UTC: install tzdata")


def _texts() -> Iterator[Finding]:
    """The catalogues of phrases and the sample consultations that are shipped."""
    for language in phrases.languages():
        try:
            phrases.load(language)
        except phrases.PhrasesError as fault:
            yield Finding(is_well=False, words=str(fault))
    faults = [fault for path in sorted(SAMPLES.glob("*.yaml")) for fault in reading.read(path).faults]
    errors = [str(fault) for fault in faults if not fault.warning]
    yield from (Finding(is_well=False, words=error) for error in errors)
    if not errors:
        yield Finding(is_well=True, words=f"speaks {', '.join(phrases.languages())}; the samples are sound")
