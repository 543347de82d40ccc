"""Hostile texts on every page of the console, with the content security policy switched off: nothing of them runs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, text

from bot.authoring.upload_check import check_upload
from bot.authoring.yaml_export import consultation_to_yaml
from bot.common.audit import Actor, record_entry
from bot.common.dead_letters import new_dead_letter
from bot.consultations.stored_revisions import read_revision
from bot.proposals.answer_drafts import DraftKey, save_draft
from bot.proposals.moderation_decisions import ProposalWording, hide_text, translate_text
from bot.proposals.official_answers import OfficialAnswer
from bot.web.console.consultation_file import FileDecisions
from flows.definition import Consultation
from flows.messages import MsgIn
from storage.core.store import Store
from storage.tables.console_uploads import ConsoleUpload, replace_console_upload
from storage.tables.messages import insert_dead_letters
from storage.tables.proposals import proposals_by_code
from storage.tables.revisions import find_live_revision
from storage.tables.staff import all_staff
from tests.support import seeded, web_routes
from tests.support.app import KEYS, publish
from tests.support.ideas import NOW, chair, submit
from tests.test_browser.browser import Chromium, Tab, connected
from tests.test_browser.conftest import World
from tests.test_browser.test_every_page import open_as

HOSTILE: Final = "\"'><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>=1+1 \u202eevil "
"""A script, a formula, and a mark that turns the letters after it around."""
LONG: Final = f"{HOSTILE}{'W' * 200}"
WEB: Final = {
    "organisation": HOSTILE[:80],
    "accessibility_contact": LONG,
    "imprint": LONG,
}
LISTED: Final = ("title", "asks", "why", "readers", "decides", "feedback", "audience", "contact", "questions")
"""What the author of a consultation wrote."""
COLUMNS: Final = {
    "staff": ("name",),
    "audit": ("purpose",),
    "entry_places": ("name",),
    "proposals": ("title", "text", "place"),
    "proposal_texts": ("title", "text", "translator"),
    "console_sessions": ("browser",),
    "decisions": ("reason",),
}
"""Columns of texts that residents or staff wrote, besides those that are stored as JSON."""
FURTHER: Final = {
    "/console/consultations/{slug}/file/changes": "",
    "/console/consultations/{slug}/answers/preview": "",
    "/console/consultations/{slug}/answers/together": f"?item={seeded.IDEA}&item=P-0002-0000",
}
"""Pages that must show such a text, with what their address says."""
_SEEN: Final = """(() => {
  const mark = "\\u202e", walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  const isolating = "bdi, [dir]:not(html, body), textarea, option, script, style";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, around = element.closest(isolating);
    if (node.data.includes(mark) && !around) found.push("not isolated: " + element.outerHTML.slice(0, 160));
  }
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = Array.from(document.querySelectorAll("body *")).filter((it) =>
      it.getBoundingClientRect().right > root.clientWidth + 1);
    found.push("scrolls sideways: " + root.scrollWidth + " " + (wide.at(-1) || root).outerHTML.slice(0, 160));
  }
  if ("ran" in window) found.push("a script ran");
  if (document.querySelector("img[src=x]")) found.push("an image was made");
  return {found, hasText: document.querySelector("main").textContent.includes("window.ran") ||
    Array.from(document.querySelectorAll("main input, main textarea")).some((it) => it.value.includes("window.ran"))};
})()"""


def hostile(value: Any) -> Any:
    """The content of a consultation with hostile texts in all languages."""
    if isinstance(value, list):
        return [hostile(it) for it in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("text"), str) and "review" in value:  # one language of a text
        return {**value, "text": f"{value['text']} {LONG}"}
    return {key: it if key == "audio" else hostile(it) for key, it in value.items()}


def spoil(store: Store) -> None:
    """Makes every text of the installation hostile."""
    with store.reading() as connection:
        live = find_live_revision(connection, seeded.SLUG)
    assert live
    content = json.loads(live.content)
    publish(store, Consultation.model_validate({**content, **{name: hostile(content[name]) for name in LISTED}}))
    with store.begin() as connection:
        _add_texts(connection, live.consultation_id)
        for table, columns in COLUMNS.items():
            for column in columns:
                number = "|| id" if table == "staff" else ""  # names are unique
                connection.execute(text(f"UPDATE {table} SET {column} = :words {number}"), {"words": LONG})
        record_entry(connection, KEYS, Actor(HOSTILE[:80], "admin", "page").did("staff.add", LONG, LONG, at=NOW))


def _add_texts(connection: Connection, consultation_id: int) -> None:
    made = [submit(connection, consultation_id, number, LONG, title=LONG, place=LONG) for number in (1, 2, 3)]
    translate_text(chair(connection), made[0].id, "en", ProposalWording("Bank", "Eine Bank"), translator=HOSTILE[:80])
    hide_text(chair(connection), made[1].id, LONG[:200])
    with_idea = proposals_by_code(connection, [seeded.IDEA])[seeded.IDEA]
    answer = OfficialAnswer("next_phase", {"de": LONG, "en": LONG}, HOSTILE[:80], "https://example.org/?q=%3Cscript%3E")
    save_draft(chair(connection), DraftKey(with_idea.id, 0), answer)
    msg = MsgIn("town", "anna", "1", NOW, text=LONG)
    insert_dead_letters(connection, [new_dead_letter(KEYS, KEYS.lookup("town", "anna"), msg, OSError(), NOW)])


async def upload_for_all(store: Store) -> None:
    """Every member of the staff has uploaded a file whose texts and name are hostile."""
    with store.reading() as connection:
        live = find_live_revision(connection, seeded.SLUG)
        staff = all_staff(connection)
    assert live
    definition = read_revision(live)
    assert definition
    file = consultation_to_yaml(definition, live.number).replace("Licht im Park?", "Wie hell? <script>window.ran = 1")
    checked = await check_upload(f"{file}\nunknown: 1 # {HOSTILE}\n".encode(), HOSTILE)
    with store.begin() as connection:
        for it in staff:
            upload = ConsoleUpload(
                staff_id=it.id,
                consultation_id=live.consultation_id,
                name=HOSTILE,
                checked=checked,
                decisions=FileDecisions().to_json(),
                created_at=datetime.now(UTC),
            )
            replace_console_upload(connection, upload)


@pytest.fixture
async def spoilt_world(chromium: Chromium, used: Path, album: Path, tmp_path: Path) -> AsyncIterator[World]:
    with seeded.copy_of(used, tmp_path) as store:
        spoil(store)
        async with connected(chromium) as line:
            world = World(line, Store(str(store.writer.url)), album)
            await world.open(**WEB)
            try:
                yield world
            finally:
                await world.close()


async def test_hostile_texts_run_nothing_on_any_page(spoilt_world: World) -> None:
    world, faults, with_text = spoilt_world, list[str](), 0
    tab, visitors = await world.tab(), web_routes.Visitors(world.house, "de")
    await tab.size(360, 740, is_mobile=True)
    await tab.call("Page.setBypassCSP", enabled=True)
    for by in ("facilitator", "owner"):
        await visitors.get(by)
    await upload_for_all(world.store)
    for route, visit, path in web_routes.visits(world.house.server.app):
        if not route.startswith("/console") or visit.status in {303, 400}:
            continue
        browser = await visitors.get(visit.by)
        async with browser.http.get(world.house.server.make_url(path)) as response:
            if response.content_type != "text/html":
                continue
        await open_as(visitors, tab, route, "de")
        seen = await tab.evaluate(_SEEN)
        with_text += seen["hasText"]
        faults += [f"{route}: {it}" for it in seen["found"]]
    for route, query in FURTHER.items():
        await open_as(visitors, tab, route, "de", query)
        seen = await tab.evaluate(_SEEN)
        assert seen["hasText"], f"{route} shows no text"
        faults += [f"{route}: {it}" for it in seen["found"]]
    await _sees_the_queue(tab)
    assert not faults, "\n".join(faults)
    assert with_text > 20, with_text


async def _sees_the_queue(tab: Tab) -> None:
    """The check looks at the right thing: the page has no policy any more, so a script in it would run."""
    await tab.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    await tab.until("'ran' in window", "the policy is off")
