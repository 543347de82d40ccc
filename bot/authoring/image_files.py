"""Reads image files: their format by content, their size in pixels, and their content without metadata.

A photo can say where and when it was taken, and by whom. The parts of a file that show nothing are left out; the
pixels are copied as they are, so no image library is needed. Formats: PNG (W3C Recommendation, third edition), JPEG
(ITU-T T.81, segments by CIPA DC-008 and ICC.1), WebP (RFC 9649). SVG is refused: it is a program for the browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from bot.common.png_files import PNG_SIGNATURE, join_chunks, read_chunks

LEAST_PIXELS: Final = 100
MOST_PIXELS: Final = 2000
"""Each side. With the least side this keeps the ratio below 20, the limit of Telegram."""
_PNG_SHOWN: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP"})
"""The chunks of an image that is not animated and of its colours; others are texts, times, thumbnails and the like."""
_JFIF_LENGTH: Final = 14
"""Bytes of a JFIF segment without a thumbnail, which may show what was cut off later."""
_KINDS: Final = "is not a PNG, JPEG or WebP image"
_CONVERT: Final = "save it as PNG, JPEG or WebP"
_BROKEN: Final = "is damaged"
_AGAIN: Final = "save it again with an image program"
_ANIMATED: Final = "moves"
_STILL: Final = "save one picture of it; moving images distract readers"


class ImageRefused(Exception):
    """An image that cannot be used; the text is the reason without its subject, `remedy` how to make it usable."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


class CleanImage(NamedTuple):
    """An image without metadata. `kind` is `png`, `jpg` or `webp`."""

    content: bytes
    kind: str
    width: int
    height: int


class _Segment(NamedTuple):
    """One segment of a JPEG file: its marker, its content without the length, and all its bytes."""

    marker: int
    content: bytes
    whole: bytes


def read_image(content: bytes) -> CleanImage:
    """Returns an image without metadata. Raises ImageRefused."""
    try:
        if content.startswith(PNG_SIGNATURE):
            image = _png(content)
        elif content.startswith(b"\xff\xd8\xff"):
            image = _jpeg(content)
        elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            image = _webp(content)
        elif b"<svg" in content[:2000].lower():
            raise ImageRefused("is an SVG drawing, which can contain programs", _CONVERT)
        else:
            raise ImageRefused(_KINDS, _CONVERT)
    except (IndexError, ValueError) as error:
        raise ImageRefused(_BROKEN, _AGAIN) from error
    if not LEAST_PIXELS <= min(image.width, image.height) <= max(image.width, image.height) <= MOST_PIXELS:
        reason = f"has {image.width} × {image.height} pixels"
        raise ImageRefused(reason, f"save it with {LEAST_PIXELS} to {MOST_PIXELS} pixels on each side")
    return image


def _png(content: bytes) -> CleanImage:
    chunks = list(read_chunks(content))
    kinds = [it.kind for it in chunks]
    if b"acTL" in kinds:
        raise ImageRefused(_ANIMATED, _STILL)
    if kinds[0] != b"IHDR" or b"IDAT" not in kinds:
        raise ImageRefused(_BROKEN, _AGAIN)
    header = chunks[0].whole
    clean = join_chunks(it for it in chunks if it.kind in _PNG_SHOWN)
    return CleanImage(clean, "png", int.from_bytes(header[8:12]), int.from_bytes(header[12:16]))


def _jpeg(content: bytes) -> CleanImage:
    kept, width, height = [b"\xff\xd8"], 0, 0
    for segment in _jpeg_segments(content):
        if segment.marker == 0xE1 and segment.content.startswith(b"Exif\0") and _is_turned(segment.content[6:]):
            reason = "is stored sideways, and only its metadata says so"
            raise ImageRefused(reason, "turn it in an image program and save it; then it is upright without metadata")
        if _is_frame(segment.marker):
            height, width = int.from_bytes(segment.content[1:3]), int.from_bytes(segment.content[3:5])
        if not _is_metadata(segment):
            kept.append(segment.whole)
    if not (width and height):
        raise ImageRefused(_BROKEN, _AGAIN)
    return CleanImage(b"".join(kept), "jpg", width, height)


