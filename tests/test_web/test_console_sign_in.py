"""Signing in: owner link, invitation, password with one-time password, recovery codes, limits, sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from bot.app import open_store
from bot.cli.accounts import create_account, create_link
from bot.common.errors import CommandError
from bot.settings import Settings
from bot.staff import console_sessions, one_time_passwords, passwords
from bot.staff.invitations import link_hash, valid_invitation
from bot.staff.passwords import weakness_of
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.staff import all_staff
from tests.support.app import KEYS
from tests.support.browser import serving
from tests.support.console import PASSWORD, accounts, hired, link_for, set_up, signed_in
from tests.support.databases import only_sqlite

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


async def test_the_owner_link_sets_up_the_first_account(store: Store) -> None:
    async with serving(store) as house:
        browser = house.browser(**{"Accept-Language": "de"})
        path = link_for(store, None)
        codes = await set_up(browser, path, name="Aylin K.")
        assert len(set(codes)) == 10
        assert (await browser.get("/console/")).status == 200
        assert "Was auf Sie wartet" in browser.text
        with store.reading() as connection:
            assert [(it.name, it.role) for it in all_staff(connection)] == [("Aylin K.", "admin")]
        stranger = house.browser()
        assert (await stranger.get(path)).status == 410  # used
        assert (await stranger.get("/console/team")).path == "/console/sign-in"


@only_sqlite
async def test_password_and_code_sign_in_and_each_code_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    member = hired(store)
    async with serving(store) as house:
        codes = await set_up(house.browser(**{"Accept-Language": "de"}), link_for(store, member))
        browser = house.browser(**{"Accept-Language": "de"})
        await browser.get("/console/consultations")
        await browser.press("Weiter", name="Aylin", password=PASSWORD)
        assert browser.path == "/console/sign-in/code"
        await browser.press("Anmelden", code="000000")
        assert browser.status == 403
        await browser.press("Anmelden", code=codes[0].lower())
        assert browser.path == "/console/consultations"  # where the member wanted to go
        other = house.browser(**{"Accept-Language": "de"})
        await other.get("/console/")
        await other.press("Weiter", name="Aylin", password=PASSWORD)
        assert (await other.press("Anmelden", code=codes[0])).status == 403  # used


@only_sqlite
async def test_unknown_names_and_wrong_passwords_look_alike(store: Store) -> None:
    member = hired(store)
    async with serving(store) as house:
        await set_up(house.browser(**{"Accept-Language": "de"}), link_for(store, member))
        pages = []
        for name, password in (("Aylin", "x" * 12), ("Unbekannt", PASSWORD)):
            browser = house.browser(**{"Accept-Language": "de"})
            await browser.get("/console/sign-in")
            await browser.press("Weiter", name=name, password=password)
            pages.append((browser.status, browser.text.replace(name, "")))
        assert pages[0] == pages[1]
        assert pages[0][0] == 403


@only_sqlite
async def test_failures_of_strangers_do_not_lock_the_owner_out(store: Store) -> None:
    member = hired(store)
    async with serving(store) as house:
        known = house.browser(**{"Accept-Language": "de"})
        codes = await set_up(known, link_for(store, member))
        await known.get("/console/account")
        await known.press("Abmelden")
        await known.press("Weiter", name="Aylin", password=PASSWORD)
        await known.press("Anmelden", code=codes[0])  # from now on this browser is known
        await known.press("Abmelden")
        stranger = house.browser(**{"Accept-Language": "de"})
        for _ in range(6):
            await stranger.get("/console/sign-in")
            await stranger.press("Weiter", name="Aylin", password="falsch falsch falsch")
        assert stranger.status == 429
        await known.get("/console/sign-in")
        await known.press("Weiter", name="Aylin", password=PASSWORD)
        assert known.path == "/console/sign-in/code"


@only_sqlite
async def test_a_session_ends_for_good(store: Store) -> None:
    member = hired(store)
    async with serving(store) as house:
        browser, second = signed_in(house, member), signed_in(house, member)
        assert (await browser.get("/console/account")).status == 200
        await browser.press("Überall sonst abmelden")
        assert (await second.get("/console/account")).path == "/console/sign-in"
        token = {cookie.key: cookie.value for cookie in browser.http.cookie_jar}["console"]
        await browser.press("Abmelden")
        assert browser.path == "/console/sign-in"
        browser.http.cookie_jar.update_cookies({"console": token}, house.server.make_url("/console/"))
        assert (await browser.get("/console/account")).path == "/console/sign-in"


def test_sessions_have_an_idle_and_an_absolute_time_out(store: Store) -> None:
    member = hired(store)
    with store.begin() as connection:
        token = console_sessions.begin_session(connection, KEYS, member.id, "?", NOW)

        def is_valid(after: timedelta) -> bool:
            return console_sessions.session_of_token(connection, KEYS, token, NOW + after) is not None

        assert is_valid(timedelta(minutes=59))
        assert not is_valid(timedelta(minutes=61))  # idle
        assert not is_valid(timedelta(hours=13))


def test_an_invitation_is_valid_for_a_week_and_once(store: Store) -> None:
    member = hired(store)
    with store.begin() as connection:
        desk = accounts(connection)
        token = desk.invite(member)
        found = valid_invitation(connection, KEYS, token, desk.now)
        assert found
        assert found.token_hash == link_hash(KEYS, token)
        assert valid_invitation(connection, KEYS, token, desk.now + timedelta(days=8)) is None
        assert desk.accept(found, "") == member
        assert desk.accept(found, "") is None
        assert valid_invitation(connection, KEYS, token, desk.now) is None


def test_a_new_link_makes_the_former_one_invalid(store: Store) -> None:
    member = hired(store)
    with store.begin() as connection:
        desk = accounts(connection)
        first, second = desk.invite(member), desk.invite(member)
        assert valid_invitation(connection, KEYS, first, desk.now) is None
        assert valid_invitation(connection, KEYS, second, desk.now)


def test_a_one_time_password_is_valid_once() -> None:
    secret = one_time_passwords.new_totp_secret()
    digits = pyotp.TOTP(secret).at(NOW)
    step = one_time_passwords.matching_step(secret, f"{digits[:3]} {digits[3:]}", 0, NOW)
    assert step == int(NOW.timestamp()) // 30
    assert one_time_passwords.matching_step(secret, digits, step, NOW) is None
    assert one_time_passwords.matching_step(secret, digits, 0, NOW + timedelta(minutes=2)) is None


@pytest.mark.parametrize(
    ("password", "weakness"),
    [
        ("zu kurz", "short"),
        ("a" * 201, "long"),
        ("abababababab", "monotonous"),
        ("AYLIN K.!!!!", "name"),
        (PASSWORD, None),
    ],
)
def test_length_decides_about_a_password(password: str, weakness: str | None) -> None:
    assert weakness_of(password, "Aylin K.") == weakness


@only_sqlite
async def test_wrong_links_do_not_lock_invited_members_out(store: Store) -> None:
    member = hired(store)
    async with serving(store) as house:
        stranger = house.browser()
        for number in range(10):
            assert (await stranger.get(f"/console/invite/wrong{number}")).status == 410
        await set_up(house.browser(**{"Accept-Language": "de"}), link_for(store, member))


def test_an_operator_creates_a_link_for_a_lost_owner(tmp_path: Path) -> None:
    said: list[str] = []
    settings = Settings(data=tmp_path, publish_samples=False)
    create_account(settings, "Marta", "admin", said.append)
    create_link(settings, "Marta", said.append)
    token = said[-2].rpartition("/")[2]
    store, keys = open_store(settings)
    with store.reading() as connection:
        found = valid_invitation(connection, keys, token, datetime.now(UTC))
        assert [it.act for it in audit_entries(connection)] == ["staff.add", "staff.reset"]
    store.dispose()
    assert found
    with pytest.raises(CommandError, match="no active account 'Cem'"):
        create_link(settings, "Cem", said.append)


async def test_an_account_without_a_password_costs_a_whole_comparison() -> None:
    made = (await passwords.hash_password(PASSWORD)).decode()
    assert extract_parameters(passwords._NO_PASSWORD) == extract_parameters(made)
    with pytest.raises(VerifyMismatchError):  # compared to the end; a damaged hash is refused at once
        PasswordHasher().verify(passwords._NO_PASSWORD, PASSWORD)
    assert not await passwords.verify_password(None, PASSWORD)
