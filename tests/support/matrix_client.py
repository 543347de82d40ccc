"""A Matrix client for tests: matrix-js-sdk in a Node process (`tests/interop/node`)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from tests.interop import node
from tests.interop.needed import folder_of_node
from tests.support.synapse import Synapse, User
from tests.support.timeouts import PATIENCE


class Resident:
    """A resident that writes to the bot. `events` collects the events it could decrypt."""

    def __init__(self, process: asyncio.subprocess.Process, user: User) -> None:
        self.user = user
        self.events: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}
        """Where events stand in the timeline, by id."""
        self.room = ""
        self._process = process
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._news = asyncio.Event()

    async def listen(self) -> None:
        """Takes what the client says until it ends."""
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "seen" in said:
                self._places.setdefault(said["seen"], len(self._places))
            elif "event" in said:
                self.events.append(said["event"])
                self._news.set()
            elif "fault" in said:
                self._waiting.pop(said["id"]).set_exception(AssertionError(said["fault"]))
            else:
                self._waiting.pop(said["id"]).set_result(said["value"])

    async def do(self, command: str, **given: Any) -> Any:
        """One command of resident.mjs."""
        assert self._process.stdin
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "do": command, **given}).encode() + b"\n")
        return await asyncio.wait_for(self._waiting[number], PATIENCE)

    async def invite(self, bot: str, *, encrypted: bool = True) -> str:
        """Opens a direct room with the bot, and waits for it to come."""
        self.room = str(await self.do("invite", user=bot, encrypted=encrypted))
        await self.find(
            lambda event: event["sender"] == bot and event["content"].get("membership") == "join", "the bot joining"
        )
        return self.room

    async def say(self, text: str, **content: Any) -> str:
        """Writes into the room; gives the event's id."""
        return await self.send("m.room.message", {"msgtype": "m.text", "body": text} | content)

    async def send(self, kind: str, content: dict[str, Any]) -> str:
        return str(await self.do("send", room=self.room, kind=kind, content=content))

    async def edit(self, event: str, text: str) -> str:
        relation = {"rel_type": "m.replace", "event_id": event}
        new = {"msgtype": "m.text", "body": text}
        return await self.say(f"* {text}", **{"m.new_content": new, "m.relates_to": relation})

    async def react(self, event: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return await self.send("m.reaction", {"m.relates_to": relation})

    def read(self) -> list[str]:
        """What others wrote, in order, as far as it could be read."""
        return [event["content"].get("body", "") for event in self.heard()]

    def heard(self) -> list[dict[str, Any]]:
        """Messages of others in the order of the timeline, as they were edited last; one that could be read only later
        counts once."""
        found = {
            event["id"]: event
            for event in self.events
            if event["sender"] != self.user.user_id
            and not event["unreadable"]
            and event["kind"] in {"m.room.message", "org.matrix.msc3381.poll.start"}
        }
        shown: dict[str, dict[str, Any]] = {}
        for event in sorted(found.values(), key=lambda event: self._places.get(event["id"], len(self._places))):
            relation = event["content"].get("m.relates_to", {})
            if relation.get("rel_type") != "m.replace":
                shown[event["id"]] = event
            elif before := shown.get(relation["event_id"]):
                edits = before.get("edits", 0) + 1
                shown[before["id"]] = {**before, "content": event["content"]["m.new_content"], "edits": edits}
        return [*shown.values()]

    async def until(self, words: str, *, times: int = 1) -> dict[str, Any]:
        """Waits for a message with these words (the n-th one); gives its event."""
        return await self.find(
            lambda event: words in event["content"].get("body", ""), repr(words), times=times, among=self.heard
        )

    async def find(
        self,
        fits: Callable[[dict[str, Any]], bool],
        name: str,
        *,
        times: int = 1,
        among: Callable[[], list[dict[str, Any]]] | None = None,
    ) -> dict[str, Any]:
        """Waits for an event: among all, or among these."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    self._news.clear()
                    found = [event for event in (among() if among else self.events) if fits(event)]
                    if len(found) >= times:
                        return found[times - 1]
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{name} never came: {self.read()} {self.events[-3:]}") from None


@asynccontextmanager
async def resident(server: Synapse, name: str = "anna") -> AsyncIterator[Resident]:
    """A new account with its client running. Skips where there is no Node or no client."""
    folder = folder_of_node()
    user = await server.user(name)
    process = await asyncio.create_subprocess_exec(
        "node",
        str(node.CLIENT.source / "resident.mjs"),
        str(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=1 << 24,
    )
    somebody = Resident(process, user)
    listening = asyncio.create_task(somebody.listen())
    try:
        await somebody.do("begin", url=server.url, user=user.user_id, device=user.device_id, token=user.token)
        yield somebody
    finally:
        process.kill()
        await process.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
