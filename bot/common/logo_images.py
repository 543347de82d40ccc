"""Checks and cleans an image that a city uploads as its logo: PNG, or SVG without scripts, styles and links.

Only the parts that are known to be harmless are returned; nothing else of the upload is stored.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, tostring

LARGEST_BYTES: Final = 64 * 1024
LARGEST_SIDE: Final = 2_000
"""Longest side of a PNG in pixels."""
MOST_ELEMENTS: Final = 2_000
"""Elements of an SVG."""
DEEPEST: Final = 30

Flaw = Literal["empty", "too_large", "unknown_kind", "too_many_pixels", "damaged", "svg_content"]
"""Why an image is refused: nothing was sent; too many bytes; neither PNG nor SVG; too many pixels; not a valid file;
an SVG with scripts, styles, links, texts or other parts that are not drawings.
"""


class LogoRefused(Exception):
    """The image cannot be used."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw


class CleanLogo(NamedTuple):
    """An image as it is stored and sent."""

    content_type: Literal["image/png", "image/svg+xml"]
    content: bytes


def clean_logo(upload: bytes) -> CleanLogo:
    """Returns the image without metadata. Raises LogoRefused."""
    if not upload:
        raise LogoRefused("empty")
    if len(upload) > LARGEST_BYTES:
        raise LogoRefused("too_large")
    if upload.startswith(_PNG):
        return CleanLogo("image/png", _clean_png(upload))
    if re.match(rb"(\xef\xbb\xbf)?\s*<", upload):
        return CleanLogo("image/svg+xml", _clean_svg(upload))
    raise LogoRefused("unknown_kind")


_PNG: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel, by the colour type (PNG 3rd edition, 11.2.1)."""
_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
"""Chunks that decide what is seen; all others (texts, places, animations) are left out."""


def _clean_png(upload: bytes) -> bytes:
    """Returns the picture without metadata, after its checksums and the size of its data were checked."""
    chunks = [(kind, data) for kind, data in _chunks(upload) if kind in _KEPT]
    kinds = [kind for kind, _ in chunks]
    if kinds[:1] != [b"IHDR"] or kinds[-1:] != [b"IEND"] or kinds.count(b"IHDR") != 1 or b"IDAT" not in kinds:
        raise LogoRefused("damaged")
    size = _data_size(chunks[0][1])
    stream = zlib.decompressobj()
    try:
        # One byte more than expected shows a decompression bomb.
        found = stream.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"), size + 1)
    except zlib.error:
        raise LogoRefused("damaged") from None
    if len(found) != size:
        raise LogoRefused("damaged")
    return _PNG + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunks(upload: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at < len(upload):
        head = upload[at : at + 8]
        if len(head) < 8:
            raise LogoRefused("damaged")
        length, kind = struct.unpack(">I4s", head)
        data, check = upload[at + 8 : at + 8 + length], upload[at + 8 + length : at + 12 + length]
        if len(data) != length or check != struct.pack(">I", zlib.crc32(kind + data)):
            raise LogoRefused("damaged")
        yield kind, data
        at += 12 + length
        if kind == b"IEND":
            return  # what follows is no part of the picture


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def _data_size(header: bytes) -> int:
    """Returns the size of the uncompressed data, interlaced or not. Raises LogoRefused."""
    if len(header) != 13:
        raise LogoRefused("damaged")
    width, height, depth, colour, compression, filters, interlace = struct.unpack(">IIBBBBB", header)
    if depth not in _DEPTHS.get(colour, ()) or compression or filters or not width or not height:
        raise LogoRefused("damaged")
    if max(width, height) > LARGEST_SIDE:
        raise LogoRefused("too_many_pixels")
    sizes = _ADAM7 if interlace == 1 else ((0, 0, 1, 1),)
    if interlace > 1:
        raise LogoRefused("damaged")
    bits = depth * _CHANNELS[colour]
    total = 0
    for left, top, across, down in sizes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


_ADAM7: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""The passes of an interlaced picture: first column, first row, and the steps (PNG 3rd edition, 8.1)."""

