"""Chunks and pixels of PNG files."""

from __future__ import annotations

import struct
import zlib

import pytest

from bot.common.png_files import PngChunk, PngDamaged, check_pixels, join_chunks, read_chunks, read_header
from tests.support import images

INTERLACED = 4 + 4 + 7 + 8 + 10 + 21 + 32
"""Bytes of the seven passes of 5 × 5 pixels in colour, each row with its filter."""


def header(interlace: int, depth: int = 8, colour: int = 2) -> bytes:
    return struct.pack(">IIBBBBB", 5, 5, depth, colour, 0, 0, interlace)


def pixels(size: int) -> list[PngChunk]:
    return [PngChunk(b"IDAT", images.png_chunk(b"IDAT", zlib.compress(bytes(size))))]


def test_chunks_are_read_and_joined_unchanged() -> None:
    file = images.png(320, 200, images.png_chunk(b"tEXt", b"park"))
    chunks = list(read_chunks(file + b"rest"))
    assert [it.kind for it in chunks] == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
    assert chunks[1].data == b"park"
    assert join_chunks(chunks) == file


@pytest.mark.parametrize(("interlace", "size"), [(0, 5 * 16), (1, INTERLACED)])
def test_pixels_have_the_size_that_was_announced(interlace: int, size: int) -> None:
    found = read_header(header(interlace))
    check_pixels(found, pixels(size))
    for wrong in (size - 1, size + 1):
        with pytest.raises(PngDamaged):
            check_pixels(found, pixels(wrong))


def test_an_unknown_kind_of_pixels_is_refused() -> None:
    for data in (header(0, depth=3), header(0, colour=5), header(0)[:-1]):
        with pytest.raises(PngDamaged):
            read_header(data)
    with pytest.raises(PngDamaged):
        check_pixels(read_header(header(2)), pixels(5 * 16))
