"""Samples are invented: no push goes out about them, and they disappear once there is something real."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.console import ConsoleChannel
from bot.app import open_store
from bot.cli import lifecycle, push
from bot.cli.context import open_with_samples
from bot.cli.push import PushOptions
from bot.common.errors import CommandError
from bot.settings import PushSettings, Settings
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.revisions import find_live_revision, list_live_revisions
from tests.support.app import consultation, publish, running, say
from tests.support.browser import serving
from tests.support.console import hired as console_member
from tests.support.console import signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation, submit
from tests.test_broadcasts.test_broadcasts import hired, resident


def close(store: Store, slug: str) -> None:
    with store.begin() as connection:
        found = find_live_revision(connection, slug)
        assert found
        set_consultation_state(connection, found.consultation_id, "closed")


@pytest.fixture(params=["nothing", "open", "closed"])
def is_alone(store: Store, request: pytest.FixtureRequest) -> bool:
    """Publishes a sample, and maybe a real consultation; returns whether the sample is alone."""
    publish(store, consultation("muster"), sample=True)
    if request.param != "nothing":
        publish(store, consultation("park"))
    if request.param == "closed":
        close(store, "park")
    return bool(request.param == "nothing")


async def test_real_consultations_displace_samples_on_the_page(store: Store, is_alone: bool) -> None:
    async with serving(store) as house:
        browser = house.browser()
        await browser.get("/")
        assert ("/c/muster" in browser.page.html) == is_alone
        await browser.get("/c/muster")
        assert browser.status == 200, "the link still works"


async def test_real_consultations_displace_samples_in_the_menu(store: Store, is_alone: bool) -> None:
    async with running(store) as (app, channel):
        for words in ("hallo", "Deutsch"):
            await say(app, channel.msg("anna", words))
        assert ("muster" in repr(channel.sent)) == is_alone


async def test_staff_chat_refuses_a_push_about_a_sample(store: Store) -> None:
    publish(store, consultation("muster"), sample=True)
    resident(store, "anna", ("all", ""))
    async with running(store) as (app, channel):
        await say(app, channel.msg("boss", f"/team {hired(store)}"), channel.msg("boss", "/push"))
        assert not any("muster" in it.token for it in channel.last("boss").quick_replies)
        await say(app, channel.msg("boss", "/push muster"))
        assert "muster ist ein erfundenes Beispiel" in channel.texts("boss")[-1]
        await say(app, channel.msg("boss", "/push muster Beispiel"))
        assert "erfundenes Beispiel" not in channel.texts("boss")[-1]
        assert "Ich zähle" in channel.texts("boss")[-1]


@only_sqlite
async def test_console_refuses_a_push_about_a_sample(store: Store) -> None:
    open_consultation(store)
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE consultations SET sample = 1")
    async with serving(store) as house:
        browser = signed_in(house, console_member(store))
        await browser.get("/console/consultations/park/push/new")
        assert "Das ist ein erfundenes Beispiel" in browser.text
        assert "An 0 schicken" not in browser.text


def test_command_refuses_a_push_about_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data=tmp_path, publish_samples=False, push=PushSettings(quiet_from=0, quiet_to=0))
    monkeypatch.setattr(push, "open_channels", lambda _: {"town": ConsoleChannel(lambda _: None)})
    store, _ = open_store(settings)
    publish(store, consultation("muster"), sample=True)
    store.dispose()
    said: list[str] = []
    with pytest.raises(CommandError, match="muster is a sample; nothing was planned"):
        push.run_push(settings, PushOptions("muster", dry_run=True), said.append, said.append)
    push.run_push(settings, PushOptions("muster", dry_run=True, is_sample=True), said.append, said.append)
    assert said[0] == "Recipients: 0"


def test_one_command_archives_all_samples(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    store, _, issues = open_with_samples(settings)
    assert issues == []
    publish(store, consultation("park"))
    with store.begin() as connection:
        names = [it.slug for it in list_live_revisions(connection) if it.sample]
        idea = find_live_revision(connection, "kiez-ideen")
        assert idea
        submit(connection, idea.consultation_id, 1)
    assert len(names) > 1
    close(store, names[0])
    said: list[str] = []
    lifecycle.run_archive_samples(settings, said.append)
    assert said[0].startswith(f"Archived samples: {', '.join(names)}.")
    with store.reading() as connection:
        assert [it.slug for it in list_live_revisions(connection, ("open", "closed"))] == ["park"]
    said.clear()
    lifecycle.run_archive_samples(settings, said.append)
    assert said == ["There is no sample that is not archived yet."]
    lifecycle.run_unarchive(settings, names[1], said.append)
    store.dispose()
