"""The whole way of a facilitator in one browser, with its clicks and seconds: from the first sign-in to the export."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text

from bot.settings import PushSettings
from bot.web.console import live_streams
from flows.session import Session
from storage.tables.answer_drafts import held_sendings
from storage.tables.consultations import find_consultation
from storage.tables.revisions import find_live_revision
from tests.support.app import Recorder
from tests.support.ideas import submit
from tests.support.rows import stored_session
from tests.test_broadcasts.test_broadcasts import resident
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World
from tests.test_browser.test_console import owner
from tests.test_browser.test_console_writing import write

SLUG = "ideen-fuer-den-platz"
BASE = f"/console/consultations/{SLUG}"
MOST_CLICKS = 40
IDEAS = 12
REASON = "Der Platz bekommt 2027 zwölf Bänke und drei Linden."
FIRST_SIGN_IN = 2
"""Clicks of `owner`: the passkey, and on from the recovery codes."""


class Journey:
    """Counts clicks and seconds by stage."""

    def __init__(self, tab: Tab) -> None:
        self.tab, self.clicks, self.stages = tab, 0, list[str]()
        self._began, self._from = time.monotonic(), 0

    async def on(self, selector: str) -> None:
        self.clicks += 1
        await self.tab.click(selector)

    async def to(self, selector: str) -> None:
        self.clicks += 1
        async with self.tab.leaving(selector):
            await self.tab.click(selector)

    def reached(self, stage: str) -> None:
        now = time.monotonic()
        self.stages.append(f"{stage}: {self.clicks - self._from} clicks, {now - self._began:.1f} s")
        self._from, self._began = self.clicks, now


@pytest.mark.long(30)
async def test_from_sign_in_to_export(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds are of the pages and this script; typing and reading come on top of them."""
    monkeypatch.setattr(live_streams, "SECONDS", 0.2)
    world.house.app.channels = {**world.house.app.channels, "test": Recorder(), "other": Recorder()}
    world.house.app.settings = world.house.app.settings.model_copy(
        update={"push": PushSettings(quiet_from=0, quiet_to=0)}
    )
    for number in range(12):
        resident(world.store, f"anna {number}", ("all", ""), channel="other" if number % 2 else "test")
    began = time.monotonic()
    tab = await owner(world)
    with world.store.begin() as connection:
        connection.execute(text("UPDATE staff SET role = 'facilitator'"))
    step = Journey(tab)
    step.clicks = FIRST_SIGN_IN
    await tab.go("/console/?lang=de")
    step.reached("sign in")

    await step.to("main .button[href='/console/consultations/new']")
    await write(tab, "#title", "Ideen für den Platz")
    await step.to("[name=template][value=ideas]")
    await step.to("[name=then][value=questions]")
    await step.to("main .ask-state .button")
    await step.to("form[action$='/publish'] button")
    step.reached("ask and publish")
    with world.store.reading() as connection:
        live = find_live_revision(connection, SLUG)
    assert live, "the consultation is live"

    await step.to(f".side a[href='{BASE}/push']")
    await step.to(f"main a[href='{BASE}/push/new']")
    await tab.sees("An 12 schicken")
    channels = await tab.evaluate(
        "[...document.querySelectorAll('#push-count tbody td:first-child')].map((it) => it.textContent)"
    )
    assert sorted(channels) == ["other", "test"]
    await step.to("#push-count button.wide")
    step.reached("push to two channels")

    await step.to(f".side a[href='{BASE}/live']")
    with world.store.begin() as connection:
        for person in range(30):
            stored_session(connection, live, person, state=Session(SLUG, "de", "R").to_json())
        for number in range(IDEAS):
            submit(connection, live.consultation_id, number, f"Mehr Bänke am Platz, Stelle {number}")
    await tab.until("document.querySelector('#live dd').textContent >= '30'")
    step.reached("follow live")

    await step.to(f".side a[href^='{BASE}/reading']")
    await step.to("[data-tick-all], button[value^='alike:']")
    step.reached("release")

    await step.to(f".side a[href='{BASE}/answers']")
    await step.on("[data-tick-all]")
    await step.to("form[data-ticks] .actions button:not([formaction])")
    await step.on("label:has(> input[name='status'][value='accepted'])")
    await step.on("#reason-de")
    await tab.call("Input.insertText", text=REASON)
    await step.to("button[name='then'][value='preview']")
    await step.to("form[action$='/answers/send'] button")
    with world.store.reading() as connection:
        assert sum(it.number for it in held_sendings(connection, live.consultation_id)) == IDEAS
    step.reached(f"answer {IDEAS}")

    await step.to(f".side a[href='{BASE}']")
    await step.to("[href$='/steps/close']")
    await step.to("main .card button")
    with world.store.reading() as connection:
        found = find_consultation(connection, SLUG)
    assert found
    assert found.state == "closed"
    step.reached("close")

    await step.to("[href$='/files']")
    await step.to('[value="analysis-csv"]')
    await tab.until("document.querySelector('[download]') !== null", "the script shows the link by itself")
    status = await tab.evaluate("fetch(document.querySelector('[download]').href).then((it) => it.status)")
    step.clicks += 1  # the link itself: a download does not leave the page
    step.reached("export")
    assert status == 200
    with capsys.disabled():
        print("", *step.stages, f"all: {step.clicks} clicks, {time.monotonic() - began:.0f} s", sep="\n")
    assert step.clicks <= MOST_CLICKS
