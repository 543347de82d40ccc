"""The images of the guide: each is in the list, exists, is small, and stands in the guide with an alternative text."""

from __future__ import annotations

import re
import struct
import zlib

import pytest

from tests.screenshots.palette import SIGNATURE, small_png
from tests.screenshots.shots import GUIDE, LANGUAGES, SHOTS
from tests.support.images import png_chunk

IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
LARGEST = 3 * 1024 * 1024
"""Bytes of all images together."""
DOCS = GUIDE.parent
KINDS = ("png", "jpg", "jpeg", "gif", "webp", "svg")


def test_every_image_of_the_docs_exists_and_says_what_it_shows() -> None:
    used = set()
    for page in DOCS.rglob("*.md"):
        for alternative, target in IMAGE.findall(page.read_text(encoding="utf-8")):
            file = (page.parent / target).resolve()
            assert file.is_file(), f"{page.name}: {target}"
            assert len(alternative.split()) >= 3, f"{page.name}: {target} needs an alternative text"
            used.add(file)
    assert used == {file.resolve() for kind in KINDS for file in DOCS.rglob(f"*.{kind}")}


def test_every_image_is_taken_by_the_command() -> None:
    expected = {shot.file(language) for shot in SHOTS for language in LANGUAGES}
    found = {file for language in LANGUAGES for file in (GUIDE / language).rglob("*.png")}
    assert found == expected, "run `python3 -m tests.screenshots`"
    assert sum(file.stat().st_size for file in found) < LARGEST


@pytest.mark.parametrize("kind", range(5))
def test_an_image_becomes_small_and_keeps_its_colours(kind: int) -> None:
    """One row per filter of the PNG specification; with few colours nothing is lost."""
    raw = b"\0" + bytes([10, 20, 30] * 4) + bytes([kind]) + bytes([1, 2, 3] * 4)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 2, 8, 2, 0, 0, 0))
    made = small_png(SIGNATURE + header + png_chunk(b"IDAT", zlib.compress(raw)) + png_chunk(b"IEND", b""))
    palette = made[made.index(b"PLTE") + 4 :]
    colours = [tuple(palette[start : start + 3]) for start in range(0, 15, 3)]
    start = made.index(b"IDAT") - 4
    length = struct.unpack(">I", made[start : start + 4])[0]
    rows = zlib.decompress(made[start + 8 : start + 8 + length])
    assert [colours[it] for it in rows[1:5]] == [(10, 20, 30)] * 4
    second = {
        0: [(1, 2, 3)] * 4,
        1: [(1, 2, 3), (2, 4, 6), (3, 6, 9), (4, 8, 12)],
        2: [(11, 22, 33)] * 4,
        3: [(6, 12, 18), (9, 18, 27), (10, 21, 31), (11, 22, 33)],
        4: [(11, 22, 33), (12, 24, 36), (13, 26, 39), (14, 28, 42)],
    }[kind]
    assert [colours[it] for it in rows[6:10]] == second
