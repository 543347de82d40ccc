"""Recordings beside a consultation: checked with it, kept once, named by their content for good."""

from __future__ import annotations

import hashlib
import io
import wave
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from bot.authoring import media
from bot.authoring.file_check import all_phrases, canonical_content, check_parsed_file, read_consultation_file
from bot.authoring.publishing import PublishContext, PublishOutcome, publish_file
from bot.authoring.yaml_export import consultation_to_yaml
from bot.authoring.yaml_source import parse_yaml
from flows.definition import Consultation
from flows.flow import Flow
from flows.messages import MsgOut, QuickReply

GOOD = (Path(__file__).parents[1] / "consultations" / "good.yaml").read_text(encoding="utf-8")
LINE = "    text: {de: Licht im Park?"


def sound(seconds: float = 0.1) -> bytes:
    """A WAV file of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(int(seconds * 16000)))
    return file.getvalue()


@pytest.fixture
def store(empty):
    return empty


@pytest.fixture
def desk(tmp_path):
    return PublishContext(count(1).__next__, datetime(2026, 11, 23, tzinfo=UTC), UTC, tmp_path / "data" / "media")


@pytest.fixture
def file(tmp_path):
    """A file whose first question has a recording in German."""
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "de.wav").write_bytes(sound())
    return written(tmp_path / "park.yaml", "{de: recordings/de.wav}")


def written(path: Path, audio: str) -> Path:
    lines = GOOD.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("    text: ")) + 1
    lines.insert(at, f"    audio: {audio}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    return [str(fault).removeprefix(f"{path}:") for fault in read_consultation_file(path).issues if not fault.warning]


def stored(published: PublishOutcome) -> Consultation:
    assert published.revision is not None
    return Consultation.model_validate_json(published.revision.content)


def test_a_good_recording_is_no_fault(file):
    assert faults(file) == []


@pytest.mark.parametrize(
    ("audio", "said"),
    [
        ("{de: recordings/none.mp3}", "there is no recording “recordings/none.mp3”; put it beside"),
        ("{de: recordings/de.flac}", "is not a file of the type mp3, ogg, opus, m4a or wav; convert"),
        ("{de: recordings/page.mp3}", "does not match its suffix"),
        ("{de: recordings/de.mp3}", "does not match its suffix"),
        ("{de: recordings/long.wav}", "is larger than 5 MB; shorten"),
        ("{de: ../secret.wav}", "is in another folder; put it into the folder"),
        ("{de: recordings/link.wav}", "is in another folder"),
        ("{de: recordings/folder.wav}", "is not a file"),
        ('{de: "a\\0b.wav"}', "cannot be read"),
        ("{de: 7}", "must be"),
        ("recordings/de.wav", "audio"),
    ],
)
def test_a_bad_recording_is_a_fault_with_its_line(file, audio, said):
    folder = file.parent / "recordings"
    (folder / "page.mp3").write_bytes(b"<html>" + bytes(100))
    (folder / "de.mp3").write_bytes(sound())
    (folder / "long.wav").write_bytes(sound(330))
    (folder / "folder.wav").mkdir()
    outside = file.parents[1] / "secret.wav"
    outside.write_bytes(sound())
    (folder / "link.wav").symlink_to(outside)
    found = faults(written(file, audio))
    outside.unlink()
    line = file.read_text().splitlines().index(f"    audio: {audio}") + 1
    assert len(found) == 1, found
    assert found[0].startswith(f"{line}: question 1")
    assert said in found[0]


def test_a_recording_nobody_will_hear_is_a_warning(file):
    written(file, "{de: recordings/de.wav, pl: recordings/de.wav}")
    assert any(
        "a recording in “pl”, but the language is not offered" in str(it) for it in read_consultation_file(file).issues
    )


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"ID3\x04" + bytes(20), "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xf3\x40\xc4", "mp3"),
        (b"\xff\xff\xff\xff", ""),
        (b"\xff\xf1\x50\x80", ""),  # AAC
        (b"OggS" + bytes(24) + b"OpusHead", "ogg"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav"),
        (b"RIFF\0\0\0\0AVI ", ""),
        (b"", ""),
    ],
)
def test_kinds_are_told_by_their_first_bytes(start, kind):
    assert media.audio_type(start) == kind


def test_publishing_keeps_a_recording_once_under_its_hash(store, desk, file):
    name = f"{hashlib.sha256(sound()).hexdigest()}.wav"
    published = publish_file(store, file, desk)
    kept = desk.media / name
    assert list(media.media_names(stored(published))) == [name]
    assert [path.name for path in desk.media.iterdir()] == [name]
    assert kept.stat().st_mode & 0o077 == 0
    assert kept.read_bytes() == sound()
    before = kept.stat().st_mtime_ns
    assert not publish_file(store, file, desk).new
    assert kept.stat().st_mtime_ns == before


def test_a_published_revision_does_not_change_with_its_files(store, desk, file):
    first = publish_file(store, file, desk)
    (file.parent / "recordings" / "de.wav").write_bytes(sound(0.2))
    second = publish_file(store, file, desk)
    assert second.new
    (old,), (new,) = (media.media_names(stored(it)) for it in (first, second))
    assert old != new
    assert (desk.media / old).read_bytes() == sound()
    assert (desk.media / new).read_bytes() == sound(0.2)


def test_a_shown_file_names_recordings_that_are_kept_already(store, desk, file, tmp_path):
    published = publish_file(store, file, desk)
    shown = tmp_path / "elsewhere" / "shown.yaml"
    shown.parent.mkdir()
    shown.write_text(consultation_to_yaml(stored(published), 1), encoding="utf-8")
    assert read_consultation_file(shown).publishable
    assert publish_file(store, shown, desk).revision == published.revision
    for kept in desk.media.iterdir():
        kept.unlink()
    shown.write_text(consultation_to_yaml(stored(published), 1).replace("minutes: ", "minutes: 1"), encoding="utf-8")
    assert "not in the media folder" in str(publish_file(store, shown, desk).issues[-1])


def test_nothing_is_published_without_its_recordings(store, desk, file, monkeypatch):
    desk.media.parent.mkdir()
    desk.media.write_text("no folder")
    refused = publish_file(store, file, desk)
    assert refused.revision is None
    assert "cannot be stored" in str(refused.issues[-1])
    desk.media.unlink()
    monkeypatch.setattr(media, "store_media", lambda *_: [])
    refused = publish_file(store, file, desk)
    assert refused.revision is None
    assert "not in the media folder" in str(refused.issues[-1])


def test_recording_changed_between_check_and_copy_is_refused(file, desk):
    checked = read_consultation_file(file)
    (file.parent / "recordings" / "de.wav").write_bytes(sound(0.3))
    assert media.store_media(checked.media, desk.media) == [str(file.parent / "recordings" / "de.wav")]
    assert not desk.media.exists()


def test_data_without_a_file_names_media_only(file):
    text = file.read_text(encoding="utf-8")
    assert any("cannot be read from here" in str(it) for it in check_parsed_file(parse_yaml(text, "x"), "x").issues)
    named = text.replace("recordings/de.wav", f"{'a' * 64}.wav")
    assert not any("cannot be read" in str(it) for it in check_parsed_file(parse_yaml(named, "x"), "x").issues)


def test_content_without_recordings_is_what_it_was():
    consultation = check_parsed_file(parse_yaml(GOOD, "x"), "x").consultation
    assert consultation is not None
    assert "audio" not in canonical_content(consultation)


def flow(audio: dict[str, str]) -> Flow:
    """The German question has a wording of its own in Turkish, but none in Einfache Sprache, which falls back."""
    checked = check_parsed_file(parse_yaml(GOOD, "x"), "x")
    assert checked.consultation is not None
    data = checked.consultation.model_dump(mode="json")
    data["languages"] = [{"tag": "de"}, {"tag": "tr", "fallback": "de"}, {"tag": "de-simple", "fallback": "de"}]
    note = {"key": "hello", "type": "note", "text": {"de": "Hallo."}, "audio": audio}
    data["questions"] = [note, {**data["questions"][0], "audio": audio}]
    data["questions"][1]["text"] = {"de": "Licht?", "tr": "Işık?"}
    return Flow(Consultation.model_validate(data), all_phrases(), "code")


def test_message_names_the_recording_of_its_language():
    scripts = flow({"de": "d.wav"}).localized
    key = next(key for key in scripts["de"].prompts if key != "hello")
    heard = {tag: (script.prompts["hello"].audio, script.prompts[key].audio) for tag, script in scripts.items()}
    assert heard == {"de": ("d.wav", "d.wav"), "tr": ("d.wav", ""), "de-simple": ("d.wav", "d.wav")}


def test_stored_messages_without_recordings_can_be_read():
    old = {"text": "Park?", "quick_replies": [["t", "Ja", 1, False]], "language": "de", "expects": "one", "title": ""}
    assert MsgOut.from_data(old) == MsgOut("Park?", (QuickReply("t", "Ja", 1),), "de", "one")
    spoken = MsgOut("Park?", audio="x.mp3")
    assert MsgOut.from_data(spoken.as_data()) == spoken
