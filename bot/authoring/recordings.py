"""Checks the recordings of a consultation and stores them under the hash of their content.

Files name recordings by relative path. A published revision names the hash instead, so that its content is fixed and
the original file may change or disappear.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from bot.common.atomic_file import write_whole
from flows.definition import Consultation
from flows.questions.base import Problem

FOLDER: Final = "media"
"""Within the data folder."""
LARGEST: Final = 5 * 1024 * 1024
MEDIA_NAME: Final = re.compile(r"[0-9a-f]{64}\.(mp3|ogg|opus|m4a|wav)")
_KINDS: Final = "mp3, ogg, opus, m4a or wav"
_CONVERT: Final = f"convert it to {_KINDS}"


class Recordings(NamedTuple):
    """What was found: the consultation with media names for its paths, the files by media name, what is wrong."""

    consultation: Consultation
    files: Mapping[str, Path]
    problems: tuple[Problem, ...]


class _Refused(Exception):
    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


def find_recordings(consultation: Consultation, folder: Path | None) -> Recordings:
    """Checks all recordings. `folder` is that of the file; None if there are only media names.

    A media name in a file (`show` writes them) refers to the media folder.
    """
    files: dict[str, Path] = {}
    problems: list[Problem] = []
    renamed: dict[int, dict[str, str]] = {}
    for index, node in enumerate(consultation.questions):
        for tag, path in node.audio.items():
            try:
                is_kept = MEDIA_NAME.fullmatch(path) and not (folder and (folder / path).exists())
                name = _known(path) if folder is None or is_kept else _look(folder, path, files)
            except _Refused as refused:
                problems.append(Problem(("questions", index, "audio", tag), refused.reason, refused.remedy))
            else:
                renamed.setdefault(index, {})[tag] = name
    questions: list[Any] = [
        node.model_copy(update={"audio": renamed.get(index, {})}) if node.audio else node
        for index, node in enumerate(consultation.questions)
    ]
    named = consultation.model_copy(update={"questions": tuple(questions)}) if renamed else consultation
    return Recordings(named, files, tuple(problems))


def store_recordings(files: Mapping[str, Path], media: Path) -> list[str]:
    """Copies missing recordings into the media folder, each atomically. Returns files that changed meanwhile.

    Raises OSError.
    """
    changed = []
    for name, path in files.items():
        if (media / name).exists():
            continue
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if hashlib.sha256(content).hexdigest() == name.partition(".")[0]:
            write_whole(content, media, name)
        else:
            changed.append(str(path))
    return changed


def recording_names(consultation: Consultation) -> Iterator[str]:
    """Yields the media names of a published consultation."""
    for node in consultation.questions:
        yield from node.audio.values()


def audio_type(start: bytes) -> str:
    """Detects the format from the first bytes: `mp3`, `ogg` (also opus), `m4a`, `wav`, or "".

    >>> audio_type(b"OggS" + bytes(60)), audio_type(b"RIFF....WAVE"), audio_type(b"<html>")
    ('ogg', 'wav', '')
    """
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return "wav"
    if start[:4] == b"OggS":
        return "ogg"
    if start[4:8] == b"ftyp":
        return "m4a"
    # An MPEG frame of layer III: eleven bits of synchronisation, no reserved version, bit rate or sampling rate.
    is_frame = len(start) > 2 and start[0] == 0xFF and start[1] & 0xE6 == 0xE2 and start[1] & 0x18 != 0x08
    is_frame = is_frame and start[2] & 0xF0 != 0xF0 and start[2] & 0x0C != 0x0C
    return "mp3" if start[:3] == b"ID3" or is_frame else ""


def _known(name: str) -> str:
    if not MEDIA_NAME.fullmatch(name):
        raise _Refused(f"the recording “{name}” cannot be read from here", "publish a file that lies beside it")
    return name


def _look(folder: Path, path: str, files: dict[str, Path]) -> str:
    """The media name of a recording that is what it says it is. Raises _Refused."""
    ending = Path(path).suffix.removeprefix(".").lower()
    if not MEDIA_NAME.fullmatch(f"{'0' * 64}.{ending}"):
        raise _Refused(f"“{path}” is no {_KINDS} file", _CONVERT)
    try:
        content = _content(folder, path)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        reason = getattr(error, "strerror", None) or "the name cannot be one"
        raise _Refused(f"the recording “{path}” cannot be read ({reason})", "check its rights and its name") from error
    if len(content) > LARGEST:
        limit = LARGEST // 1024**2
        raise _Refused(f"the recording “{path}” is larger than {limit} MB", "shorten it or save it smaller")
    if audio_type(content[:64]) != ("ogg" if ending == "opus" else ending):
        raise _Refused(f"the recording “{path}” is not what its ending says", _CONVERT)
    name = f"{hashlib.sha256(content).hexdigest()}.{ending}"
    files[name] = folder / path
    return name


def _content(folder: Path, path: str) -> bytes:
    """Up to one byte more than allowed. Raises _Refused, OSError, ValueError."""
    found = (folder / path).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise _Refused(f"the recording “{path}” lies elsewhere", "put it into the folder of this file, or below it")
    if not found.exists():
        raise _Refused(f"there is no recording “{path}”", "put it beside this file, or correct the path")
    if not found.is_file():
        raise _Refused(f"“{path}” is no file", "name a recording")
    with found.open("rb") as file:
        return file.read(LARGEST + 1)
