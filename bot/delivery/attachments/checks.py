"""Checks of attachments for `doctor`. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from adapters.base import Finding
from bot.delivery.attachments.files import FOLDER
from bot.settings import Settings
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.attachments import attachment_files, count_attachments_by_state, count_attachments_waiting_since

LONGEST_WAIT: Final = timedelta(hours=3)


def attachment_findings(settings: Settings) -> Iterator[Finding]:
    """Yields the number of attachments per state; nothing without a database."""
    store = Store(settings.database())
    try:
        with store.reading() as connection:
            yield from _findings(connection, settings.data / FOLDER, datetime.now(UTC))
    except StorageError:
        return  # already reported for the database itself
    finally:
        store.dispose()


def _findings(connection: Connection, folder: Path, now: datetime) -> Iterator[Finding]:
    counts = count_attachments_by_state(connection)
    if not counts:
        return
    yield Finding(True, f"attachments: {', '.join(f'{number} {state}' for state, number in sorted(counts.items()))}")
    late = count_attachments_waiting_since(connection, now - LONGEST_WAIT)
    if late:
        words = f"attachments: {late} not fetched for hours; check the channels and the log"
        yield Finding(False, words)
    lost = sum(not (folder / name).is_file() for name in attachment_files(connection))
    if lost:
        yield Finding(False, f"attachments: {lost} files are not in {folder}; restore it from your backup")
