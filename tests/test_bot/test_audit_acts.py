"""What the staff does is in the audit log: by whom, through which door, on what."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.console import ConsoleChannel
from bot.cli import accounts, context, lifecycle, push
from bot.cli import api_keys as key_commands
from bot.cli.context import open_with_samples
from bot.cli.push import PushOptions
from bot.common import audit
from bot.common.keys import Keys
from bot.settings import PushSettings, Settings
from storage.core.store import Store
from storage.tables.audit import audit_entries
from tests.support.api_client import hire, key_for, served
from tests.support.app import KEYS, running, say
from tests.support.held_answers import publish_held
from tests.support.ideas import open_consultation, submit
from tests.test_proposals.test_moderation_chat import hired

KIEZ = Path(__file__).parents[2] / "flows" / "consultations" / "mein-kiez.yaml"


def recorded(store: Store, keys: Keys = KEYS) -> list[tuple[str, ...]]:
    """Actor, role, door, act, object and purpose of each entry of a log that is whole."""
    with store.reading() as connection:
        rows = list(audit_entries(connection))
    assert audit.check_chain(keys, iter(rows))[1] == ""
    return [(row.actor, row.role, row.door, row.act, row.object, row.purpose) for row in rows]


def by_command(settings: Settings) -> list[tuple[str, ...]]:
    """Act, object and purpose of what the operator of these tests did."""
    store, keys, _ = open_with_samples(settings)
    found = recorded(store, keys)
    store.dispose()
    assert {row[:3] for row in found} == {tuple(audit.operator())}
    return [row[3:] for row in found]


async def test_decisions_in_the_chat(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        bench, ad, twin = (submit(connection, park, at, language="tr") for at in (1, 2, 3))
    code, _ = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"))
        for words in (
            f"/approve {bench.code}",
            f"/hide {ad.code} Er nennt Erika Musterfrau",
            f"/merge {twin.code} {bench.code}",
            f"/translate {bench.code} en A bench",
            f"/answer {bench.code} accepted de: Ja. tr: Evet.\ntr: Evet.",
            f"/approve {bench.code}",  # refused: it is released already
            "/team leave",
        ):
            await say(app, channel.msg("a", words))
            if words.startswith("/answer"):
                await say(app, channel.msg("a", choice=channel.last("a").quick_replies[0].token))
                publish_held(store)
    found = recorded(store)
    assert {row[:3] for row in found} == {("Aylin", "facilitator", "chat")}
    assert [row[3:] for row in found] == [
        ("staff.chat", "Aylin", "bound"),
        ("text.approve", f"park/{bench.code}", ""),
        ("text.hide", f"park/{ad.code}", ""),
        ("text.merge", f"park/{twin.code}", ""),
        ("text.translate", f"park/{bench.code}", "en"),
        ("answer.send", f"park/{bench.code}", "accepted"),
        ("text.status", f"park/{bench.code}", "accepted"),
        ("staff.chat", "Aylin", "left"),
    ]


async def test_decisions_through_the_api(store: Store) -> None:
    park = open_consultation(store, results="live")
    with store.begin() as connection:
        bench = submit(connection, park, 1)
    async with served(store) as found:
        key = key_for(store, hire(store, "Aylin"))
        program = found.client(key)
        path = f"/proposals/{bench.code}"
        await program.post(f"{path}/decisions", {"kind": "hide", "reason": "an ad"}, tag="*")
        await program.post(f"{path}/decisions", {"kind": "hide", "reason": "again"}, tag="*")
        await program.post(f"{path}/decisions", {"kind": "restore"}, tag="*")
        await program.post(f"{path}/decisions", {"kind": "approve"}, tag="*")
        outcome = {"status": "rejected", "reason": {"de": "Nein."}}
        assert (await program.post(f"{path}/statuses", outcome, tag="*")).status == 200
        publish_held(store)
        assert (await program.post("/consultations/park/close", {})).status == 200
        assert (await program.post("/consultations/park/archive", {"confirm": True})).status == 200
    label = key.split("_")[1]
    rows = recorded(store)
    assert {row[:3] for row in rows} == {(f"{label} (Aylin)", "facilitator", "api")}
    assert [row[3:] for row in rows] == [
        ("text.hide", f"park/{bench.code}", ""),
        ("text.restore", f"park/{bench.code}", ""),
        ("text.approve", f"park/{bench.code}", ""),
        ("answer.send", f"park/{bench.code}", "rejected"),
        ("text.status", f"park/{bench.code}", "rejected"),
        ("consultation.close", "park", ""),
        ("consultation.archive", "park", ""),
    ]


def test_commands_that_let_in(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, publish_samples=False)
    accounts.create_account(settings, "Aylin", "facilitator", lambda _: None)
    said: list[str] = []
    key_commands.create_api_key(settings, "Aylin", ["read"], "", said.append)
    label = said[0].split("mitsprache_")[1].split("_")[0]
    key_commands.revoke_key_by_label(settings, label, lambda _: None)
    accounts.revoke_account(settings, "Aylin", lambda _: None)
    assert by_command(settings) == [
        ("staff.add", "Aylin", "facilitator"),
        ("key.add", label, "Aylin: read; all consultations"),
        ("key.revoke", label, ""),
        ("staff.revoke", "Aylin", ""),
    ]


def test_commands_about_a_consultation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "open_channels", lambda _: {"town": ConsoleChannel(lambda _: None)})
    settings = Settings(data=tmp_path, publish_samples=False, push=PushSettings(quiet_from=0, quiet_to=0))
    for _ in range(2):  # the second time nothing is new
        assert context.run_publish(settings, KIEZ, lambda _: None)
    push.run_push(settings, PushOptions("mein-kiez", dry_run=True, is_sample=True), lambda _: None, lambda _: None)
    lifecycle.run_close(settings, "mein-kiez", lambda _: None)
    assert lifecycle.run_archive(settings, "mein-kiez", lambda _: None, yes=True)
    assert by_command(settings) == [
        ("consultation.publish", "mein-kiez/1", ""),
        ("consultation.close", "mein-kiez", ""),
        ("consultation.archive", "mein-kiez", ""),
    ]


def test_samples_are_nobodys_act(tmp_path: Path) -> None:
    store, keys, _ = open_with_samples(Settings(data=tmp_path))
    assert recorded(store, keys) == []
    store.dispose()
