"""What strangers, accidents and floods send to the web channel: refused with a reason, and nothing of it stored."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import WSServerHandshakeError, web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from adapters.web import sessions
from adapters.web.limits import Buckets, Origins, Rate, WebLimits
from adapters.web.log import LOG_CHARACTERS, LOG_LENGTH, WebChat
from adapters.web.sessions import COOKIE, WebSessions
from tests.support.timeouts import PATIENCE
from tests.test_adapters.pages import Page, house, visit


def error(answer):
    status, data = answer
    return status, data["error"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://"])
async def test_other_origins_get_nothing(origin):
    async with visit() as (here, page):
        with pytest.raises(WSServerHandshakeError) as fault:
            await page.ws(Origin=origin)
        assert fault.value.status == 403
        assert error(await page.post({"id": "a1", "text": "Ja"}, Origin=origin)) == (403, "origin")
        status, _ = await page.form({"csrf": page.csrf, "id": "a1", "text": "Ja"}, Origin=origin)
        # "null" is what our own forms say where referrers are off, in browsers too old to say more: the token decides.
        assert status == (303 if origin == "null" else 403)
        assert here.bot.said() == (["Ja"] if origin == "null" else [])


async def test_the_browsers_own_word_about_the_origin_is_heard():
    async with visit() as (_, page):
        form = {"csrf": page.csrf, "id": "a1", "text": "Ja"}
        assert (await page.form(form, **{"Origin": "null", "Sec-Fetch-Site": "cross-site"}))[0] == 403
        assert (await page.form(form, **{"Origin": "null", "Sec-Fetch-Site": "same-origin"}))[0] == 303
        async with page.http.get(page.url / "poll", headers={"Sec-Fetch-Site": "cross-site"}) as response:
            assert response.status == 403


async def test_a_form_without_its_token_is_refused():
    async with house() as here:
        page, stranger = here.page(), here.page()
        await page.load()
        await stranger.load()
        for token in ("", "x", "ä", stranger.csrf):
            assert (await page.form({"csrf": token, "id": "a1", "text": "Ja"}))[0] == 403
        assert here.bot.stored == []


async def test_forged_and_foreign_cookies_are_nobody():
    async with house() as here:
        page, other = here.page(), here.page("other")
        here.bot.doors["other"] = "open"
        await page.load()
        conversation = here.conversation(page)
        real = here.routes._doors.cookie(conversation)
        # Another key; the right check sum at another door; without one; an id that is none.
        forged = [WebSessions(bytes(32)).cookie(conversation), real[:-1] + ("0" if real[-1] != "0" else "1")]
        for value in (*forged, conversation.id, "." + real, "", "ä.ö", real.lower().upper()):
            page.http.cookie_jar.clear()
            page.http.cookie_jar.update_cookies({COOKIE: value}, page.url)
            assert error(await page.poll()) == (401, "session")
            assert await (await page.ws()).until("never") == ("closed", 4401)
            assert error(await page.post({"id": "a1", "text": "Ja"})) == (401, "session")
        other.http.cookie_jar.update_cookies({COOKIE: real}, other.url)
        assert error(await other.poll()) == (401, "session")
        assert here.bot.stored == []


async def test_a_cookie_belongs_to_one_door_and_to_no_script():
    async with house() as here:
        page = here.page()
        async with page.http.get(page.url) as response:
            cookie = response.cookies[COOKIE]
        assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["secure"]) == (
            "/c/park",
            True,
            "Lax",
            "",
        )


async def test_unknown_and_closed_consultations():
    async with house() as here:
        for slug, status, code, close in (("old", 410, "closed", 4410), ("none", 404, "unknown", 4404)):
            page = here.page(slug)
            await page.load()
            assert error(await page.poll()) == (status, code)
            assert error(await page.post({"id": "a1", "text": "Ja"})) == (status, code)
            ws = await page.ws()
            assert (await ws.next())["error"] == code
            assert await ws.next() == ("closed", close)
        strange = Page(here, "NO$")
        assert error(await strange.poll()) == (404, "unknown")
        await strange.http.close()
        assert here.bot.stored == []


async def test_who_is_known_may_still_speak_after_the_end():
    async with house() as here:
        page = here.page("old")
        await page.load()
        here.bot.known.add(here.conversation(page).address)
        assert await page.post({"id": "a1", "text": "meine Daten"}) == (200, {"ack": "a1"})


async def test_resume_codes():
    async with house(WebLimits(codes=Rate(6, 0.001))) as here:
        page = here.page()
        code = await page.load()
        with pytest.raises(Exception, match="code"):
            await here.routes.open_by_code(request_of(), code, ["park"])
        here.bot.known.add(here.conversation(page).address)
        for typed in (code, code.lower(), f" {code.replace('-', ' ')} ", code.replace("0", "o").replace("1", "l")):
            found = await here.routes.open_by_code(request_of(), typed, ["park"])
            assert found.address == here.conversation(page).address
        with pytest.raises(Exception, match="code"):
            await here.routes.open_by_code(request_of(), code, ["other"])
        with pytest.raises(Exception, match="too_many"):
            await here.routes.open_by_code(request_of(), code, ["park"])


def request_of(remote="192.0.2.1", **headers):
    return make_mocked_request("GET", "/", headers=headers).clone(remote=remote)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "[]",
        "null",
        "{",
        '{"id": "a1"',
        "[" * 5000,
        {"id": "a1", "text": 7},
        {"id": "a 1", "text": "Ja"},
        {"id": "", "text": "Ja"},
        {"id": "a" * 65, "text": "Ja"},
        {"text": "Ja"},
        {"id": "a1", "text": "Ja", "choice": "x"},
        {"id": "a1", "choice": "x" * 301},
        {"id": "a1", "text": "Ja", "more": 1},
        b"\xff\xfe",
    ],
)
async def test_malformed_messages_are_refused_and_the_line_goes_on(words):
    async with visit() as (here, page):
        assert error(await page.post(words)) == (400, "malformed")
        ws = await page.ws()
        await ws.until("text")
        if not isinstance(words, bytes):
            await ws.raw.send_str(words if isinstance(words, str) else json.dumps(words))
            assert (await ws.until("error"))["error"] == "malformed"
        await ws.say("b1", "Ja")
        assert await ws.until("ack") == {"ack": "b1"}
        assert here.bot.said() == ["Ja"]


async def test_long_texts_are_refused_and_the_longest_is_not():
    async with visit() as (here, page):
        longest = "😀" * 4000
        raw = json.dumps({"id": "a1", "text": longest}, ensure_ascii=False)
        assert await page.post(raw) == (200, {"ack": "a1"})
        assert (await page.form({"csrf": page.csrf, "id": "a2", "text": longest}))[0] == 303
        assert error(await page.post({"id": "a3", "text": "x" * 4001})) == (413, "too_long")
        assert error(await page.post({"id": "a4", "text": "\n"})) == (400, "empty")
        ws = await page.ws()
        await ws.say("a5", "x" * 4001)
        assert (await ws.until("error"))["id"] == "a5"
        assert here.bot.said() == [longest, longest]


async def test_large_frames_and_bodies_end_the_line():
    async with visit() as (here, page):
        ws = await page.ws()
        await ws.until("text")
        await ws.raw.send_str("x" * 20_000)
        assert await ws.until("never") == ("closed", 1009)
        assert error(await page.post(b"x" * 20_000)) == (413, "too_large")
        assert (await page.form({"csrf": page.csrf, "id": "a2", "text": "x" * 70_000}))[0] == 413
        assert here.bot.said() == []


async def test_half_characters_are_mended():
    async with visit() as (_, page):
        assert await page.post('{"id": "a1", "text": "a\\ud800b"}') == (200, {"ack": "a1"})
        _, log = await page.poll()
        assert log["entries"][1]["own"] == "a\ufffdb"


async def test_who_writes_too_fast_is_told_when_to_go_on():
    async with house(WebLimits(conversation=Rate(3, 0.1))) as here:
        page, other = here.page(), here.page()
        await page.load()
        await other.load()
        for number in range(3):
            assert (await page.post({"id": f"a{number}", "text": "Ja"}))[0] == 200
        status, data = await page.post({"id": "a3", "text": "Ja"})
        assert (status, data["error"], data["id"], data["retry"]) == (429, "too_many", "a3", 10)
        assert "[de] web.error.too_many" in data["text"], "in the language of the conversation"
        assert (await other.post({"id": "a0", "text": "Ja"}))[0] == 200
        assert len(here.bot.said()) == 4


async def test_at_most_twenty_wait():
    async with house(WebLimits(conversation=Rate(0, 1))) as here:
        page = here.page()
        await page.load()
        await page.poll(wait=2)
        here.bot.gate.clear()
        posts = [asyncio.ensure_future(page.post({"id": f"a{n}", "text": str(n)})) for n in range(25)]
        async with asyncio.timeout(PATIENCE):
            while sum(post.done() for post in posts) < 5:
                await asyncio.sleep(0.01)
        assert [error(post.result()) for post in posts if post.done()] == [(429, "too_many")] * 5
        here.bot.gate.set()
        await asyncio.wait(posts)
        assert len(here.bot.said()) == 20


async def test_new_conversations_of_one_network_are_counted():
    async with house(WebLimits(new_network=Rate(3, 0.01))) as here:
        pages = [here.page() for _ in range(5)]
        for page in pages:
            await page.load()
        assert [(await page.poll())[0] for page in pages] == [200, 200, 200, 429, 429]
        assert len(here.hub._chats) == 3, "who is refused takes nobody's place"
        assert (await pages[0].poll())[0] == 200
        here.bot.known.add(here.conversation(pages[4]).address)
        assert (await pages[4].poll())[0] == 200, "who comes back is not new"


async def test_open_lines_are_counted():
    async with house(WebLimits(lines=2)) as here:
        page = here.page()
        await page.load()
        one, _ = await page.ws(), await page.ws()
        await one.until("text")
        third = await page.ws()
        assert (await third.next())["error"] == "too_many_lines"
        assert await third.next() == ("closed", 4429)
        await one.close()
        assert (await (await page.ws()).next())["epoch"] == here.hub.epoch


async def test_a_flood_of_frames_ends_the_line():
    async with visit() as (_, page):
        ws = await page.ws()
        await ws.until("text")
        for _ in range(100):
            await ws.raw.ping()
        assert await ws.until("never") == ("closed", 4429)


async def test_a_slow_body_is_given_up():
    async with house(WebLimits(body_seconds=0.2)) as here:
        page = here.page()
        await page.load()

        async def dribble():
            for _ in range(20):
                yield b" "
                await asyncio.sleep(0.1)

        headers = {"Origin": page.origin, "Content-Type": "application/json"}
        async with page.http.post(page.url / "say", data=dribble(), headers=headers) as response:
            assert (response.status, (await response.json())["error"]) == (408, "slow")


async def test_who_does_not_read_is_cut_and_nobody_else():
    async with house(WebLimits(send_seconds=0.3, conversation=Rate(0, 1))) as here:
        page, other = here.page(), here.page()
        await page.load()
        await other.load()
        ws = await page.ws()
        await ws.until("text")
        # The client stops reading; what is sent to it piles up until the server gives up.
        ws.stop_reading()
        address = here.conversation(page).address
        for _ in range(400):
            here.hub.chat(address).add(None, "x" * 30_000)
            await asyncio.sleep(0)
            if not here.hub.chat(address).lines:
                break
            await asyncio.sleep(0.005)
        async with asyncio.timeout(PATIENCE):
            while here.hub.chat(address).lines:
                await asyncio.sleep(0.05)
        assert (await other.post({"id": "a1", "text": "Ja"}))[0] == 200


async def test_before_the_house_is_open_people_are_asked_to_wait():
    async with visit() as (here, page):
        await here.hub.stop()
        assert error(await page.post({"id": "a1", "text": "Ja"})) == (503, "busy")
        await here.hub.start(here.bot.receive)
        assert await page.post({"id": "a1", "text": "Ja"}) == (200, {"ack": "a1"})


def test_buckets_refill_and_forget(monkeypatch):
    now = 0.0
    buckets = Buckets(Rate(2, 0.5), clock=lambda: now)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 2]
    now = 2.0
    assert [buckets.take("a") for _ in range(2)] == [0, 2]
    monkeypatch.setattr("adapters.web.limits.MOST_BUCKETS", 3)
    for number in range(10):
        buckets.take(str(number))
    assert len(buckets._full_at) == 3


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # a stranger's word
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.9", "198.51.100.9"),  # the first was claimed by the client
        ("10.0.0.1", "198.51.100.9, 10.0.0.2", "198.51.100.9"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("2001:db8:1:2:3::4", None, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("", None, "?"),
    ],
)
def test_whose_address_it_is(remote, forwarded, address):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert Origins(["10.0.0.0/8"]).address(request_of(remote, **headers)) == address


def test_whether_the_line_is_encrypted():
    origins = Origins(["10.0.0.0/8"])
    assert origins.is_secure(request_of("10.0.0.1", **{"X-Forwarded-Proto": "https"}))
    assert not origins.is_secure(request_of("192.0.2.1", **{"X-Forwarded-Proto": "https"}))
    public = Origins([], is_public_secure=True)
    assert public.is_secure(request_of("127.0.0.1")), "whatever a proxy that is not named reports"
    assert Origins([]).network(request_of("192.0.2.77")) == "192.0.2.0/24"


@pytest.mark.parametrize(
    ("remote", "is_told"), [("127.0.0.1", True), ("172.17.0.1", True), ("10.0.0.1", False), ("9.9.9.9", False)]
)
def test_a_proxy_that_is_not_named_is_told_once(remote, is_told):
    origins = Origins(["10.0.0.0/8"])
    with capture_logs() as logs:
        for _ in range(3):
            origins.address(request_of(remote, **{"X-Forwarded-For": "198.51.100.9"}))
        origins.address(request_of(remote))
    assert [line["event"] for line in logs] == ["proxy_not_named"] * is_told


def test_a_log_forgets_what_is_old_by_number_and_by_length():
    chat = WebChat()
    for number in range(LOG_LENGTH + 5):
        chat.add(None, f"word {number}")
    assert len(chat.entries) == LOG_LENGTH
    chat.add(None, "x" * (LOG_CHARACTERS + 1))
    assert [len(entry.own) for entry in chat.entries] == [LOG_CHARACTERS + 1]
    chat.add(None, "next")
    assert [entry.own for entry in chat.entries] == ["next"]


def test_cross_site_cookie_needs_tls_and_allowed_frames():
    for is_secure, is_framed, expected in ((True, True, True), (True, False, False), (False, True, False)):
        response = web.Response()
        sessions.set_cookie(response, "park", "value", is_secure=is_secure, is_framed=is_framed)
        cookie = response.headers["Set-Cookie"]
        assert ("SameSite=None" in cookie and cookie.endswith("; Partitioned")) is expected
        assert "HttpOnly" in cookie
        assert ("Secure" in cookie) is is_secure
        assert "Path=/c/park" in cookie
