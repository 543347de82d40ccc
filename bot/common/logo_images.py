"""Checks and cleans an image that a city uploads as its logo: PNG, or SVG without scripts, styles and links.

Only the parts that are known to be harmless are returned; nothing else of the upload is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, tostring

from bot.common import png_files
from bot.common.png_files import PngChunk, PngDamaged

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
    if upload.startswith(png_files.PNG_SIGNATURE):
        return CleanLogo("image/png", _clean_png(upload))
    if re.match(rb"(\xef\xbb\xbf)?\s*<", upload):
        return CleanLogo("image/svg+xml", _clean_svg(upload))
    raise LogoRefused("unknown_kind")


_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
"""Chunks that decide what is seen; all others (texts, places, animations) are left out."""


def _clean_png(upload: bytes) -> bytes:
    """Returns the picture without metadata, after its checksums and the size of its data were checked. Raises
    LogoRefused.
    """
    try:
        chunks = [it for it in png_files.read_chunks(upload) if it.kind in _KEPT]
        _check_png(chunks)
    except PngDamaged:
        raise LogoRefused("damaged") from None
    return png_files.join_chunks(chunks)


def _check_png(chunks: Sequence[PngChunk]) -> None:
    """Raises LogoRefused and PngDamaged."""
    kinds = [it.kind for it in chunks]
    if kinds[:1] != [b"IHDR"] or kinds.count(b"IHDR") != 1 or b"IDAT" not in kinds:
        raise PngDamaged
    header = png_files.read_header(chunks[0].data)
    if max(header.width, header.height) > LARGEST_SIDE:
        raise LogoRefused("too_many_pixels")
    png_files.check_pixels(header, chunks)


_SVG: Final = "http://www.w3.org/2000/svg"
_ELEMENTS: Final = frozenset(
    {"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "defs", "title", "desc"}
    | {"linearGradient", "radialGradient", "stop", "clipPath"}
)
_UNDRAWN: Final = frozenset({"svg", "g", "defs", "title", "desc"})
"""A file that has only these shows nothing."""
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
    root = _parsed_svg(upload)
    if root.tag != f"{{{_SVG}}}svg":
        raise LogoRefused("unknown_kind")
    if sum(1 for _ in root.iter()) > MOST_ELEMENTS:
        raise LogoRefused("too_large")
    cleaned = _copied(root, 0)
    if cleaned is None or all(it.tag in _UNDRAWN for it in cleaned.iter()):
        raise LogoRefused("svg_content")
    cleaned.set("xmlns", _SVG)
    if "viewBox" not in cleaned.attrib and not {"width", "height"} <= cleaned.attrib.keys():
        raise LogoRefused("damaged")
    return bytes(tostring(cleaned, encoding="utf-8"))


def _parsed_svg(upload: bytes) -> Element:
    """Returns the root of a file without entities and instructions. Raises LogoRefused."""
    try:
        # Only UTF-8: in another encoding the search below would see other characters than the parser.
        text = _DECLARATION.sub("", upload.decode("utf-8-sig"))
        if any(it in text for it in ("<!DOCTYPE", "<!ENTITY", "<?")):
            raise LogoRefused("svg_content")
        parser = XMLParser(target=TreeBuilder())  # noqa: S314 - a file without DOCTYPE has no entities
        parser.feed(text)
        return parser.close()
    except (ParseError, ValueError):
        raise LogoRefused("damaged") from None


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
            yield from _styles(value)
        elif name.rpartition("}")[2].lower().startswith(("on", "href")):
            raise LogoRefused("svg_content")
        elif name in _ATTRIBUTES:
            if not _is_plain(value):
                raise LogoRefused("svg_content")
            yield name, value


def _styles(style: str) -> Iterator[tuple[str, str]]:
    """Yields the plain properties that paint."""
    for part in style.split(";"):
        name, _, value = part.partition(":")
        if name.strip() in _PAINT and _is_plain(value.strip()):
            yield name.strip(), value.strip()


def _is_plain(value: str) -> bool:
    """Whether a value is a number, a colour, a path, or a reference into the same file."""
    rest = _REFERENCE.sub("", value)
    return _VALUE.fullmatch(rest) is not None and "url" not in rest.lower() and "script" not in rest.lower()
