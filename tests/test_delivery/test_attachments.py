"""Voice messages and pictures as answers: taken down, fetched, kept for people, and gone when they are to be gone."""

from __future__ import annotations

import asyncio
import csv
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from adapters.base import Delivery, Refused, RetryAfter, Unknown
from bot.app import App
from bot.cli import attachments as command
from bot.common.errors import CommandError
from bot.common.keys import Keys, SecretError
from bot.delivery.attachments import checks, fetcher
from bot.delivery.attachments.files import FOLDER, AttachmentFolder, suffix_of
from bot.privacy.retention import delete_expired
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.attachments import AttachmentRow, delete_orphaned_attachments, orphaned_attachments
from tests.support.app import KEYS, consultation, publish, running, say
from tests.support.media_channel import PICTURE, VOICE, WISH, Phone, begin, files, rows, states, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "FIRST_PAUSE", 0.01)


async def test_a_killed_house_goes_on_fetching(store: Store, database: Any, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    phone.troubles = [RetryAfter(0.5, "later")]
    phone.files["f"] = VOICE
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        await until(lambda: not phone.troubles)
        assert states(store) == ["waiting"]
    assert files(tmp_path) == []
    again = Phone()
    again.files["f"] = VOICE
    reopened = Store(database.url)
    async with running(reopened, {"test": again}, Settings(data=tmp_path)):
        await until(lambda: states(reopened) == ["kept"])
    reopened.dispose()
    assert len(files(tmp_path)) == 1


async def test_only_recordings_and_pictures_are_kept(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    phone.files["f"] = b"MZ\x90\x00" + bytes(300)
    phone.files["big"] = PICTURE + bytes(1_000_000)
    async with running(store, {"test": phone}, Settings(data=tmp_path, attachment_megabytes=1)) as (app, _):
        for address, ref in (("a", "f"), ("b", "big")):
            await begin(app, phone, address)
            await say(app, phone.msg(address, media="picture", media_ref=ref))
        await until(lambda: sorted(states(store)) == ["too_large", "wrong_type"])
        assert files(tmp_path) == []
        await say(app, phone.msg("a", "meinedaten"))
        assert "Bild: war weder Aufnahme noch Bild" in phone.texts("a")[-2]


async def voice_and_picture(app: App, phone: Phone, store: Store) -> None:
    """Two people answered: "a" by voice, "b" with a picture."""
    phone.files |= {"a": VOICE, "b": PICTURE}
    for address, kind in (("a", "voice"), ("b", "picture")):
        await begin(app, phone, address)
        await say(app, phone.msg(address, media=kind, media_ref=address))
    await until(lambda: states(store) == ["kept", "kept"])


async def test_what_is_erased_leaves_no_file(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await voice_and_picture(app, phone, store)
        await say(app, phone.msg("a", "meinedaten"))
        assert "Sprachnachricht: liegt verschlüsselt bei uns" in phone.texts("a")[-2]
        await say(app, phone.msg("a", "löschen"))
        await say(app, phone.msg("a", "alles löschen"))
        await until(lambda: len(files(tmp_path)) == 1)
        await until(lambda: len(rows(store)) == 1)
        (left,) = rows(store)
        assert left.kind == "picture"
        # Skipping the question instead takes the picture back.
        await say(app, phone.msg("b", "ändern 1"))
        await say(app, phone.msg("b", "weiß nicht"))
        await until(lambda: not files(tmp_path) and not rows(store))


@pytest.mark.parametrize("by_another_process", [False, True])
async def test_erased_while_it_is_fetched(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_another_process: bool
) -> None:
    publish(store, consultation(questions=[WISH]))
    goes_on = asyncio.Event()

    class Slow(Phone):
        async def fetch(self, media_ref: str) -> bytes | Delivery:
            self.asked += 1
            await goes_on.wait()
            return VOICE

    written: list[str] = []
    keep = AttachmentFolder.keep

    def noted(folder: AttachmentFolder, content: bytes, name: str) -> None:
        keep(folder, content, name)
        written.append(name)

    monkeypatch.setattr(AttachmentFolder, "keep", noted)
    phone = Slow()
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        await until(lambda: phone.asked)
        await say(app, phone.msg("a", "alles löschen"))
        if by_another_process:
            with store.begin() as connection:
                delete_orphaned_attachments(connection, [orphan.id for orphan in orphaned_attachments(connection, 10)])
        goes_on.set()
        await until(lambda: written and not rows(store) and not files(tmp_path))


async def test_what_is_not_to_be_had_is_given_up(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MOST_TRIES", 3)
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        phone.troubles = [RuntimeError("a fault of the channel"), Unknown("no answer"), RetryAfter(0, "later")]
        await begin(app, phone)
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        await until(lambda: states(store) == ["failed"])
        assert phone.asked == 3
        phone.troubles = [Refused("gone")]
        await say(app, phone.msg("a", "ändern 1"))
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        await until(lambda: states(store) == ["failed"] and phone.asked == 4)
        await say(app, phone.msg("a", "meinedaten"))
        assert "Sprachnachricht: konnte nicht geholt werden" in phone.texts("a")[-2]


async def test_a_full_disk_is_waited_for(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    phone.files["f"] = PICTURE
    (tmp_path / FOLDER).write_text("in the way")  # as good as a full disk: nothing can be written there
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        await say(app, phone.msg("a", media="picture", media_ref="f"))
        await until(lambda: phone.asked > 1)
        assert states(store) == ["waiting"]
        (tmp_path / FOLDER).unlink()
        await until(lambda: states(store) == ["kept"])


async def test_where_nothing_may_be_sent_everything_is_as_before(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[{**WISH, "media": []}]))
    phone = Phone()
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        await say(app, phone.msg("a", media="voice", media_ref="f"))
        assert "kann ich hier nicht lesen" in phone.last("a").text
        await say(app, phone.msg("a", "[voice]"))
        assert "→ [voice]" in phone.last("a").text
    assert not rows(store)
    assert not phone.asked


async def test_people_get_them_in_a_folder_with_a_list(store: Store, database: Any, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    phone.files |= {"a": VOICE, "b": PICTURE, "c": b"GIF89a", "d": PICTURE}
    settings = Settings(data=tmp_path / "data", database_url=database.url, publish_samples=False)
    settings.data.mkdir()
    (settings.data / "secret.key").write_text(bytes(32).hex())
    async with running(store, {"test": phone}, settings) as (app, _):
        for address, kind in (("a", "voice"), ("b", "picture"), ("c", "picture"), ("d", "picture")):
            await begin(app, phone, address)
            await say(app, phone.msg(address, f"=SUM({address})", media=kind, media_ref=address))
        await until(lambda: sorted(states(store)) == ["kept", "kept", "kept", "wrong_type"])
    (settings.data / FOLDER / rows(store)[3].file).unlink()
    with store.begin() as connection:
        change = update(AttachmentRow).where(AttachmentRow.id == rows(store)[2].id)
        late = datetime.now(UTC) - timedelta(hours=4)
        connection.execute(change.values(state="waiting", handle=b"x", due_at=late, at=late))
    assert [finding.words for finding in checks.attachment_findings(settings)] == [
        "attachments: 3 kept, 1 waiting",
        "attachments: 1 not fetched for hours; check the channels and the log",
        f"attachments: 1 files are not in {settings.data / FOLDER}; restore it from your backup",
    ]
    said: list[str] = []
    complained: list[str] = []
    out = tmp_path / "out"
    await asyncio.to_thread(command.write_attachments, settings, "park", out, said.append, complained.append)
    assert said == [f"{out}: 2 files, listed in attachments.csv"]
    assert [it for it in complained if "1 file is missing or damaged" in it] == complained != []
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    with (out / "attachments.csv").open(newline="", encoding="utf-8-sig") as file:
        listed = list(csv.DictReader(file, delimiter=";"))
    assert [(it["kind"], it["state"], it["text"]) for it in listed] == [
        ("voice", "kept", "'=SUM(a)"),
        ("picture", "kept", "'=SUM(b)"),
        ("picture", "waiting", "'=SUM(c)"),
        ("picture", "kept", "'=SUM(d)"),
    ]
    assert (out / listed[0]["file"]).read_bytes() == VOICE
    assert listed[0]["file"] == f"{listed[0]['response_id']}-wish.ogg"
    assert (out / listed[1]["file"]).read_bytes() == PICTURE
    assert [it["file"] for it in listed[2:]] == ["", ""]
    with pytest.raises(CommandError, match="no consultation is called 'dorf'"):
        await asyncio.to_thread(
            command.write_attachments, settings, "dorf", tmp_path / "o", said.append, complained.append
        )


async def test_after_the_retention_no_file_is_left(store: Store, tmp_path: Path) -> None:
    ends = datetime.now(UTC) + timedelta(days=1)
    publish(store, consultation(questions=[WISH]), closes_at=ends)
    phone = Phone()
    phone.files["f"] = PICTURE
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await begin(app, phone)
        await say(app, phone.msg("a", media="picture", media_ref="f"))
        await until(lambda: states(store) == ["kept"])
        await store.write(lambda connection: delete_expired(connection, ends + timedelta(days=31)))
        app.attachment_fetcher.wake()
        await until(lambda: not files(tmp_path) and not rows(store))


async def test_linking_deletes_attachments_of_superseded_answers(store: Store, tmp_path: Path) -> None:
    publish(store, consultation(questions=[WISH]))
    phone = Phone()
    async with running(store, {"test": phone}, Settings(data=tmp_path)) as (app, _):
        await voice_and_picture(app, phone, store)
        await say(app, phone.msg("a", "verbinden"))
        code = re.search(r"\d{4} \d{4} \d{4}", "\n".join(phone.texts("a")))
        assert code
        await say(app, phone.msg("b", f"verbinden {code[0]}"))
        there = phone.last("b").quick_replies[1]
        assert there.label == "Die aus dem anderen Chat zählen"
        await say(app, phone.msg("b", choice=there.token))
        await until(lambda: len(files(tmp_path)) == 1 and len(rows(store)) == 1)
        assert rows(store)[0].kind == "voice"
        await say(app, phone.msg("b", "meinedaten"))
        assert "Sprachnachricht: liegt verschlüsselt bei uns" in phone.texts("b")[-2]
        await say(app, phone.msg("b", "alles löschen"))
        await until(lambda: not files(tmp_path) and not rows(store))


@pytest.mark.parametrize(
    ("head", "kind", "ending"),
    [
        (VOICE, "voice", "ogg"),
        (b"OggS" + bytes(24) + b"\x80theora", "voice", ""),
        (b"ID3\x04", "voice", "mp3"),
        (b"\xff\xfb\x90\x00", "voice", "mp3"),
        (b"\x00\x00\x00\x20ftypM4A ", "voice", "m4a"),
        (b"\x00\x00\x00\x20ftypisom", "voice", ""),
        (b"\xff\xd8\xff", "picture", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "picture", "png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "picture", "webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "picture", ""),
        (b"<svg xmlns=", "picture", ""),
        (b"GIF89a", "picture", ""),
        (VOICE, "picture", ""),
        (b"", "voice", ""),
    ],
)
def test_what_a_file_is_says_its_beginning(head: bytes, kind: Any, ending: str) -> None:
    assert suffix_of(head, kind) == ending


def test_a_file_belongs_to_its_name_and_house(tmp_path: Path) -> None:
    folder = AttachmentFolder(tmp_path, KEYS)
    folder.keep(PICTURE, "a")
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(SecretError):
        folder.read("b")
    (tmp_path / "b").rename(tmp_path / "a")
    with pytest.raises(SecretError):
        AttachmentFolder(tmp_path, Keys(bytes(31) + b"x")).read("a")
    assert folder.read("a") == PICTURE
