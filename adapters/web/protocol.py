"""The one protocol of all web transports: what the page sends and receives, as JSON (docs/develop/web-protocol.md)."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NamedTuple

from adapters.web.errors import RequestError
from adapters.web.log import ChatEntry
from flows.messages import QuickReply, message_as_text
from flows.parts import ImagePart

CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_TOKEN: Final = 300
LONGEST_SHOWN: Final = 500
_ASIDES: Final = frozenset({"mark", "look"})
_RIGHT_TO_LEFT: Final = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})


class Words(NamedTuple):
    """One message of the visitor as received."""

    id: str
    text: str = ""
    choice: str = ""
    shown: str = ""


def parse_words(frame: str | bytes) -> Words:
    """Reads one message, e.g. `{"id": "a1", "text": "Mehr Bänke"}`. Raises RequestError (`malformed`)."""
    try:
        data = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise RequestError("malformed") from error
    if not isinstance(data, dict) or not data.keys() <= set(Words._fields):
        raise RequestError("malformed")
    return check_words(data)


def check_words(data: dict[str, Any]) -> Words:
    """Checks the fields of a decoded message. Raises RequestError (`malformed`, `empty`)."""
    values = [data.get(name, "") for name in Words._fields]
    if not all(isinstance(value, str) for value in values):
        raise RequestError("malformed")
    words = Words._make(map(_whole, values))
    if not CLIENT_ID.fullmatch(words.id) or len(words.choice) > LONGEST_TOKEN or (words.text and words.choice):
        raise RequestError("malformed")
    if not words.choice and not words.text.strip():
        raise RequestError("empty", id_=words.id)
    return words._replace(shown=words.shown[:LONGEST_SHOWN])


def greeting(epoch: str, seq: int) -> str:
    """Returns the first frame of a connection: the epoch of the log and its newest number."""
    return json.dumps({"epoch": epoch, "seq": seq})


def acknowledged(id_: str) -> str:
    """Returns the frame for a stored message; the page may discard its copy."""
    return json.dumps({"ack": id_})


def refused(trouble: RequestError, sentence: str) -> str:
    """Returns the frame for a refused message or connection: a code for programs, a sentence for visitors."""
    data: dict[str, Any] = {"error": trouble.code, "text": sentence}
    if trouble.id:
        data["id"] = trouble.id
    if trouble.seconds:
        data["retry"] = math.ceil(trouble.seconds)
    return json.dumps(data, ensure_ascii=False)


def entry_json(entry: ChatEntry) -> str:
    """Returns one entry of the log as JSON."""
    return json.dumps(entry_data(entry), ensure_ascii=False)


def entry_data(entry: ChatEntry) -> dict[str, Any]:
    """Returns one entry of the log as plain data."""
    msg = entry.msg
    if msg is None:
        return {"seq": entry.seq, "own": entry.own, "id": entry.client_id}
    data = {
        "seq": entry.seq,
        "text": message_as_text(msg.without_images()),
        "images": [_image_data(image) for image in msg.images],
        "quick_replies": [_reply_data(reply) for reply in msg.quick_replies],
        "language": msg.language,
        "dir": direction(msg.language),
        "expects": msg.expects,
        "title": msg.title,
    }
    if entry.recording:
        data["audio"] = entry.recording
    elif entry.speak:
        data["speak"] = entry.speak
    return data


def _image_data(image: ImagePart) -> dict[str, Any]:
    return {
        "source": image_path(image),
        "text": image.text,
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "number": image.number,
    }


def image_path(image: ImagePart) -> str:
    """Returns the path at which the page loads an image."""
    return f"/media/{image.media}"


def _reply_data(reply: QuickReply) -> dict[str, Any]:
    return {
        "token": reply.token,
        "label": reply.label,
        **({"spoken": reply.spoken} if reply.spoken else {}),
        "number": reply.number,
        "chosen": reply.chosen,
        "amount": reply.amount,
        "aside": reply.role if reply.role in _ASIDES else "",
        **({"link": reply.link} if reply.link else {}),
    }


def direction(language: str) -> str:
    """Returns the writing direction of a language: `ltr` or `rtl`.

    >>> direction("ar"), direction("de-simple")
    ('rtl', 'ltr')
    """
    return "rtl" if language.split("-", 1)[0].lower() in _RIGHT_TO_LEFT else "ltr"


def _whole(text: str) -> str:
    """Returns the text without lone surrogates, which only JSON can carry."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
