"""What goes in comes out, on both databases alike; what one of them cannot hold is refused by both."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from storage.core.base import to_iso
from storage.core.errors import BadRow
from storage.core.store import Store
from storage.tables import contacts
from storage.tables.answers import answers_of_sessions, upsert_answers
from storage.tables.contacts import ContactRow, NewAddress, NewContact, encrypted_addresses, insert_contacts
from storage.tables.sessions import waiting_sessions
from tests.support.rows import NOW, answer, key, lookup, new_id, published, stored_session

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
ANY_MOMENT = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones() | st.just(UTC))  # noqa: DTZ001
on_one_database = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def undone(store: Store) -> Iterator[Connection]:
    """A transaction that is rolled back: examples do not see each other."""
    with store.writer.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@on_one_database
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_any_text_comes_out_as_it_went_in(store: Store, texts: list[str]) -> None:
    with undone(store) as connection:
        mine = stored_session(connection, published(connection), 1, language=texts[0], state=texts[-1])
        rows = [answer(mine, str(at), json.dumps(value, ensure_ascii=False)) for at, value in enumerate(texts)]
        upsert_answers(connection, rows)
        assert waiting_sessions(connection, [key(1)]) == {key(1): mine}
        assert [json.loads(row.value or "") for row in answers_of_sessions(connection, [mine.id])] == texts


@on_one_database
@given(sealed=st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_any_bytes_come_out_as_they_went_in(store: Store, sealed: list[bytes]) -> None:
    with undone(store) as connection:
        rows = [NewAddress(lookup(at), None, "web", each, NOW) for at, each in enumerate(sealed)]
        contacts.insert_addresses(connection, rows)
        assert encrypted_addresses(connection, [row.lookup for row in rows]) == {row.lookup: row.sealed for row in rows}


@on_one_database
@given(moments=st.lists(ANY_MOMENT, min_size=1, max_size=5))
def test_any_moment_comes_out_in_utc_and_in_order(store: Store, moments: list[datetime]) -> None:
    with undone(store) as connection:
        insert_contacts(connection, [NewContact(new_id(), None, moment) for moment in moments])
        found = connection.execute(select(ContactRow.created_at).order_by(ContactRow.created_at)).scalars().all()
        assert found == sorted(moment.astimezone(UTC) for moment in moments)
        assert all(moment.utcoffset() == timedelta(0) for moment in found)


def test_core_statements_take_the_same_moments(store: Store) -> None:
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    with store.begin() as connection:
        insert_contacts(connection, [NewContact(1, None, NOW)])
        assert connection.execute(select(ContactRow.id).where(ContactRow.created_at == berlin)).scalars().all() == [1]


def test_times_of_equal_length_sort_as_time_does() -> None:
    assert to_iso(datetime(26, 1, 2, tzinfo=UTC)) == "0026-01-02T00:00:00.000000Z"
    with pytest.raises(ValueError, match="without zone"):
        to_iso(datetime(2026, 1, 2))  # noqa: DTZ001


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "d\0e"},
        {"language": "d\ud800e"},
        {"id": 1 << 63},
        {"created_at": datetime(2026, 11, 23)},  # noqa: DTZ001
        {"created_at": None},
    ],
    ids=["NUL", "half a character", "too large", "no zone", "nothing"],
)
def test_invalid_values_are_refused_without_quoting_them(store: Store, wrong: dict[str, object]) -> None:
    row = NewContact(1, "de", NOW)._replace(**wrong)  # type: ignore[arg-type]
    with pytest.raises(BadRow) as caught, store.begin() as connection:
        insert_contacts(connection, [NewContact(2, "en", NOW), row])
    assert not caught.value.retryable
    with store.reading() as connection:
        assert connection.execute(select(ContactRow.id)).all() == []


def test_an_error_holds_nobodys_words(store: Store) -> None:
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), 1)
    with pytest.raises(BadRow) as caught, store.begin() as connection:
        upsert_answers(connection, [answer(mine, "words", '"my secret"', mode="my secret")])
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "secret" not in f"{seen!s} {seen!r}"
        seen = seen.__cause__ or seen.__context__
