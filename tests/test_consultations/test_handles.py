"""Every event has one handler, and rows are written in a fixed order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest
from sqlalchemy import Connection

from bot.common.ids import Ids
from bot.consultations.batch_context import BatchContext, BatchServices
from bot.consultations.catalogue import Catalogue
from bot.consultations.event_handlers import HANDLERS, handles
from bot.conversations.batch_order import HANDLING, WRITE_ORDER
from flows.events import Event, MessageCreated
from storage.core.store import Store
from storage.tables import contacts
from storage.tables.contacts import ContactLanguage
from tests.support.app import KEYS

NOW = datetime(2026, 11, 30, 12, 34, 56, tzinfo=UTC)


def batch_over(connection: Connection) -> BatchContext:
    return BatchContext(connection, BatchServices(KEYS, Catalogue(), Ids(KEYS.order_masks), WRITE_ORDER), NOW)


def test_every_event_has_a_handler_and_nothing_else_has():
    assert set(HANDLERS) == set(get_args(Event))


def test_a_second_handler_is_refused():
    with pytest.raises(ValueError, match="MessageCreated"):
        handles(MessageCreated)(lambda batch, person, event, hour: None)


def test_each_module_handles_something():
    handling = {handler.__module__ for handler in HANDLERS.values()} - {"bot.consultations.event_handlers"}
    assert handling <= {module.__name__ for module in HANDLING}


def test_rows_that_have_no_place_in_the_order_are_refused(store: Store):
    with store.begin() as connection:
        batch = batch_over(connection)
        batch.add(lambda connection, rows: None, ContactLanguage(1, "de"))
        with pytest.raises(LookupError):
            batch.write()


def test_each_statement_has_one_place_in_the_order():
    assert len(set(WRITE_ORDER)) == len(WRITE_ORDER)


def test_what_is_put_off_runs_once_after_the_rows_are_written(store: Store):
    ran: list[list[int]] = []

    def follow_up(batch: BatchContext, items: list[int]) -> None:
        assert not batch.rows_of(contacts.set_languages), "the rows are written"
        ran.append(items)
        if len(ran) == 1:
            batch.after_write(follow_up, 3)

    with store.begin() as connection:
        batch = batch_over(connection)
        batch.add(contacts.set_languages, ContactLanguage(1, "de"))
        assert not batch.is_urgent
        batch.after_write(follow_up, 1)
        batch.after_write(follow_up, 2)
        assert batch.is_urgent
        batch.finish()
        assert not batch.is_urgent
    assert ran == [[1, 2], [3]]
