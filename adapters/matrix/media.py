"""Fetches and decrypts the attachments of messages."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote

from nio.crypto.attachments import decrypt_attachment
from nio.exceptions import EncryptionError

from adapters.base import TOO_LARGE, Delivery, Refused, RetryAfter
from adapters.matrix.account import MatrixClient
from adapters.matrix.api import NoAnswer, fetch_bytes
from adapters.matrix.events import MOST_BYTES

SECONDS: Final = 120.0


async def fetch_attachment(client: MatrixClient, media_ref: str) -> bytes | Delivery:
    """Returns the attachment of a `media_ref` made by `events.hear`, or the reason why there is none."""
    try:
        ref = json.loads(media_ref)
        server, _, name = str(ref["url"]).removeprefix("mxc://").partition("/")
    except (ValueError, KeyError, TypeError):
        return Refused("not an attachment")
    where = f"/_matrix/client/v1/media/download/{quote(server, safe=':')}/{quote(name, safe='')}"
    try:
        raw, status = await fetch_bytes(client, "GET", where, seconds=SECONDS, most=MOST_BYTES)
    except NoAnswer as error:
        return Refused(TOO_LARGE) if str(error) == "too much" else RetryAfter(30, "no answer")
    if status == 429 or status >= 500:
        return RetryAfter(30, f"status {status}")
    if status != 200:
        return Refused(f"status {status}")
    if "k" not in ref:
        return raw
    try:
        return bytes(decrypt_attachment(raw, ref["k"], ref["sha256"], ref["iv"]))
    except (EncryptionError, ValueError, KeyError, TypeError):
        return Refused("cannot be decrypted")
