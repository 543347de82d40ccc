"""Pages are valid, safe, small, and helpful when something is wrong. `test_every_route.py` visits every one of them."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from adapters.web.limits import Rate
from bot.common.colours import DARK_PAGE, LIGHT_PAGE, READABLE, contrast, for_dark_pages, for_light_pages
from bot.common.errors import ErasureLogError
from bot.common.i18n.locale import Locale
from bot.settings import WebSettings
from flows.languages import LANGUAGES
from storage.core.engines import sqlite_file
from storage.core.errors import StoreBusy, StoreFull
from storage.core.store import Store
from tests.support.app import consultation, publish
from tests.support.browser import QUICK, serving
from tests.support.timeouts import PATIENCE
from tests.support.web_routes import visits

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
KILOBYTE = 1024


@pytest.fixture
def store(sample_store):
    return sample_store


def policy(headers: dict[str, str]) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


async def test_every_answer_has_safe_headers(store):
    async with serving(store) as house:
        page = house.browser()
        css = re.search(r'href="(/static/style.css[^"]+)', (await page.get("/")).page.html)
        assert css
        anybody = [path for _, visit, path in visits(house.server.app) if visit.by == "anybody"]
        for path in (*anybody, css[1], "/nowhere", "/static/x", "/c/mein-kiez/ws"):
            await page.get(path)
            assert POLICY.items() <= policy(page.headers).items(), path
            assert "unsafe" not in page.headers["Content-Security-Policy"]
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert page.headers["Referrer-Policy"] == "same-origin"


async def test_a_language_can_be_chosen_and_is_kept(store):
    async with serving(store) as house:
        page = house.browser(**{"Accept-Language": "tr-TR,tr;q=0.9,de;q=0.5"})
        assert '<html lang="tr"' in (await page.get("/")).page.html
        await page.get("/?lang=ar")
        assert page.path == "/"
        assert '<html lang="ar" dir="rtl"' in page.page.html
        assert '<html lang="ar" dir="rtl"' in (await page.get("/privacy")).page.html
        await page.get("/?lang=xx&size=large")
        assert '<html lang="ar" dir="rtl" class="large"' in page.page.html
        for wish in ("//evil.example/?lang=de", "/%2F%2Fevil.example/?lang=de"):
            async with page.http.get(
                f"{house.server.make_url('/')}".rstrip("/") + wish, allow_redirects=False
            ) as answer:
                assert not answer.headers.get("Location", "/").startswith("//")


@pytest.mark.parametrize("path", ["/p/%E2%80%AEevil", "/room?code=%E2%80%AEevil"])
async def test_what_was_typed_comes_back_without_tricks(store, path):
    async with serving(store) as house:
        page = await house.browser().get(path)
        assert "evil" in page.page.html
        assert "\u202e" not in page.page.html, "it would turn round what follows"


async def test_every_cookie_stays_on_encrypted_lines(store):
    async with serving(store, trusted_proxies=["127.0.0.1"]) as house:
        page = house.browser(**{"X-Forwarded-Proto": "https"})
        url, origin = house.server.make_url("/c/mein-kiez/start"), str(house.server.make_url("/").origin())
        async with page.http.get(house.server.make_url("/?lang=ar&size=large"), allow_redirects=False) as answer:
            given = answer.headers.getall("Set-Cookie")
        async with page.http.post(
            url, data={"lang": "de"}, headers={"Origin": origin}, allow_redirects=False
        ) as answer:
            given += answer.headers.getall("Set-Cookie")
        assert {cookie.partition("=")[0] for cookie in given} == {"lang", "size", "talk"}
        assert all("Secure" in cookie and "HttpOnly" in cookie for cookie in given), given


async def test_each_language_stands_in_its_own_name_and_script(store):
    async with serving(store) as house:
        page = await house.browser().get("/")
        for language in LANGUAGES.values():
            assert f'lang="{language.tag}"' in page.page.html
            assert language.name in page.text


async def test_a_card_says_who_asks_how_long_and_in_which_languages(store):
    async with serving(store) as house:
        page = await house.browser(Cookie="lang=en").get("/")
        for words in (
            "My Kiez, a good place to live",
            "the sample core team",
            "About 3 minutes",
            "No end has been set",
        ):
            assert words in page.text
        assert "Sample" in page.text
        assert "Türkçe* (unchecked translation)" in page.text
        assert "Deutsch*" not in page.text, "it was written in German"
        await page.get("/c/mein-kiez?lang=tr")
        assert Locale.of("tr").text("web.unreviewed") in page.text
        await page.get("/c/mein-kiez?lang=de")
        assert Locale.of("de").text("web.unreviewed") not in page.text, "it was written in German"


async def test_the_last_day_is_said_and_after_it_the_door_is_shut(empty):
    now = datetime.now(UTC)
    publish(empty, consultation("soon"), opens_at=now + timedelta(days=3))
    publish(empty, consultation("over"), closes_at=now - timedelta(days=1))
    publish(empty, consultation("open"), closes_at=datetime(2099, 4, 1, tzinfo=UTC))
    async with serving(empty) as house:
        page = await house.browser(Cookie="lang=de").get("/")
        assert "Beispiel open" in page.text
        assert "Bis 1. April 2099" in page.text
        assert "Beispiel soon" not in page.text
        assert "/c/over" not in page.page.html
        assert ("Beispiel over", "/results/over") in page.page.links
        await page.get("/c/over")
        assert (page.status, page.heading()) == (410, "Diese Befragung ist zu Ende")
        assert ("Ergebnisse", "/results/over") in page.page.links
        await page.get("/c/soon")
        assert (page.status, page.heading()) == (404, "Diese Befragung beginnt erst noch")
        for slug in ("over", "soon"):
            await page.post(f"/c/{slug}/start", [("lang", "de")])
            assert page.status in {404, 410}
            assert page.http.cookie_jar.filter_cookies(house.server.make_url(f"/c/{slug}")).get("talk") is None


async def test_an_empty_house_says_so(empty):
    async with serving(empty) as house:
        page = await house.browser(Cookie="lang=de").get("/")
        assert "Zurzeit läuft keine Befragung." in page.text
        await page.get("/accessibility")
        assert page.status == 200


async def test_looking_at_a_door_leaves_nothing_behind(store):
    async with serving(store) as house:
        page = await house.browser().get("/c/mein-kiez")
        assert not list(page.http.cookie_jar)


async def test_a_shared_link_has_title_text_and_picture(store):
    async with serving(store) as house:
        browser = house.browser()
        for path in ("/", "/c/mein-kiez?lang=de", "/results/mein-kiez?lang=de"):
            html = (await browser.get(path)).page.html
            shown = dict(re.findall('<meta property="og:(\\w+)" content="([^"]*)">', html))
            assert shown.keys() >= {"title", "description", "image"}, path
            assert shown["image"].startswith("http")
            assert all(shown.values()), path
        async with browser.http.get(shown["image"]) as picture:
            assert picture.content_type == "image/png"


async def test_trouble_is_said_in_the_language_of_the_person(store, monkeypatch):
    async def lost(self, work):
        raise StoreBusy("secret detail")

    async with serving(store) as house:
        page = house.browser(Cookie="lang=tr")
        await house.app.outbox.drained()  # it reads as well, and would end on a fault that no database has
        monkeypatch.setattr(Store, "read", lost)
        await page.get("/")
        assert (page.status, page.heading()) == (503, Locale.of("tr").text("web.error.trouble"))
        assert "secret" not in page.page.html
        assert (Locale.of("tr").text("web.error.again"), "/") in page.page.links
        monkeypatch.setattr(Store, "read", lambda self, work: 1 / 0)
        await page.get("/")
        assert (page.status, page.heading()) == (500, Locale.of("tr").text("web.error.trouble"))
        assert "Error" not in page.page.html


async def test_who_comes_too_often_is_told_when_to_come_again(store):
    slow = QUICK._replace(new_network=Rate(1, 0.1))
    async with serving(store, slow) as house:
        page = house.browser(Cookie="lang=de")
        await page.post("/c/mein-kiez/start", [("lang", "de")])
        assert page.status == 200
        other = house.browser(Cookie="lang=de")
        await other.post("/c/mein-kiez/start", [("lang", "de")])
        assert (other.status, other.heading()) == (429, "Das war zu viel auf einmal")
        assert 1 <= int(other.headers["Retry-After"]) <= 11


async def test_what_is_too_long_is_refused_with_a_page(store):
    async with serving(store) as house:
        page = house.browser(Cookie="lang=de")
        await page.post("/c/mein-kiez/form", [("text", "x" * 300_000)])
        assert (page.status, page.heading()) == (413, "Das war zu lang")
        await page.post("/c/mein-kiez/start", [("lang", "de")])
        say = next(form for form in page.page.forms if form.action.endswith("/say"))
        fields = dict(say.fields) | {"text": "x" * 5000}
        await page.post(say.action, list(fields.items()))
        assert (page.status, page.heading()) == (413, "Das war zu lang")


async def test_files_are_not_taken(store):
    async with serving(store) as house:
        page = house.browser(Cookie="lang=de")
        file = {"file": io.BytesIO(b"x" * 1000)}
        async with page.http.post(house.server.make_url("/c/mein-kiez/form"), data=file) as answer:
            assert answer.status == 400
            assert "<h1>" in await answer.text()


@pytest.mark.parametrize("cookie", ["forged", "0123456789ABCDEF." + "0" * 32, "ü" * 40, "." * 5])
async def test_a_forged_cookie_is_as_good_as_none(store, cookie):
    async with serving(store) as house:
        page = await house.browser(Cookie=f"talk={cookie}").get("/c/mein-kiez")
        assert page.status == 200
        assert any(form.action.endswith("/start") for form in page.page.forms)
        await page.post("/c/mein-kiez/form", [("csrf", "x")])
        assert page.status == 401


async def test_the_first_load_is_light(store):
    async with serving(store) as house:
        page = house.browser(**{"Accept-Encoding": "gzip"})
        await page.post("/c/mein-kiez/start", [("lang", "de")])
        files = re.findall(r'(?:src|href)="(/static/style[^"]+|/c/-/[^"]+)"', page.page.html)
        assert len(files) == 2
        sizes = [len(gzip.compress(page.page.html.encode()))]
        for path in files:
            async with page.http.get(house.server.make_url(path)) as answer:
                assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert answer.headers["Content-Encoding"] == "gzip"
                sizes.append(int(answer.headers["Content-Length"]))
        assert sum(sizes) < 40 * KILOBYTE, sizes


async def test_files_are_kept_by_browsers_until_they_change(store):
    async with serving(store) as house:
        page = house.browser()
        async with page.http.get(house.server.make_url("/static/style.css")) as answer:
            assert answer.headers["Cache-Control"] == "public, max-age=300"
            tag = answer.headers["ETag"]
        url = house.server.make_url("/static/style.css")
        async with page.http.get(url, headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304
        async with page.http.get(house.server.make_url("/static/../server.py")) as answer:
            assert answer.status == 404


async def test_only_named_pages_may_frame_a_consultation(store):
    async with serving(store, embed_origins=["https://www.example.org"]) as house:
        page = house.browser()
        await page.get("/c/mein-kiez?embed=1")
        assert policy(page.headers)["frame-ancestors"] == "'self' https://www.example.org"
        assert 'target="_blank"' in page.page.html
        await page.get("/")
        assert policy(page.headers)["frame-ancestors"] == "'none'"


async def test_the_deployment_is_named_and_coloured(store):
    async with serving(
        store,
        organisation="Stadt <Beispiel>",
        accent="#7A1F4B",
        accessibility_contact="barriere@example.org",
        public_url="https://mitsprache.example/",
    ) as house:
        page = await house.browser(Cookie="lang=de").get("/accessibility")
        assert "Stadt &lt;Beispiel&gt;" in page.page.html
        assert 'href="mailto:barriere@example.org"' in page.page.html
        assert "spätestens nach einem Monat" in page.text
        assert page.headers["Strict-Transport-Security"].startswith("max-age=")
        await page.get("/static/style.css")
        async with page.http.get(house.server.make_url("/static/style.css")) as answer:
            assert (await answer.text()).startswith(":root{--accent-light:#7a1f4b;--accent-dark:#")


@pytest.mark.parametrize("accent", ["#0b5d66", "#000000", "#7a1f4b", "#1d5c8f", "#b00020"])
def test_the_accent_is_readable_on_light_and_dark(accent):
    assert WebSettings(accent=accent).accent == accent
    assert contrast(accent, LIGHT_PAGE) >= READABLE
    assert contrast(accent, "#ffffff") >= READABLE
    assert contrast(for_dark_pages(accent), DARK_PAGE) >= READABLE
    assert contrast(for_dark_pages(accent), "#0e1114") >= READABLE, "of the words on a button"


@pytest.mark.parametrize("accent", ["#6b6b6b", "#1a7f37", "#7a6a00"])
def test_an_accent_just_dark_enough_is_readable_on_its_tint(accent):
    assert WebSettings(accent=accent).accent == accent
    tint = "#" + "".join(
        f"{round(255 * 0.9 + int(shown[at : at + 2], 16) * 0.1):02x}"
        for shown in [for_light_pages(accent)]
        for at in (1, 3, 5)
    )
    assert contrast(for_light_pages(accent), tint) >= READABLE


@pytest.mark.parametrize(
    "wrong",
    [
        {"accent": "#ffcc00"},
        {"accent": "red"},
        {"embed_origins": ["*"]},
        {"embed_origins": ["https://a.example/path"]},
        {"embed_origins": ["https://a.example; script-src *"]},
        {"trusted_proxies": ["my-proxy"]},
        {"public_url": "mitsprache.example"},
        {"colour": "#000000"},
    ],
)
def test_a_setting_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        WebSettings.model_validate(wrong)


def test_lists_may_come_from_the_environment():
    found = WebSettings.model_validate({"embed_origins": "https://a.example, https://b.example"})
    assert found.embed_origins == ("https://a.example", "https://b.example")


async def test_words_of_a_person_are_never_markup(store):
    async with serving(store) as house:
        page = house.browser()
        await page.post("/c/mein-kiez/start", [("lang", "de")])
        await page.press("Senden", text="<script>alert(1)</script><b onclick=x>")
        assert "<script>alert" not in page.page.html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.page.html


async def test_readyz_fails_until_a_write_succeeds_again(store, monkeypatch):
    """Also without any other traffic. The response is public, so it names nothing of this app."""
    async with serving(store) as house:

        async def readiness() -> tuple[int, str]:
            async with house.browser().http.get(house.server.make_url("/readyz")) as answer:
                return answer.status, await answer.text()

        def fail(*_: object, **more: object) -> None:
            raise StoreFull("/srv/secret/place")

        with monkeypatch.context() as patch:
            patch.setattr(store, "_attempts", fail)
            with pytest.raises(StoreFull):
                await store.write(lambda connection: None)
            words = "There is no space left for new rows; what is stored is intact."
            for _ in range(2):
                assert await readiness() == (503, f"{words} What to do: make room on its disk.\n")
        assert await readiness() == (200, "ready\n")
        house.app.erasure_log.error = ErasureLogError("/srv/secret/place")
        status, words = await readiness()
        assert (status, "secret" in words, "nothing was erased" in words) == (503, False, True)


async def test_a_page_of_the_database_that_is_spoilt_is_told_by_readyz(empty, monkeypatch):
    monkeypatch.setattr("bot.common.integrity.EVERY_SECONDS", 0.2)
    file = sqlite_file(empty.writer.url)
    async with serving(empty) as house:
        page = house.browser()
        assert (await page.get("/readyz")).status == 200
        empty.scrub()
        with file.open("r+b") as spoilt:
            spoilt.seek(4096 * 4)
            spoilt.write(os.urandom(4096 * 4))
        async with asyncio.timeout(PATIENCE):
            while (await page.get("/readyz")).status != 503:
                await asyncio.sleep(0.1)


async def test_security_txt_names_the_contact_of_the_settings(sample_store):
    url, contact = "https://mitsprache.example", "sicherheit@stadt.example"
    async with serving(sample_store, public_url=url, security_contact=contact) as house:
        page = house.browser()
        async with page.http.get(house.server.make_url("/.well-known/security.txt")) as answer:
            assert (answer.status, answer.content_type) == (200, "text/plain")
            fields = dict(line.split(": ", 1) for line in (await answer.text()).splitlines())
    assert fields["Contact"] == "mailto:sicherheit@stadt.example"
    assert fields["Canonical"] == "https://mitsprache.example/.well-known/security.txt"
    until = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=30) < until - datetime.now(UTC) < timedelta(days=365)


async def test_without_a_contact_there_is_no_security_txt(sample_store):
    async with serving(sample_store) as house:
        page = house.browser()
        async with page.http.get(house.server.make_url("/.well-known/security.txt")) as answer:
            assert answer.status == 404
