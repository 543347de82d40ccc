"""`audit` and `audit verify`, the file beside the database, and what raw exports are for."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bot.app import open_store
from bot.cli import attachments, exchange, exporting, serving
from bot.cli import audit as audit_log
from bot.cli.audit import AuditListOptions
from bot.cli.context import command_context
from bot.cli.maintenance import backup
from bot.cli.purpose import ask_purpose
from bot.common import audit, audit_anchor
from bot.common.audit import Actor
from bot.common.errors import CommandError
from bot.exchange.exports import package
from bot.settings import ChannelSettings, PushSettings, Settings
from storage import migrate
from storage.core.store import Store
from storage.tables.audit import audit_entries
from tests.support.app import consultation, publish

ADA = Actor("Ada", "admin", "chat")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An app with five entries."""
    settings = Settings(data=tmp_path / "data", publish_samples=False)
    record(settings, *(f"kiez/P-{number}" for number in range(5)))
    return settings


def record(settings: Settings, *about: str) -> None:
    with command_context(settings, lambda _: None) as (store, keys), store.begin() as connection:
        for each in about:
            audit.record_entry(connection, keys, ADA.did("text.approve", each))


def tamper(settings: Settings, statement: str) -> None:
    with closing(sqlite3.connect(settings.data / "mitsprache.db")) as database:
        database.execute(statement)
        database.commit()


def verified(settings: Settings) -> tuple[bool, str]:
    said: list[str] = []
    return audit_log.verify_audit_log(settings, said.append, said.append), "\n".join(said)


def shown(settings: Settings, **wish: Any) -> list[str]:
    said: list[str] = []
    audit_log.print_audit_log(settings, AuditListOptions(**wish), said.append, said.append)
    return said


def acts(settings: Settings) -> list[tuple[str, str, str]]:
    with command_context(settings, lambda _: None) as (store, _), store.reading() as connection:
        return [(row.act, row.object, row.purpose) for row in audit_entries(connection)]


def test_a_whole_log_is_said_to_be_whole(settings: Settings) -> None:
    is_whole, said = verified(settings)
    assert is_whole
    assert said.startswith("The audit log is intact: 5 entries, each as it was recorded. The last one has the MAC ")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET actor = 'Bob' WHERE id = 3", "row 3 was changed or inserted. Keep a copy"),
        ("UPDATE audit SET actor = 'Bob' WHERE id = 1", "row 1 was changed or inserted (or the secret key is not"),
        ("DELETE FROM audit WHERE id = 2", "row 2 is missing before row 3"),
        ("DELETE FROM audit WHERE id > 3", "the last row is 3: the others are missing"),
        ("DELETE FROM audit", "it had 5 rows on 20"),
    ],
)
def test_tampering_is_told_with_what_to_do(settings: Settings, statement: str, said: str) -> None:
    tamper(settings, statement)
    for _ in range(2):  # looking does not make it well
        is_whole, words = verified(settings)
        assert not is_whole
        assert words.startswith("The audit log is damaged: ")
        assert said in words


def test_a_log_that_was_cut_off_and_grew_again_is_noticed(settings: Settings) -> None:
    tamper(settings, "DELETE FROM audit WHERE id > 3")
    record(settings, "a", "b", "c", "d")
    is_whole, said = verified(settings)
    assert not is_whole
    assert "row 5 is not the newest row of" in said


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"anchor": [1, 2, 3, 4, 5], "seal": ""}', "changed"])
def test_a_file_that_was_changed_is_noticed(settings: Settings, content: str) -> None:
    path = settings.data / audit_anchor.FILE
    if content == "changed":
        content = path.read_text(encoding="utf-8").replace("5,", "3,")
    path.write_text(content, encoding="utf-8")
    is_whole, said = verified(settings)
    assert not is_whole
    assert f"{path}: is damaged, or not signed with the key beside it" in said


def test_without_the_file_it_says_what_cannot_be_seen(settings: Settings) -> None:
    (settings.data / audit_anchor.FILE).unlink()
    is_whole, said = verified(settings)
    assert is_whole
    assert said.startswith("There was no audit.json")
    assert "There was no" not in verified(settings)[1]


def test_the_file_is_for_its_owner_only(settings: Settings) -> None:
    assert (settings.data / audit_anchor.FILE).stat().st_mode & 0o777 == 0o600
    assert not list(settings.data.glob("*.new"))


