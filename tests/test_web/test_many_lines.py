"""Ten thousand lines that say nothing, and two thousand of one address: residents are answered meanwhile."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import suppress

import aiohttp
import pytest

from adapters.web.accepting import KEPT_BACK, Gate
from adapters.web.limits import Origins, WebLimits
from tests.support.timeouts import PATIENCE
from tests.test_cli.test_serving import get, serving

IDLE, HALF_OPEN, RESIDENTS = 10_000, 2_000, 200
NEEDED = IDLE + HALF_OPEN + RESIDENTS + 500
SLUG = "mein-kiez"


@pytest.fixture
def many_files() -> Iterator[None]:
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < NEEDED:
        pytest.skip(f"open files: {NEEDED} are needed, and this machine allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, NEEDED), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def connected(port: int, host: str, words: bytes = b"") -> socket.socket:
    line = socket.socket()
    line.setblocking(False)
    line.bind((host, 0))
    await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", port))
    if words:
        with suppress(ConnectionError):
            line.send(words)
    return line


async def connect_all(port: int, hosts: list[str], words: bytes = b"") -> list[socket.socket]:
    lines: list[socket.socket] = []
    for first in range(0, len(hosts), 200):
        lines += await asyncio.gather(*(connected(port, host, words) for host in hosts[first : first + 200]))
    return lines


async def resident(url: str, number: int) -> str:
    """Begins and answers over a line of their own; gives how that was answered."""
    connector = aiohttp.TCPConnector(local_addr=(f"127.200.{number // 250}.{number % 250 + 1}", 0))
    jar, headers = aiohttp.CookieJar(unsafe=True), {"Origin": url.rstrip("/")}
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, headers=headers) as session:
        async with session.post(f"{url}c/{SLUG}/start", data={"lang": "de"}, allow_redirects=False) as answer:
            assert answer.status == 303
        async with session.post(f"{url}c/{SLUG}/say", json={"id": "a", "text": "ja"}) as answer:
            return await answer.text()


def still_open(line: socket.socket) -> bool:
    try:
        return line.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.mark.usefixtures("many_files")
async def test_residents_are_answered_beside_ten_thousand_silent_lines(tmp_path):
    with serving("--data", str(tmp_path / "data"), "--port", "0") as service:
        port, lines = int(service.url.rsplit(":", 1)[1].strip("/")), []
        try:
            async with asyncio.timeout(60):
                hosts = [f"127.{1 + n // 62_500}.{n // 250 % 250}.{n % 250 + 1}" for n in range(IDLE)]
                lines = await connect_all(port, hosts)
                of_one = await connect_all(port, ["127.100.0.1"] * HALF_OPEN, b"GET / HTTP/1.1\r\nHost: x\r\n")
                lines += of_one
                answers = await asyncio.gather(*(resident(service.url, number) for number in range(RESIDENTS)))
            assert answers == ['{"ack": "a"}'] * RESIDENTS
            assert sum(map(still_open, of_one)) == WebLimits().connections
            assert sum(map(still_open, lines)) == IDLE + WebLimits().connections
        finally:
            for line in lines:
                line.close()


async def test_what_is_said_is_stored_while_all_connections_are_in_use(tmp_path):
    """Where no more files are allowed, those for the database are kept back, and lines that are open go on."""
    limited = ("bash", "-c", 'ulimit -n 256; exec "$@"', "limited")
    with serving("--data", str(tmp_path / "data"), "--port", "0", wrapped=limited) as service:
        port, lines = int(service.url.rsplit(":", 1)[1].strip("/")), []
        headers = {"Origin": service.url.rstrip("/")}
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers) as session:
            async with session.post(f"{service.url}c/{SLUG}/start", data={"lang": "de"}) as answer:
                assert answer.status == 200
            async with session.ws_connect(f"{service.url}c/{SLUG}/ws") as socket_:
                lines = await connect_all(port, [f"127.1.0.{n % 250 + 1}" for n in range(400)])
                for number in range(5):
                    await socket_.send_str(f'{{"id": "w{number}", "text": "ja"}}')
                    async with asyncio.timeout(PATIENCE):
                        while "ack" not in await socket_.receive_json():
                            pass
        for line in lines:
            line.close()
        async with asyncio.timeout(PATIENCE):
            while get(f"{service.url}readyz")[0] != 200:
                await asyncio.sleep(0.2)


def gate(most: int = 1000, per_address: int = 2, proxies: tuple[str, ...] = ()) -> Gate:
    return Gate(most, per_address, Origins(proxies))


def pair() -> socket.socket:
    ours, theirs = socket.socketpair()
    theirs.close()
    return ours


@pytest.mark.parametrize(
    ("hosts", "admitted"),
    [
        (["192.0.2.1"] * 4, 2),
        (["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "::ffff:192.0.2.1"], 3),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"], 3),
        (["10.0.0.7"] * 4, 4),
    ],
    ids=["one address", "mapped", "one network of IPv6", "our proxy"],
)
async def test_what_one_address_may_hold(hosts, admitted):
    here = gate(proxies=("10.0.0.0/8",))
    lines = [line for host in hosts if (line := here.admit(pair(), host))]
    assert len(lines) == admitted
    for line in lines:
        line.close()
        line.close()  # twice is once
    again = [line for host in hosts if (line := here.admit(pair(), host))]
    assert len(again) == admitted
    for line in again:
        line.close()


async def test_no_more_are_taken_than_there_is_room_for():
    here = gate(most=2)
    first, second = here.admit(pair(), "192.0.2.1"), here.admit(pair(), "192.0.2.2")
    assert first
    assert second
    waiting = asyncio.create_task(here.room())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    first.close()
    await asyncio.wait_for(waiting, PATIENCE)
    second.close()
    assert KEPT_BACK >= 50
