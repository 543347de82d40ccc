"""What goes in and out of a conversation, the same for every channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, Self, cast

from flows.parts import BLANK, KINDS, NAMES, BodyPart, MessagePart, Parts
from flows.plain_text import parts_as_text
from flows.tokens import DONE, Token


class Location(NamedTuple):
    """A position somebody shared, in degrees (WGS 84)."""

    latitude: float
    longitude: float


class Room(NamedTuple):
    """Who can read along where a message was said. Confidential rooms are direct."""

    is_direct: bool
    """Only the person and the bot are there, none comes in uninvited, and none can read it later: answers are taken."""
    is_confidential: bool
    """Nor can the operator of the channel read it (end-to-end encryption, or our own page): questions marked `web_only`
    are asked."""


UNDECRYPTABLE: Final = "sealed"
"""As the kind of an attachment: a message that arrived encrypted and whose key did not."""

Mode = Literal["self", "assisted", "paper"]


class MsgIn(NamedTuple):
    """One message of a resident.

    `address` is the channel's own name for the place answers go to; it stays inside `bot/` and never reaches a flow.
    `external_id` is the channel's id of this very message: a repeat carries the same one.

    >>> from datetime import UTC
    >>> MsgIn("console", "me", "1", datetime(2026, 11, 23, tzinfo=UTC), text="Hallo").text
    'Hallo'
    """

    channel: str
    address: str
    external_id: str
    sent_at: datetime
    text: str = ""
    choice: str = ""
    """Token of the quick reply that was tapped."""
    media: str = ""
    """Kind of attachment: voice, picture, video, file, sticker, contact or other. SEALED: nobody could decrypt it."""
    location: Location | None = None
    edits: str = ""
    """External id of the earlier message which this one replaces."""
    language_hint: str = ""
    """What the channel believes the person reads, as a BCP 47 tag; a hint, never a decision."""
    mode: Mode = "self"
    """Who typed it: the person, a helper for the person, or somebody copying from paper."""
    entry_code: str = ""
    """Where the person came from, by the code of a poster or a multiplier; never a person."""
    media_ref: str = ""
    """The channel's own handle of the attachment, to fetch it with; "" where it cannot be, or is too large for it."""
    is_group: bool = False
    """Said where others read along: nothing is asked or stored there, people are invited to answer in private."""
    room: Room | None = None
    """Who can read along there; None where it is the same for all of a channel (`adapters.base.Limits`)."""
    replies_to: str = ""
    """What stands in the earlier message, by whomever, that this one is a reply to; "" where it is none."""

    @property
    def tapped(self) -> Token | None:
        """The quick reply that was tapped; None where words were written."""
        return Token.parse(self.choice) if self.choice else None


Role = Literal["answer", "missing", "mark", "look", "less", "done", "navigation"]
"""What a quick reply does. `answer`: it answers the question, or chooses. `missing`: it says that there is no answer.
`mark`: it goes with the answer. `look`: it only shows something. `less`: it takes a step back from what was given.
`done`: it ends an answer in the making. `navigation`: a chat word, as skip or submit.
"""


class QuickReply(NamedTuple):
    """One answer offered with a message.

    A channel with buttons shows `label` and sends `token` back; one without shows "`number` `label`" and passes on what
    is typed. `number` is 0 where typing a number would mean something else.
    """

    token: str
    label: str
    number: int = 0
    chosen: bool = False
    amount: int = 0
    """Where it is chosen by more than yes or no: its place in an order, how much of a budget it has."""
    role: Role = "answer"
    name: str = ""
    """The label without what says its state (a box, a place, a step); "" where the label is without."""

    @property
    def bare_label(self) -> str:
        """The label for channels that show the state in their own way."""
        return self.name or self.label

    @property
    def parsed(self) -> Token:
        """What its token stands for."""
        return Token.parse(self.token)

    def with_arguments(self, *arguments: object, label: str = "") -> QuickReply:
        """The same command with more arguments, under its own label where one is given."""
        return self._replace(token=self.parsed.with_arguments(*arguments).format(), label=label or self.label)


Expects = Literal["", "one", "many", "order", "amounts", "text", "number"]
"""What kind of answer a message waits for: a channel with forms offers radio buttons, check boxes, a field, or a number
beside each option (its place in an order, how much of a budget it gets)."""
VERSION: Final = 2
"""Of stored payloads. Version 1 had no number, one text in place of the parts, and no roles."""


class _MessageFields(NamedTuple):
    parts: Parts
    quick_replies: tuple[QuickReply, ...]
    language: str
    expects: Expects
    title: str
    """Of a question: its own words, for channels that show a form. Also where the message does not repeat them."""
    audio: str
    """The recording in which a person reads this message aloud, by its media name; "" where there is none."""
    sensitive: bool
    """Asks for something that nobody else must see, not even the operator of the channel."""


class MsgOut(_MessageFields):
    """One message of the bot, without markup: parts in order, most of them in one language. Immutable."""

    def __new__(
        cls,
        parts: str | Iterable[MessagePart],
        quick_replies: tuple[QuickReply, ...] = (),
        language: str = "de",
        expects: Expects = "",
        title: str = "",
        audio: str = "",
        sensitive: bool = False,
    ) -> Self:
        """A message of these parts; a text becomes one body."""
        made: Parts = (BodyPart(parts),) if isinstance(parts, str) else tuple(parts)
        return tuple.__new__(cls, (made, quick_replies, language, expects, title, audio, sensitive))

    @cached_property
    def text(self) -> str:
        """The parts as plain text (`flows.plain_text`)."""
        return parts_as_text(self.parts, self.language)

    def preceded_by(self, parts: Parts) -> MsgOut:
        """The message with other parts before its own, set apart by a blank line."""
        if not parts:
            return self
        first, *rest = self.parts
        return self._replace(parts=(*parts, first._replace(gap=BLANK), *rest))

    def as_data(self) -> dict[str, Any]:
        """Plain data for storage; `from_data` is its inverse."""
        parts, quick_replies, language, expects, title, audio, sensitive = self
        return {
            "v": VERSION,
            "parts": [(NAMES[type(part)], *part) for part in parts],
            "quick_replies": quick_replies,
            "language": language,
            "expects": expects,
            "title": title,
            "audio": audio,
            "sensitive": sensitive,
        }

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> MsgOut:
        """Reads stored payloads of every version; ignores keys, parts and fields that it does not know."""
        fields = {name: data[name] for name in MsgOut._fields[2:] if name in data}
        if "v" not in data:
            replies = tuple(
                QuickReply(*reply[:5])._replace(role=_role_before_2(reply)) for reply in data["quick_replies"]
            )
            return MsgOut(data["text"], replies, **fields)
        known = [(KINDS[name], values) for name, *values in data["parts"] if name in KINDS]
        parts = [part(*values[: len(part._fields)]) for part, values in known]
        replies = tuple(QuickReply(*reply[: len(QuickReply._fields)]) for reply in data["quick_replies"])
        return MsgOut(parts, replies, **fields)


def _role_before_2(reply: list[Any]) -> Role:
    """The role of a quick reply of version 1, by its token and, in sixth place, "mark", "look" or ""."""
    if len(reply) > 5 and reply[5]:
        return cast("Role", reply[5])
    token = Token.parse(reply[0])
    if token.command:
        return "navigation"
    if token.value in {"dont_know", "refused"}:
        return "missing"
    if token.value == DONE:
        return "done"
    return "less" if token.value.startswith("-") else "answer"