def test_it_is_shown_as_a_table_and_as_json(settings: Settings) -> None:
    record(settings, "park")
    head, *lines = shown(settings)
    assert head.split() == ["no.", "at", "who", "door", "act", "on", "purpose"]
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert len({line.index("text.approve") for line in lines}) == 1, "in columns"
    assert [line.split()[-1] for line in shown(settings, slug="park")[1:]] == ["park"]
    assert shown(settings, slug="P") == ["Nothing is recorded about P."]
    assert shown(settings, since="2999-01-01") == ["Nothing is recorded."]
    (found,) = json.loads("\n".join(shown(settings, slug="park", as_json=True)))
    assert list(found)[:8] == ["id", "at", "actor", "role", "door", "act", "object", "purpose"]
    assert (found["id"], found["actor"], found["door"]) == (6, "Ada", "chat")
    assert json.loads("\n".join(shown(settings, slug="nothing", as_json=True))) == []
    with pytest.raises(CommandError, match="is not a date; write it like 2026-11-30"):
        shown(settings, since="31.12.2026")


# --- raw exports ------------------------------------------------------------------------------------------------------


def export(settings: Settings, out: Path, profile: str = "raw", purpose: str = "") -> None:
    wish = package.ExportRequest("park", out, profile, purpose=purpose)
    exporting.export_answers(settings, wish, lambda _: None, lambda _: None)


def test_a_purpose_is_asked_for_where_somebody_can_answer() -> None:
    free = Settings()
    complained: list[str] = []
    assert ask_purpose(free, "weighting", lambda _: "not asked", complained.append) == "weighting"
    assert (
        ask_purpose(free, " ", lambda _: "a question of the council\n", complained.append)
        == "a question of the council"
    )
    assert complained == []
    assert ask_purpose(free, "", lambda _: "", complained.append) == ""
    assert "no purpose was given" in complained.pop()
    assert ask_purpose(Settings(raw_needs_purpose=True), "", lambda _: "", complained.append) == ""
    assert complained == [], "it is refused instead"


@pytest.fixture
def park(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path / "data", publish_samples=False)
    store, _ = open_store(settings)
    publish(store, consultation())
    store.dispose()
    return settings


def test_a_raw_export_is_recorded_with_its_purpose(park: Settings, tmp_path: Path) -> None:
    export(park, tmp_path / "1", purpose=" weighting\nfor October ")
    export(park, tmp_path / "2")
    for profile in ("analysis", "public"):
        export(park, tmp_path / profile, profile)
    assert acts(park) == [
        ("export.raw", "park", "weighting for October"),
        ("export.raw", "park", "none given"),
    ]


def test_exports_with_single_votes_are_recorded(park: Settings, tmp_path: Path) -> None:
    said: list[str] = []
    say = said.append
    strict = park.model_copy(update={"raw_needs_purpose": True})
    with pytest.raises(CommandError, match="raw_needs_purpose"):
        exchange.run_export(strict, "park", "polis", tmp_path / "1.zip", say, say)
    assert not (tmp_path / "1.zip").exists()
    exchange.run_export(strict, "park", "polis", tmp_path / "2.zip", say, say, purpose="comparison")
    exchange.run_export(park, "park", "polis", tmp_path / "3.zip", say, say)
    exchange.run_export(strict, "park", "decidim", tmp_path / "4", say, say)
    for slug, out in (("park", tmp_path / "2.zip"), ("nowhere", tmp_path / "5.zip")):
        with pytest.raises(CommandError):
            exchange.run_export(park, slug, "polis", out, say, say)
    assert acts(park) == [("export.raw", "park", "polis: comparison"), ("export.raw", "park", "polis: none given")]


def test_what_cannot_be_exported_is_not_recorded(park: Settings, tmp_path: Path) -> None:
    (tmp_path / "1").write_text("there")
    for wish in (
        package.ExportRequest("park", tmp_path / "1", "raw"),
        package.ExportRequest("nowhere", tmp_path / "2", "raw"),
    ):
        with pytest.raises(CommandError):
            exporting.export_answers(park, wish, lambda _: None, lambda _: None)
    assert acts(park) == []


def test_a_setting_refuses_raw_exports_without_a_purpose(park: Settings, tmp_path: Path) -> None:
    strict = park.model_copy(update={"raw_needs_purpose": True})
    with pytest.raises(CommandError, match="raw_needs_purpose"):
        export(strict, tmp_path / "1")
    with pytest.raises(CommandError, match="--purpose"):
        attachments.write_attachments(strict, "park", tmp_path / "2", lambda _: None, lambda _: None)
    assert not (tmp_path / "1").exists()
    export(strict, tmp_path / "3", "analysis")
    export(strict, tmp_path / "4", purpose="weighting")
    attachments.write_attachments(strict, "park", tmp_path / "5", lambda _: None, lambda _: None, "listening")
    assert acts(park) == [("export.raw", "park", "weighting"), ("export.attachments", "park", "listening")]


# --- the app itself -------------------------------------------------------------------------------------------------


