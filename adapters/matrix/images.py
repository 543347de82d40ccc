"""Uploads images for messages: once per file, encrypted for encrypted rooms."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Final

from nio.crypto.attachments import encrypt_attachment

from adapters.base import ImageReader
from adapters.matrix.account import MatrixClient
from adapters.matrix.api import MatrixRefusal, upload
from flows.parts import ImagePart

TYPES: Final = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
MOST_KNOWN: Final = 1_000


class ImageUploads:
    """The files that the homeserver has already, in memory; after a restart each is uploaded once more.

    All encrypted rooms share one encrypted copy: the images of a consultation are public.
    """

    def __init__(self) -> None:
        self.read: ImageReader | None = None
        self._known: dict[tuple[str, bool], dict[str, Any]] = {}

    async def content(self, client: MatrixClient, image: ImagePart, *, is_encrypted: bool) -> dict[str, Any] | None:
        """Returns the content of an `m.image` event with the text of the image as its body; None if there is no file,
        or if the homeserver refuses it. Raises MatrixRefusal if it refuses everything, and NoAnswer.
        """
        place = self._known.get((image.media, is_encrypted))
        if place is None:
            file = await self.read(image.media) if self.read else None
            if file is None:
                return None
            try:
                place = await _uploaded(client, file, image.media, is_encrypted=is_encrypted)
            except MatrixRefusal as error:
                if error.is_limit or error.is_signed_out or error.status >= 500:
                    raise
                return None
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[image.media, is_encrypted] = place
        info = {**place["info"], "w": image.width, "h": image.height}
        # A body beside a file name is a caption, which clients show.
        return {**place, "msgtype": "m.image", "body": image.text, "filename": _name(image.media), "info": info}


async def _uploaded(client: MatrixClient, file: bytes, media: str, *, is_encrypted: bool) -> dict[str, Any]:
    """Returns the fields that lead to an uploaded file, with its type and size."""
    content_type = TYPES[_ending(media)]
    info = {"mimetype": content_type, "size": len(file)}
    if not is_encrypted:
        return {"url": await upload(client, file, content_type), "info": info}
    sealed, keys = encrypt_attachment(file)
    url = await upload(client, sealed, "application/octet-stream")
    return {"file": {**keys, "url": url, "mimetype": content_type}, "info": info}


def _name(media: str) -> str:
    return f"{media[:8]}.{_ending(media)}"


def _ending(media: str) -> str:
    return PurePath(media).suffix.removeprefix(".")
