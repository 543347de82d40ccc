"""Attachment files: detects their type by the first bytes and stores them in the data folder.

Files are never decoded here: staff open them on their own machines.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bot.common.atomic_file import UNFINISHED, write_whole
from bot.common.keys import Keys
from storage.tables.attachments import AttachmentKind

FOLDER: Final = "attachments"
"""The name of the folder in the data folder."""
NAME: Final = re.compile(r"[0-9a-f]{32}")
_HEAD: Final = 512
_M4A: Final = (b"M4A ", b"M4B ")


def suffix_of(content: bytes, kind: AttachmentKind) -> str:
    """Returns the suffix of a recording (ogg, mp3, m4a) or picture (jpg, png, webp) by its first bytes, or "".

    >>> jpeg = b"\\xff\\xd8\\xff\\xe0"
    >>> suffix_of(jpeg, "picture"), suffix_of(jpeg, "voice"), suffix_of(b"ID3", "voice")
    ('jpg', '', 'mp3')
    """
    head = content[:_HEAD]
    return _picture(head) if kind == "picture" else _recording(head)


def _picture(head: bytes) -> str:
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    return "webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else ""


def _recording(head: bytes) -> str:
    if head.startswith(b"OggS"):  # the first page tells the codec; it may be a video
        return "ogg" if b"OpusHead" in head or b"\x01vorbis" in head else ""
    if head[4:8] == b"ftyp":
        return "m4a" if head[8:12] in _M4A else ""
    # MPEG audio, layer III: eleven bits of synchronisation, then version and layer.
    is_frame = head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 == 0xE2
    return "mp3" if head.startswith(b"ID3") or is_frame else ""


class AttachmentFolder:
    """Stores encrypted files under random names."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self.path = path
        self._keys = keys

    def keep(self, content: bytes, name: str) -> None:
        """Stores a file. Raises OSError."""
        write_whole(self._keys.encrypt_file(content, name), self.path, name)

    def read(self, name: str) -> bytes:
        """Reads a file. Raises OSError, or SecretError for a damaged file or one of another installation."""
        return self._keys.decrypt_file((self.path / name).read_bytes(), name)

    def remove(self, name: str) -> None:
        """Removes a file; a missing one is no error. Raises OSError."""
        (self.path / name).unlink(missing_ok=True)

    def remove_unfinished(self) -> None:
        """Removes unfinished files of interrupted processes. Raises OSError."""
        for path in self.path.glob(f"*{UNFINISHED}"):
            path.unlink(missing_ok=True)


def bound_to(number: int) -> bytes:
    """Returns the value that binds an encrypted handle to its row."""
    return b"attachment %d" % number
