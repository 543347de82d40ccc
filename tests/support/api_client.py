"""Another program that uses the API, with a key of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from bot.app import App, build
from bot.common.ids import Ids
from bot.settings import Settings
from bot.staff.codes import new_staff_code, staff_code_hash
from bot.web.api import access_keys
from bot.web.api.policy import SCOPES, Scope
from bot.web.server import build_application
from storage.core.store import Store
from storage.tables.api_keys import insert_api_keys
from storage.tables.staff import Role, StaffMember, insert_staff
from tests.support.app import KEYS, Recorder, make_here

ids = Ids()


def hire(store: Store, name: str, role: Role = "facilitator") -> StaffMember:
    """A person who works here."""
    member = StaffMember(ids(), name, role, staff_code_hash(KEYS, new_staff_code()), datetime.now(UTC))
    with store.begin() as connection:
        insert_staff(connection, [member])
    return member


def key_for(store: Store, member: StaffMember, scopes: Iterable[Scope] = SCOPES, slug: str | None = None) -> str:
    """A new key of this person."""
    key, row = access_keys.new_access_key(KEYS, member, scopes, slug, datetime.now(UTC))
    with store.begin() as connection:
        insert_api_keys(connection, [row])
    return key


class Reply(NamedTuple):
    status: int
    json: Any
    headers: Mapping[str, str]
    text: str

    @property
    def tag(self) -> str:
        return self.headers.get("ETag", "")

    @property
    def kind(self) -> str:
        """The last part of a problem's type."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self.text
        return str(self.json["type"]).rpartition(":")[2]


class Client:
    """Asks with one key."""

    def __init__(self, session: ClientSession, base: str, key: str) -> None:
        self._session = session
        self._base = base
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.ask("GET", path, None, **headers)

    async def post(self, path: str, body: Any = None, *, tag: str = "*") -> Reply:
        headers = {"If-Match": tag} if tag else {}
        return await self.ask("POST", path, body, **headers)

    async def ask(self, method: str, path: str, body: Any, **headers: str) -> Reply:
        url = self._base + (path if path.startswith("/api") else f"/api/v1{path}")
        sent = {"json": body} if body is None or isinstance(body, dict | list) else {"data": body}
        async with self._session.request(method, url, headers={**self._headers, **headers}, **sent) as answer:
            text = await answer.text()
            found = json.loads(text) if text and "json" in answer.headers["Content-Type"] else None
            return Reply(answer.status, found, answer.headers, text)


class ServedHouse(NamedTuple):
    app: App
    store: Store
    channel: Recorder
    session: ClientSession
    base: str

    def client(self, key: str = "") -> Client:
        return Client(self.session, self.base, key)


@asynccontextmanager
async def served(store: Store) -> AsyncIterator[ServedHouse]:
    """A running app with its web server."""
    recorder = Recorder()
    app = build(Settings(), {"test": recorder}, store=store, keys=KEYS)
    app.editor.make = partial(make_here, store)
    async with app.running(), TestServer(build_application(app)) as server, ClientSession() as session:
        yield ServedHouse(app, store, recorder, session, str(server.make_url("")).rstrip("/"))
