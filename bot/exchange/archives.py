"""Opens ZIP files of unknown origin. What they unpack to is limited before anything is unpacked."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
from pathlib import Path
from typing import IO, Final

from bot.exchange.rejected_rows import BadFile

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""The maximum size of one unpacked file in bytes: ten times the largest published conversation."""
MAX_MEMBERS: Final = 1_000
MAX_DIRECTORY_BYTES: Final = 1024 * 1024
MAX_RATIO: Final = 200
"""Unpacked to packed size: tables of text reach 50. Smaller members than `FREE_BYTES` may have any ratio."""
FREE_BYTES: Final = 8 * 1024 * 1024
MAX_XZ_MEMORY: Final = 128 * 1024 * 1024
"""What the decompressor of .xz may use for its dictionary; the usual presets need at most 65 MB."""
_CHUNK: Final = 1 << 16
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\5\6"
_ZIP64_MARK: Final = b"PK\6\7"
_ZIP64_SIZE: Final = 20


def open_archive(path: Path, content: bytes | None = None) -> zipfile.ZipFile:
    """Opens a ZIP file; `content`: of an upload, then `path` is only its name. Raises BadFile if it has too many
    members, OSError and BadZipFile if it is none.
    """
    with path.open("rb") if content is None else io.BytesIO(content) as file:
        _check_directory(path, file)
    packed = zipfile.ZipFile(path if content is None else io.BytesIO(content))
    if len(packed.filelist) > MAX_MEMBERS:
        packed.close()
        raise _too_many(path)
    return packed


def _check_directory(path: Path, file: IO[bytes]) -> None:
    """Raises BadFile if the list of members is large: `zipfile` reads it into memory as a whole."""
    size = file.seek(0, io.SEEK_END)
    start = max(0, size - _END.size - _ZIP64_SIZE - 0xFFFF)
    file.seek(start)
    tail = file.read()
    at = len(tail) - _END.size
    if tail[at : at + 4] != _END_MARK or tail[-2:] != b"\0\0":
        at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        return  # not a ZIP file, as `zipfile` will say
    directory = _END.unpack_from(tail, at)[5]
    if directory > MAX_DIRECTORY_BYTES or tail[max(0, at - _ZIP64_SIZE) :][:4] == _ZIP64_MARK:
        raise _too_many(path)


def _too_many(path: Path) -> BadFile:
    return BadFile(path, None, f"it has more than {MAX_MEMBERS:,} files", "pack only the files of the export")


def check_member(packed: zipfile.ZipFile, name: str) -> None:
    """Raises BadFile if a member would be too large, or much larger than its packed form. `zipfile` does not unpack
    more than the declared size.
    """
    info = packed.getinfo(name)
    if info.file_size > MAX_FILE_BYTES:
        raise too_large(name, MAX_FILE_BYTES)
    if info.file_size > FREE_BYTES and info.file_size > MAX_RATIO * info.compress_size:
        ratio = info.file_size // max(1, info.compress_size)
        raise BadFile(name, None, f"it is packed {ratio:,} to 1, as no table is", "save it again, or give the folder")


def too_large(name: str, most: int) -> BadFile:
    """Returns the error about a file of more bytes."""
    return BadFile(name, None, f"it has more than {most // 1024 // 1024} MB", "split it, or use fewer rows")


def unpack_xz(stream: IO[bytes], most: int) -> bytes:
    """Returns the first `most` + 1 bytes of an .xz file. Raises LZMAError and EOFError."""
    found, length = [], 0
    unpacker = lzma.LZMADecompressor(memlimit=MAX_XZ_MEMORY)
    packed = stream.read(_CHUNK)
    while length <= most:
        part = unpacker.decompress(packed, max_length=min(1 << 20, most + 1 - length))
        length += len(part)
        found.append(part)
        if unpacker.eof:
            packed = unpacker.unused_data.lstrip(b"\0") or stream.read(_CHUNK)
            if not packed:
                break
            unpacker = lzma.LZMADecompressor(memlimit=MAX_XZ_MEMORY)
        elif unpacker.needs_input:
            packed = stream.read(_CHUNK)
            if not packed:
                raise EOFError
        else:
            packed = b""
    return b"".join(found)
