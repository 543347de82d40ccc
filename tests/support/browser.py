"""A browser without JavaScript for tests: pages, their forms and links, and a cookie jar of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestServer

from adapters.web.hub import WebHub
from adapters.web.limits import BeginRules, Rate, WebLimits
from bot.app import App, build
from bot.settings import Settings
from bot.web.server import build_application
from storage.core.store import Store
from tests.support.app import KEYS, make_here

# Tests are quicker than people.
QUICK = WebLimits(conversation=Rate(0, 1), address=Rate(0, 1), begins=BeginRules(free=0), new_network=Rate(0, 1))
VOID = frozenset({"area", "base", "br", "hr", "img", "input", "link", "meta", "path"})


class Form:
    """A form as it would be sent: its fields with what stands in them, and its buttons."""

    def __init__(self, action: str, method: str, id_: str = "") -> None:
        self.action, self.method, self.id = action, method, id_
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str, str]] = []  # name, value, label
        self.options: dict[str, tuple[str, str]] = {}  # label of a radio button or check box -> name, value
        self.types: list[str] = []
        self.actions: dict[str, str] = {}  # label of a button with an address of its own -> the address


class Parser(HTMLParser):
    """Reads a page: it fails on tags that are not closed, and on an id that stands twice."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self._elsewhere: list[tuple[str, tuple[str, str, str]]] = []
        self._label: list[str] | None = None
        # form, name, value, own address, id of another form
        self._button: tuple[Form, str, str, str, str] | None = None
        self._option: tuple[Form, str, str] | None = None
        self.feed(html)
        assert self.open == []
        for id_, button in self._elsewhere:
            next(form for form in self.forms if form.id == id_).buttons.append(button)
        ids = [attrs["id"] for _, attrs in self.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), ids

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        assert "style" not in given, "the policy forbids inline styles"
        assert not any(name.startswith("on") for name in given), "the policy forbids inline scripts"
        if tag not in VOID:
            self.open.append(tag)
        if tag == "form":
            self.forms.append(Form(given.get("action") or "", given.get("method") or "get", given.get("id") or ""))
        if tag in {"label", "button", "a"}:
            self._label = []
        form = self.forms[-1] if "form" in self.open else None
        if form is None:
            return
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "button":
            self._button = (form, name, value, given.get("formaction") or "", given.get("form") or "")
        if tag == "input" and given.get("type") in {"radio", "checkbox"}:
            form.types.append(str(given["type"]))
            self._option = (form, name, value)
        if (tag in {"input", "textarea", "select"} and given.get("type") not in {"radio", "checkbox"}) or (
            "checked" in given
        ):
            form.fields.append((name, value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()
        if tag not in {"span", "bdi", "strong"}:
            self.text += " "
        label = " ".join("".join(self._label or ()).split())
        if tag == "a" and self._label is not None:
            self.links.append((label, next(a["href"] or "" for t, a in reversed(self.tags) if t == "a")))
        if tag == "button" and self._button:
            form, name, value, action, other = self._button
            if other:
                self._elsewhere.append((other, (name, value, label)))
            else:
                form.buttons.append((name, value, label))
            if action:
                form.actions[label] = action
        if tag == "label" and self._option:
            form, name, value = self._option
            form.options[label] = (name, value)
            self._option = None
        if tag in {"label", "button", "a"}:
            self._label = None

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["textarea"]:
            name, _ = self.forms[-1].fields.pop()
            self.forms[-1].fields.append((name, data))
        if self._label is not None:
            self._label.append(data)
        if "head" not in self.open:
            self.text += data


class Browser:
    """One person's browser."""

    def __init__(self, server: TestServer, **headers: str) -> None:
        self.server = server
        self.http = ClientSession(cookie_jar=CookieJar(unsafe=True), headers=headers)
        self.page = Parser("")
        self.status = 0
        self.path = "/"
        self.headers: dict[str, str] = {}

    async def get(self, path: str, **headers: str) -> Browser:
        async with self.http.get(self.server.make_url(path), headers=headers) as response:
            return await self._see(response)

    async def press(self, label: str, *chosen: str, **written: str) -> Browser:
        """Presses the first button of this name, with these options chosen and these fields filled in."""
        found = [(f, b) for f in self.page.forms for b in f.buttons if b[2] == label or b[2].endswith(f" {label}")]
        assert found, (label, [button[2] for form in self.page.forms for button in form.buttons])
        form, (name, value, full) = found[0]
        picked = [next(it for name, it in form.options.items() if name.endswith(option)) for option in chosen]
        names = {name for name, _ in picked}
        fields = [(key, written.pop(key, old)) for key, old in form.fields if key not in names] + picked
        assert not written, f"there is no field {written}"
        action = form.actions.get(full) or form.action or self.path
        return await self.post(action, [*fields, *([(name, value)] if name else [])])

    async def post(self, path: str, fields: Any, **headers: str) -> Browser:
        given = {"Origin": str(self.server.make_url("/").origin())} | headers
        body = dict_of(fields)
        async with self.http.post(self.server.make_url(path), data=body, headers=given) as response:
            return await self._see(response)

    async def _see(self, response: ClientResponse) -> Browser:
        self.status, self.path, self.headers = response.status, response.url.path, dict(response.headers)
        html = await response.text()
        self.page = Parser(html if response.content_type == "text/html" else "")
        return self

    @property
    def text(self) -> str:
        return " ".join(self.page.text.split())

    def step(self) -> Form:
        """The form of the current question."""
        forms = [form for form in self.page.forms if "at" in dict(form.fields)]
        return max(forms, key=lambda form: len(form.buttons) + len(form.options) + len(form.fields))

    def heading(self) -> str:
        """What the h1 says."""
        _, _, rest = self.page.html.partition("<h1")
        return " ".join(Parser(f"<h1{rest.partition('</h1>')[0]}</h1>").text.split())


def dict_of(fields: Any) -> Any:
    from urllib.parse import urlencode

    from aiohttp import payload

    return payload.StringPayload(urlencode(fields), content_type="application/x-www-form-urlencoded")


class House:
    """A running app with its pages."""

    def __init__(self, app: App, server: TestServer) -> None:
        self.app, self.server = app, server
        self.browsers: list[Browser] = []

    def browser(self, **headers: str) -> Browser:
        self.browsers.append(Browser(self.server, **headers))
        return self.browsers[-1]


@asynccontextmanager
async def serving(
    store: Store, limits: WebLimits = QUICK, *, oidc: Mapping[str, str] | None = None, **web: Any
) -> AsyncIterator[House]:
    """An app with the web channel only."""
    with TemporaryDirectory() as beside:  # PostgreSQL is in no folder of the app
        is_file = store.dialect == "sqlite"
        data = Path(store.writer.url.database or "").parent if is_file else Path(beside)
        app = build(
            Settings.model_validate({"web": web, "oidc": oidc or {}, "data": data}),
            {"web": WebHub()},
            store=store,
            keys=KEYS,
        )
        app.editor.make = partial(make_here, store)
        async with app.running():
            server = TestServer(build_application(app, limits))
            await server.start_server()
            house = House(app, server)
            try:
                yield house
            finally:
                for browser in house.browsers:
                    await browser.http.close()
                await server.close()
