"""Photos as Telegram takes them: uploaded once, then named by the id of their file."""

import hashlib
from typing import Any

from aiohttp.web import FileField

from tests.botapi.parameters import Parameters
from tests.botapi.refusal import Refusal

CAPTION_UNITS = 1024
LARGEST = 10 * 1024 * 1024
_SIGNS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


def file_id_of(content: bytes) -> str:
    return f"photo-{hashlib.sha256(content).hexdigest()[:20]}"


def photo_of(given: Parameters, files: dict[str, bytes]) -> bytes:
    """The file of a photo: uploaded, or known from an earlier message."""
    photo = given.get("photo")
    if isinstance(photo, str):
        if photo not in files:
            raise Refusal(400, "Bad Request: wrong file identifier/HTTP URL specified")
        return files[photo]
    if not isinstance(photo, FileField):
        raise Refusal(400, "Bad Request: there is no photo in the request")
    content = photo.file.read()
    if len(content) > LARGEST:
        raise Refusal(413, "Request Entity Too Large")
    if not content.startswith(_SIGNS):
        raise Refusal(400, "Bad Request: IMAGE_PROCESS_FAILED")
    return content


def caption_of(given: Parameters) -> str:
    found = str(given.get("caption") or "")
    if len(found.encode("utf-16-le")) // 2 > CAPTION_UNITS:
        raise Refusal(400, "Bad Request: message caption is too long")
    return found.strip()


def photo_sizes(content: bytes) -> list[dict[str, Any]]:
    """The sizes in which Telegram keeps a photo, the largest last; all have the same file here."""
    name = file_id_of(content)
    size = {"file_unique_id": name, "file_size": len(content), "width": 320, "height": 200}
    return [{**size, "file_id": f"{name}-small", "width": 90, "height": 56}, {**size, "file_id": name}]
