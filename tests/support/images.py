"""Small images of every format, and questions that show them."""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any

from bot.authoring.media import FOLDER


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int = 320, height: int = 200, *more: bytes, shade: int = 200) -> bytes:
    """A grey area; `more` are chunks before its pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress((b"\0" + bytes([shade]) * width) * height))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + png_chunk(b"IEND", b"")


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(width: int = 320, height: int = 200, *more: bytes) -> bytes:
    """The segments of a JPEG with an invented scan; `more` are segments before its frame."""
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + b"".join(more) + frame + scan + b"\xff\xd9"


def exif(orientation: int = 1) -> bytes:
    """A segment that says where a photo was taken, and how it has to be turned."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return segment(0xE1, b"Exif\0\0MM\0\x2a" + struct.pack(">IH", 8, 1) + entry + bytes(4) + b"GPS 52.52 13.40")


def riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def webp(width: int = 320, height: int = 200, *more: bytes) -> bytes:
    """A WebP without loss, with an extended header; `more` are chunks after its pixels."""
    flags = b"\x0c\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    pixels = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\x01"
    body = b"WEBP" + riff(b"VP8X", flags) + riff(b"VP8L", pixels) + b"".join(more)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def image_entry(content: bytes, alt: str, ending: str = "png") -> dict[str, Any]:
    """An image of a published consultation."""
    name = f"{hashlib.sha256(content).hexdigest()}.{ending}"
    return {"file": name, "alt": {"de": alt, "en": alt}, "width": 320, "height": 200}


def keep_image(data: Path, content: bytes, ending: str = "png") -> None:
    """Puts a file into the media folder of an installation, as publishing does."""
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{hashlib.sha256(content).hexdigest()}.{ending}").write_bytes(content)
