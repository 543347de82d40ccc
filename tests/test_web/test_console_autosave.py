"""Pages of a draft save at every pause, and two members overwrite nothing of each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.authoring import drafts
from bot.web.console.draft_presence import MOST_DRAFTS, DraftPresence
from storage.core.store import Store
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.test_web.test_console_drafts import changed, data_of, fields, keys

ABOUT = "/console/consultations/park/about"
QUESTIONS = "/console/consultations/park/questions"
HERE = "/console/consultations/park/draft/here"
HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def version_of(store: Store) -> int:
    with store.reading() as connection:
        draft = drafts.find_draft(connection, "park")
    assert draft
    return draft.version


def about(browser: Browser) -> list[tuple[str, str]]:
    """The form as a browser sends it: the parser of the tests does not read what is selected."""
    return changed(fields(browser, ABOUT), level="consultation", results="at_close", address="sie")


async def save(browser: Browser, path: str, sent: list[tuple[str, str]], **values: str) -> list[tuple[str, str]]:
    """Saves as the page does at a pause; returns what the page sends next."""
    now = changed(sent, **values)
    await browser.post(path, now, **HTMX)
    assert browser.status == 200
    assert "<html" not in browser.page.html
    found = [attrs["value"] for tag, attrs in browser.page.tags if attrs.get("id") == "ask-version"]
    return [(name, str(found[0]) if name == "version" and found else value) for name, value in now]


@only_sqlite
async def test_a_pause_saves_and_the_check_speaks_beside_the_field(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(ABOUT)
        sent = await save(browser, ABOUT, about(browser), minutes="viele", title_de="Der Park")
        assert 'id="minutes-v" hx-swap-oob="true"' in browser.page.html
        assert "Bitte nur eine Zahl, ohne Einheit." in browser.text
        assert "1 Fehler" in browser.text
        sent = await save(browser, ABOUT, sent, minutes="4", title_de="Der alte Park")
        assert "Bitte nur eine Zahl" not in browser.text
        assert (data_of(store)["minutes"], data_of(store)["title"]["de"]) == (4, "Der alte Park")
        before = version_of(store)
        await save(browser, ABOUT, sent)
        assert version_of(store) == before


@only_sqlite
async def test_a_pause_takes_no_step(store: Store) -> None:
    open_consultation(store)
    first, second = keys(store)[:2]
    path = f"{QUESTIONS}/{first}"
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{QUESTIONS}?open={first}")
        sent = changed(fields(browser, path), new_options="Noch")
        await save(browser, path, [*sent, ("act", "delete")], **{f"questions_{first}_text_de": "Neu?"})
        question = data_of(store)["questions"][0]
        assert question["text"]["de"] == "Neu?"
        assert "Noch" not in str(question)
        await browser.get(f"{QUESTIONS}?open={second}")
        sent = [it for it in fields(browser, f"{QUESTIONS}/{second}") if it[0] not in ("answer-0", "verb-0")]
        await save(browser, f"{QUESTIONS}/{second}", [*sent, ("answer-0", f"{first}=yes"), ("verb-0", "is")])
        assert data_of(store)["questions"][1]["ask_if"] == {"equal": {"question": first, "value": "yes"}}


@only_sqlite
async def test_two_who_type_overwrite_nothing_of_each_other(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        one, two = signed_in(house, hired(store)), signed_in(house, hired(store, "Cem"))
        await one.get(ABOUT)
        await two.get(ABOUT)
        assert "Gerade auch hier: Aylin" in two.text
        mine = await save(one, ABOUT, about(one), title_de="Von Aylin")
        assert "Gerade auch hier: Cem" in one.text
        theirs = await save(two, ABOUT, about(two), why_de="Von Cem.")
        assert "Noch nicht gespeichert. Jemand anderes hat hier inzwischen etwas geändert." in two.text
        assert "Von Cem." not in str(data_of(store)["why"])
        await two.post(ABOUT, theirs)
        assert (data_of(store)["title"]["de"], data_of(store)["why"]["de"]) == ("Von Aylin", "Von Cem.")
        await save(one, ABOUT, mine, title_de="Noch einmal Aylin")
        assert "Noch nicht gespeichert" in one.text


@only_sqlite
async def test_two_on_different_pages_both_save(store: Store) -> None:
    open_consultation(store)
    first = keys(store)[0]
    async with serving(store) as house:
        one, two = signed_in(house, hired(store)), signed_in(house, hired(store, "Cem"))
        await one.get(ABOUT)
        await two.get(f"{QUESTIONS}?open={first}")
        await save(one, ABOUT, about(one), title_de="Von Aylin")
        path = f"{QUESTIONS}/{first}"
        await save(two, path, fields(two, path), **{f"questions_{first}_text_de": "Von Cem?"})
        assert "Noch nicht gespeichert" not in two.text
        data = data_of(store)
        assert (data["title"]["de"], data["questions"][0]["text"]["de"]) == ("Von Aylin", "Von Cem?")


@only_sqlite
async def test_a_stale_page_does_not_take_back_a_condition(store: Store) -> None:
    open_consultation(store)
    first, second = keys(store)[:2]
    path = f"{QUESTIONS}/{second}"
    async with serving(store) as house:
        one, two = signed_in(house, hired(store)), signed_in(house, hired(store, "Cem"))
        for browser in (one, two):
            await browser.get(f"{QUESTIONS}?open={second}")
        stale = fields(two, path)
        sent = [it for it in fields(one, path) if it[0] not in ("answer-0", "verb-0")]
        await one.post(path, [*sent, ("answer-0", f"{first}=yes"), ("verb-0", "is")])
        await two.post(path, changed(stale, **{f"questions_{second}_text_de": "Anders?"}))
        question = data_of(store)["questions"][1]
        assert question["text"]["de"] == "Anders?"
        assert question["ask_if"] == {"equal": {"question": first, "value": "yes"}}


@only_sqlite
async def test_an_open_page_says_who_else_is_here(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        one, two = signed_in(house, hired(store)), signed_in(house, hired(store, "Cem"))
        await one.get(ABOUT)
        csrf = dict(fields(one, ABOUT))["csrf"]
        await one.post(HERE, [("csrf", csrf)], **HTMX)
        assert one.text == ""
        await two.get(f"{QUESTIONS}?open={keys(store)[0]}")
        await one.post(HERE, [("csrf", csrf)], **HTMX)
        assert one.text == "Gerade auch hier: Cem"


def test_a_member_counts_as_here_for_a_minute() -> None:
    presence = DraftPresence()
    assert presence.others(1, 1, "Aylin", NOW) == []
    assert presence.others(1, 2, "Cem", NOW + timedelta(seconds=59)) == ["Aylin"]
    assert presence.others(2, 2, "Cem", NOW) == []
    assert presence.others(1, 2, "Cem", NOW + timedelta(seconds=60)) == []
    for draft in range(3, MOST_DRAFTS + 10):
        presence.others(draft, 1, "Aylin", NOW)
    assert presence.others(1, 3, "Dana", NOW + timedelta(seconds=61)) == []
