"""Each role meets each page of the console: what the policy does not permit is refused."""

from __future__ import annotations

from typing import get_args

import pytest
from sqlalchemy import text

from bot.staff.policy import ALLOWED, Action, may
from bot.web.console.registry import CONSOLE_PAGES, console_page
from storage.core.store import Store
from storage.tables.staff import Role
from storage.tables.staff_assignments import StaffAssignment, insert_staff_assignments
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation

PARTS = {"slug": "park", "step": "close", "member": "1", "code": "P-2345", "token": "wrong", "number": "1"}
PARTS |= {"key": "lamps", "tag": "en", "name": "0.png", "view": "form"}
"""What stands for the parameters of paths."""


def test_the_policy_names_every_action() -> None:
    assert ALLOWED.keys() == set(get_args(Action))
    assert all(roles <= set(get_args(Role)) for roles in ALLOWED.values())


def test_a_page_without_a_known_action_is_refused() -> None:
    with pytest.raises(KeyError):
        console_page("GET", "/secret", "everything")  # type: ignore[arg-type]


@only_sqlite
async def test_each_role_sees_what_the_policy_permits(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        for role in get_args(Role):
            browser = signed_in(house, hired(store, role, role))
            for page in CONSOLE_PAGES:
                path = f"/console{page.path.format(**PARTS)}"
                if page.method == "GET":
                    status = (await browser.get(path)).status
                    is_refused = status == 403
                    assert status < 500, (role, path)
                else:
                    status = (await browser.post(path, [("csrf", "wrong")])).status
                    is_refused = status == 403
                    assert status in {403, 409}, (role, path)  # 409: permitted, but not with this token
                assert is_refused != may(role, page.action), (role, page.method, path, status)


@only_sqlite
async def test_without_a_session_every_page_asks_for_one(store: Store) -> None:
    async with serving(store) as house:
        browser = house.browser()
        for page in CONSOLE_PAGES:
            path = f"/console{page.path.format(**PARTS)}"
            if page.method == "GET":
                assert (await browser.get(path)).path == "/console/sign-in"
            else:
                assert (await browser.post(path, [("text", "what was typed")])).status == 401


@only_sqlite
async def test_what_was_typed_survives_the_end_of_a_session(store: Store) -> None:
    open_consultation(store)
    member = hired(store)
    async with serving(store) as house:
        browser = signed_in(house, member)
        await browser.get("/console/consultations/park/steps/close")
        browser.http.cookie_jar.clear()
        await browser.press("Jetzt beenden")
        assert browser.status == 401
        assert "Nichts ist verloren" in browser.text
        kept = browser.page
        again = signed_in(house, member)
        again.page, again.path = kept, browser.path
        await again.press("Noch einmal senden")
        assert again.status == 409  # the token of the former session: the member confirms
        await again.press("Noch einmal senden")
        assert "Die Befragung ist beendet." in again.text


@only_sqlite
async def test_other_sites_cannot_send_forms(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get("/console/consultations/park/steps/close")
        csrf = dict(browser.page.forms[-1].fields)["csrf"]
        path = "/console/consultations/park/steps/close"
        await browser.post(path, [("csrf", csrf)], Origin="https://elsewhere.example")
        assert browser.status == 403


@only_sqlite
async def test_a_member_acts_only_where_assigned(store: Store) -> None:
    park = open_consultation(store)
    open_consultation(store, "lake")
    member = hired(store)
    with store.begin() as connection:
        connection.execute(text("UPDATE staff SET assigned_only = true"))
    with store.begin() as connection:
        insert_staff_assignments(connection, [StaffAssignment(member.id, park)])
    async with serving(store) as house:
        browser = signed_in(house, member)
        assert "lake" not in (await browser.get("/console/consultations")).page.html
        assert (await browser.get("/console/consultations/park")).status == 200
        assert (await browser.get("/console/consultations/lake")).status == 404
        assert (await browser.get("/console/consultations/lake/steps/close")).status == 404
