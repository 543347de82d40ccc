"""Reads updates of the Bot API as messages. Pure: one raw update gives one message or none.

Chat and message numbers stay in this channel: the id of a message is a keyed digest of them, so that a stored id does
not reveal the sender.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flows.messages import Location, MsgIn

ALLOWED: Final = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of updates that are requested."""

Raw = Mapping[str, Any]

# Content of a message besides text → name of the attachment kind.
_KINDS: Final = {
    "voice": "voice",
    "audio": "file",
    "photo": "picture",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "document": "file",
    "sticker": "sticker",
    "contact": "contact",
    "dice": "other",
    "poll": "other",
    "game": "other",
    "story": "other",
    "checklist": "other",
    "paid_media": "other",
}
_LARGEST: Final = 20 * 1024 * 1024
"""Bytes: the Bot API serves no larger file."""
_NO_TEXT: Final = "…"
_CALLED: Final = re.compile(r"(/\w+)@(\w+)(?!\S)")
_GROUPS: Final = frozenset({"group", "supergroup"})
_GONE: Final = frozenset({"kicked", "left"})


class UpdateReader:
    """Reads the updates of one bot. `username` is known once Telegram has returned it.

    A service update (a pinned message, a new group member) gives None; an unreadable one raises KeyError, TypeError,
    ValueError, AttributeError or OverflowError, and the caller skips it.
    """

    def __init__(self, channel: str, secret: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.channel = channel
        self.username = ""
        self._key = hmac.digest(secret.encode(), b"ids of messages", "sha256")
        self._now = now

    def read(self, update: Raw) -> MsgIn | None:
        """Returns the message of an update, or None."""
        if message := update.get("message"):
            return self._message(message)
        if edited := update.get("edited_message"):
            return self._edited(edited, update["update_id"])
        if tap := update.get("callback_query"):
            return self._tapped(tap)
        if change := update.get("my_chat_member"):
            return self._joined_or_left(change, update["update_id"])
        return None

    def _is_mentioned(self, text: str) -> bool:
        """Whether a text names the bot."""
        return bool(self.username) and f"@{self.username}".casefold() in text.casefold()

    def _message(self, message: Raw) -> MsgIn | None:
        chat, sender = message["chat"], message.get("from") or {}
        if chat["type"] not in ("private", *_GROUPS) or _is_foreign(message):
            return None
        is_group = chat["type"] in _GROUPS
        text = self._addressed(message.get("text") or message.get("caption") or "")
        if text is None:
            return None
        if is_group and self._is_mentioned(text):
            text = "/start"
        media, handle = _media(message)
        place = message.get("location")
        if not (text or media or place):
            return None  # a service message: a new member, a pinned message, an upgraded group
        return MsgIn(
            self.channel,
            _address(message),
            self._id(chat["id"], *_message_or_album(message)),
            datetime.fromtimestamp(message["date"], UTC),
            text=str(text),
            media=media,
            media_ref=handle,
            location=_location(place) if place else None,
            language_hint=str(sender.get("language_code") or ""),
            is_group=is_group,
            replies_to=_replied_to(message),
        )

    def _edited(self, message: Raw, update_id: int) -> MsgIn | None:
        read = self._message(message)
        if read is None or read.location or read.is_group:  # a live location is edited all the time
            return None
        number = self._id(message["chat"]["id"], message["message_id"], message["edit_date"], update_id)
        edited_at = datetime.fromtimestamp(message["edit_date"], UTC)
        return read._replace(external_id=number, edits=read.external_id, sent_at=edited_at)

    def _tapped(self, tap: Raw) -> MsgIn | None:
        chat = (tap.get("message") or {}).get("chat")
        if not chat or chat["type"] != "private" or not tap.get("data"):
            return None
        return MsgIn(
            self.channel,
            str(int(chat["id"])),
            self._id("tap", tap["id"]),
            self._now(),
            choice=str(tap["data"]),
            language_hint=str(tap["from"].get("language_code") or ""),
        )

    def _joined_or_left(self, change: Raw, update_id: int) -> MsgIn | None:
        """Returns "/stop" if the contact blocked the bot, "/start" if a group added it, None for any other change."""
        chat, before, after = change["chat"], change["old_chat_member"]["status"], change["new_chat_member"]["status"]
        is_private = chat["type"] == "private"
        if is_private and after in _GONE:
            text = "/stop"
        elif chat["type"] in _GROUPS and before in _GONE and after not in _GONE:
            text = "/start"
        else:
            return None
        return MsgIn(
            self.channel,
            str(int(chat["id"])),
            self._id("member", chat["id"], change["date"], update_id),
            datetime.fromtimestamp(change["date"], UTC),
            text=text,
            language_hint=str(change["from"].get("language_code") or ""),
            is_group=not is_private,
        )

    def _addressed(self, text: str) -> str | None:
        """Returns a command without the bot's name; None for a command to another bot."""
        called = _CALLED.match(text)
        if not called:
            return text
        if self.username and called[2].casefold() != self.username.casefold():
            return None
        return called[1] + text[called.end() :]

    def _id(self, *parts: object) -> str:
        return hmac.digest(self._key, "|".join(map(str, parts)).encode(), "sha256")[:16].hex()


def _is_foreign(message: Raw) -> bool:
    """Whether a bot or a channel wrote this. An administrator without a name writes as the group itself
    (https://core.telegram.org/bots/api#message, `sender_chat`); posts of a linked channel are forwarded by Telegram.
    """
    if message.get("is_automatic_forward"):
        return True
    is_the_group = (message.get("sender_chat") or {}).get("id") == message["chat"]["id"]
    return bool((message.get("from") or {}).get("is_bot")) and not is_the_group


def _address(message: Raw) -> str:
    """Returns the chat; in a forum the topic as well, in which the bot then replies (`where_to`)."""
    chat = str(int(message["chat"]["id"]))
    if not message.get("is_topic_message"):
        return chat
    return f"{chat}/{int(message['message_thread_id'])}"


def where_to(address: str) -> dict[str, Any]:
    """Returns the parameters of a call that name this chat, or its topic."""
    chat, slash, topic = address.partition("/")
    return {"chat_id": chat, "message_thread_id": int(topic)} if slash else {"chat_id": chat}


def _replied_to(message: Raw) -> str:
    """Returns the text of the message that this one replies to, "…" if that has no text. Every message of a topic
    replies to the message that opened it.
    """
    earlier = message.get("reply_to_message")
    if not isinstance(earlier, Mapping):
        return _NO_TEXT if message.get("external_reply") else ""
    if "forum_topic_created" in earlier:
        return ""
    return str(earlier.get("text") or earlier.get("caption") or _NO_TEXT)


def _message_or_album(message: Raw) -> tuple[object, ...]:
    """Returns the identity of a message. Pictures of an album arrive as one message each, all with the same identity
    (`adapters.telegram.albums`)."""
    album = message.get("media_group_id")
    return ("album", album) if album else (message["message_id"],)


def _media(message: Raw) -> tuple[str, str]:
    """Returns the kind of attachment and the handle to fetch it with; "" if it is too large."""
    for name, kind in _KINDS.items():
        if name in message:
            found = message[name]
            largest = found[-1] if isinstance(found, list) and found else found
            if not isinstance(largest, dict) or int(largest.get("file_size") or 0) > _LARGEST:
                return kind, ""
            return kind, str(largest.get("file_id", ""))
    return "", ""


def _location(place: Raw) -> Location:
    return Location(float(place["latitude"]), float(place["longitude"]))
