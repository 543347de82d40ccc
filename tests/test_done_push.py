"""From a facilitator's chat to people on Telegram and on encrypted Matrix, while the app is killed again and again.

Documented doors only: the command line, a settings file, chats. The counterparts count what was sent, the export what
was answered.
"""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.botapi.limits import Rates
from tests.support.leak_check import CANARIES, WORD
from tests.support.service_process import House
from tests.support.synapse import Synapse
from tests.support.timeouts import PATIENCE
from tests.test_adapters.harness import Resident, harness_of

AWAKE = "[push]\nquiet_from = 0\nquiet_to = 0\n"
"""The same hour twice: never quiet, at any time of this run."""
KILLS = ((4, 0.0), (14, 0.05), (25, 0.2), (36, 0.4))
"""Killed this number of seconds after the so-manieth message of the people who answer."""


class Locale(NamedTuple):
    """What a person says in a language, each with words of what comes back. In brackets: a button."""

    language: str
    news: tuple[tuple[str, str], ...]
    pushed: str
    answers: tuple[tuple[str, str], ...]
    submits: tuple[str, str]


GERMAN = Locale(
    "de",
    (("/start", "Woran möchten"), ("auf dem Laufenden bleiben", "nie nachts"), ("[Alle neuen Befragungen]", "Notiert")),
    "Neu: Mein Kiez",
    (
        ("[Start]", "Welche Sprache"),
        ("[Deutsch]", "Frage 1 von 5"),
        ("Neukölln", "Frage 2 von 5"),
        ("1 und 3", "Gewählt: Parks"),
        ("fertig", "Frage 3 von 5"),
        ("4", "Frage 4 von 5"),
        (f"{WORD} {{}}", "Letzte Frage"),
        ("2", "Stimmt alles?"),
    ),
    ("absenden", "Quittung"),
)
TURKISH = Locale(
    "tr",
    (("merhaba", "Woran möchten"), ("Türkçe", "Hangisine katılmak"), ("haberler hepsi", "Kaydedildi")),
    "Yeni: Mahallem",
    (
        ("Başla mein-kiez", "Soru 1 / 5"),
        ("Neukölln", "Soru 2 / 5"),
        ("1 ve 3", "Seçilen: Parklar"),
        ("bitti", "Soru 3 / 5"),
        ("4", "Soru 4 / 5"),
        (f"{WORD} {{}}", "Son soru"),
        ("2", "Her şey doğru mu?"),
    ),
    ("gönder", "Alındı kodun"),
)
ARABIC = Locale(
    "ar",
    (("مرحبا", "Woran möchten"), ("العربية", "في أي استطلاع"), ("أخبار الكل", "سُجِّل")),
    "جديد: حيّي",
    (
        ("ابدأ mein-kiez", "السؤال 1 من 5"),
        ("٨", "السؤال 2 من 5"),
        ("١ و ٣", "اخترتم: الحدائق"),
        ("تم", "السؤال 3 من 5"),
        ("٤", "السؤال 4 من 5"),
        (f"{WORD} {{}}", "السؤال الأخير"),
        ("٢", "هل كل شيء صحيح؟"),
    ),
    ("إرسال", "رمز الاستلام"),
)
ANSWERS = ("08", "green", "shops", "4", WORD, "common_good")
"""What all of them answer, in the order of the questions, as the export calls it; behind the word a number."""


class Person:
    """A person who does one thing after another and waits for what comes back."""

    said = 0
    """By all of them together."""

    def __init__(self, who: Resident, channel: str, locale: Locale, number: int) -> None:
        self.who = who
        self.channel = channel
        self.locale = locale
        self.number = number

    async def do(self, *steps: tuple[str, str]) -> None:
        for words, answer in steps:
            if words.startswith("["):
                await self.who.taps(words[1:-1])
            else:
                await self.who.says(words.format(self.number))
            Person.said += 1
            await self.who.hears(answer)

    async def answer(self) -> None:
        await self.do(*self.locale.answers, self.locale.submits)

    def pushes(self) -> int:
        return self.who.times(self.locale.pushed)

    def doubled(self) -> int:
        """Messages that came more than once. Nothing residents do here makes the bot say the same words again."""
        heard = self.who.heard()
        return len(heard) - len(set(heard))

    def rows(self, *values: str) -> Counter[tuple[str, str, str]]:
        """What the export should have of these answers."""
        own = (f"{WORD} {self.number}" if value == WORD else value for value in values)
        return Counter((self.channel, self.locale.language, value) for value in own)


class Cast(NamedTuple):
    """Kern pushes; the stranger never asked for news. Cem says stop half-way, Eva before her push has come, Dora
    forgets to submit. The others answer everything.
    """

    kern: Person
    stranger: Person
    anna: Person
    ben: Person
    cem: Person
    dora: Person
    emine: Person
    fadi: Person
    eva: Person

    @property
    def asked(self) -> list[Person]:
        """Who wants news. In which order they are written to, chance decides: the ids of contacts say nothing."""
        return list(self[2:])

    def with_eva_waiting(self) -> Cast:
        """Telegram's names given again, so that Eva is a person whose push has not come yet."""
        named = (self.anna, self.ben, self.cem, self.dora, self.eva)
        anna, ben, cem, dora, eva = sorted(named, key=Person.pushes, reverse=True)
        assert not eva.pushes()
        return self._replace(anna=anna, ben=ben, cem=cem, dora=dora, eva=eva)


