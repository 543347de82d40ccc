"""Residents who answer as fast as they are asked, for `bot.cli.bench.telegram`: python -m tests.botapi.residents N
ROUNDS.

Prints where the stand-in is, then what was counted, each as a line of JSON; ends when its standard input ends.
"""

import asyncio
import json
import sys
import time

from bot.cli.bench.subject import QUESTIONS, REPLIES, SLUG
from tests.botapi.limits import FREE
from tests.botapi.resident import Resident
from tests.botapi.server import BotApi, running


async def main(residents: int, rounds: int) -> None:
    async with running(FREE) as api:
        people = [api.resident() for _ in range(residents)] if not rounds else []
        first = people[0].number - 1 if people else 0
        print(json.dumps({"url": api.url, "token": api.token, "first": first}), flush=True)
        if rounds:
            print(json.dumps(await attend(api, residents, rounds)), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def attend(api: BotApi, residents: int, rounds: int) -> list[float]:
    """Answers given, answers a second, p50 and p99 in milliseconds. Each round has new people, begun in advance."""
    latencies: list[float] = []
    took = 0.0
    for _ in range(rounds):
        people = [api.resident() for _ in range(residents)]
        await asyncio.gather(*(begin(person) for person in people))
        began = time.perf_counter()
        await asyncio.gather(*(answer(person, latencies) for person in people))
        took += time.perf_counter() - began
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * part)] * 1000 for part in (0.5, 0.99))
    return [len(latencies), len(latencies) / took, p50, p99]


async def begin(person: Resident) -> None:
    person.start(SLUG)
    await person.hears(2)


async def answer(person: Resident, latencies: list[float]) -> None:
    for number in range(QUESTIONS):
        began = time.perf_counter()
        person.say(REPLIES[number])
        await person.hears()
        latencies.append(time.perf_counter() - began)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
