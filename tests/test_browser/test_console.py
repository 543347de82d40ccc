"""The console in a real browser: passkeys, journeys with their clicks, accessibility of every page with data."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from bot.common.dead_letters import new_dead_letter
from bot.proposals.moderation_decisions import ProposalWording, translate_text
from flows.messages import MsgIn
from storage.tables.entry_places import EntryPlace, insert_entry_place
from storage.tables.messages import insert_dead_letters
from storage.tables.revisions import find_live_revision
from storage.tables.staff import set_assigned_only
from storage.tables.staff_assignments import StaffAssignment, insert_staff_assignments
from tests.support.app import KEYS
from tests.support.console import hired, link_for
from tests.support.ideas import NOW, chair, submit
from tests.test_browser import axe
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World

pages = (
    "/console/",
    "/console/consultations",
    "/console/consultations/kiez-ideen",
    "/console/consultations/kiez-ideen/steps/close",
    "/console/consultations/kiez-ideen/spread",
    "/console/consultations/kiez-ideen/spread/BIB7/poster",
    "/console/consultations/kiez-ideen/spread/BIB7/poster?format=sticker",
    "/console/account",
    "/console/team",
    "/console/team/{member}",
    "/console/audit",
    "/console/settings",
)
WIDTH = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


async def authenticator(tab: Tab) -> None:
    """Gives the browser a passkey device that confirms the presence and identity of its owner."""
    await tab.call("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    chosen = {**options, "isUserVerified": True, "automaticPresenceSimulation": True}
    await tab.call("WebAuthn.addVirtualAuthenticator", options=chosen)


async def owner(world: World) -> Tab:
    """A tab in which the owner link was followed and a passkey was set up."""
    tab = await world.tab()
    await authenticator(tab)
    base = f"http://localhost:{world.relay.port}"
    await tab.go(f"{base}{link_for(world.store, None)}")
    await tab.evaluate("document.getElementById('name').value = 'Aylin K.'")
    async with tab.leaving("the recovery codes"):
        await tab.click("#passkey button")
    assert await tab.evaluate("document.querySelectorAll('.codes li').length") == 10
    async with tab.leaving("the home page"):
        await tab.click("main .button")
    tab.origin = base
    return tab


async def test_a_passkey_is_set_up_and_signs_in(world: World) -> None:
    tab = await owner(world)
    await tab.sees("What waits for you")
    await tab.click(".me summary")
    async with tab.leaving("the sign-in page"):
        await tab.click(".me form button")
    async with tab.leaving("the home page"):
        await tab.click("#passkey button")
    await tab.sees("What waits for you")


@pytest.mark.parametrize("width", [320, 1280])
async def test_console_pages_are_accessible(world: World, width: int) -> None:
    with world.store.begin() as connection:
        ideas = find_live_revision(connection, "kiez-ideen")
        assert ideas
        for number, words in enumerate(("Mehr Bänke im Park", "مقاعد في الحديقة", "x" * 120)):
            submit(connection, ideas.consultation_id, number, words)
        twins = [submit(connection, ideas.consultation_id, 9 + n, "Mehr Bäume an der Straße") for n in range(8)]
        machine = ProposalWording(None, "More trees along the street")
        translate_text(chair(connection, None), twins[0].id, "en", machine, translator="machine")
        msg = MsgIn("town", "anna", "1", NOW, text="Kann mich jemand anrufen?")
        letter = new_dead_letter(KEYS, KEYS.lookup("town", "anna"), msg, ZeroDivisionError(), NOW)
        insert_dead_letters(connection, [letter])
    helper = hired(world.store, "Ümit Ç.", "helper")
    with world.store.begin() as connection:
        set_assigned_only(connection, helper.id, assigned_only=True)
        insert_staff_assignments(connection, [StaffAssignment(helper.id, ideas.consultation_id, datetime.now(UTC))])
        insert_entry_place(
            connection, EntryPlace(ideas.consultation_id, "BIB7", "Bibliothek am Tor", datetime.now(UTC))
        )
    tab = await owner(world)
    await tab.size(width, is_mobile=width == 320)
    found: list[str] = []
    for page in pages:
        await tab.go(page.format(member=helper.id))
        found += [f"{page}: {fault}" for fault in await axe.faults(tab)]
        if not await tab.evaluate(WIDTH):
            found.append(f"{page} scrolls sideways at {width} px")
        await world.picture(tab, f"console-{width}-{page.strip('/{}').replace('/', '-')}")
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator' WHERE role = 'admin'"))
    await tab.go("/console/consultations/kiez-ideen/reading")
    for details in ("h", "e"):
        await tab.evaluate(f"document.querySelector('[data-key={details}]').open = true")
    link = await tab.evaluate("document.querySelector('a[data-key=t]').getAttribute('href')")
    for page in ("/console/consultations/kiez-ideen/reading", link, "/console/messages", "/console/"):
        if "reading" not in page or page == link:
            await tab.go(page)
        name = page.strip("/").rpartition("/")[2]
        found += [f"{name}: {fault}" for fault in await axe.faults(tab)]
        if not await tab.evaluate(WIDTH):
            found.append(f"{name} scrolls sideways at {width} px")
        await world.picture(tab, f"console-{width}-{name}")
    for page in ("/console/sign-in", link_for(world.store, None), "/console/first/wrong"):
        other = await world.tab()
        await other.size(width, is_mobile=width == 320)
        await other.go(page)
        found += [f"{page}: {fault}" for fault in await axe.faults(other)]
        if not await other.evaluate(WIDTH):
            found.append(f"{page} scrolls sideways at {width} px")
        await world.picture(other, f"console-{width}-{page.split('/')[2]}")
    assert not found, "\n".join(found)


async def test_texts_are_read_by_keyboard(world: World) -> None:
    """Two texts take three keys: J A, A. The page stays, and the next text has the focus."""
    with world.store.begin() as connection:
        ideas = find_live_revision(connection, "kiez-ideen")
        assert ideas
        made = [
            submit(connection, ideas.consultation_id, number, words)
            for number, words in enumerate(("Mehr Bänke im Park", "Weniger Autos vor der Schule"))
        ]
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    await tab.go("/console/consultations/kiez-ideen/reading")
    await tab.evaluate("document.querySelector('[name^=words-]').value = 'typed meanwhile'")
    await key(tab, "j")
    for number in (1, 2):
        await key(tab, "a")
        await tab.until(f"document.querySelectorAll('.texts > .done').length === {number}")
    await tab.until("document.getElementById('count').textContent.startsWith('0 ')")
    await key(tab, "z")
    await tab.until("document.querySelectorAll('.texts > .done').length === 1")
    assert await tab.evaluate("document.activeElement.id") == f"t-{made[1].id}"
    assert not await axe.faults(tab)
    await world.picture(tab, "console-reading-line")


async def test_what_is_typed_survives_the_end_of_a_session(world: World) -> None:
    """The decision of a script falls back to the form, which keeps the typed text until after the sign-in."""
    with world.store.begin() as connection:
        ideas = find_live_revision(connection, "kiez-ideen")
        assert ideas
        submit(connection, ideas.consultation_id, 1, "Mehr Bänke im Park")
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    await tab.go("/console/consultations/kiez-ideen/reading")
    await tab.evaluate("document.querySelector('[data-key=h]').open = true")
    await tab.evaluate("document.querySelector('[name^=words-]').value = 'in my own words'")
    with world.store.begin() as connection:
        connection.execute(text("DELETE FROM console_sessions"))
    async with tab.leaving("the page that keeps what was typed"):
        await tab.evaluate("document.querySelector('[value^=hide]').click()")
    kept = "Array.from(document.querySelectorAll('input')).some((it) => it.value === 'in my own words')"
    assert await tab.evaluate(kept)


async def key(tab: Tab, name: str) -> None:
    await tab.call("Input.dispatchKeyEvent", type="keyDown", key=name, text=name)
    await tab.call("Input.dispatchKeyEvent", type="keyUp", key=name)


async def test_posters_print_on_one_sheet(world: World) -> None:
    with world.store.begin() as connection:
        ideas = find_live_revision(connection, "kiez-ideen")
        assert ideas
        insert_entry_place(connection, EntryPlace(ideas.consultation_id, "BIB7", "Bibliothek", datetime.now(UTC)))
    tab = await owner(world)
    for size in ("a4", "a5", "card", "sticker"):
        await tab.go(f"/console/consultations/kiez-ideen/spread/BIB7/poster?format={size}")
        printed = await tab.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        assert len(re.findall(rb"/Type /Page\b", base64.b64decode(printed["data"]))) == 1, size


async def test_narrow_menus_show_the_present_page(world: World) -> None:
    tab = await owner(world)
    await tab.size(360, is_mobile=True)
    for page, menus in (("/console/consultations/kiez-ideen/spread", 2), ("/console/settings", 1)):
        await tab.go(page)
        entries = "Array.from(document.querySelectorAll('.side [aria-current], .places [aria-current]'))"
        ends = await tab.evaluate(f"{entries}.map(it => it.getBoundingClientRect()).map(it => [it.left, it.right])")
        assert len(ends) == menus
        assert all(left >= 0 and right <= 360 for left, right in ends), (page, ends)