@pytest.mark.long(105)
async def test_push_is_answered_on_two_channels_despite_kills(homeserver: Synapse, tmp_path: Path):
    async with city(homeserver, tmp_path) as (house, cast):
        await ask_for_news(cast)
        cast = await push_and_kill(house, cast)
        killing = asyncio.create_task(kill_now_and_then(house))
        await asyncio.gather(
            *(each.answer() for each in (cast.anna, cast.ben, cast.emine, cast.fadi)),
            cast.cem.do(*GERMAN.answers[:3], ("Stopp", "ich schreibe dir nicht mehr von selbst")),
            cast.dora.do(*GERMAN.answers),
        )
        await killing
        await remind_and_kill(house, cast)
        await house.command("export", "mein-kiez", "--out", str(tmp_path / "export"), "--profile", "raw")
        assert await house.stop() == 0
        assert_each_once(cast, tmp_path / "export")
        log = house.log.read_text(encoding="utf-8")
        assert [canary for canary in ("Traceback", *CANARIES) if canary in log] == []


@asynccontextmanager
async def city(homeserver: Synapse, folder: Path) -> AsyncIterator[tuple[House, Cast]]:
    """An app that runs, with Telegram at its own limits and Matrix, and people there who never heard of it."""
    async with (
        harness_of("telegram")("", folder).open() as telegram,
        harness_of("matrix")("", folder, homeserver).open() as matrix,
    ):
        api: Any = vars(telegram)["api"]
        api.limiter.rates = Rates()
        sections = {"telegram": telegram.section(), "matrix": matrix.section()}
        house = House(folder, sections, AWAKE)
        try:
            await house.start()
            germans = [Person(await telegram.resident(), "telegram", GERMAN, number) for number in range(7)]
            emine, fadi = [Person(await matrix.resident(), "matrix", locale, 7) for locale in (TURKISH, ARABIC)]
            yield house, Cast._make([*germans[:6], emine, fadi, germans[6]])
        finally:
            await house.clear_up()


async def ask_for_news(cast: Cast) -> None:
    await cast.stranger.do(GERMAN.news[0])
    await asyncio.gather(*(each.do(*each.locale.news) for each in cast.asked))


async def push_and_kill(house: House, cast: Cast) -> Cast:
    """Killed when some have got their message and others have not; meanwhile Eva says stop."""
    kern = cast.kern
    said = await house.command("staff", "add", "Frau Kern", "--role", "facilitator")
    code = said.splitlines()[0].rpartition(" ")[2]
    await kern.do((f"/team {code}", "Willkommen im Team"), ("/push mein-kiez 3600 per hour sample", "Empfänger: 7"))
    counted = kern.who.heard()[-1].splitlines()
    assert {"matrix, Türkçe: 1", "matrix, العربية: 1", "telegram, Deutsch: 5"} < set(counted)
    await kern.do(("[Verschicken]", "mein-kiez ist auf dem Weg"))
    await until(lambda: sum(each.pushes() for each in cast.asked) >= 2)
    await house.kill()
    cast = cast.with_eva_waiting()
    await cast.eva.who.says("Stopp")
    await house.start()
    await cast.eva.who.hears("ich schreibe Ihnen nicht mehr von selbst")
    for each in cast.asked[:-1]:
        await each.who.hears(each.locale.pushed)
    return cast


async def remind_and_kill(house: House, cast: Cast) -> None:
    """Killed as soon as the reminder was confirmed."""
    kern, dora = cast.kern, cast.dora
    await kern.do(("/push mein-kiez reminder sample", "Empfänger: 1"), ("[Verschicken]", "auf dem Weg"))
    await kern.who.hears("auf dem Weg", 2)
    await house.kill()
    await house.start()
    await dora.who.hears("Angefangen und noch nicht fertig")
    await dora.do(("[Weitermachen]", "Willkommen zurück"), GERMAN.submits)
    await kern.do(("/push status", "davon begonnen: 6, geantwortet: 6, fertig: 5"))


def assert_each_once(cast: Cast, export: Path) -> None:
    """By the ledgers of the counterparts each message, by the export each answer; Telegram's one more for each kill."""
    on_matrix, finished = [cast.emine, cast.fadi], [cast.anna, cast.ben, cast.dora, cast.emine, cast.fadi]
    meant = 2  # "Ich zähle …" and "… ist auf dem Weg": there are two pushes
    doubled = sum(each.doubled() for each in cast if each not in on_matrix) - meant
    assert 0 <= doubled <= len(KILLS) + 2
    assert [each.doubled() for each in on_matrix] == [0, 0]
    assert [each.pushes() for each in on_matrix] == [1, 1]
    assert not cast.stranger.pushes()
    assert all("nicht mehr von selbst" in each.who.heard()[-1] for each in (cast.cem, cast.eva))
    given = [each.rows(*ANSWERS) for each in finished]
    assert exported(export) == sum(given, cast.cem.rows(*ANSWERS[:1]))


async def kill_now_and_then(house: House) -> None:
    """And start again at once; people go on talking meanwhile."""
    began = Person.said
    for number, delay in KILLS:
        await until(lambda number=number: Person.said - began >= number)  # type: ignore[misc]  # a default of its own
        await asyncio.sleep(delay)
        await house.kill()
        await house.start()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def exported(folder: Path) -> Counter[tuple[str, str, str]]:
    """Channel, language and answer of every row that holds one; all of them were given once and never changed."""
    with (folder / "answers_long.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["missing"]]
    assert {row["version"] for row in rows} == {"1"}
    return Counter((row["channel"], row["language"], row["text"] or row["value"] or row["option_code"]) for row in rows)