_SVG: Final = "http://www.w3.org/2000/svg"
_ELEMENTS: Final = frozenset(
    {"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "defs", "title", "desc"}
    | {"linearGradient", "radialGradient", "stop", "clipPath"}
)
_SHAPES: Final = frozenset({"d", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy"})
_PAINT: Final = frozenset(
    {"fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "opacity"}
    | {"stroke-miterlimit", "stroke-opacity", "stroke-dasharray", "stroke-dashoffset", "stop-color", "stop-opacity"}
    | {"clip-path", "clip-rule"}
)
_ATTRIBUTES: Final = _SHAPES | _PAINT | {
    "id", "viewBox", "width", "height", "transform", "offset", "gradientUnits", "gradientTransform", "spreadMethod",
    "preserveAspectRatio", "clipPathUnits", "version",
}  # fmt: skip
_VALUE: Final = re.compile(r"[\w\s.,#%()+*/:;-]*")
_DECLARATION: Final = re.compile(r"\A\s*<\?xml[^>]*\?>")
_REFERENCE: Final = re.compile(r"url\(\s*#[\w.-]+\s*\)")


def _clean_svg(upload: bytes) -> bytes:
    """Returns the drawing with known elements and attributes only. Raises LogoRefused."""
    try:
        # Only UTF-8: in another encoding the search below would see other characters than the parser.
        text = _DECLARATION.sub("", upload.decode("utf-8-sig"))
        if "<!DOCTYPE" in text or "<!ENTITY" in text or "<?" in text:
            raise LogoRefused("svg_content")
        parser = XMLParser(target=TreeBuilder())  # noqa: S314 - a file without DOCTYPE has no entities
        parser.feed(text)
        root = parser.close()
    except (ParseError, ValueError):
        raise LogoRefused("damaged") from None
    if root.tag != f"{{{_SVG}}}svg":
        raise LogoRefused("unknown_kind")
    if sum(1 for _ in root.iter()) > MOST_ELEMENTS:
        raise LogoRefused("too_large")
    cleaned = _copied(root, 0)
    if cleaned is None or not any(it.tag not in ("svg", "g", "defs", "title", "desc") for it in cleaned.iter()):
        raise LogoRefused("svg_content")
    cleaned.set("xmlns", _SVG)
    if "viewBox" not in cleaned.attrib and not {"width", "height"} <= cleaned.keys():
        raise LogoRefused("damaged")
    return bytes(tostring(cleaned, encoding="utf-8"))


def _copied(element: Element, depth: int) -> Element | None:
    """Returns a copy with what is allowed; None for elements of drawing programs. Raises LogoRefused."""
    space, _, name = str(element.tag).rpartition("}")
    if space != f"{{{_SVG}" or name == "metadata":
        return None
    if name not in _ELEMENTS or depth > DEEPEST:
        raise LogoRefused("svg_content")
    copy = Element(name, dict(_attributes(element)))
    if name in ("title", "desc"):
        copy.text = " ".join((element.text or "").split())[:200]
        return copy
    copy.extend([it for child in element if (it := _copied(child, depth + 1)) is not None])
    return copy


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    """Yields the known attributes; a `style` is taken apart. Raises LogoRefused for handlers and links."""
    for name, value in element.attrib.items():
        if name == "style":
            pairs = (part.partition(":") for part in value.split(";") if part.strip())
            yield from ((key.strip(), it.strip()) for key, _, it in pairs if key.strip() in _PAINT and _is_plain(it))
        elif name.rpartition("}")[2].lower().startswith(("on", "href")):
            raise LogoRefused("svg_content")
        elif name in _ATTRIBUTES:
            if not _is_plain(value):
                raise LogoRefused("svg_content")
            yield name, value


def _is_plain(value: str) -> bool:
    """Whether a value is a number, a colour, a path, or a reference into the same file."""
    rest = _REFERENCE.sub("", value)
    return _VALUE.fullmatch(rest) is not None and "url" not in rest.lower() and "script" not in rest.lower()