def test_a_renamed_setting_with_its_old_value_is_no_change(settings: Settings) -> None:
    class OldPush(BaseModel):
        most: int = 2

    class OldSettings(BaseModel):
        push: OldPush

    renamed = {"push.most": "push.max_pushes"}
    with command_context(settings, lambda _: None) as (store, keys):
        note = partial(audit_anchor.note_settings, store, keys, settings.data)
        assert note(OldSettings(push=OldPush(most=3))) == []
        now = Settings(push=PushSettings(max_pushes=3))
        assert note(now, renamed) == note(now, renamed) == []
        assert note(Settings(push=PushSettings(max_pushes=4)), renamed) == ["push.max_pushes"]


def test_settings_that_change_are_named_never_told(settings: Settings) -> None:
    def start(**changed: Any) -> list[str]:
        with command_context(settings, lambda _: None) as (store, keys):
            return audit_anchor.note_settings(
                store, keys, settings.data, Settings(data=settings.data, publish_samples=False, **changed)
            )

    town = ChannelSettings.model_validate({"type": "telegram", "token": "secret-1"})
    moved = ChannelSettings.model_validate({"type": "telegram", "token": "secret-2"})
    assert start(channels={"town": town}, push=PushSettings(max_pushes=3)) == []
    assert start(channels={"town": town}, push=PushSettings(max_pushes=3)) == []
    assert start(channels={"town": moved}, push=PushSettings(period_days=9), database_url="sqlite:///x.db") == [
        "channels.town.token",
        "database_url",
        "push.max_pushes",
        "push.period_days",
    ]
    assert start() == ["channels.town.token", "channels.town.type", "database_url", "push.period_days"]
    found = acts(settings)[5:]
    assert {act for act, _, _ in found} == {"settings.change"}
    assert {purpose for _, _, purpose in found} == {""}
    kept = (settings.data / audit_anchor.FILE).read_text(encoding="utf-8")
    assert not [word for word in ("secret-1", "secret-2", "telegram") if word in kept]
    assert verified(settings)[0]


def test_unwritable_anchor_file_does_not_stop_the_service(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit_anchor, "_save", full)
    said: list[str] = []
    with command_context(settings, said.append) as (store, keys):
        serving._note_settings(store, keys, settings, said.append)
        with store.begin() as connection:
            audit.record_entry(connection, keys, ADA.did("push.start", "kiez"))
    assert said[0].startswith("Which settings changed could not be recorded in the audit log ([Errno 28]")
    assert said[1].startswith(f"{settings.data / audit_anchor.FILE}: cannot be written (No space left on device)")
    assert acts(settings)[-1] == ("push.start", "kiez", "")


def test_a_file_that_cannot_be_read_is_told(settings: Settings) -> None:
    path = settings.data / audit_anchor.FILE
    path.unlink()
    path.mkdir()
    is_whole, said = verified(settings)
    assert not is_whole
    assert f"{path}: cannot be read (Is a directory); check its rights" in said


def test_a_backup_and_its_return_are_recorded(settings: Settings, tmp_path: Path) -> None:
    folder = backup.back_up(settings, None, tmp_path / "backups")
    assert backup.record_backup(settings, folder) == ""
    record(settings, "kiez/P-9")
    assert acts(settings)[-2] == ("backup", folder.name, "")
    assert verified(settings)[0]
    # The database of the backup in place of this one, as a person does who keeps the data folder.
    for path in settings.data.glob("mitsprache.db*"):
        path.unlink()
    (folder / backup.DATABASE).rename(settings.data / "mitsprache.db")
    assert "it had 7 rows on" in verified(settings)[1]
    backup.erase_logged(settings, lambda _: None)
    assert acts(settings)[-1] == ("restore", "nothing", "the log has 5 rows, and had 7 before")
    assert verified(settings)[0]


def test_a_restored_house_has_a_whole_log(settings: Settings, tmp_path: Path) -> None:
    folder = backup.back_up(settings, None, tmp_path / "backups")
    other = Settings(data=tmp_path / "other", publish_samples=False)
    backup.restore_backup(other, folder, lambda _: None)
    assert acts(other)[-1] == ("restore", folder.name, "")
    assert verified(other)[0]


def test_a_backup_that_cannot_be_recorded_is_one_all_the_same(settings: Settings, tmp_path: Path) -> None:
    store = Store(settings.database())
    migrate.downgrade(store, "20261125_remains")
    store.dispose()
    folder = backup.back_up(settings, None, tmp_path / "backups")
    assert "20261125_remains" in backup.record_backup(settings, folder)


def test_new_tables_are_recorded(settings: Settings) -> None:
    store = Store(settings.database())
    migrate.downgrade(store, "20261125_remains")  # takes the log along
    store.dispose()
    (settings.data / audit_anchor.FILE).unlink()
    assert acts(settings) == [("migrate", f"20261125_remains to {migrate.head_revision()}", "")]
    assert acts(settings) == [("migrate", f"20261125_remains to {migrate.head_revision()}", "")]
