"""Incoming and outgoing messages, the same for every channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, Self, cast

from flows.named_tuples import with_fast_replace
from flows.parts import BLANK, KINDS, NAMES, BodyPart, HintPart, ImagePart, MessagePart, Parts, TitlePart
from flows.plain_text import parts_as_text
from flows.tokens import DONE, Token


class Location(NamedTuple):
    """A shared location in degrees (WGS 84)."""

    latitude: float
    longitude: float


class Room(NamedTuple):
    """What holds for the chat of a message at that moment. Confidential rooms are direct."""

    is_direct: bool
    """Only the contact and the bot are members, without open access or shared history: answers are accepted."""
    is_confidential: bool
    """The operator of the channel cannot read it either (end-to-end encryption, or the web page): questions marked
    `web_only` are asked."""
    is_proactive: bool = True
    """The bot may write there later without being asked: news and reminders are offered."""


UNDECRYPTABLE: Final = "sealed"
"""Media kind of an encrypted message whose key did not arrive."""

Mode = Literal["self", "assisted", "paper"]


@with_fast_replace
class MsgIn(NamedTuple):
    """One message of a contact.

    `address` is the channel's name of the chat that replies go to; it stays inside `bot/` and never reaches a flow.
    `external_id` is the channel's id of this message: a redelivery has the same id.

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
    """Token of the tapped quick reply."""
    media: str = ""
    """Kind of attachment: voice, picture, video, file, sticker, contact, other, or UNDECRYPTABLE."""
    location: Location | None = None
    edits: str = ""
    """External id of the earlier message that this one replaces."""
    language_hint: str = ""
    """The language that the channel reports for the contact, as a BCP 47 tag; only a hint."""
    mode: Mode = "self"
    """How it was entered: by the contact, with a helper, or from paper."""
    entry_code: str = ""
    """Code of the poster or partner that led the contact here; never identifies a person."""
    media_ref: str = ""
    """The channel's handle to fetch the attachment; "" if it cannot be fetched or is too large."""
    is_group: bool = False
    """Sent in a group: nothing is asked or stored there; the bot offers a private chat."""
    room: Room | None = None
    """What holds for the chat; None if that is the same for the whole channel (`adapters.base.Limits`)."""
    replies_to: str = ""
    """Text of the earlier message that this one replies to, of any author; "" if it is no reply."""
    refers_to: str = ""
    """Reference of the bot's message (`adapters.base.Sent.ref`) that this one replies to or, with a `choice`, of the
    poll in which it is the contact's vote. The channel shows the newest vote, so it replaces the answer of an earlier
    one; an old button does not."""
    taken_back: str = ""
    """External id of the contact's own earlier message that they deleted; such a message has no content."""
    more_refs: tuple[str, ...] = ()
    """The handles of the further attachments of the same kind that were sent together with the first one."""
    is_burst: bool = False
    """Whether many conversations began on the same network just before (the web page only)."""

    @property
    def tapped(self) -> Token | None:
        """The tapped quick reply; None for a typed message."""
        return Token.parse(self.choice) if self.choice else None


Role = Literal["answer", "missing", "mark", "look", "less", "done", "navigation"]
"""The effect of a quick reply. `answer`: answers the question or selects an option. `missing`: records a missing code.
`mark`: adds a mark to the answer. `look`: only shows something. `less`: takes one step back from an amount. `done`:
completes a partial answer. `navigation`: a command, such as skip or submit.
"""


class Step(NamedTuple):
    """One of several buttons of an option: less, more, all the rest."""

    token: str
    label: str


class QuickReply(NamedTuple):
    """One answer offered with a message.

    A channel with buttons shows `label` and sends `token` back; one without shows "`number` `label`" and passes on the
    typed text. `number` is 0 where a typed number has another meaning.
    """

    token: str
    label: str
    number: int = 0
    chosen: bool = False
    amount: int = 0
    """The state of a chosen option beyond yes or no: its rank, or its share of a budget."""
    role: Role = "answer"
    name: str = ""
    """The label without its state (a box, a rank, a step); "" if the label shows no state."""
    spoken: str = ""
    """What is read aloud instead of the label (`LocalizedQuestion.spoken`); "" for the label itself."""
    link: str = ""
    """A page that a channel opens instead of sending the token; "" for most."""
    steps: tuple[Step, ...] = ()
    """Further buttons of this option, for channels that can show several in a row. They contain what the replies with
    the role `less` offer."""

    @property
    def bare_label(self) -> str:
        """The label for channels that render the state themselves."""
        return self.name or self.label

    @property
    def read_aloud(self) -> str:
        """What is read aloud for it: its number, if it has one, and its label as its question type says it."""
        said = self.spoken or self.label
        return f"{self.number}: {said}" if self.number else said

    @property
    def parsed(self) -> Token:
        """The parsed token."""
        return Token.parse(self.token)

    def with_arguments(self, *arguments: object, label: str = "") -> QuickReply:
        """Returns the same command with more arguments, with a new label if one is given."""
        return self._replace(token=self.parsed.with_arguments(*arguments).format(), label=label or self.label)


Expects = Literal["", "one", "many", "order", "amounts", "text", "number", "date"]
"""The kind of answer a message waits for: a channel with forms offers radio buttons, check boxes, a field, or a number
per option (its rank, or its share of a budget)."""
IN_PLACE: Final[frozenset[Expects]] = frozenset({"many", "order", "amounts"})
"""What is answered by several replies, each of which changes the answer so far."""
VERSION: Final = 2
"""Version of stored payloads. Version 1 had no number, one text instead of the parts, and no roles."""


