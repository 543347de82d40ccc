from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from storage.core.errors import BadRow
from storage.core.store import Store
from storage.tables.contacts import delete_contacts
from storage.tables.outbox import (
    OutboxMessageRow,
    SendDelay,
    SendOutcome,
    count_messages_by_state,
    delete_settled_messages_before,
    has_final_messages,
    insert_messages,
    next_delayed_time,
    reschedule_messages,
    settle_messages,
    waiting_messages,
)
from tests.support.rows import LATER, NOW, lookup, message, person


def test_messages_wait_in_order_with_their_sealed_address(store: Store) -> None:
    with store.begin() as connection:
        person(connection, 1)
        person(connection, 2)
        rows = [message(1), message(2, "broadcast"), message(1, channel="web"), message(2, "notice")]
        insert_messages(connection, list(reversed(rows)))
        found = waiting_messages(connection, "telegram")
        assert [row.id for row in found] == [rows[0].id, rows[1].id, rows[3].id]
        assert (found[0].sealed, found[0].payload, found[0].attempts) == (b"sealed 1", '{"text": "Thank you."}', 0)
        assert [row.id for row in waiting_messages(connection, "telegram", after_id=rows[0].id, limit=1)] == [
            rows[1].id
        ]
        assert [row.id for row in waiting_messages(connection, "telegram", purposes=["notice"])] == [rows[3].id]
        assert waiting_messages(connection, "matrix") == []


def test_a_message_put_off_comes_when_it_is_due(store: Store) -> None:
    with store.begin() as connection:
        person(connection, 1)
        row = message(1)
        insert_messages(connection, [row])
        assert next_delayed_time(connection, "telegram") is None
        reschedule_messages(connection, [SendDelay(row.id, 2, LATER, "retry after 300")])
        assert next_delayed_time(connection, "telegram") == LATER
        assert waiting_messages(connection, "telegram", due=NOW) == []
        found = waiting_messages(connection, "telegram", due=LATER)
        assert [(row.attempts, row.not_before) for row in found] == [(2, LATER)]


def test_a_sent_reply_leaves_nothing(store: Store) -> None:
    with store.begin() as connection:
        person(connection, 1)
        rows = [message(1), message(1, "farewell")]
        insert_messages(connection, rows)
        assert settle_messages(connection, [SendOutcome(row.id, "sent", 1, NOW, None) for row in rows]) == 2
        assert count_messages_by_state(connection) == {}


def test_what_could_not_be_sent_loses_text_and_address(store: Store) -> None:
    with store.begin() as connection:
        person(connection, 1)
        reply, broadcast, sent = message(1), message(1, "broadcast"), message(1, "broadcast")
        insert_messages(connection, [reply, broadcast, sent])
        outcomes = [
            SendOutcome(reply.id, "refused", 3, LATER, "too long"),
            SendOutcome(broadcast.id, "unknown", 1, LATER, "timeout"),
            SendOutcome(sent.id, "sent", 1, LATER, None),
            SendOutcome(4711, "sent", 1, LATER, None),  # erased meanwhile
        ]
        assert settle_messages(connection, outcomes) == 3
        assert waiting_messages(connection, "telegram") == []
        columns = (OutboxMessageRow.id, OutboxMessageRow.state, OutboxMessageRow.payload, OutboxMessageRow.lookup)
        rows = [tuple(row) for row in connection.execute(select(*columns).order_by(OutboxMessageRow.id))]
        assert rows == [
            (reply.id, "refused", None, None),
            (broadcast.id, "unknown", None, lookup(1)),
            (sent.id, "sent", None, lookup(1)),
        ]
        assert delete_settled_messages_before(connection, LATER) == 0
        assert delete_settled_messages_before(connection, LATER + timedelta(seconds=1)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"state": "sent", "settled_at": NOW},  # text stays
        {"payload": None},  # nothing to send
        {"lookup": None},  # no contact to send to
        {"state": "lost"},
        {"purpose": "spam"},
    ],
)
def test_the_table_keeps_its_rules(store: Store, change: dict[str, object]) -> None:
    with store.begin() as connection:
        person(connection, 1)
        insert_messages(connection, [message(1)])
    with pytest.raises(BadRow), store.begin() as connection:
        connection.execute(update(OutboxMessageRow).values(change))


def test_a_message_for_nobody_is_refused(store: Store) -> None:
    with pytest.raises(BadRow), store.begin() as connection:
        insert_messages(connection, [message(1)])


def test_messages_go_with_their_address(store: Store) -> None:
    with store.begin() as connection:
        contact = person(connection, 1)
        insert_messages(connection, [message(1), message(1, "broadcast")])
        delete_contacts(connection, [contact])
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar() == 0


def test_farewells_are_noticed(store: Store) -> None:
    with store.begin() as connection:
        person(connection, 1)
        row = message(1, "farewell")
        assert not has_final_messages(connection)
        insert_messages(connection, [row])
        assert has_final_messages(connection)
        settle_messages(connection, [SendOutcome(row.id, "unreachable", 1, NOW, "blocked")])
        assert not has_final_messages(connection)
