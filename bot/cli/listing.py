"""Lists and revokes what staff sign in with: accounts and API keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from bot.cli.context import command_context
from bot.common import audit
from bot.common.audit import Act
from bot.common.errors import Say
from bot.settings import Settings


def print_rows(rows: Sequence[Sequence[str]], empty: str, say: Say) -> None:
    """Prints the cells of each row in one line; prints `empty` if there are no rows."""
    for row in rows:
        say("  ".join(row))
    if not rows:
        say(empty)


def revoke_recorded(
    settings: Settings, act: Act, name: str, revoke: Callable[[Connection, str, datetime], int], say: Say
) -> bool:
    """Revokes the row with this name and records it in the audit log; returns False if there is none."""
    with command_context(settings, say) as (store, keys):

        def work(connection: Connection) -> int:
            count = revoke(connection, name, datetime.now(UTC))
            if count:
                audit.record_entry(connection, keys, audit.operator().did(act, name))
            return count

        return bool(store.run(work))