class _MessageFields(NamedTuple):
    parts: Parts
    quick_replies: tuple[QuickReply, ...]
    language: str
    expects: Expects
    title: str
    """The wording of a question, for channels that show a form; set even if the message does not repeat it."""
    audio: str
    """Media name of the recording of this message; "" if there is none."""
    sensitive: bool
    """Whether it asks for something that not even the operator of the channel may see."""
    replaces: str
    """Reference of the messages (`MsgOut.reference`) whose newest one this one replaces, because the contact's reply
    changed the answer so far. A channel that cannot edit messages sends it like any other; "" for most."""


class MsgOut(_MessageFields):
    """One message of the bot, without markup: a sequence of parts, most of them in one language. Immutable."""

    def __new__(
        cls,
        parts: str | Iterable[MessagePart],
        quick_replies: tuple[QuickReply, ...] = (),
        language: str = "de",
        expects: Expects = "",
        title: str = "",
        audio: str = "",
        sensitive: bool = False,
        replaces: str = "",
    ) -> Self:
        """Creates a message of these parts; a string becomes one body part."""
        made: Parts = (BodyPart(parts),) if isinstance(parts, str) else tuple(parts)
        return tuple.__new__(cls, (made, quick_replies, language, expects, title, audio, sensitive, replaces))

    @cached_property
    def text(self) -> str:
        """The parts as plain text (`flows.plain_text`)."""
        return parts_as_text(self.parts, self.language)

    @property
    def reference(self) -> str:
        """Names the question that its quick replies answer: the same for all messages of a question in a revision of a
        consultation; "" without such replies."""
        references = (reference_of(reply.token) for reply in self.quick_replies)
        return next(filter(None, references), "")

    def whole(self, *, is_typed: bool = True) -> MsgOut:
        """Returns the message so that it can stand in place of the question it is about: below its wording. Without
        `is_typed`, also without hints on what to type."""
        if not self.replaces:
            return self
        parts = tuple(part for part in self.parts if is_typed or not (isinstance(part, HintPart) and part.is_typing))
        is_asked = any(isinstance(part, TitlePart) for part in parts)
        return self._replace(parts=parts if is_asked else (TitlePart(self.title), *parts))

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """Its images, for channels that show them."""
        return tuple(part for part in self.parts if isinstance(part, ImagePart))

    def without_images(self, shown: Iterable[ImagePart] | None = None) -> MsgOut:
        """Returns the message without its images, or without those that are shown apart from its text."""
        left_out = frozenset(self.images if shown is None else shown)
        if not left_out:
            return self
        return self._replace(parts=tuple(part for part in self.parts if part not in left_out))

    def preceded_by(self, parts: Parts) -> MsgOut:
        """Returns the message with other parts before its own, separated by a blank line."""
        if not parts:
            return self
        first, *rest = self.parts
        return self._replace(parts=(*parts, first._replace(gap=BLANK), *rest))

    def as_data(self) -> dict[str, Any]:
        """Returns plain data for storage; `from_data` is the inverse."""
        parts, quick_replies, language, expects, title, audio, sensitive, replaces = self
        return {
            "v": VERSION,
            "parts": [(NAMES[type(part)], *part) for part in parts],
            "quick_replies": [_as_stored(reply) for reply in quick_replies],
            "language": language,
            "expects": expects,
            "title": title,
            "audio": audio,
            "sensitive": sensitive,
            **({"replaces": replaces} if replaces else {}),
        }

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> MsgOut:
        """Loads a stored payload of any version; ignores unknown keys, parts and fields."""
        fields = {name: data[name] for name in MsgOut._fields[2:] if name in data}
        if "v" not in data:
            replies = tuple(
                QuickReply(*reply[:5])._replace(role=_role_before_2(reply)) for reply in data["quick_replies"]
            )
            return MsgOut(data["text"], replies, **fields)
        known = [(KINDS[name], values) for name, *values in data["parts"] if name in KINDS]
        parts = [part(*values[: len(part._fields)]) for part, values in known]
        replies = tuple(map(_from_stored, data["quick_replies"]))
        return MsgOut(parts, replies, **fields)


def reference_of(token: str) -> str:
    """Returns the question that a quick reply answers, as `MsgOut.reference` names it; "" for a command.

    >>> reference_of("b69eca.fund.park"), reference_of("b69eca..skip")
    ('b69eca.fund.', '')
    """
    parsed = Token.parse(token)
    return parsed._replace(value="").format() if parsed.key else ""


def _as_stored(reply: QuickReply) -> tuple[Any, ...]:
    """Returns the fields of a quick reply without the last ones that are empty."""
    if reply.steps:
        return tuple(reply)
    if reply.link:
        return reply[:-1]
    return reply[:-2] if reply.spoken else reply[:-3]


def _from_stored(stored: list[Any]) -> QuickReply:
    reply = QuickReply(*stored[: len(QuickReply._fields)])
    return reply._replace(steps=tuple(Step(*step[: len(Step._fields)]) for step in reply.steps))


def _role_before_2(reply: list[Any]) -> Role:
    """Returns the role of a quick reply of version 1, from its token and its sixth element ("mark", "look" or "")."""
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


def message_as_text(msg: MsgOut) -> str:
    """Returns the message without its quick replies. Computed once per message.

    >>> from flows.parts import ProgressPart, TitlePart
    >>> message_as_text(MsgOut([ProgressPart("Frage 1 von 2"), TitlePart("Was fehlt?")]))
    'Frage 1 von 2\\nWas fehlt?'
    """
    return msg.text
