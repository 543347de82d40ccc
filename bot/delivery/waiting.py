"""Reports messages that a channel postponed for a long time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.base import Finding
from bot.settings import Settings
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.outbox import count_delayed_messages

LONG_SECONDS: Final = 60.0
"""Chats that wait longer are reported."""


def delayed_message_findings(settings: Settings) -> Iterator[Finding]:
    """Yields the findings for `doctor`."""
    store = Store(settings.database())
    try:
        with store.reading() as connection:
            found = count_delayed_messages(connection, datetime.now(UTC) + timedelta(seconds=LONG_SECONDS))
    except StorageError:
        return  # reported by the check of the database
    finally:
        store.dispose()
    for each in found:
        until = each.until.astimezone(settings.zone())
        words = f"{each.messages} messages to {each.chats} chats wait until {until:%Y-%m-%d %H:%M} at the latest"
        reason = f"the channel said “{each.reason}”" if each.reason else "the channel wants it so"
        yield Finding(
            False,
            f"[channels.{each.channel}]: {words}, because {reason}: they go out by themselves; "
            "where it is many chats, lower per_second",
        )
