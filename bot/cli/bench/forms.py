"""Simulates visitors that fill in the form, in a separate process: `python3 -m bot.cli.bench.forms PORT PEOPLE`.

One question per page, without JavaScript: each answer is a posted form, and the next question is a separate page. At
the end it prints its counts as one JSON list.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import sys
import time
from typing import Final

from aiohttp import ClientSession, CookieJar

from bot.cli.bench.subject import QUESTIONS, SLUG

_HIDDEN: Final = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_ANSWER: Final = re.compile(r'<input type="radio" name="choice" value="([^"]*)"')


async def fill_in(port: int, people: int) -> list[float]:
    """Returns the number of answers, and the median in milliseconds of posting one and of loading the next page."""
    origin = f"http://127.0.0.1:{port}"
    posts: list[float] = []
    pages: list[float] = []
    for _ in range(people):
        jar = CookieJar(unsafe=True)
        async with ClientSession(origin, cookie_jar=jar, headers={"Origin": origin}) as person:
            await _fill_in(person, posts, pages)
    return [len(posts), *(sorted(times)[len(times) // 2] * 1000 for times in (posts, pages))]


async def _fill_in(person: ClientSession, posts: list[float], pages: list[float]) -> None:
    path = f"/c/{SLUG}/form"
    async with person.post(f"/c/{SLUG}/start", data={"lang": "de", "view": "form"}) as response:
        page = await response.text()
    for _ in range(QUESTIONS):
        fields = {name: html.unescape(value) for name, value in _HIDDEN.findall(page)}
        fields["choice"] = html.unescape(_ANSWER.findall(page)[0])
        began = time.perf_counter()
        async with person.post(path, data=fields, allow_redirects=False) as response:
            if response.status != 303:
                raise AssertionError(f"an answer was not taken, but {response.status}")
        posted = time.perf_counter()
        async with person.get(path) as response:
            page = await response.text()
        pages.append(time.perf_counter() - posted)
        posts.append(posted - began)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(fill_in(*map(int, sys.argv[1:3])))))
