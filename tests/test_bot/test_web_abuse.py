"""What strangers and broken programs send to the pages: always a helpful page, never a fault of ours, nothing stored."""

from __future__ import annotations

import pytest

from bot.consultations.publishing import publish_samples
from bot.house import desk
from bot.settings import Settings
from storage import migrate
from storage.store import Store
from tests.test_bot.browser import serving

FORM = "application/x-www-form-urlencoded"
DOORS = (
    "/c/mein-kiez/start",
    "/c/mein-kiez/form",
    "/c/mein-kiez/resume",
    "/resume",
    "/kiosk/mein-kiez/start",
    "/kiosk/mein-kiez/here",
    "/help-out/sign-in",
    "/help-out/mein-kiez/sheet",
)


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/web.db")
    migrate.upgrade(store)
    publish_samples(store, desk(Settings()))
    yield store
    store.dispose()


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
