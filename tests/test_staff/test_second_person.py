"""A second member has to agree: asked for from chat, command line and API, told to colleagues, released on the page."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.authoring import going_live
from bot.authoring.yaml_export import consultation_to_yaml
from bot.cli import exchange, lifecycle
from bot.cli.context import open_with_samples, run_publish
from bot.common.errors import CommandError
from bot.common.sources import system_now
from bot.exchange.importer import ImportOptions
from bot.settings import PushSettings, Settings, WebSettings
from bot.staff import agreement_notices, codes
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.revisions import find_live_revision
from storage.tables.staff import Role, StaffMember, insert_staff
from tests.support.api_client import Client, hire, ids, key_for
from tests.support.app import KEYS, consultation, publish, rows, running, say
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.timeouts import PATIENCE
from tests.test_authoring.test_states import tools
from tests.test_broadcasts.test_broadcasts import resident
from tests.test_exchange.test_kinds import IDEA, sheet
from tests.test_web.test_console_publish import draft

SECOND: dict[str, Any] = {"publish_needs_second": True, "public_url": "https://mitreden.example"}


def acts(store: Store) -> list[tuple[str, str]]:
    with store.reading() as connection:
        return [(it.actor, it.act) for it in audit_entries(connection) if it.act.endswith(("ask", "publish", "tell"))]


def live_number(store: Store, slug: str = "park") -> int | None:
    with store.reading() as connection:
        found = find_live_revision(connection, slug)
    return found.number if found else None


def code_of(store: Store, name: str, role: Role = "facilitator") -> str:
    """A code by which a new member binds a chat."""
    code = codes.new_staff_code()
    member = StaffMember(ids(), name, role, codes.staff_code_hash(KEYS, code), datetime.now(UTC))
    with store.begin() as connection:
        insert_staff(connection, [member])
    return code


async def test_colleagues_who_may_agree_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement_notices, "EVERY_SECONDS", 0.05)
    publish(store, consultation())
    for number in range(3):
        resident(store, f"r{number}", ("all", ""))
    few = Settings(push=PushSettings(quiet_from=0, quiet_to=0, second_above=2))
    async with running(store, settings=few) as (app, channel):
        for name, role in (("Aylin", "facilitator"), ("Cem", "admin"), ("Dana", "helper")):
            await say(app, channel.msg(name, f"/team {code_of(store, name, role)}"))  # type: ignore[arg-type]  # a role
        await say(app, channel.msg("Aylin", "/push park everybody"))
        async with asyncio.timeout(PATIENCE):
            while "Empfänger: 3" not in channel.texts("Aylin")[-1]:
                await asyncio.sleep(0.02)
            await say(app, channel.msg("Aylin", "/push yes"), channel.msg("Aylin", "/push yes"))
            while "bittet um Zustimmung" not in channel.texts("Cem")[-1]:
                await asyncio.sleep(0.02)
    told = [it for name in ("Aylin", "Cem", "Dana") for it in channel.texts(name) if "bittet um" in it]
    assert len(told) == 1
    assert told[0].startswith("Aylin bittet um Zustimmung zu einer Rundfrage: „Beispiel park“.")
    assert told[0].endswith("/console/consultations/park/push")
    assert "Die Rundfrage wartet" in channel.texts("Aylin")[-1]
    assert rows(store, "SELECT state FROM broadcasts") == [("draft",)]
    assert [act for _, act in acts(store)] == ["push.ask", "agreement.tell"]


def test_the_command_line_asks_instead_of_publishing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, publish_samples=False, web=WebSettings(**SECOND))
    file, said = tmp_path / "park.yaml", list[str]()
    file.write_text(consultation_to_yaml(consultation(), None), encoding="utf-8")
    assert run_publish(settings, file, said.append)
    assert "https://mitreden.example/console/consultations/park/publish" in said[-1]
    assert "goes live when a second person of the team agrees" in said[-1]
    lifecycle.run_go_live(settings, "park", said.append)
    assert "park: revision 1 waits: it goes live when a second person" in said[-1]
    store, _, _ = open_with_samples(settings)
    assert live_number(store) is None
    assert [act for _, act in acts(store)] == ["consultation.ask_publish"] * 2
    store.dispose()


async def test_an_import_asks_and_takes_over_after_agreement(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, publish_samples=False, web=WebSettings(**SECOND))
    path, said, last = sheet(tmp_path / "ideas.xlsx", IDEA), list[str](), system_now().date() + timedelta(days=20)
    for wish in (
        ImportOptions("ideas"),
        ImportOptions("ideas", is_open=True),
        ImportOptions("ideas", is_open=True, until=last - timedelta(days=30)),
    ):
        with pytest.raises(CommandError, match=r"ideas would be new.*web\.publish_needs_second.*--open --until DATE"):
            exchange.run_import(settings, "meinberlin", path, wish, said.append, said.append)
    wish = ImportOptions("ideas", is_open=True, until=last)
    assert exchange.run_import(settings, "meinberlin", path, wish, said.append, said.append)
    assert "ideas: revision 1 waits: it goes live when a second person" in said[-2]
    assert said[-1].startswith("Nothing is taken over yet.")
    store, _, _ = open_with_samples(settings)
    assert live_number(store, "ideas") is None
    assert not rows(store, "SELECT 1 FROM proposals")
    assert [act for _, act in acts(store)] == ["consultation.ask_publish"]
    async with serving(store, **SECOND) as page:
        cem = signed_in(page, hired(store, "Cem"))
        await cem.get("/console/consultations/ideas/publish")
        await cem.press("Zustimmen und veröffentlichen")
    assert live_number(store, "ideas") == 1
    store.dispose()
    assert exchange.run_import(settings, "meinberlin", path, wish, said.append, said.append)
    store, _, _ = open_with_samples(settings)
    assert len(rows(store, "SELECT 1 FROM proposals")) == 1
    store.dispose()


@only_sqlite
async def test_the_api_asks_and_the_page_releases(store: Store) -> None:
    publish(store, consultation())
    draft(store, title={"de": "Neu", "en": "New"})
    key = key_for(store, hire(store, "Aylin"), ["read", "publish"])
    async with serving(store, **SECOND) as page, ClientSession() as session:
        client = Client(session, str(page.server.make_url("")).rstrip("/"), key)
        answer = await client.post("/consultations/park/go-live", {"stage": "draft"})
        assert answer.status == 202
        assert answer.json["agreement"] == "https://mitreden.example/console/consultations/park/publish"
        assert live_number(store) == 1
        cem = signed_in(page, hired(store, "Cem"))
        await cem.get("/console/")
        assert "Eine Fassung wartet auf Ihre Zustimmung" in cem.text
        await cem.get("/console/consultations/park/publish?version=stored")
        await cem.press("Zustimmen und veröffentlichen")
        assert live_number(store) == 2
        await cem.get("/console/")
        assert "wartet auf Ihre Zustimmung" not in cem.text


@only_sqlite
async def test_a_version_that_was_live_needs_nobody(store: Store) -> None:
    publish(store, consultation())
    draft(store, title={"de": "Neu", "en": "New"})
    with store.begin() as connection:
        going_live.make_consultation_live(connection, "park", tools())
        second: Any = tools()._replace(needs_second=True)
        assert not going_live.make_consultation_live(connection, "park", second, number=1).is_asked
    assert live_number(store) == 1
