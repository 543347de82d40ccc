"""Members with a session in the console, for tests."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pyotp
from sqlalchemy import Connection

from bot.common.ids import Ids
from bot.staff.accounts import Accounts
from bot.staff.console_sessions import begin_session
from bot.staff.invitations import new_link
from bot.web.console.gate import COOKIE
from storage.core.store import Store
from storage.tables.staff import Role, StaffMember
from tests.support.app import KEYS
from tests.support.browser import Browser, House

PASSWORD = "Im Park stehen sieben Linden"
_ids = Ids()


def accounts(connection: Connection) -> Accounts:
    return Accounts(connection, KEYS, _ids, datetime.now(UTC))


def hired(store: Store, name: str = "Aylin", role: Role = "facilitator") -> StaffMember:
    """A member without credentials."""
    with store.begin() as connection:
        return accounts(connection).create(name, role)


def enter_console(browser: Browser, house: House, member: StaffMember) -> None:
    """Gives the browser a session of this member."""
    with house.app.store.begin() as connection:
        token = begin_session(connection, KEYS, member.id, "Firefox, Linux", datetime.now(UTC))
    browser.http.cookie_jar.update_cookies({COOKIE: token}, house.server.make_url("/console/"))


def signed_in(house: House, member: StaffMember, **headers: str) -> Browser:
    """A browser with a session of this member."""
    browser = house.browser(**{"Accept-Language": "de", **headers})
    enter_console(browser, house, member)
    return browser


def link_for(store: Store, member: StaffMember | None) -> str:
    """The path of a new invitation, or of the owner link."""
    with store.begin() as connection:
        token = new_link(connection, KEYS, member.id if member else None, datetime.now(UTC))
    return f"/console/{'invite' if member else 'first'}/{token}"


def digits_for(page: str) -> str:
    """What an authenticator app shows after the secret of this page was typed in."""
    found = re.search(r'<p class="code" dir="ltr">([A-Z2-7 ]+)</p>', page)
    assert found
    return pyotp.TOTP(found.group(1).replace(" ", "")).now()


async def set_up(browser: Browser, path: str, **fields: str) -> list[str]:
    """Follows an invitation to its end and returns the recovery codes."""
    await browser.get(path)
    assert browser.status == 200, (browser.status, browser.text)
    code = digits_for(browser.page.html)
    given = {"password": PASSWORD, "repeated": PASSWORD, "code": code, **fields}
    await browser.press("Passwort und App einrichten", **given)
    assert browser.status == 200, browser.text
    return re.findall(r"<code>([0-9A-Z-]+)</code>", browser.page.html)
