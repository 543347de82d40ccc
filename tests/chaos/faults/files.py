"""Too few open files: strangers open more silent connections than the service may have files, again and again."""

from __future__ import annotations

import socket
from contextlib import suppress
from urllib.parse import urlsplit

from tests.chaos.fault import Result
from tests.chaos.service import UnderLoad

ALLOWED = 256
LINES = 500


class Files(UnderLoad):
    name = "files"
    does = f"allows the service {ALLOWED} open files and opens {LINES} silent connections at once"
    unit = "floods"
    slice = 2
    wrapped = ("bash", "-c", f'ulimit -n {ALLOWED}; exec "$@"', "limited")
    admitted = 0

    async def disturb(self, number: int) -> None:
        port = urlsplit(self.house.url).port
        lines = []
        is_one = self.chance.random() < 0.5
        for count in range(LINES):
            line = socket.socket()
            line.setblocking(False)
            line.bind((f"127.{self.chance.randint(1, 200)}.{0 if is_one else count % 250}.{1 if is_one else 7}", 0))
            with suppress(BlockingIOError):
                line.connect(("127.0.0.1", port))
            lines.append(line)
        await self.crowd.more(6)  # those who are in go on
        for line in lines:
            line.close()
        await self.crowd.more(6)

    async def check(self, result: Result) -> None:
        await super().check(result)
        log = self.house.log.read_text(encoding="utf-8")
        result.figures["faults in the log"] = log.count('"level":"error"') + log.count("Traceback")
