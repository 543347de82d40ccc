"""Checks the recordings and images of a consultation and stores them under the hash of their content.

Files name them by relative path. A published revision names the hash instead, so that its content is fixed and the
original file may change or disappear. Images are stored without metadata (`bot.authoring.image_files`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from bot.authoring.image_files import ImageRefused, read_image
from bot.common.atomic_file import write_whole
from flows.definition import Consultation
from flows.image import Image
from flows.questions.base import Node, Problem, Where

FOLDER: Final = "media"
"""A folder in the data folder."""
LARGEST: Final = 5 * 1024 * 1024
"""Bytes of a recording."""
LARGEST_IMAGE: Final = 1024 * 1024
"""Bytes of an image."""
IMAGE_NAME: Final = re.compile(r"[0-9a-f]{64}\.(png|jpg|webp)")
RECORDING_NAME: Final = re.compile(r"[0-9a-f]{64}\.(mp3|ogg|opus|m4a|wav)")
MEDIA_NAME: Final = re.compile(rf"{RECORDING_NAME.pattern}|{IMAGE_NAME.pattern}")
T = TypeVar("T")
_KINDS: Final = "mp3, ogg, opus, m4a or wav"
_CONVERT: Final = f"convert it to {_KINDS}"


class MediaFiles(NamedTuple):
    """The result of checking: the consultation with media names for paths, the files by media name, the errors."""

    consultation: Consultation
    files: Mapping[str, Path]
    problems: tuple[Problem, ...]


class _Refused(Exception):
    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


def find_media(consultation: Consultation, folder: Path | None) -> MediaFiles:
    """Checks all recordings and images. `folder` is that of the file; None if there are only media names.

    A media name in a file (`show` writes them) refers to the media folder.
    """
    found = _Finder(folder)
    named = (found.named(("questions", index), node) for index, node in enumerate(consultation.questions))
    questions: list[Any] = list(named)
    if any(new is not old for new, old in zip(questions, consultation.questions, strict=True)):
        consultation = consultation.model_copy(update={"questions": tuple(questions)})
    return MediaFiles(consultation, found.files, tuple(found.problems))


class _Finder:
    """Collects the files and the errors of one consultation."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.files: dict[str, Path] = {}
        self.problems: list[Problem] = []

    def named(self, where: Where, node: Node) -> Node:
        """Returns the node with media names for paths."""
        audio = {
            tag: name
            for tag, path in node.audio.items()
            if (name := self._try((*where, "audio", tag), partial(self._recording, path)))
        }
        images = {
            path: image
            for path, given in node.images()
            if (image := self._try((*where, *path, "file"), partial(self._image, given)))
        }
        update: dict[str, Any] = {"audio": audio} if node.audio else {}
        if ("image",) in images:
            update["image"] = images["image",]
        if len(images) > ("image" in update):
            update["options"] = tuple(
                option.model_copy(update={"image": images.get(("options", index, "image"), option.image)})
                for index, option in enumerate(node.listed_options())
            )
        return node.model_copy(update=update) if update else node

    def _try(self, where: Where, find: Callable[[], T]) -> T | None:
        try:
            return find()
        except _Refused as refused:
            self.problems.append(Problem(where, refused.reason, refused.remedy))
        return None

    def _is_stored(self, name: str, pattern: re.Pattern[str]) -> bool:
        return bool(pattern.fullmatch(name)) and not (self._folder and (self._folder / name).exists())

    def _recording(self, path: str) -> str:
        """Returns the media name of a recording whose content matches its type. Raises _Refused."""
        if self._is_stored(path, RECORDING_NAME):
            return path
        folder = self._folder_of("recording", path)
        ending = Path(path).suffix.removeprefix(".").lower()
        if not RECORDING_NAME.fullmatch(f"{'0' * 64}.{ending}"):
            raise _Refused(f"“{path}” is not a file of the type {_KINDS}", _CONVERT)
        content = _content("recording", folder, path, LARGEST)
        if audio_type(content[:64]) != ("ogg" if ending == "opus" else ending):
            raise _Refused(f"the recording “{path}” does not match its suffix", _CONVERT)
        return self._note(content, ending, folder / path)

    def _image(self, given: Image) -> Image:
        """Returns the image with its media name and its size. Raises _Refused."""
        if self._is_stored(given.file, IMAGE_NAME):
            if not (given.width and given.height):
                raise _Refused("width or height of a published image is missing", "copy its lines from `show`")
            return given
        folder = self._folder_of("image", given.file)
        content = _content("image", folder, given.file, LARGEST_IMAGE)
        try:
            clean = read_image(content)
        except ImageRefused as error:
            raise _Refused(f"the image “{given.file}” {error}", error.remedy) from error
        name = self._note(clean.content, clean.kind, folder / given.file)
        return given.model_copy(update={"file": name, "width": clean.width, "height": clean.height})

    def _folder_of(self, what: str, path: str) -> Path:
        if self._folder is None:
            reason = f"the {what} “{path}” cannot be read from here"
            raise _Refused(reason, f"publish a file in the same folder as the {what}")
        return self._folder

    def _note(self, content: bytes, ending: str, path: Path) -> str:
        name = f"{hashlib.sha256(content).hexdigest()}.{ending}"
        self.files[name] = path
        return name


def store_media(files: Mapping[str, Path], media: Path) -> list[str]:
    """Copies missing files into the media folder, each atomically. Returns files that changed meanwhile.

    Raises OSError.
    """
    changed = []
    for name, path in files.items():
        if (media / name).exists():
            continue
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if IMAGE_NAME.fullmatch(name):
            content = _without_metadata(content)
        if hashlib.sha256(content).hexdigest() == name.partition(".")[0]:
            write_whole(content, media, name)
        else:
            changed.append(str(path))
    return changed


def media_names(consultation: Consultation) -> Iterator[str]:
    """Yields the media names of a published consultation."""
    for node in consultation.questions:
        yield from node.audio.values()
        yield from (image.file for _, image in node.images())


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


def _without_metadata(content: bytes) -> bytes:
    try:
        return read_image(content).content
    except ImageRefused:  # it changed since the check
        return content


def _content(what: str, folder: Path, path: str, most: int) -> bytes:
    """Returns a file of at most this number of bytes. Raises _Refused."""
    try:
        content = _read(what, folder, path, most)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        reason = getattr(error, "strerror", None) or "the name is invalid"
        raise _Refused(f"the {what} “{path}” cannot be read ({reason})", "check its rights and its name") from error
    if len(content) > most:
        remedy = "shorten it, or save it in a smaller size" if what == "recording" else "save it in a smaller size"
        raise _Refused(f"the {what} “{path}” is larger than {most // 1024**2} MB", remedy)
    return content


def _read(what: str, folder: Path, path: str, most: int) -> bytes:
    """Returns at most one byte more than allowed. Raises _Refused, OSError, ValueError."""
    found = (folder / path).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise _Refused(f"the {what} “{path}” is in another folder", "put it into the folder of this file, or below it")
    if not found.exists():
        raise _Refused(f"there is no {what} “{path}”", "put it beside this file, or correct the path")
    if not found.is_file():
        raise _Refused(f"“{path}” is not a file", f"name {'an image' if what == 'image' else 'a recording'}")
    with found.open("rb") as file:
        return file.read(most + 1)
