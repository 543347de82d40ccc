"""What strangers and broken programs send: always a helpful page, never a fault of ours, nothing stored."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs
from yarl import URL

from adapters.web.hub import WebHub
from adapters.web.limits import Origins, Rate
from bot.app import build
from bot.settings import Settings
from bot.web import server
from bot.web.server import WebServer
from storage.core.store import Store
from tests.support.app import KEYS
from tests.support.browser import QUICK, Browser, serving
from tests.support.timeouts import PATIENCE

FORM = "application/x-www-form-urlencoded"
DOORS = (
    "/c/mein-kiez/start",
    "/c/mein-kiez/form",
    "/c/mein-kiez/resume",
    "/resume",
    "/kiosk/mein-kiez/start",
    "/kiosk/mein-kiez/here",
    "/assist/sign-in",
    "/assist/mein-kiez/sheet",
)


@pytest.fixture
def store(sample_store):
    return sample_store


@pytest.mark.parametrize("path", DOORS)
async def test_bodies_no_page_of_ours_sends_are_refused(store, path):
    async with serving(store) as house:
        page = house.browser()
        origin = str(house.server.make_url("/").origin())
        multipart = b'--x\r\nContent-Disposition: form-data; name="lang"; filename="a"\r\n\r\nde\r\n--x--\r\n'
        for kind, body in (
            (f"{FORM}; charset=nonsense", b"lang=de"),
            (f"{FORM}; charset=hex", b"lang=de"),
            ("multipart/form-data; boundary=x", multipart),
            ("multipart/form-data", b"--x"),
            ("text/plain", b"lang=de"),
        ):
            headers = {"Content-Type": kind, "Origin": origin}
            async with page.http.post(house.server.make_url(path), data=body, headers=headers) as answer:
                assert answer.status == 400, kind
                assert answer.content_type == "text/html"
                assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("origin", ["http://[::1", "http://127.0.0.1@[", "null,null", "\udcff", "//", "http://"])
async def test_an_origin_that_cannot_be_read_is_not_ours(store, origin):
    async with serving(store) as house:
        page = house.browser()
        for path in ("/c/mein-kiez/start", "/resume", "/kiosk/mein-kiez/start"):
            await page.post(path, [("lang", "de"), ("slug", "mein-kiez")], Origin=origin)
            assert page.status == 403


@asynccontextmanager
async def listening(store: Store) -> AsyncIterator[int]:
    """The server itself, not the one of the tests. Gives its port."""
    app = build(Settings(), {"web": WebHub()}, store=store, keys=KEYS)
    async with app.running():
        running = WebServer(app, QUICK)
        try:
            yield await running.start("127.0.0.1", 0)
        finally:
            await running.stop()


async def asked(port: int, request: bytes) -> bytes:
    """What comes back until the server closes the line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHo", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"])
async def test_who_never_ends_a_request_is_cut_off(store, monkeypatch, said):
    assert server.KEPT_SECONDS <= 90
    monkeypatch.setattr(server, "KEPT_SECONDS", 0.5)
    async with listening(store) as port:
        assert (await asked(port, said)).startswith(b"HTTP/1.1 200" if b"healthz" in said else b"")


