"""Gives channels the files of images: those of published revisions, in the media folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog

from adapters.base import Channel, ShowingImages
from bot.authoring.media import IMAGE_NAME
from bot.common.logs import error_place

log = structlog.get_logger()


def show_images_on(channels: Iterable[Channel], folder: Path) -> None:
    """Passes a reader of the folder to the channels that send images as files; before they start."""

    async def read(media: str) -> bytes | None:
        if not IMAGE_NAME.fullmatch(media):
            return None
        try:
            return await asyncio.to_thread((folder / media).read_bytes)
        except OSError as error:
            log.error("image_not_read", **error_place(error))
            return None

    for channel in channels:
        if isinstance(channel, ShowingImages):
            channel.show_images(read)
