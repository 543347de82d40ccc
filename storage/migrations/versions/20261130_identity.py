# ruff: noqa: S608 - every part of these texts stands in this file
"""Identity stores days instead of exact times, random ids, and keyed hashes instead of the ids that channels give to
messages.

With exact times, rising ids or the ids of a homeserver the halves could be joined without a key. Existing data is cut
likewise: ids of messages become their current names, so that repeats and edits are still recognised; waiting messages
keep their order, encrypted. This needs the secret key (`storage.migrate.MigrationKeys`).

A downgrade restores nothing. A message repeated after it would be accepted a second time.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy import Connection

from storage.core.errors import StoreOutdated

revision = "20261130_identity"
down_revision = "20261130_participation"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DAYS = {
    "contacts": ["created_at", "stopped_at"],
    "addresses": ["created_at", "unreachable_at"],
    "received": ["received_at"],
    "dead_letters": ["at", "settled_at"],
    "outbox": ["created_at", "settled_at"],
    "opt_ins": ["given_at"],
    "broadcast_recipients": ["moved_at"],
    "staff_chats": ["bound_at"],
}
CHANGED = [*DAYS, "set_aside", "link_attempts", "sessions"]
AT_ONCE = 5_000


def upgrade() -> None:
    op.add_column("outbox", sa.Column("hidden_order", ID, server_default="0", nullable=False))
    connection = op.get_bind()
    for table, columns in DAYS.items():
        for column in columns:
            day = _day(connection, column)
            op.execute(f"UPDATE {table} SET {column} = {day} WHERE {column} <> {day}")
    op.execute("DELETE FROM link_attempts")  # wrong codes of the last hour, and earlier ones
    op.execute("UPDATE outbox SET channel_ref = NULL WHERE channel_ref IS NOT NULL")
    _rename_received(connection)
    _renumber_dead_letters(connection)
    _renumber_outbox(connection)
    _renumber_set_aside(connection)
    _rename_in_sessions(connection)
    if connection.dialect.name == "postgresql":  # the earlier rows are still in the pages of their tables
        for table in CHANGED:
            op.execute(
                f"INSERT INTO erasures (table_name, erased, rewritten) VALUES ('{table}', 1, 0) "
                "ON CONFLICT (table_name) DO UPDATE SET erased = erasures.erased + 1"
            )


def downgrade() -> None:
    op.drop_column("outbox", "hidden_order")


def _day(connection: Connection, column: str) -> str:
    if connection.dialect.name == "sqlite":
        return f"substr({column}, 1, 10) || 'T00:00:00.000000Z'"
    return f"date_trunc('day', {column} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"


def _hiding(connection: Connection) -> Any:
    make = context.config.attributes.get("hiding")
    if make is None:
        raise StoreOutdated("there are messages of earlier programs, and the secret key was not given")
    return make(connection)


def _rename_received(connection: Connection) -> None:
    """Processes one day of a channel at a time."""
    groups = connection.execute(sa.text("SELECT DISTINCT channel, CAST(received_at AS text) FROM received")).all()
    for channel, day in groups:
        mine = {"channel": channel, "day": day}
        where = "channel = :channel AND CAST(received_at AS text) = :day"
        names = connection.execute(sa.text(f"SELECT external_id FROM received WHERE {where}"), mine).scalars().all()
        hiding = _hiding(connection)
        [at] = connection.execute(sa.text(f"SELECT max(received_at) FROM received WHERE {where}"), mine).one()
        connection.execute(sa.text(f"DELETE FROM received WHERE {where}"), mine)
        rows = [{"channel": channel, "name": hiding.message_names(channel, name).received, "at": at} for name in names]
        _each(
            connection, "INSERT INTO received (channel, external_id, received_at) VALUES (:channel, :name, :at)", rows
        )


def _renumber_dead_letters(connection: Connection) -> None:
    found = connection.execute(sa.text("SELECT id, channel, external_id FROM dead_letters")).all()
    rows = [
        {"old": number, "new": _new_id(), "name": _hiding(connection).message_names(channel, name).received}
        for number, channel, name in found
    ]
    _each(connection, "UPDATE dead_letters SET id = :new, external_id = :name WHERE id = :old", rows)


def _renumber_outbox(connection: Connection) -> None:
    op.execute(
        "UPDATE broadcast_recipients SET outbox_id = NULL WHERE outbox_id IS NOT NULL AND state <> 'queued' "
        "AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.id = broadcast_recipients.outbox_id)"
    )
    numbers = connection.execute(sa.text("SELECT id FROM outbox")).scalars().all()
    if not numbers:
        return
    hiding = _hiding(connection)
    new = {number: _new_id() for number in numbers}
    rows = [{"old": old, "new": number, "order": hiding.hide_order(number, old)} for old, number in new.items()]
    _each(connection, "UPDATE outbox SET id = :new, hidden_order = :order WHERE id = :old", rows)
    sent = connection.execute(sa.text("SELECT outbox_id FROM broadcast_recipients WHERE outbox_id IS NOT NULL"))
    follow = [{"old": old, "new": new[old]} for (old,) in sent if old in new]
    _each(connection, "UPDATE broadcast_recipients SET outbox_id = :new WHERE outbox_id = :old", follow)


def _renumber_set_aside(connection: Connection) -> None:
    """The encryption is bound to the id. Values that no key decrypts keep both."""
    for number, sealed in connection.execute(sa.text("SELECT id, sealed FROM set_aside")).all():
        new = _new_id()
        again = _hiding(connection).rebind(bytes(sealed), b"set aside %d" % number, b"set aside %d" % new)
        if again is not None:
            connection.execute(
                sa.text("UPDATE set_aside SET id = :new, sealed = :sealed WHERE id = :old"),
                {"old": number, "new": new, "sealed": again},
            )


def _rename_in_sessions(connection: Connection) -> None:
    """Sessions store which message gave the last answer, so that its edit is recognised."""
    for rows in _portions(connection):
        hiding = _hiding(connection)
        changed = []
        for number, channel, text in rows:
            try:
                state = json.loads(text)
                name = state["last_message"]
            except (ValueError, TypeError, KeyError):  # of another program, which stores no ids there
                continue
            if name:
                state["last_message"] = hiding.message_names(channel, name).said
                written = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
                changed.append({"id": number, "state": written})
        _each(connection, "UPDATE sessions SET state = :state WHERE id = :id", changed)


def _portions(connection: Connection) -> Iterator[Sequence[Any]]:
    after = -1
    query = sa.text(
        "SELECT id, channel, state FROM sessions WHERE id > :after AND state LIKE '%\"last_message\"%' "
        f"ORDER BY id LIMIT {AT_ONCE}"
    )
    while rows := connection.execute(query, {"after": after}).all():
        yield rows
        after = rows[-1][0]


def _new_id() -> int:
    return secrets.randbits(63)


def _each(connection: Connection, statement: str, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(sa.text(statement), rows[start : start + AT_ONCE])
