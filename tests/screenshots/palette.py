"""Makes a PNG small: at most 256 colours, each pixel one byte. Pages have few colours, so no difference is visible."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.support.images import png_chunk

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
COLOURS: Final = 256


def small_png(content: bytes) -> bytes:
    """Returns the same image with the most frequent colours; every other colour becomes the nearest of them."""
    pixels = _pixels(content)
    height, width, _ = pixels.shape
    packed = (pixels.astype(np.uint32) * np.array([65536, 256, 1], np.uint32)).sum(axis=2)
    known, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([known >> 16 & 255, known >> 8 & 255, known & 255], axis=1).astype(np.int32)
    palette = colours[np.sort(np.argsort(-counts, kind="stable")[:COLOURS])]
    distances = ((colours[:, None, :] - palette[None, :, :]) ** 2).sum(axis=2)
    indices = distances.argmin(axis=1)[inverse].reshape(height, width).astype(np.uint8)
    rows = np.hstack([np.zeros((height, 1), np.uint8), indices]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", palette.astype(np.uint8).tobytes()), (b"IDAT", zlib.compress(rows, 9))]
    return SIGNATURE + b"".join(png_chunk(kind, data) for kind, data in [*chunks, (b"IEND", b"")])


def _pixels(content: bytes) -> NDArray[np.uint8]:
    """Returns the colours of a PNG with 8 bits per channel, without transparency (PNG specification, section 9)."""
    position, data = len(SIGNATURE), b""
    width = height = channels = 0
    while position < len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        chunk = content[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunk)
            assert depth == 8, "Chromium writes 8 bits"
            channels = {2: 3, 6: 4}[colour]
        if kind == b"IDAT":
            data += chunk
        position += length + 12
    raw, stride = zlib.decompress(data), width * channels
    found, before = [], bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        before = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), before, channels)
        found.append(bytes(before))
    return np.frombuffer(b"".join(found), np.uint8).reshape(height, width, channels)[:, :, :3]


def _unfiltered(kind: int, row: bytearray, above: bytearray, channels: int) -> bytearray:
    for index in range(len(row) if kind else 0):
        left = row[index - channels] if index >= channels else 0
        up, corner = above[index], above[index - channels] if index >= channels else 0
        row[index] = (row[index] + (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]) & 255
    return row


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda it: abs(guess - it))
