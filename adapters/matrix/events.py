"""Parses Matrix events into messages of residents: pure functions over the JSON of (decrypted) events."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from flows.messages import Location

_POLLS: Final = ("m.poll.start", "org.matrix.msc3381.poll.start")
_POLL_RESPONSES: Final = ("m.poll.response", "org.matrix.msc3381.poll.response")
_MEDIA: Final = {"m.image": "picture", "m.video": "video", "m.audio": "file", "m.file": "file"}
_KEYCAPS: Final = {f"{digit}\u20e3": str(digit) for digit in range(10)} | {"\U0001f51f": "10"}

MOST_BYTES: Final = 20_000_000
"""Larger attachments are not fetched."""

Content = Mapping[str, Any]


class Heard(NamedTuple):
    """The content of an event. `reacts_to`: it only counts as an answer to that event."""

    text: str = ""
    choice: str = ""
    media: str = ""
    media_ref: str = ""
    place: Location | None = None
    edits: str = ""
    reacts_to: str = ""
    thread: str = ""
    replies_to: str = ""
    mentions: tuple[str, ...] = ()
    taken_back: str = ""
    votes_in: str = ""


def read_event(kind: str, content: Content) -> Heard | None:
    """Parses an event of this type; None if it is not for a bot. Malformed content raises no error.

    >>> read_event("m.room.message", {"msgtype": "m.text", "body": "Ja"}).text
    'Ja'
    >>> read_event("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$q", "key": "2️⃣"}}).text
    '2'
    """
    if kind == "m.room.message":
        return _message(content)
    if kind == "m.sticker":
        return _related(content)._replace(media="sticker", media_ref=_media_ref(content))
    if kind == "m.reaction":
        return _reaction(content)
    if kind in _POLL_RESPONSES:
        return _poll_response(content)
    if kind in _POLLS:
        return _related(content)._replace(media="other")  # messages of the bot itself
    return None


def _is_ignored(kind: str) -> bool:
    """Whether a message is no answer. Messages of bots are ignored: two bots would answer each other forever."""
    return not kind or kind == "m.notice" or kind.startswith("m.key.verification")


def _message(content: Content) -> Heard | None:
    heard = _related(content)
    if heard.edits:
        content = _object(content, "m.new_content")
    kind, body = _text(content, "msgtype"), _text(content, "body")
    if _is_ignored(kind):
        return None
    if kind in {"m.text", "m.emote"}:
        return heard._replace(text=_without_quote(body) if heard.replies_to else body)
    if kind == "m.location":
        place = _place(_text(content, "geo_uri") or _text(_object(content, "org.matrix.msc3488.location"), "uri"))
        return heard._replace(place=place, media="" if place else "other")
    media = _MEDIA.get(kind, "other")
    if "org.matrix.msc3245.voice" in content:
        media = "voice"
    caption = body if _text(content, "filename") not in {"", body} else ""
    return heard._replace(text=caption, media=media, media_ref=_media_ref(content))


def _related(content: Content) -> Heard:
    """Returns only the relations of the event to others: an edit, a thread, a reply, a mention."""
    relation = _object(content, "m.relates_to")
    kind, event = _text(relation, "rel_type"), _text(relation, "event_id")
    reply = _text(_object(relation, "m.in_reply_to"), "event_id")
    mentions = _object(content, "m.mentions").get("user_ids")
    return Heard(
        edits=event if kind == "m.replace" else "",
        thread=event if kind == "m.thread" else "",
        replies_to="" if relation.get("is_falling_back") is True else reply,
        mentions=tuple(str(name) for name in mentions) if isinstance(mentions, list) else (),
    )


def _reaction(content: Content) -> Heard | None:
    """Returns a keycap reaction such as 2️⃣ as that number, an answer to the related event."""
    relation = _object(content, "m.relates_to")
    key = _text(relation, "key").replace("\ufe0f", "")
    number = _KEYCAPS.get(key, key)
    event = _text(relation, "event_id")
    if not event or _text(relation, "rel_type") != "m.annotation" or not re.fullmatch(r"\d{1,2}", number):
        return None
    return Heard(text=number, reacts_to=event)


def _poll_response(content: Content) -> Heard | None:
    """Returns the answers to one of our polls, which are tokens of quick replies."""
    response = next((found for kind in _POLL_RESPONSES if (found := _object(content, kind))), content)
    answers = response.get("answers") or response.get("m.selections")
    if not isinstance(answers, list) or not answers or not isinstance(answers[0], str):
        return None  # a withdrawn vote
    return _related(content)._replace(choice=answers[0], votes_in=_reference(content))


def _reference(content: Content) -> str:
    """Returns the event to which another one refers without a text of its own."""
    relation = _object(content, "m.relates_to")
    return _text(relation, "event_id") if _text(relation, "rel_type") == "m.reference" else ""


def _media_ref(content: Content) -> str:
    """Returns location and keys of the attachment as JSON, for `media.fetch`; "" if its declared size is too large."""
    size = _object(content, "info").get("size")
    if isinstance(size, int) and size > MOST_BYTES:
        return ""
    file = _object(content, "file")
    if not file:
        return json.dumps({"url": url}) if (url := _text(content, "url")) else ""
    secret = {"k": _text(_object(file, "key"), "k"), "iv": _text(file, "iv")}
    digest = _text(_object(file, "hashes"), "sha256")
    return json.dumps({"url": _text(file, "url"), **secret, "sha256": digest})


def _place(uri: str) -> Location | None:
    """Parses a geo URI (RFC 5870).

    >>> _place("geo:52.5,13.4;u=35")
    Location(latitude=52.5, longitude=13.4)
    """
    found = re.match(r"geo:(-?[\d.]+),(-?[\d.]+)", uri)
    try:
        place = Location(float(found[1]), float(found[2])) if found else None
    except ValueError:
        return None
    return place if place and math.fabs(place.latitude) <= 90 and math.fabs(place.longitude) <= 180 else None


def _without_quote(body: str) -> str:
    """Removes the quoted message: older clients put it before a reply, in lines that begin with ">"."""
    lines = body.split("\n")
    while lines and lines[0].startswith(">"):
        lines.pop(0)
    return "\n".join(lines).strip("\n") if len(lines) < body.count("\n") + 1 else body


def _object(content: Content, name: str) -> Content:
    found = content.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(content: Content, name: str) -> str:
    found = content.get(name)
    return found if isinstance(found, str) else ""
