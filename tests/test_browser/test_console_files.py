"""Files, results and the file of a consultation in a real browser: journeys with their clicks, and accessibility."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from bot.authoring.yaml_export import consultation_to_yaml
from bot.consultations import stored_revisions
from flows.session import Session
from storage.tables.answers import upsert_answers
from storage.tables.revisions import find_live_revision
from tests.support.rows import answer, stored_session
from tests.test_browser import axe
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.test_console import owner

PLACE = "/console/consultations/kiez-ideen"
_WIDTH = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


async def member(world: World, role: str = "kernteam") -> Tab:
    """A tab of a member with this role."""
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = :role"), {"role": role})
    return tab


def under_way(world: World) -> None:
    """Three people who chose something at the first question."""
    with world.store.begin() as connection:
        revision = find_live_revision(connection, "kiez-ideen")
        assert revision
        definition = stored_revisions.read_revision(revision)
        assert definition
        found = []
        for number in range(3):
            state = Session("kiez-ideen", "de", "R", answers={"first": ["shade"]}).to_json()
            mine = stored_session(connection, revision, number, state=state)
            found.append(answer(mine, "first", json.dumps(["shade"])))
        upsert_answers(connection, found)


def changed_file(world: World) -> str:
    """The live file with other words in the question that has answers."""
    with world.store.reading() as connection:
        revision = find_live_revision(connection, "kiez-ideen")
    assert revision
    definition = stored_revisions.read_revision(revision)
    assert definition
    node = next(it for it in definition.nodes() if it.key == "first")
    old = node.text.in_language("de", {})
    return consultation_to_yaml(definition, revision.number).replace(old, f"Ganz anders gefragt, {old}")


async def choose(tab: Tab, content: str) -> None:
    """Puts a file into the field, as its dialog does."""
    script = """(() => {
      const chosen = new DataTransfer();
      chosen.items.add(new File([CONTENT], "kiez-ideen.yaml"));
      document.getElementById("file").files = chosen.files;
    })()"""
    await tab.evaluate(script.replace("CONTENT", json.dumps(content)))


class Clicks:
    """Counts the clicks of a journey."""

    def __init__(self, tab: Tab) -> None:
        self._tab, self.number = tab, 0

    async def __call__(self, selector: str, to: str) -> None:
        self.number += 1
        async with self._tab.leaving(to):
            await self._tab.click(selector)


async def test_close_and_export_take_six_clicks(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    tab = await member(world)
    await tab.go("/console/consultations")
    clicks = Clicks(tab)
    await clicks(f'[href="{PLACE}"]', "the consultation")
    await clicks('[href$="/steps/close"]', "the consequences")
    await clicks("main .card button", "the closed consultation")
    closing = clicks.number
    await clicks('[href$="/files"]', "the files")
    await clicks('[value="analysis-csv"]', "the list")
    await tab.until("document.querySelector('[download]') !== null", "the script shows the link by itself")
    saved = await tab.evaluate(
        "fetch(document.querySelector('[download]').href).then(async (it) => [it.status, (await it.blob()).size])"
    )
    clicks.number += 1  # the link itself: a download does not leave the page
    with capsys.disabled():
        print(f"\nclose: {closing} clicks, export: {clicks.number - closing} clicks")
    assert saved[0] == 200
    assert saved[1] > 1000
    assert closing <= 3
    assert clicks.number - closing <= 3


async def test_a_change_of_meaning_while_live_takes_six_clicks(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    under_way(world)
    tab = await member(world, "facilitator")
    await tab.go(PLACE)
    clicks = Clicks(tab)
    await clicks('[href$="/file"]', "the file")
    await choose(tab, changed_file(world))
    clicks.number += 1  # the field of the file
    await clicks("form[enctype] button", "the comparison")
    await tab.sees("3 people are under way")
    await clicks("form[action$=decide] button", "the decision")
    await clicks("form[action$=publish] button", "the published file")
    await tab.sees("The new revision is live.")
    with capsys.disabled():
        print(f"\nchange while live: {clicks.number} clicks")
    await clicks("form[action$=back] button", "the undo")
    await tab.sees("The revision before is live again.")
    assert clicks.number <= 6


@pytest.mark.long(30)
@pytest.mark.parametrize("width", [320, 1280])
async def test_pages_of_files_are_accessible(world: World, width: int) -> None:
    under_way(world)
    tab = await member(world)
    await tab.size(width, is_mobile=width == 320)
    found: list[str] = []

    async def look(name: str) -> None:
        found.extend(f"{name}: {fault}" for fault in await axe.faults(tab))
        for scheme in ("light", "dark"):
            await tab.media(prefers_color_scheme=scheme)
            await world.picture(tab, f"files-{width}-{name}-{scheme}")
        await tab.media()
        if not await tab.evaluate(_WIDTH):
            found.append(f"{name} scrolls sideways at {width} px")

    await tab.go(f"{PLACE}/file")
    await look("file")
    await choose(tab, changed_file(world))
    async with tab.leaving("the comparison"):
        await tab.click("form[enctype] button")
    await tab.evaluate("document.querySelectorAll('main details').forEach((it) => { it.open = true; })")
    await look("changes")
    await tab.go(f"{PLACE}/file?lang=de")
    await choose(tab, changed_file(world).replace("level: ", "level: <b>"))
    async with tab.leaving("the errors"):
        await tab.click("form[enctype] button")
    await look("errors")
    await tab.go(f"{PLACE}/files")
    async with tab.leaving("the list"):
        await tab.click('[value="analysis-csv"]')
    await tab.until("document.querySelector('[download]') !== null", "the script shows the link by itself")
    await look("list")
    await tab.go(f"{PLACE}/files/wrong")
    await look("gone")
    await tab.go(f"{PLACE}/results")
    await tab.evaluate("document.getElementById('purpose').value = 'Bericht an den Beirat'")
    async with tab.leaving("the inner figures"):
        await tab.click("main form button")
    await look("results")
    assert not found, "\n".join(found)
