"""Personal codes and tickets, and the commands around them."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.cli import accounts, entries
from bot.cli.context import open_with_samples
from bot.common.errors import CommandError
from bot.common.keys import Keys
from bot.consultations import entry_codes
from bot.settings import Settings
from bot.staff import sign_in
from storage.tables.participations import EntryCodeCount
from storage.tables.staff import all_staff
from tests.support.app import KEYS


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path, publish_samples=False)


def added(settings: Settings, name: str = "Aylin", role: str = "helper") -> str:
    """The code of a person new."""
    said: list[str] = []
    accounts.create_account(settings, name, role, said.append)
    return said[0].rpartition(": ")[2]


def members(settings: Settings):
    store, _, _ = open_with_samples(settings)
    with store.reading() as connection:
        found = all_staff(connection)
    store.dispose()
    return found


async def test_a_code_lets_in_however_it_is_typed(settings):
    code = added(settings)
    store, keys, _ = open_with_samples(settings)
    for typed in (code, code.lower(), code.replace("-", " "), f" {code} "):
        member = await sign_in.authenticate_staff(store, keys, typed)
        assert member
        assert (member.name, member.role) == ("Aylin", "helper")
    for wrong in ("", "x" * 5000, "\ud800", code[:-1], code[:-1] + ("2" if code[-1] != "2" else "3")):
        assert await sign_in.authenticate_staff(store, keys, wrong) is None
    await store.close()
    assert members(settings)[0].used_at


def test_the_code_is_shown_once_and_stored_nowhere(settings, tmp_path):
    code = added(settings)
    said: list[str] = []
    accounts.list_accounts(settings, said.append)
    assert "Aylin  helper  since" in said[0]
    assert code not in said[0]
    for file in tmp_path.rglob("*.db*"):
        assert code.encode() not in file.read_bytes()
        assert code.replace("-", "").encode() not in file.read_bytes()


async def test_who_is_revoked_is_let_in_no_more(settings):
    code = added(settings)
    store, keys, _ = open_with_samples(settings)
    member = await sign_in.authenticate_staff(store, keys, code)
    assert member
    now = datetime.now(UTC)
    ticket = sign_in.issue_ticket(keys, member, now)
    assert await sign_in.staff_of_ticket(store, keys, ticket, now)
    accounts.revoke_account(settings, "Aylin", lambda _: None)
    assert await sign_in.authenticate_staff(store, keys, code) is None
    assert await sign_in.staff_of_ticket(store, keys, ticket, now) is None
    await store.close()
    assert added(settings) != code


async def test_sign_in_token_lasts_eight_hours_and_resists_forgery(settings):
    code = added(settings)
    store, keys, _ = open_with_samples(settings)
    member = await sign_in.authenticate_staff(store, keys, code)
    assert member
    now = datetime.now(UTC)
    ticket = sign_in.issue_ticket(keys, member, now)
    number, until, signature = ticket.split(".")
    assert await sign_in.staff_of_ticket(store, keys, ticket, now + timedelta(hours=7, minutes=59))
    assert await sign_in.staff_of_ticket(store, keys, ticket, now + timedelta(hours=8, seconds=1)) is None
    later = f"{number}.{int(until) + 9999}.{signature}"
    seconds = f"{number}.{int(until) // sign_in.MICROSECONDS}"  # as earlier versions wrote it
    assert await sign_in.staff_of_ticket(store, keys, f"{seconds}.{sign_in._signature(keys, seconds)}", now)
    of_another_house = sign_in.issue_ticket(Keys(b"x" * 32), member, now)
    for forged in ("", "..", "1.2.3", later, of_another_house, ticket[:-1], "\udc80" * 90, f"{ticket}.x"):
        assert await sign_in.staff_of_ticket(store, keys, forged, now) is None
    await store.close()


def test_a_form_belongs_to_its_ticket():
    token = sign_in.form_token(KEYS, "1.2.3")
    assert sign_in.is_valid_form_token(KEYS, "1.2.3", token)
    assert not sign_in.is_valid_form_token(KEYS, "1.2.4", token)
    assert not sign_in.is_valid_form_token(KEYS, "1.2.3", None)
    assert not sign_in.is_valid_form_token(KEYS, "1.2.3", "\ud800")


@pytest.mark.parametrize(
    ("name", "role", "reason"),
    [
        ("Aylin", "mayor", "helper, facilitator, kernteam, admin"),
        (" ", "helper", "printable"),
        ("x" * 81, "helper", "80"),
    ],
)
def test_nonsense_is_refused(settings, name, role, reason):
    with pytest.raises(CommandError, match=reason):
        added(settings, name, role)
    assert members(settings) == []


def test_one_name_has_one_code(settings):
    added(settings)
    with pytest.raises(CommandError, match="already has an access code"):
        added(settings, " Aylin  ")
    with pytest.raises(CommandError, match="no active account 'Bora'"):
        accounts.revoke_account(settings, "Bora", lambda _: None)


def test_small_numbers_of_a_place_are_hidden():
    counts = [
        EntryCodeCount("kiez-7", "self", 12, 9, 4),
        EntryCodeCount("kiez-7", "assisted", 5, 5, 0),
        EntryCodeCount("", "self", 1, 1, 1),
    ]
    assert list(entries.entry_table(counts, 5)) == [
        "place   entered   begun  answered  finished",
        "kiez-7  self         12         9        <5",
        "kiez-7  assisted      5         5         0",
        "(none)  self         <5        <5        <5",
    ]
    assert list(entries.entry_table(counts, 10))[2] == "kiez-7  assisted    <10       <10         0"


@pytest.mark.parametrize("text", ["", "a b", "x" * 25, "ä", "a/b", "a\n", "<b>", "a_b"])
def test_what_is_no_place_code_is_ignored(text):
    assert entry_codes.parse_entry_code(text) == ""


def test_places_of_an_unknown_consultation(settings):
    with pytest.raises(CommandError, match="no consultation is called 'nowhere'"):
        entries.print_entries(settings, "nowhere", lambda _: None)
