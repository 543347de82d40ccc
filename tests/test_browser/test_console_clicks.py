"""Two journeys of issue size with their clicks: twenty alike texts are released, and twelve proposals are answered."""

from __future__ import annotations

import time

from sqlalchemy import text

from bot.proposals.moderation_decisions import hide_text
from storage.tables.answer_drafts import held_sendings
from storage.tables.revisions import find_live_revision
from tests.support.ideas import chair, released, submit
from tests.test_browser import axe
from tests.test_browser.conftest import World
from tests.test_browser.test_console_answers import ANSWERS, click, facilitator

ALIKE = 20
ANSWERED = 12
SECONDS = 120
REASON = "Der Weg bekommt 2027 elf Lampen, die sich ab 23 Uhr abdunkeln. Das Amt meldet sich vor dem Bau."
POINT, KEYSTROKE, DECIDE = 1.3, 0.28, 1.35
"""Seconds of a person for a click with the way to it, for a key of an average typist, and before each click (the
keystroke-level model of Card, Moran and Newell, 1980)."""


def ideas_of(world: World) -> int:
    with world.store.begin() as connection:
        revision = find_live_revision(connection, "kiez-ideen")
        assert revision
        connection.execute(text("UPDATE consultations SET sample = false"))  # Home lists no samples
        return revision.consultation_id


async def test_twenty_alike_are_released_with_few_clicks(world: World) -> None:
    ideas = ideas_of(world)
    with world.store.begin() as connection:
        for number in range(ALIKE):
            submit(connection, ideas, number, f"Mehr Bäume an der Straße vor Haus {number}")
        other = submit(connection, ideas, ALIKE, "Ein Trinkbrunnen am Spielplatz")
    tab = await facilitator(world)
    await tab.go("/console/")
    clicks = await click(tab, "main a[href$='/kiez-ideen/reading']", "the queue")
    await world.picture(tab, "console-reading-alike")
    clicks += await click(tab, "button[value^='alike:']", "the queue with what was done")
    with world.store.reading() as connection:
        states: dict[str, int] = dict(
            connection.execute(text("SELECT state, count(*) FROM moderations GROUP BY state")).all()
        )
    assert states["waiting"] == 1, "the one that resembles no other"
    undone = await click(tab, "form[action*='/reading/undo'] button", "the queue as it was")
    await tab.sees(str(ALIKE + 1))
    with world.store.begin() as connection:
        hide_text(chair(connection), other.id, "Den Brunnen gibt es schon.")
    for width in (360, 1280):
        await tab.size(width, is_mobile=width == 360)
        await tab.go("/console/consultations/kiez-ideen/reading?state=hidden")
        assert not await axe.faults(tab)
        await world.picture(tab, f"console-reading-hidden-{width}")
    print(f"release {ALIKE} alike: {clicks} clicks; take them back: {undone} click")
    assert (clicks, undone) == (2, 1)


async def test_twelve_proposals_are_answered_in_two_minutes(world: World) -> None:
    """The script measures the pages; what a person adds is estimated from the clicks and the typed characters. Reading
    the proposals, and thinking of an answer, is not in it."""
    ideas = ideas_of(world)
    with world.store.begin() as connection:
        for number in range(ANSWERED):
            released(connection, ideas, number, text=f"Licht am Weg zur U-Bahn, Stelle {number}")
    tab = await facilitator(world)
    await tab.go(ANSWERS)
    began = time.monotonic()
    await tab.click("[data-tick-all]")
    clicks = 1 + await click(tab, "form[data-ticks] .actions button:not([formaction])", "one answer for all")
    await tab.click("label:has(> input[name='status'][value='accepted'])")
    await tab.click("#reason-de")
    await tab.call("Input.insertText", text=REASON)
    clicks += 2 + await click(tab, "button[name='then'][value='preview']", "the preview")
    await tab.sees(str(ANSWERED))
    clicks += await click(tab, "form[action$='/answers/send'] button", "the list with the undo bar")
    pages = time.monotonic() - began
    with world.store.reading() as connection:
        assert [it.number for it in held_sendings(connection, ideas)] == [ANSWERED]
    person = clicks * (POINT + DECIDE) + len(REASON) * KEYSTROKE
    print(f"answer {ANSWERED}: {clicks} clicks, {len(REASON)} keys; {pages:.1f} s pages, {person:.0f} s person")
    assert clicks <= 6
    assert pages + person < SECONDS
