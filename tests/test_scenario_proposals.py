"""The whole loop by documented doors: an idea in Turkish on the web, released, weighed on Telegram, shown, answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from adapters.base import Channel
from adapters.web.hub import WebHub
from bot.app import build
from bot.common.i18n.locale import Locale
from bot.results.editions.service import EditionService
from bot.settings import Settings
from bot.web import consultation_cache
from bot.web.server import build_application
from flows.questions.sectors import SECTORS
from storage import migrate
from storage.core.store import Store
from tests import botapi
from tests.botapi import BotApi, Rates, Resident
from tests.support.api_client import Client, hire, key_for
from tests.support.app import KEYS, consultation, publish
from tests.support.browser import QUICK, Browser
from tests.support.held_answers import publish_held
from tests.support.sources import Clock
from tests.support.telegram import channel_to

TURKISH = "Parka daha fazla bank ve gölge koyun"
GERMAN = "Mehr Bänke und Schatten im Park"
QUESTIONS: list[dict[str, Any]] = [
    {
        "key": "sector_ok",
        "type": "consent",
        "text": {"de": "Dürfen wir fragen, wo Sie stehen?", "tr": "Sorabilir miyiz?"},
    },
    {
        "key": "sector",
        "type": "sectors",
        "ask_if": {"equal": {"question": "sector_ok", "value": True}},
        "text": {"de": "Wo sehen Sie sich?", "tr": "Kendinizi nerede görüyorsunuz?"},
    },
    {"key": "idea", "type": "proposal", "text": {"de": "Was schlagen Sie vor?", "tr": "Öneriniz ne?"}},
    {"key": "weigh", "type": "statements", "text": {"de": "Was halten Sie davon?", "tr": "Ne dersiniz?"}},
]


class City(NamedTuple):
    """A running app with web pages, API and a Telegram bot."""

    server: TestServer
    editor: EditionService
    api: BotApi
    desk: Client
    clock: Clock
    browsers: list[Browser]
    store: Store

    def browser(self, language: str) -> Browser:
        self.browsers.append(Browser(self.server, **{"Accept-Language": language}))
        return self.browsers[-1]


@asynccontextmanager
async def city(folder: Path) -> AsyncIterator[City]:
    store = Store(f"sqlite:///{folder}/city.db")
    migrate.upgrade(store)
    texts = {"de": "Ein Satz.", "tr": "Bir cümle."}
    said: dict[str, Any] = dict.fromkeys(("asks", "why", "readers", "decides", "feedback", "audience"), texts)
    said |= {"title": {"de": "Unser Park", "tr": "Parkımız"}, "languages": {"de": {}, "tr": {}}}
    said |= {"retention": {"days": 30, "remains": texts}}
    said |= {"contact": {"name": texts, "hours": texts, "email": "park@example.org"}}
    publish(store, consultation(questions=QUESTIONS, **said))
    key = key_for(store, hire(store, "Mira"))
    async with botapi.running(rates=Rates(0, 0, 0)) as api:
        settings, clock = Settings.model_validate({"data": folder}), Clock()
        channels: dict[str, Channel] = {"web": WebHub(), "town": channel_to(api)}
        house = build(settings, channels, store=store, keys=KEYS, sources=clock.sources)
        server = TestServer(build_application(house, QUICK))
        async with house.running(), server, ClientSession() as session:
            here = City(
                server=server,
                editor=house.editor,
                api=api,
                desk=Client(session, str(server.make_url("")).rstrip("/"), key),
                clock=clock,
                browsers=[],
                store=store,
            )
            try:
                yield here
            finally:
                for browser in here.browsers:
                    await browser.http.close()


async def told(resident: Resident, words: str) -> None:
    try:
        await resident.until(lambda: any(words in sent.text for sent in resident.messages()))
    except TimeoutError:
        said = "\n".join(sent.text for sent in resident.messages())
        raise AssertionError(f"waited in vain for {words!r} in\n{said}") from None


async def says(resident: Resident, *lines: tuple[str, str]) -> None:
    """Says each line, and waits until the bot has said something with these words."""
    for line, answer in lines:
        resident.say(line)
        await told(resident, answer)


async def propose_on_the_web(page: Browser) -> str:
    """A newcomer answers in Turkish; gives the code of the idea."""
    send = Locale.of("tr").text("web.chat.send")
    await page.post("/c/park/start", [("lang", "tr"), ("view", "chat")])
    for line in ("hayır", TURKISH, "tamam"):
        await page.press(send, text=line)
    return page.text.partition("P-")[2][:9]


async def weigh(resident: Resident, sector: int, vote: str) -> None:
    await says(
        resident,
        ("/start park", "Welche Sprache"),
        ("Deutsch", "wo Sie stehen"),
        ("ja", "Wo sehen Sie sich"),
        (str(sector), "Gewählt"),
        ("fertig", "Was schlagen Sie vor"),
        ("überspringen", GERMAN),
        (vote, "alle Vorschläge"),
        ("weiter", "Stimmt alles"),
        ("absenden", "Quittung"),
    )


async def test_an_idea_goes_all_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(consultation_cache, "SECONDS", 0.0)
    async with city(tmp_path) as here:
        newcomer = here.browser("tr")
        code = f"P-{await propose_on_the_web(newcomer)}"
        assert TURKISH not in (await here.browser("de").get(f"/p/{code}")).text, "nobody has read it yet"

        author = here.api.resident()
        await says(
            author, ("/start park", "Welche Sprache"), ("Deutsch", "wo Sie stehen"), ("nein", "Was schlagen Sie vor")
        )
        await says(
            author,
            ("Ein Brunnen am Eingang", "Das ist Ihr Vorschlag"),
            ("ok", "nichts Neues"),
            ("weiter", "Stimmt alles"),
            ("absenden", "Quittung"),
        )
        (queue,) = [(await here.desk.get("/consultations/park/queue")).json["items"]]
        assert [item["text"] for item in queue] == [TURKISH, "Ein Brunnen am Eingang"]

        decisions = f"/proposals/{code}/decisions"
        assert (await here.desk.post(decisions, {"kind": "approve"})).status == 200
        translation = {"kind": "translate", "language": "de", "text": GERMAN, "translator": "Ayşe", "reviewed": True}
        assert (await here.desk.post(decisions, translation)).status == 200
        here.clock.let_look()

        residents = [here.api.resident() for _ in range(7 * len(SECTORS))]
        for number, resident in enumerate(residents):
            vote = "stimme zu" if number < 5 * len(SECTORS) else "dagegen"
            await weigh(resident, number % len(SECTORS) + 1, vote)

        await here.editor.make(["park"])
        page = await here.browser("de").get("/results/park")
        assert (GERMAN in page.text, "Zustimmung in allen Bereichen" in page.text) == (True, True)
        assert page.text.count("7 5 67 %") == len(SECTORS), "each sector: seven rated, five agree, (5 + 1) / (7 + 2)"

        outcome = {
            "status": "accepted",
            "reason": {"de": "Zehn Bänke im Mai.", "tr": "Mayısta on bank geliyor."},
            "body": "Bezirksamt",
            "link": "https://example.org/baenke",
        }
        assert (await here.desk.post(f"/proposals/{code}/statuses", outcome)).status == 200
        publish_held(here.store)
        await newcomer.get("/c/park")
        assert "Mayısta on bank geliyor." in newcomer.text, "told on the own page, in the own language"
        assert "Mayısta on bank geliyor." in (await here.browser("tr").get(f"/p/{code}")).text
        residents[0].say(code)
        await told(residents[0], "Zehn Bänke im Mai.")


async def test_who_wants_to_know_is_told_on_the_own_channel(tmp_path):
    async with city(tmp_path) as here:
        author = here.api.resident()
        await says(
            author, ("/start park", "Welche Sprache"), ("Deutsch", "wo Sie stehen"), ("nein", "Was schlagen Sie vor")
        )
        await says(
            author,
            ("Ein Brunnen am Eingang", "Das ist Ihr Vorschlag"),
            ("ok", "nichts Neues"),
            ("weiter", "Stimmt alles"),
            ("absenden", "Quittung"),
        )
        author.tap("Auf dem Laufenden bleiben")
        await told(author, "Bescheid geben")
        author.tap("Was daraus wird: Unser Park")
        (item,) = (await here.desk.get("/consultations/park/queue")).json["items"]
        assert (await here.desk.post(f"/proposals/{item['code']}/decisions", {"kind": "approve"})).status == 200
        outcome = {"status": "rejected", "reason": {"de": "Dort liegt eine Gasleitung."}}
        assert (await here.desk.post(f"/proposals/{item['code']}/statuses", outcome)).status == 200
        publish_held(here.store)
        await told(author, "Dort liegt eine Gasleitung.")
        assert sum("Gasleitung" in sent.text for sent in author.messages()) == 1
