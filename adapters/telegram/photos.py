"""Sends images as photos: uploaded once, then by the id that Telegram gave the file."""

from __future__ import annotations

from typing import Final

from telegram.error import TelegramError

from adapters.base import ImageReader, Refused
from adapters.telegram.line import Line
from adapters.telegram.outcomes import delivery_of
from adapters.telegram.rendering import Photo
from adapters.telegram.updates import where_to

MOST_KNOWN: Final = 1_000


class Photos:
    """The photos that Telegram knows already, in memory; after a restart each is uploaded once more."""

    def __init__(self, line: Line) -> None:
        self.read: ImageReader | None = None
        self._line = line
        self._ids: dict[str, str] = {}

    async def send(self, address: str, photo: Photo) -> int | None:
        """Returns the message id; None if there is no file, or if Telegram refuses the image. Raises TelegramError."""
        try:
            if file_id := self._ids.get(photo.media):
                return await self._send_known(address, photo, file_id)
            return await self._upload(address, photo)
        except TelegramError as error:
            if not isinstance(delivery_of(error), Refused):
                raise
            self._ids.pop(photo.media, None)
            return None

    async def _send_known(self, address: str, photo: Photo, file_id: str) -> int:
        sent = await self._line.call("sendPhoto", **where_to(address), photo=file_id, caption=photo.caption)
        return int(sent["message_id"])

    async def _upload(self, address: str, photo: Photo) -> int | None:
        content = await self.read(photo.media) if self.read else None
        if content is None:
            return None
        message_id, file_id = await self._line.upload_photo(address, photo.media, content, photo.caption)
        if len(self._ids) >= MOST_KNOWN:
            self._ids.clear()
        self._ids[photo.media] = file_id
        return message_id
