"""Residents at the web pages who never stop: each answers the same question again and again, and some delete all."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from tests.chaos.ledger import Ledger, Person

SLUG = "park"
QUESTION, NEXT, WELCOME = "Was fehlt?", "Und sonst?", "Willkommen zurück"
"""What the bot says: the question, the one after it, and a greeting to a person who was away for long."""
OVER = "beendet"
"""In what the bot says where a consultation is over, or was over by a clock that is wrong."""
PATIENT_LOOKS = 50
REQUEST_SECONDS = 20.0
"""A request without an answer for so long is sent again, by the same id."""


class Door:
    """One conversation over HTTP, at the current address of the service."""

    def __init__(self, http: ClientSession, url: Callable[[], str], address: str) -> None:
        self._http, self._url, self._address, self._cookie = http, url, address, ""

    async def begin(self) -> bool:
        """Opens the conversation in German; False where that was refused."""
        headers = {"X-Forwarded-For": self._address, "Origin": self._url()}
        to = f"{self._url()}/c/{SLUG}/start"
        async with self._http.post(to, data={"lang": "de"}, headers=headers, allow_redirects=False) as answer:
            await answer.read()
            made = [it.split(";")[0] for it in answer.headers.getall("Set-Cookie", ()) if it.startswith("talk=")]
            self._cookie = made[0] if answer.status == 303 and made else ""
            return bool(self._cookie)

    async def say(self, words: str, id_: str) -> dict[str, object]:
        """One message; gives what was answered."""
        headers = {"X-Forwarded-For": self._address, "Cookie": self._cookie, "Origin": self._url()}
        to = f"{self._url()}/c/{SLUG}/say"
        async with self._http.post(to, json={"id": id_, "text": words}, headers=headers) as answer:
            return dict(json.loads(await answer.text()))

    async def newest(self, *, patient: bool = True) -> str:
        """The newest message of the bot; "" while the person spoke last, unless they are `patient` no longer."""
        headers = {"X-Forwarded-For": self._address, "Cookie": self._cookie}
        async with self._http.get(f"{self._url()}/c/{SLUG}/poll?after=0&wait=1", headers=headers) as answer:
            entries = json.loads(await answer.text()).get("entries", [])
            said = entries[-1:] if patient else [it for it in entries if "text" in it]
            return str(said[-1].get("text", "")) if said else ""

    async def page(self) -> str:
        headers = {"X-Forwarded-For": self._address, "Cookie": self._cookie}
        async with self._http.get(f"{self._url()}/c/{SLUG}", headers=headers) as answer:
            return await answer.text()


class Crowd:
    """This number of residents at once, until `stop`. Each writes into the ledger what was acknowledged."""

    def __init__(
        self,
        url: Callable[[], str],
        ledger: Ledger,
        seed: int,
        size: int = 6,
        erasing: float = 0.0,
        noted: Callable[[Person, str], None] = lambda _person, _what: None,
        refused_for_now: frozenset[str] = frozenset(),
    ) -> None:
        """`erasing`: the share of people who delete everything in the end; `noted` hears of each entry: "answer",
        "erase?", "erased".
        """
        self._url, self._ledger, self._seed, self._size = url, ledger, seed, size
        self._erasing, self._noted = erasing, noted
        self._again = refused_for_now | {"held", "too_many", "busy"}
        self.refusals: Counter[str] = Counter()
        self.asked_again = 0
        """Answers that were none, as the person was told."""
        self.longest = 0.0
        """Seconds that the longest message took until it was acknowledged."""
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._people = 0

    async def start(self) -> None:
        timeout = ClientTimeout(total=REQUEST_SECONDS)
        self._http = ClientSession(cookie_jar=DummyCookieJar(), connector=TCPConnector(limit=0), timeout=timeout)
        self._tasks = [asyncio.create_task(self._live(place)) for place in range(self._size)]

    async def stop(self, seconds: float = 60.0) -> None:
        """Lets all residents finish their current answer. Raises AssertionError if one waits in vain."""
        self._stopping = True
        if not self._tasks:
            return
        _, waiting = await asyncio.wait(self._tasks, timeout=seconds)
        for task in waiting:
            task.cancel()
        tasks, self._tasks = self._tasks, []
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.close()
        assert not waiting, f"{len(waiting)} people wait in vain; refused: {dict(self.refusals)}"
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def abandon(self) -> None:
        """Ends it at once, after a fault of the run."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            await self._http.close()
        self._tasks = []

    async def more(self, answers: int, seconds: float = 120.0) -> None:
        """Waits until this number of more answers were acknowledged: that is how it is known that all goes on."""
        wanted, loop = self._ledger.acknowledged + answers, asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._ledger.acknowledged < wanted:
            for task in self._tasks:
                if task.done():
                    task.result()
            assert loop.time() < end, f"nothing goes on; refused: {dict(self.refusals)}"
            await asyncio.sleep(0.05)

    async def _live(self, place: int) -> None:
        chance = random.Random(self._seed * 1000 + place)
        while not self._stopping:
            address = f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
            door = Door(self._http, self._url, address)
            if not await self._begun(door):
                continue
            person = self._ledger.person(f"p{self._seed}x{place}x{self._people}")
            self._people += 1
            await self._answer(door, person, chance.randint(2, 9))
            if chance.random() < self._erasing and not self._stopping:
                await self._erase(door, person)

    async def _begun(self, door: Door) -> bool:
        try:
            if await door.begin():
                return True
            self.refusals["begin"] += 1
        except (ClientError, TimeoutError, OSError) as fault:
            self.refusals[type(fault).__name__] += 1
        await asyncio.sleep(0.2)
        return False

    async def _answer(self, door: Door, person: Person, rounds: int) -> None:
        """Answers so often, as a person does: reads, and says what fits."""
        steps = count()
        while person.acknowledged < rounds and not (self._stopping and person.acknowledged):
            read = await self._read(door)
            if read == OVER:
                return  # who reads that leaves
            if read != QUESTION:
                await self._insist(door, "weiter" if read == WELCOME else "/back", f"b{next(steps)}")
                continue
            person.sent = person.acknowledged + 1
            await self._insist(door, person.words(person.sent), f"a{next(steps)}")
            person.acknowledged, person.is_unread = person.sent, True
            self._noted(person, "answer")
            read = await self._read(door)
            if read != NEXT:
                # Greeted as a person who was away, or asked once more what they may not have seen: it was no answer.
                # Or the end was reported: then it is unknown whether it was one.
                person.acknowledged -= 1
                self.asked_again += 1
            person.is_unread = False
            if read == OVER:
                return

    async def _read(self, door: Door) -> str:
        """What the bot said last, once it has said something after the person."""
        looks = 0
        while True:
            with suppress(ClientError, TimeoutError, OSError, ValueError):
                # A message that is sent once more after a kill stands behind what the bot said to it.
                newest = await door.newest(patient=looks < PATIENT_LOOKS)
                if found := next((it for it in (WELCOME, QUESTION, NEXT, OVER) if it in newest), ""):
                    return found
                looks += 1
                if looks % 10 == 0:  # after a restart the page asks the bot to repeat where one stands
                    await door.page()
            await asyncio.sleep(0.1)

    async def _erase(self, door: Door, person: Person) -> None:
        await self._insist(door, "löschen", "e1")
        person.asked_to_erase = True
        self._noted(person, "erase?")
        await self._insist(door, "alles löschen", "e2", is_last=True)
        for _ in range(100):
            with suppress(ClientError, TimeoutError, OSError):
                page = await door.page()
                if "gelöscht" in page and "Alles löschen?" not in page:
                    person.erased = True
                    self._noted(person, "erased")
                    return
            await asyncio.sleep(0.05)

    async def _insist(self, door: Door, words: str, id_: str, *, is_last: bool = False) -> None:
        """Sends a message, by the same id, until it is acknowledged. After the last one of a conversation the service
        may have ended it already, and been killed before it could say so.
        """
        began = asyncio.get_running_loop().time()
        while True:
            try:
                answer = await door.say(words, id_)
            except (ClientError, TimeoutError, OSError, ValueError) as fault:
                self.refusals[type(fault).__name__] += 1
                await asyncio.sleep(0.1)
                continue
            if answer.get("ack") == id_ or (is_last and answer.get("error") == "session"):
                break
            self.refusals[str(answer.get("error"))] += 1
            assert answer.get("error") in self._again, answer
            await asyncio.sleep(min(float(str(answer.get("retry") or 0.3)), 2.0))
        self.longest = max(self.longest, asyncio.get_running_loop().time() - began)
