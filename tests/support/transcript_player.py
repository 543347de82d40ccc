"""Plays a transcript through the live path and returns the resulting text.

# what it is about
@ publish: weighing            one of `tests/consultations` is published before; its seeds are P-SEED-0001 …
@ receipt: 7K3QP-2M9XD         the receipt, from which the order of pairs follows, is this one
@ code: P-7K2M-PX0Q            new proposals get this code
@ draw: 7                      the statements to weigh are drawn from this seed, not from the person
@ hint: tr                     the channel believes the person reads Turkish
@ language: de                 the person chose German before
@ later: 13 hours              time passes
@ closed: mein-kiez            the city closes the consultation
> Ja                           typed
> [Weiter]                     a tap on the newest button with this label
> [tap: lamps=yes]             a tap on this answer of this question, whether it is shown or not
> [old tap: lamps=yes]         the same on a button of an earlier revision
> (voice)                      a message without text
> (picture) Eine Bank          a picture with a caption
> (edit of 2) Nein             the second line of the person, changed
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bot.app import build
from bot.authoring.publishing import PublishContext, publish_file
from bot.cli.play import ConsoleChat
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.common.sources import SYSTEM_RANDOM, Sources, draw_seed
from bot.settings import Settings
from flows.messages import Location, MsgOut
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.revisions import find_live_revision
from tests.support.sources import Chance, Clock

KEYS = Keys(bytes(32))
CONSULTATIONS = Path(__file__).parents[1] / "consultations"
MOST_SEEDS = 1000
_PUBLISH = "@ publish: "
_SCRIPTED = ("#", "@", ">", "")
_TAP = re.compile(r"\[(old )?tap: (\w*)=([\w.+-]*)\]")
_BUTTON = re.compile(r"\[(.+)\]")
_EDIT = re.compile(r"\(edit of (\d+)\) (.*)")
_MEDIA = re.compile(r"\((voice|picture|video|file|sticker|contact|location)\)(?: (.*))?")


def _desk(chance: Chance | None = None) -> PublishContext:
    return PublishContext(Ids(), datetime.now(UTC), UTC, random=chance or SYSTEM_RANDOM)


async def replay(store: Store, path: Path) -> str:
    """The transcript as it reads when its resident says the same again to this app."""
    lines = path.read_text(encoding="utf-8").splitlines()
    chance = Chance()
    chance.tell(*(f"SEED-{number:04}" for number in range(1, MOST_SEEDS)))
    for line in lines:
        if line.startswith(_PUBLISH):
            published = publish_file(store, CONSULTATIONS / f"{line.removeprefix(_PUBLISH)}.yaml", _desk(chance))
            assert not [fault for fault in published.issues if not fault.warning]
    with tempfile.TemporaryDirectory() as data:
        return await _played(Scene(store, Path(data)), lines)


async def _played(scene: Scene, lines: list[str]) -> str:
    async with scene.chat.app.running():
        for line in lines:
            if line[:1] in _SCRIPTED:
                await scene.perform(line)
    return "".join(scene.written)


class Scene:
    """One resident and one application."""

    def __init__(self, store: Store, data: Path) -> None:
        self.store = store
        self._clock, self._chance = Clock(), Chance()
        self._seed: int | None = None
        self.written: list[str] = []
        sources = Sources(self._clock.now, self._clock.steady, self._chance, self._draw_seed)
        make = partial(build, Settings(data=data), store=store, keys=KEYS, sources=sources)
        self.chat = ConsoleChat(make, lambda _: None, self.written.append, "somebody")
        self._said: list[int] = []
        self._hint = ""

    async def perform(self, line: str) -> None:
        """One scripted line."""
        if line.startswith(">"):
            self._said.append(self.chat.channel.number + 1)
            text = line[2:]
            said = self._meant(text)
            await self.chat.say(said.pop("text", ""), text, language_hint=self._hint, **said)
        elif line.startswith("@"):
            name, _, value = line[2:].partition(": ")
            await self._set(name, value)
        else:
            self.written.append(f"{line}\n")

    def _draw_seed(self, pseudonym: str, left_out: int) -> int:
        return draw_seed(pseudonym, left_out) if self._seed is None else self._seed

    def _meant(self, text: str) -> dict[str, Any]:
        if tap := _TAP.fullmatch(text):
            code = "0ld0ld" if tap[1] else self._code()
            return {"choice": f"{code}.{tap[2]}.{tap[3]}"}
        if button := _BUTTON.fullmatch(text):
            return {"choice": self._token(button[1])}
        if edit := _EDIT.fullmatch(text):
            return {"text": edit[2], "edits": self._said[int(edit[1]) - 1]}
        if media := _MEDIA.fullmatch(text):
            if media[1] == "location":
                return {"location": Location(52.5, 13.4)}
            return {"media": media[1], "media_ref": "somewhere", "text": media[2] or ""}
        return {"text": text}

    def _code(self) -> str:
        """The code of the revision the person is in, as its buttons carry it."""
        codes = (reply.token.partition(".")[0] for msg in self._newest() for reply in msg.quick_replies)
        return next(code for code in codes if code != "lobby")

    def _token(self, label: str) -> str:
        found = (r.token for msg in self._newest() for r in msg.quick_replies if r.label == label)
        token = next(found, None)
        assert token, f"no button {label!r} was ever shown"
        return token

    def _newest(self) -> Iterator[MsgOut]:
        return reversed(self.chat.messages)

    async def _set(self, name: str, value: str) -> None:
        match name:
            case "language":
                await self.chat.choose_language(value)
                return
            case "hint":
                self._hint = value
            case "publish":
                pass  # done before the app opened
            case "receipt":
                self._chance.tell(value)
            case "code":
                self._chance.tell(value.removeprefix("P-"))
            case "draw":
                self._seed = int(value)
            case "later":
                self._clock.let_pass(hours=int(value.removesuffix(" hours")))
            case "closed":
                await self.store.write(partial(_close, slug=value))
                self._clock.let_look()
            case _:
                raise LookupError(f"@ {name}: no such thing")
        self.written.append(f"@ {name}: {value}\n")


def _close(connection: Connection, slug: str) -> None:
    found = find_live_revision(connection, slug)
    assert found
    set_consultation_state(connection, found.consultation_id, "closed")