def _jpeg_segments(content: bytes) -> Iterator[_Segment]:
    """Yields the segments up to the end of the image; a scan includes its data. Raises ImageRefused."""
    at, marker = 2, 0
    while marker != 0xD9:
        begin = at
        if content[at] != 0xFF:
            raise ImageRefused(_BROKEN, _AGAIN)
        while content[at] == 0xFF:  # any number of fill bytes
            at += 1
        marker = content[at]
        at += 1
        if marker == 0xD9:
            yield _Segment(marker, b"", b"\xff\xd9")
            return
        end = at + int.from_bytes(content[at : at + 2])
        inner = content[at + 2 : end]
        if end > len(content) or end < at + 2:
            raise ImageRefused(_BROKEN, _AGAIN)
        at = _after_scan(content, end) if marker == 0xDA else end
        yield _Segment(marker, inner, b"\xff" + content[begin:at].lstrip(b"\xff"))


def _after_scan(content: bytes, at: int) -> int:
    """Returns the position of the marker after the data of a scan. Raises ValueError if there is none."""
    while True:
        at = content.index(b"\xff", at)
        # A zero marks a data byte, D0 to D7 restart the scan, and FF is a fill byte.
        if content[at + 1] not in {0, 0xFF, *range(0xD0, 0xD8)}:
            return at
        at += 1 if content[at + 1] == 0xFF else 2


def _is_frame(marker: int) -> bool:
    """Whether a segment begins a frame, which names the size (SOF0 to SOF15)."""
    return 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}


def _is_metadata(segment: _Segment) -> bool:
    """Whether a segment shows nothing: a comment, or application data other than JFIF and colours."""
    if segment.marker == 0xE2:
        return not segment.content.startswith(b"ICC_PROFILE\0")
    if segment.marker == 0xE0:
        return not segment.content.startswith(b"JFIF\0") or len(segment.content) > _JFIF_LENGTH
    return segment.marker == 0xFE or (0xE1 <= segment.marker <= 0xEF and segment.marker != 0xEE)


def _is_turned(tiff: bytes) -> bool:
    """Whether the Exif data of an image say that it has to be turned or mirrored (tag 0x0112)."""
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    at = int.from_bytes(tiff[4:8], order)
    for number in range(min(int.from_bytes(tiff[at : at + 2], order), 200)):
        entry = tiff[at + 2 + 12 * number : at + 14 + 12 * number]
        if int.from_bytes(entry[:2], order) == 0x0112:
            return int.from_bytes(entry[8:10], order) > 1
    return False


def _webp(content: bytes) -> CleanImage:
    chunks, size = [], (0, 0)
    for kind, inner in _webp_chunks(content):
        if kind in {b"ANIM", b"ANMF"}:
            raise ImageRefused(_ANIMATED, _STILL)
        if kind == b"VP8X":
            # Bits 3 and 2 of the flags announce Exif and XMP data.
            inner = bytes([inner[0] & ~0b1100]) + inner[1:]  # noqa: PLW2901 - the same chunk, corrected
        elif kind not in {b"VP8 ", b"VP8L", b"ALPH", b"ICCP"}:
            continue
        size = _webp_size(kind, inner) or size
        chunks.append(kind + len(inner).to_bytes(4, "little") + inner + bytes(len(inner) % 2))
    if not all(size):
        raise ImageRefused(_BROKEN, _AGAIN)
    body = b"WEBP" + b"".join(chunks)
    return CleanImage(b"RIFF" + len(body).to_bytes(4, "little") + body, "webp", *size)


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields kind and content of the chunks of a RIFF file. Raises ImageRefused."""
    at, end = 12, 8 + int.from_bytes(content[4:8], "little")
    while at + 8 <= end:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if at + 8 + length > min(end, len(content)):
            raise ImageRefused(_BROKEN, _AGAIN)
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _webp_size(kind: bytes, inner: bytes) -> tuple[int, int] | None:
    """Returns width and height from a chunk that holds pixels; None for others. Raises ImageRefused."""
    if kind == b"VP8 ":
        if inner[3:6] != b"\x9d\x01\x2a":
            raise ImageRefused(_BROKEN, _AGAIN)
        sides = int.from_bytes(inner[6:8], "little"), int.from_bytes(inner[8:10], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(inner[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
