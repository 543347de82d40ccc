from datetime import UTC, datetime, timedelta

import pytest

from storage.core.errors import BadRow, Duplicate
from storage.core.store import Store
from storage.tables.staff import (
    StaffMember,
    all_staff,
    insert_staff,
    record_staff_sign_in,
    revoke_staff_member,
    staff_by_code,
    staff_by_id,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def member(number: int, name: str = "", **more: object) -> StaffMember:
    made = StaffMember(number, name or f"name{number}", "helper", bytes([number] * 32), NOW)
    return made._replace(**more)  # type: ignore[arg-type]  # tests give what the field takes


def test_a_code_finds_its_person(store: Store) -> None:
    with store.begin() as connection:
        assert insert_staff(connection, [member(1), member(2, role="admin")]) == 2
        assert staff_by_code(connection, bytes([2] * 32)) == member(2, role="admin")
        assert staff_by_id(connection, 1) == member(1)
        assert staff_by_code(connection, bytes(32)) is None
        assert staff_by_id(connection, 3) is None


def test_using_a_code_is_taken_down(store: Store) -> None:
    with store.begin() as connection:
        insert_staff(connection, [member(1), member(2)])
        record_staff_sign_in(connection, 1, NOW + timedelta(hours=1))
        assert all_staff(connection) == [member(1, used_at=NOW + timedelta(hours=1)), member(2)]


def test_revoked_staff_stays_recorded_and_frees_the_name(store: Store) -> None:
    with store.begin() as connection:
        insert_staff(connection, [member(1, "Aylin")])
        assert revoke_staff_member(connection, "Aylin", NOW) == 1
        assert revoke_staff_member(connection, "Aylin", NOW) == 0
        assert revoke_staff_member(connection, "nobody", NOW) == 0
        insert_staff(connection, [member(2, "Aylin")])
        assert all_staff(connection) == [member(1, "Aylin", revoked_at=NOW), member(2, "Aylin")]


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (member(2, "Aylin"), Duplicate),
        (member(2, code_hash=bytes([1] * 32)), Duplicate),
        (member(2, role="mayor"), BadRow),
        (member(2, code_hash=b"short"), BadRow),
    ],
)
def test_bad_rows_are_refused(store: Store, second: StaffMember, error: type[Exception]) -> None:
    with store.begin() as connection:
        insert_staff(connection, [member(1, "Aylin")])
    with pytest.raises(error), store.begin() as connection:
        insert_staff(connection, [second])
