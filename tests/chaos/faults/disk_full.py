"""A full disk, seen from a real browser: what a person reads, that their words stay, and that all goes on by itself."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from contextlib import AsyncExitStack
from typing import Final

from tests.chaos.crowd import NEXT, QUESTION, SLUG
from tests.chaos.fault import NotPossible, Result
from tests.chaos.service import UnderLoad
from tests.test_browser.browser import Chromium, Tab, connected, device, find_chromium

MEGABYTES: Final = 32
"""Twice the journal at its longest (`JOURNAL_PAGES`): without the ballast this disk never gets full."""
TOLD: Final = "Gerade können wir nichts speichern"
SOON: Final = 3.0
"""Seconds after which the person has to be told."""
LAST: Final = "[...document.querySelectorAll('#log > *')].at(-1)?.innerText || ''"
MOST_ATTEMPTS: Final = 6
SLACK: Final = 3.0
"""For the way to a browser on a busy machine, and back."""


class DiskFull(UnderLoad):
    name = "disk-full"
    does = "fills the disk (a small tmpfs) while somebody writes in a real browser; gives room again"
    unit = "times full"
    slice = 1
    limit_seconds = SOON + SLACK
    """The tests raise it: how fast a browser shows it depends on the machine."""
    erasing = 0.0
    size = 3

    async def prepare(self) -> None:
        program = find_chromium()
        if program is None:
            raise NotPossible("no Chromium here (on Debian: apt install chromium)")
        self.disk = self.folder / "data"
        self.disk.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "tmpfs", str(self.disk)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise NotPossible(f"a small disk cannot be mounted: {done.stderr.strip()}")
        self.told: list[float] = []
        self.again: list[float] = []
        self.stored = 0
        self.things = AsyncExitStack()
        await super().prepare()
        chromium = Chromium(program)
        self.things.callback(chromium.stop)
        line = await self.things.enter_async_context(connected(chromium))
        self.person = self.ledger.person(f"browser{self.seed}")
        owner = await self.things.enter_async_context(device(line, self.house.url))
        self.tab = await owner.tab(f"/c/{SLUG}?lang=de")
        async with self.tab.leaving():
            await self.tab.click("form[action$='/start'] [value='chat']")
        await self._asked(self.tab)

    async def _asked(self, tab: Tab) -> None:
        await tab.until(f"({LAST}).includes({json.dumps(QUESTION)})", "the question")

    async def disturb(self, number: int) -> None:
        """Fills the disk until a person is informed: while the journal has space, a full disk stops no writer."""
        told = len(self.told)
        for _ in range(MOST_ATTEMPTS):
            await self._fill_and_send()
            if len(self.told) > told:
                return

    async def _fill_and_send(self) -> None:
        """The disk is full when the person sends; there is room again when they have been told."""
        ballast = self.disk / "ballast"
        await asyncio.to_thread(_fill, ballast)
        person, tab = self.person, self.tab
        person.sent = person.acknowledged + 1
        words = person.words(person.sent)
        await tab.click("#text")
        await tab.call("Input.insertText", text=words)
        await tab.press("Enter")
        began = time.monotonic()
        told, stored = f"document.body.innerText.includes({json.dumps(TOLD)})", f"({LAST}).includes({json.dumps(NEXT)})"
        await tab.until(f"{told} || {stored}", "to be told")
        if await tab.evaluate(told):
            self.told.append(time.monotonic() - began)
        else:
            self.stored += 1  # the journal had room left in itself
        kept = f"document.body.innerText.includes({json.dumps(words)}) || document.querySelector('#text').value"
        assert await tab.evaluate(kept), "the words are gone from the page"
        await asyncio.sleep(self.chance.uniform(0, 4))
        ballast.unlink()
        began = time.monotonic()
        await tab.until(stored, "the next question")
        self.again.append(time.monotonic() - began)
        person.acknowledged = person.sent
        assert not await tab.evaluate(f"document.body.innerText.includes({json.dumps(TOLD)})"), "it is still said"
        await tab.click("#text")
        await tab.call("Input.insertText", text="zurück")
        await tab.press("Enter")
        await self._asked(tab)
        await self.crowd.more(2)

    async def check(self, result: Result) -> None:
        await super().check(result)
        result.figures |= {
            "stored all the same": self.stored,
            "s until told, at most": round(max(self.told, default=0.0), 1),
            "s until it went on, at most": round(max(self.again), 1),
        }
        if not self.told:
            result.wrong.append("the disk was never full enough")
        if late := [seconds for seconds in self.told if seconds > self.limit_seconds]:
            result.wrong.append(f"told {len(late)} times after more than {self.limit_seconds:.0f} s")

    async def clean_up(self) -> None:
        if hasattr(self, "things"):
            await self.things.aclose()
        await super().clean_up()
        if hasattr(self, "disk"):
            subprocess.run(["umount", "-l", str(self.disk)], check=False)


def _fill(ballast: object) -> None:
    """Takes all that is left."""
    with open(ballast, "wb", buffering=0) as file:  # type: ignore[call-overload]  # noqa: PTH123
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
