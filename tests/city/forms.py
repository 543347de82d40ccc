"""A resident in a browser without scripts: only the page's form fields can be sent."""

from __future__ import annotations

from typing import Any

from aiohttp.test_utils import TestServer

from flows.messages import MsgOut, QuickReply
from tests.city.chat import Line
from tests.city.survey import SLUG
from tests.support.browser import Browser, Form


class Visit:
    """The chat page of one visitor. Forms are sent as the page contains them; messages are read from the markup."""

    def __init__(self, server: TestServer, place: str) -> None:
        self._server, self._place = server, place
        self._browser: Browser | None = None
        self._seen, self._epoch = 0, ""

    async def say(self, line: Line, language: str) -> list[MsgOut]:
        """What the bot says to it; the first line opens the door, in this language."""
        browser, form = self._browser, self._form()
        if browser is None or form is None:
            browser = await self._entered(language)
        else:
            assert self._is_offered(form, line), f"the page does not offer {line.choice}"
            own = ("choice", line.choice) if line.choice else ("text", line.text)
            await browser.post(form.action, [*(it for it in form.fields if it[0] != "text"), own])
        if self._form() is None:
            return [MsgOut(browser.text)]  # everything was deleted: the page says so, and there is no log any more
        return await self._new(browser)

    async def close(self) -> None:
        if self._browser is not None:
            await self._browser.http.close()

    async def _entered(self, language: str) -> Browser:
        await self.close()
        self._seen, self._epoch = 0, ""
        self._browser = browser = Browser(self._server, **{"Accept-Language": language})
        await browser.get(f"/c/{SLUG}?at={self._place}")
        (form,) = (it for it in browser.page.forms if it.action == f"/c/{SLUG}/start")
        assert dict(form.fields)["lang"] == language
        return await browser.post(form.action, form.fields)

    def _form(self) -> Form | None:
        """The form in which one writes, and presses the buttons of the last message."""
        forms = self._browser.page.forms if self._browser else []
        return next((it for it in forms if it.action == f"/c/{SLUG}/say"), None)

    @staticmethod
    def _is_offered(form: Form, line: Line) -> bool:
        return not line.choice or line.choice in {value for name, value, _ in form.buttons if name == "choice"}

    async def _new(self, browser: Browser) -> list[MsgOut]:
        """What is new. Without the epoch of the log its number means nothing, and everything would come again."""
        address = self._server.make_url(f"/c/{SLUG}/poll?after={self._seen}&epoch={self._epoch}&wait=0")
        async with browser.http.get(address) as answer:
            told = await answer.json()
        self._epoch = told["epoch"]
        entries: list[dict[str, Any]] = told["entries"]
        self._seen = max((it["seq"] for it in entries), default=self._seen)
        return [_message(it) for it in entries if "quick_replies" in it]


def _message(entry: dict[str, Any]) -> MsgOut:
    known = ({name: reply[name] for name in QuickReply._fields if name in reply} for reply in entry["quick_replies"])
    replies = tuple(QuickReply(**reply) for reply in known)
    return MsgOut(entry["text"], replies, entry["language"], entry["expects"], entry["title"])
