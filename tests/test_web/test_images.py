"""Images on the pages: with alternative text and size, served for good, nothing else beside them."""

from __future__ import annotations

import pytest

from flows.messages import message_as_text
from tests.support.app import consultation, publish
from tests.support.browser import Browser, House, serving
from tests.support.images import image_entry, jpeg, keep_image, png

LAMP, LIT, DARK = png(shade=1), jpeg(), png(shade=3)
LAMPS = {
    "key": "lamps",
    "type": "choices",
    "text": {"de": "Licht?", "en": "Light?"},
    "image": image_entry(LAMP, "ein Weg"),
    "options": [
        {"value": "lit", "label": {"de": "Hell", "en": "Lit"}, "image": image_entry(LIT, "mit Lampe", "jpg")},
        {"value": "dark", "label": {"de": "Dunkel", "en": "Dark"}, "image": image_entry(DARK, "ohne Lampe")},
        {"value": "other_light", "label": {"de": "Anders", "en": "Else"}},
    ],
}
HELLO = {"key": "hello", "type": "note", "text": {"de": "Hallo.", "en": "Hi."}, "image": image_entry(LAMP, "ein Gruß")}
RANK = LAMPS | {"key": "first", "type": "rank"}
SHOWN = ["ein Weg", "mit Lampe", "ohne Lampe"]


@pytest.fixture
def store(empty, tmp_path):
    publish(empty, consultation(questions=[HELLO, LAMPS, RANK]))
    for content, ending in ((LAMP, "png"), (LIT, "jpg"), (DARK, "png")):
        keep_image(tmp_path, content, ending)
    return empty


async def began(house: House) -> Browser:
    browser = house.browser(Cookie="lang=de")
    await browser.get("/c/park")
    return await browser.press("Lieber ein Chat?")


def images(browser: Browser) -> list[dict[str, str | None]]:
    return [given for tag, given in browser.page.tags if tag == "img" and given.get("src")]


def alternatives(browser: Browser) -> list[str | None]:
    return [given["alt"] for given in images(browser)]


async def test_an_image_is_served_for_good_with_its_type(store, tmp_path):
    async with serving(store) as house:
        browser = await began(house)
        for content, given in zip((LAMP, LAMP, LIT, DARK), images(browser), strict=True):
            assert (given["width"], given["height"]) == ("320", "200")
            async with browser.http.get(house.server.make_url(str(given["src"]))) as response:
                assert (response.status, await response.read()) == (200, content)
                assert response.headers["Content-Type"] == ("image/jpeg" if content == LIT else "image/png")
                assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert "img-src 'self'" in response.headers["Content-Security-Policy"]


async def test_an_image_that_no_revision_names_is_not_served(store, tmp_path):
    orphan = png(shade=9)
    keep_image(tmp_path, orphan)
    name = image_entry(orphan, "x")["file"]
    async with serving(store) as house:
        browser = house.browser()
        async with browser.http.get(house.server.make_url(f"/media/{name}")) as response:
            assert response.status == 404


async def test_chat_and_form_show_images_where_they_belong(store, tmp_path):
    async with serving(store) as house:
        browser = await began(house)
        assert alternatives(browser) == ["ein Gruß", *SHOWN]
        assert "Bild: ein Weg" not in browser.text, "the image says it already"
        form = await browser.get("/c/park/form")
        assert alternatives(form) == ["ein Gruß", *SHOWN]
        page = await form.press("Weiter")
        assert alternatives(page) == ["ein Gruß", *SHOWN], "an error does not take them away"
        await page.press("Weiter", "Hell")
        assert page.heading() == "Licht?"
        assert alternatives(page) == SHOWN, "numbered fields have them too"


async def test_transports_name_images_apart_from_the_text(store, tmp_path):
    async with serving(store) as house:
        browser = await began(house)
        async with browser.http.get(house.server.make_url("/c/park/poll")) as response:
            entries = (await response.json())["entries"]
        assert "Bild" not in entries[-1]["text"]
        assert [image["text"] for image in entries[-1]["images"]] == [
            "Bild: ein Weg",
            "Bild 1: mit Lampe",
            "Bild 2: ohne Lampe",
        ]
        assert entries[-1]["images"][0]["source"] == f"/media/{LAMPS['image']['file']}"  # type: ignore[index]
        [conversation] = house.app.channels["web"]._chats.values()  # type: ignore[attr-defined]
        said = message_as_text(conversation.entries[-1].msg)
        assert "Bild 1: mit Lampe" in said, "reading aloud says what the images show"


async def test_paper_kiosk_and_screen_show_images(store, tmp_path):
    async with serving(store) as house:
        paper = await house.browser().get("/c/park/paper?in=de")
        assert alternatives(paper) == [*SHOWN, *SHOWN]
        assert "Bild 1" not in paper.text
        kiosk = await house.browser().get("/kiosk/park")
        await kiosk.press("Deutsch Los geht es")
        assert alternatives(kiosk) == ["ein Gruß", *SHOWN]
