from datetime import UTC, datetime, timedelta

import pytest

from storage.core.errors import BadRow, Duplicate
from storage.core.store import Store
from storage.tables import staff
from storage.tables.staff import StaffMember

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def member(number: int, name: str = "", **more: object) -> StaffMember:
    made = StaffMember(number, name or f"name{number}", "helper", bytes([number] * 32), NOW)
    return made._replace(**more)  # type: ignore[arg-type]  # tests give what the field takes


def test_a_code_finds_its_person(store: Store) -> None:
    with store.begin() as connection:
        assert staff.insert(connection, [member(1), member(2, role="admin")]) == 2
        assert staff.by_code(connection, bytes([2] * 32)) == member(2, role="admin")
        assert staff.by_id(connection, 1) == member(1)
        assert staff.by_code(connection, bytes(32)) is None
        assert staff.by_id(connection, 3) is None


def test_using_a_code_is_taken_down(store: Store) -> None:
    with store.begin() as connection:
        staff.insert(connection, [member(1), member(2)])
        staff.used(connection, 1, NOW + timedelta(hours=1))
        assert staff.everybody(connection) == [member(1, used_at=NOW + timedelta(hours=1)), member(2)]


def test_revoked_staff_stays_recorded_and_frees_the_name(store: Store) -> None:
    with store.begin() as connection:
        staff.insert(connection, [member(1, "Aylin")])
        assert staff.revoke(connection, "Aylin", NOW) == 1
        assert staff.revoke(connection, "Aylin", NOW) == 0
        assert staff.revoke(connection, "nobody", NOW) == 0
        staff.insert(connection, [member(2, "Aylin")])
        assert staff.everybody(connection) == [member(1, "Aylin", revoked_at=NOW), member(2, "Aylin")]


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
        staff.insert(connection, [member(1, "Aylin")])
    with pytest.raises(error), store.begin() as connection:
        staff.insert(connection, [second])