@pytest.mark.parametrize(
    "said", [b"GET /<script> secret\r\n\r\n", b"GET / HTTP/1.1\r\nsecret\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
)
async def test_unreadable_requests_get_our_headers(store, said):
    async with listening(store) as port:
        answer = await asked(port, said)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert b"nosniff" in answer
    assert b"default-src 'none'" in answer
    assert b"secret" not in answer
    assert b"script>" not in answer


async def test_a_client_that_leaves_is_no_error(store):
    with capture_logs() as logs:
        async with listening(store) as port:
            for _ in range(5):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                head = f"POST /c/mein-kiez/start HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: {FORM}"
                writer.write(f"{head}\r\nContent-Length: 50\r\n\r\nlang=d".encode())
                await writer.drain()
                await asyncio.sleep(0.02)
                writer.transport.abort()
            await asyncio.sleep(0.1)
    assert [line for line in logs if line["log_level"] in {"warning", "error"}] == []


async def test_a_packed_body_is_not_unpacked(store):
    bomb = gzip.compress(b"lang=en&x=" + bytes(4_000_000))
    assert len(bomb) < server.BODY_BYTES
    async with listening(store) as port:
        for path in ("/c/mein-kiez/start", "/kiosk/mein-kiez/start"):
            head = (
                f"POST {path} HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nConnection: close\r\n"
                f"Content-Type: {FORM}\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
            )
            status = (await asked(port, head.encode() + bomb)).split(b" ")[1]
            # Unpacked, it would be too large: 413.
            assert status in {b"303", b"400"}


@pytest.mark.parametrize("base", ["/kiosk", "/assist"])
async def test_no_error_page_leads_out_of_a_shared_device(store, base):
    """What a person begins in the ordinary pages lasts 90 days: the next person at the kiosk would find it."""
    async with serving(store) as house:
        page = house.browser()
        for path in (
            f"{base}/mein-kiez/start",
            f"{base}/mein-kiez/nowhere",
            f"{base}/nowhere/ask?at=x",
            f"{base}/a/b/c/d",
        ):
            await page.post(path, [("lang", "de")], Origin="http://evil.example")
            if page.status == 200:
                continue  # the page to sign in
            assert page.status >= 400
            assert [link for _, link in page.page.links if not link.startswith(("#", f"{base}/"))] == [], path
            assert page.headers["Cache-Control"] == "no-store"


async def test_kiosk_errors_use_the_visit_language_and_link_back(store):
    async with serving(store) as house:
        page = house.browser(**{"Accept-Language": "de"})
        await page.get("/kiosk/mein-kiez?at=kiez-7")
        await page.press(start_in(page, "English"))
        question = page.heading()
        await page.post("/kiosk/mein-kiez/ask?at=kiez-7", [("csrf", "forged"), ("text", "x")])
        assert page.status == 403
        assert 'lang="en"' in page.page.html
        assert "url=/kiosk/mein-kiez/ask?at=kiez-7" in page.page.html
        await page.get(next(link for label, link in page.page.links if not link.startswith("#")))
        assert (page.status, page.heading()) == (200, question)


def start_in(page: Browser, language: str) -> str:
    """The button that begins in a language."""
    return next(label for form in page.page.forms for _, _, label in form.buttons if label.startswith(language))


@pytest.mark.parametrize("path", ["/", "/c/mein-kiez", "/c/mein-kiez/paper", "/assist"])
async def test_a_host_no_browser_would_name_is_refused(store, path):
    async with listening(store) as port:
        answer = await asked(
            port, f"GET {path} HTTP/1.1\r\nConnection: close\r\nHost: \xff".encode("latin-1") + b"\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"Content-Security-Policy" in answer


async def test_a_number_that_is_no_number_starts_the_log_anew(store):
    async with serving(store) as house:
        page = house.browser()
        await page.post("/c/mein-kiez/start", [("lang", "de")])
        hub = next(iter(house.app.channels.values()))
        assert isinstance(hub, WebHub)
        for last in (f"{hub.epoch}-\u00b2", f"{hub.epoch}--1", "-", f"{hub.epoch}-{'9' * 40}"):
            url = house.server.make_url("/c/mein-kiez/events")
            async with page.http.get(url, headers={"Last-Event-ID": last}) as answer:
                assert answer.status == 200
                assert (await answer.content.readline()).startswith(b'data: {"epoch"')


async def test_a_link_back_never_leads_to_another_host(store):
    async with serving(store) as house:
        page = house.browser()
        for path in ("//evil.example/", "/\\evil.example/", "/%2F/evil.example/", "/%09/evil.example", "/%0d%0aX:y"):
            url = URL(f"{house.server.make_url('/').origin()}{path}?lang=de&x=%0d%0aX:y", encoded=True)
            async with page.http.get(url, allow_redirects=False) as answer:
                assert answer.status == 303
                assert url.join(URL(answer.headers["Location"])).origin() == url.origin()
                assert "X" not in answer.headers


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/resume", {"slug": "mein-kiez", "code": "0123456789ABCDEF"}),
        ("/c/mein-kiez/resume", {"code": "0123456789ABCDEF"}),
        ("/assist/sign-in", {"code": "0123456789ABCDEF"}),
    ],
)
async def test_no_page_of_a_stranger_signs_anybody_in(store, path, fields):
    """A frame without origin in an old browser, which says no more: the visitor would speak in a stranger's name."""
    async with serving(store) as house:
        page = house.browser()
        for headers in ({"Origin": "null"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}):
            await page.post(path, fields, **headers)
            assert page.status == 403


@pytest.mark.parametrize("path", ["/room/QQQQQ{}/state", "/room?code=QQQQQ{}", "/room/QQQQQ{}", "/p/P-7K2M-PX0{}"])
async def test_codes_cannot_be_found_by_trying(store, path, monkeypatch):
    monkeypatch.setattr("bot.web.code_guess_limit.WRONG_CODES", Rate(5, 0.1))
    async with serving(store) as house:
        page, seen = house.browser(), []
        for letter in "23456789ABC":
            url = house.server.make_url(path.format(letter))
            async with page.http.get(url, allow_redirects=False) as answer:
                seen.append(answer.status)
        assert seen.index(429) == 5
        assert set(seen[5:]) == {429}


async def test_codes_are_limited_per_network_too(store, monkeypatch):
    monkeypatch.setattr("bot.web.code_guess_limit.WRONG_CODES_NETWORK", Rate(3, 0.01))
    monkeypatch.setattr(Origins, "address", lambda self, request: request.query["from"])
    async with serving(store) as house:
        page, seen = house.browser(), []
        for number, letter in enumerate("23456"):
            url = house.server.make_url(f"/room/QQQQQ{letter}?from={number}")
            async with page.http.get(url, allow_redirects=False) as answer:
                seen.append(answer.status)
        assert seen == [303, 303, 303, 429, 429]
