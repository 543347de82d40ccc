"""The way of a message to its row and its reply, as docs/develop/architecture.md lists it."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path
from types import CodeType, FrameType

from bot.app import build
from bot.settings import Settings
from storage.core.store import Store
from tests.support.app import KEYS, Recorder, consultation, publish, rows, say

ROOT = Path(__file__).parents[2]
ENGINE = "flows/dialogue/engine"
MOST_MODULES = 10
MOST_UP = 1
_LISTED = re.compile(r"^\d+\. `([\w/]+)`", re.MULTILINE)


def listed() -> list[str]:
    """The modules which the documentation names, in order."""
    words = (ROOT / "docs" / "develop" / "architecture.md").read_text(encoding="utf-8")
    section = words.partition("## One message")[2].partition("\n## ")[0]
    return _LISTED.findall(section)


class Trace:
    """Which modules of the way are entered, from which of ours, until the reply is with its channel."""

    def __init__(self, way: list[str]) -> None:
        self.entered: list[str] = []
        self.calls: set[tuple[str, str]] = set()
        self._way = way
        self._names: dict[CodeType, str] = {}

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        name = self._name(frame.f_code)
        if event != "call" or name not in self._way or self._way[0] in self.entered[1:]:
            return
        caller: FrameType | None = frame.f_back
        while caller is not None and not self._name(caller.f_code):
            caller = caller.f_back
        before = self._name(caller.f_code) if caller else ""
        if before == name:
            return
        self.entered.append(name)
        if before:
            self.calls.add((before, name))

    def _name(self, code: CodeType) -> str:
        """The module of this code; nothing for what is not ours, and for what the engine and the tables consist of."""
        if code not in self._names:
            self._names[code] = self._found(code)
        return self._names[code]

    def _found(self, code: CodeType) -> str:
        if code.co_qualname.startswith(f"{Recorder.__name__}."):
            return "adapters"
        path = Path(code.co_filename)
        if not path.is_relative_to(ROOT):
            return ""
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        return name if name.startswith("bot/") or name == ENGINE else ""


async def traced(store: Store, way: list[str]) -> Trace:
    """One answer in the middle of a consultation."""
    channel, trace = Recorder(), Trace(way)
    with tempfile.TemporaryDirectory() as data:
        app = build(Settings(data=Path(data)), {"test": channel}, store=store, keys=KEYS)
        await app.outbox.load()
        work = [asyncio.create_task(app.conversations.run()), asyncio.create_task(app.outbox.run())]
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "Deutsch"))
        answer = channel.msg("a", "ja")
        await store.write(lambda _: sys.setprofile(trace))
        sys.setprofile(trace)
        try:
            trace.entered.append(way[0])
            await say(app, answer)
        finally:
            sys.setprofile(None)
            await store.write(lambda _: sys.setprofile(None))
        for task in work:
            task.cancel()
        await asyncio.wait(work)
    assert rows(store, "SELECT value FROM answers") == [('"yes"',)]
    assert "Was fehlt?" in channel.last("a").text
    return trace


async def test_the_way_of_a_message_is_short_and_goes_down(empty: Store):
    publish(empty, consultation())
    way = listed()
    trace = await traced(empty, way)
    assert set(trace.entered) == {*way}
    assert len(way) <= MOST_MODULES
    assert {one for one, _ in trace.calls} <= {*way}, "what is asked by the way goes on to none of these"
    down = {(one, other) for one, other in trace.calls if other == way[0] or way.index(one) < way.index(other)}
    assert {other for _, other in down} | {way[1], way[2]} == {*way}, "each is called by one before it"
    assert len(trace.calls - down) <= MOST_UP, trace.calls - down
