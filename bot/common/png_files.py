"""Reads PNG files (W3C Recommendation, third edition): their chunks, and whether their pixels are complete.

The chunks that a caller wants are copied as they are, so no image library is needed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel, by the colour type (11.2.1)."""
_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_ADAM7: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_PASSES: Final = {0: ((0, 0, 1, 1),), 1: _ADAM7}
"""The passes by the method of interlacing: first column, first row, and the steps (8.1)."""


class PngDamaged(ValueError):
    """The file is not a valid PNG."""


class PngChunk(NamedTuple):
    """One chunk: its kind, and all its bytes with length and checksum."""

    kind: bytes
    whole: bytes

    @property
    def data(self) -> bytes:
        return self.whole[8:-4]


class PngHeader(NamedTuple):
    """What the first chunk says about the pixels."""

    width: int
    height: int
    depth: int
    colour: int
    interlace: int


def read_chunks(content: bytes) -> Iterator[PngChunk]:
    """Yields the chunks after the signature up to the last one; what follows is no part of the picture. Raises
    PngDamaged for an incomplete chunk and a wrong checksum.
    """
    at, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        whole = content[at : at + length + 12]
        if len(whole) < length + 12 or zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:]):
            raise PngDamaged
        yield PngChunk(kind, whole)
        at += len(whole)


def join_chunks(chunks: Iterable[PngChunk]) -> bytes:
    """Returns the file with these chunks."""
    return PNG_SIGNATURE + b"".join(it.whole for it in chunks)


def read_header(data: bytes) -> PngHeader:
    """Reads the data of the first chunk. Raises PngDamaged."""
    if len(data) != 13:
        raise PngDamaged
    width, height, depth, colour, compression, filters, interlace = struct.unpack(">IIBBBBB", data)
    if depth not in _DEPTHS.get(colour, ()) or compression or filters or not width or not height:
        raise PngDamaged
    return PngHeader(width, height, depth, colour, interlace)


def check_pixels(header: PngHeader, chunks: Sequence[PngChunk]) -> None:
    """Raises PngDamaged unless the pixels have exactly the size that the header announces."""
    size = _data_size(header)
    packed = b"".join(it.data for it in chunks if it.kind == b"IDAT")
    try:
        # One byte more than expected shows a decompression bomb.
        found = zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error:
        raise PngDamaged from None
    if len(found) != size:
        raise PngDamaged


def _data_size(header: PngHeader) -> int:
    """Returns the size of the uncompressed data, interlaced or not. Raises PngDamaged."""
    if header.interlace not in _PASSES:
        raise PngDamaged
    bits = header.depth * _CHANNELS[header.colour]
    total = 0
    for left, top, across, down in _PASSES[header.interlace]:
        columns, rows = -(-(header.width - left) // across), -(-(header.height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total
