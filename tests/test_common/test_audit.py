"""The audit log: chained, complete, and of no resident."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from bot.common import audit
from bot.common.audit import Actor
from bot.common.keys import Keys
from storage.core.store import Store
from storage.tables import audit as log
from storage.tables.audit import audit_entries, insert_audit_entry, last_audit_entry
from tests.support.databases import Database

KEYS = Keys(bytes(32))
ADA = Actor("Ada", "admin", "chat")
AT = datetime(2026, 11, 30, 5, 0, 0, 123_456, tzinfo=UTC)


def fill(store: Store, number: int = 5) -> None:
    with store.begin() as connection:
        for each in range(number):
            audit.record_entry(connection, KEYS, ADA.did("text.approve", f"kiez/P-{each}", at=AT))


def broken(store: Store, keys: Keys = KEYS) -> str:
    with store.reading() as connection:
        return audit.check_chain(keys, audit_entries(connection))[1]


def test_a_log_that_nobody_touched_is_whole(store: Store) -> None:
    assert broken(store) == ""
    fill(store)
    assert broken(store) == ""
    with store.reading() as connection:
        rows = list(audit_entries(connection))
    assert [row.id for row in rows] == [1, 2, 3, 4, 5]
    assert rows[1].previous == rows[0].mac
    assert rows[0][1:8] == (AT, "Ada", "admin", "chat", "text.approve", "kiez/P-0", "")


def test_another_key_fits_no_row(store: Store) -> None:
    fill(store)
    assert broken(store, Keys(b"x" * 32)) == "row 1 was changed or inserted"


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        (["UPDATE audit SET actor = 'Bob' WHERE id = 3"], "row 3 was changed or inserted"),
        (["UPDATE audit SET purpose = 'x', act = 'text.hide' WHERE id = 5"], "row 5 was changed or inserted"),
        (["DELETE FROM audit WHERE id = 1"], "row 1 is missing before row 2"),
        (["DELETE FROM audit WHERE id IN (2, 3)"], "rows 2 to 3 are missing before row 4"),
        (
            ["DELETE FROM audit WHERE id = 3", "UPDATE audit SET id = id - 1 WHERE id > 3"],
            "row 3 was changed or inserted",
        ),
        (
            [
                "UPDATE audit SET id = 99 WHERE id = 2",
                "UPDATE audit SET id = 2 WHERE id = 3",
                "UPDATE audit SET id = 3 WHERE id = 99",
            ],
            "row 2 was changed or inserted",
        ),
        (
            [
                "INSERT INTO audit SELECT 6, at, actor, role, door, act, object, purpose, previous, mac "
                "FROM audit WHERE id = 5"
            ],
            "row 6 was changed or inserted",
        ),
        (
            ["UPDATE audit SET previous = mac WHERE id = 4"],
            "row 4 was changed or inserted",
        ),
    ],
)
def test_tampering_is_found(store: Store, tampering: list[str], found: str) -> None:
    fill(store)
    with store.begin() as connection:
        for statement in tampering:
            connection.execute(text(statement))
    assert broken(store) == found


def test_two_logs_do_not_mix(store: Store) -> None:
    """A row of the same key and number, from another copy of the log, does not follow."""
    fill(store, 3)
    with store.begin() as connection:
        first = list(audit_entries(connection))
        connection.execute(text("DELETE FROM audit WHERE id > 1"))
        audit.record_entry(connection, KEYS, ADA.did("push.start", "kiez", at=AT))
        insert_audit_entry(connection, first[2])
    assert broken(store) == "row 3 does not follow row 2"


def test_several_programs_record_one_after_another(store: Store, database: Database) -> None:
    """Threads with stores of their own are what processes are to the database."""
    workers, acts = 4, 25

    def work(number: int) -> None:
        own = Store(database.url, busy_seconds=30)
        for each in range(acts):
            entry = Actor(f"worker {number}", "", "system").did("push.start", f"kiez/{each}")
            own.run(lambda connection, entry=entry: audit.record_entry(connection, KEYS, entry))  # type: ignore[misc]
        own.dispose()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    assert broken(store) == ""
    with store.reading() as connection:
        rows = list(audit_entries(connection))
    assert len(rows) == workers * acts
    for number in range(workers):
        own = [row.object for row in rows if row.actor == f"worker {number}"]
        assert own == [f"kiez/{each}" for each in range(acts)]


def test_what_is_rolled_back_is_not_recorded(store: Store) -> None:
    fill(store, 2)

    def fails() -> None:
        with store.begin() as connection:
            audit.record_entry(connection, KEYS, ADA.did("consultation.archive", "kiez"))
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    fill(store, 1)
    assert broken(store) == ""
    with store.reading() as connection:
        assert [row.act for row in audit_entries(connection)] == ["text.approve"] * 3


def test_the_newest_of_an_act_is_found(store: Store) -> None:
    with store.begin() as connection:
        for name in ("Ada", "Bob"):
            publisher = Actor(name, "", "cli")
            audit.record_entry(connection, KEYS, publisher.did("consultation.publish", "kiez/4"))
            audit.record_entry(connection, KEYS, publisher.did("consultation.publish", "kiez/5"))
        found = audit.last_entries(connection, "consultation.publish", "kiez/4")
        assert found is not None
        assert (found.id, found.actor) == (3, "Bob")
        assert audit.last_entries(connection, "consultation.publish", "kiez/6") is None
        assert audit.last_entries(connection, "consultation.archive", "kiez/4") is None


def test_rows_are_those_of_a_consultation_and_from_a_day_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "PAGE", 2)
    with store.begin() as connection:
        for day, about in enumerate(("kiez", "kiez/P-1", "kiez-2", "mein-kiez", "kiez/2", "k%"), 1):
            audit.record_entry(connection, KEYS, ADA.did("push.start", about, at=AT.replace(day=day)))
        found: Callable[..., list[int]] = lambda **wanted: [row.id for row in audit_entries(connection, **wanted)]  # noqa: E731
        assert found() == [1, 2, 3, 4, 5, 6]
        assert found(slug="kiez") == [1, 2, 5]
        assert found(slug="k%") == [6]
        assert found(since=AT.replace(day=4)) == [4, 5, 6]
        assert found(slug="kiez", since=AT.replace(day=2)) == [2, 5]


def test_an_entry_is_one_printable_line(store: Store) -> None:
    with store.begin() as connection:
        audit.record_entry(connection, KEYS, ADA.did("export.raw", "kiez", "a\nb\x1b[31m\0 " + "c" * 1000))
        row = last_audit_entry(connection)
    assert row is not None
    assert row.purpose.startswith("a b[31m ccc")
    assert len(row.purpose) == audit.LONGEST
    assert broken(store) == ""


def test_whoever_gives_a_command_is_named() -> None:
    assert audit.operator().name
    assert audit.operator().door == "cli"
