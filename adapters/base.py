"""The contract of channels: what each one implements, and the outcomes of sending a message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from flows.messages import MsgIn, MsgOut

if TYPE_CHECKING:  # whoever needs only the contract, such as `--help`, needs no web server
    from aiohttp import web


class NotStored(Exception):
    """The database takes nothing at the moment. The same message is welcome again, with the same id."""


class BadSettings(Exception):
    """A channel cannot be made of its section; the text says which key, why and what to do, and repeats no value."""


class CipherError(Exception):
    """What a channel sealed cannot be opened here; the text says why and what to do."""


class TextCipher(Protocol):
    """Encrypts what a channel keeps on disk and what would let a reader pass for the bot. The key is derived from the
    application's secret."""

    def encrypt(self, text: str) -> str:
        """The text encrypted, as text. Raises CipherError."""

    def decrypt(self, sealed: str) -> str:
        """The text that was sealed. Raises CipherError."""


class Finding(NamedTuple):
    """One thing that was looked at. What is not well says what to do."""

    is_well: bool
    words: str


class Outgoing(NamedTuple):
    """One message to be sent. `id` rises with time and stays the same when the message is sent again."""

    id: int
    address: str
    msg: MsgOut


Replies = tuple[Outgoing, ...]
"""What is said to the sender of one message by that very message. The channel is asked to send it as well."""

Receive = Callable[[Sequence[MsgIn]], Awaitable[Sequence[Replies]]]
"""Takes messages; returns when they are stored for good, with the replies to each. Only then may the channel move on.
A repeat has no replies: they were given before. Raises NotStored to a channel whose `Limits.tells_trouble`.
"""


class Sent(NamedTuple):
    """The channel took the message; `ref` is its own id of it, "" where it has none."""

    ref: str = ""


class RetryAfter(NamedTuple):
    """Not now: try again after so many seconds; nothing at all is sent until then where `is_overall`.

    Only that chat waits unless everybody is meant: one that has to wait for hours must not silence all others.
    """

    seconds: float
    reason: str = ""
    is_overall: bool = False


class Moved(NamedTuple):
    """The chat goes on under another address: the message, and all that follow, belong there."""

    address: str


class Unreachable(NamedTuple):
    """The person cannot be reached there any more: blocked, left, deleted. Nothing more is sent."""

    reason: str


class Refused(NamedTuple):
    """The channel will never take this message, others perhaps."""

    reason: str


class Unknown(NamedTuple):
    """Asked to send and heard nothing: it may have arrived."""

    reason: str


Delivery = Sent | RetryAfter | Moved | Unreachable | Refused | Unknown


class Limits(NamedTuple):
    """What a channel can take, and what people should know about it. Rates are 0 where there is no limit."""

    text_utf16: int = 4096
    """UTF-16 units of one message; the channel itself splits longer ones (`adapters.splitting`)."""
    buttons: bool = False
    idempotent: bool = False
    """Whether sending the same id twice is the same as once; else every sent message is noted before the next one."""
    workers: int = 8
    """How many messages may be on their way at once."""
    per_second: float = 0
    per_chat_per_second: float = 0
    per_group_per_minute: float = 0
    group_prefix: str = ""
    """Addresses that begin like this are groups; "" where there are none."""
    is_confidential: bool = True
    """Whether only the person and this application can read the messages. If not, residents are told before the first
    question, and questions marked `web_only` are not asked here. Where it depends on the room, each message says so
    (`MsgIn.room`), and this value holds for the others."""
    tells_trouble: bool = False
    """Whether it tells people itself, as an answer to what they sent, that nothing can be stored at the moment; else
    they are sent a message that asks them to wait."""
    is_proactive: bool = True
    """Whether it can write to people who have not just written: only there anybody is reminded or pushed to."""


class Channel(Protocol):
    """A way to reach people. Registered by name: `[channels.town] type = "telegram"` loads `adapters.telegram`."""

    name: str
    limits: Limits

    async def start(self, receive: Receive) -> None:
        """Begins to hand over messages. Returns when the channel is ready."""

    async def send(self, message: Outgoing) -> Delivery:
        """Sends one message and says what became of it; what a channel can answer is data, never an exception."""

    async def stop(self) -> None:
        """Ends receiving; messages not yet stored will come again."""

    def trouble(self) -> str:
        """What is wrong with the channel at the moment, in a few words for the operator; "" while all is well."""


@runtime_checkable
class Hooked(Protocol):
    """A channel that is called from outside: `/hooks/NAME` hands each request to it."""

    async def hook(self, request: web.Request) -> web.Response:
        """Answers 200 only after the commit, so that whoever calls does so again otherwise."""


TOO_LARGE: Final = "too large"
"""Why an attachment was refused, where people can do something about it."""


@runtime_checkable
class Fetching(Protocol):
    """A channel whose attachments can be fetched by the `media_ref` of a message."""

    async def fetch(self, media_ref: str) -> bytes | Delivery:
        """The attachment, or why there is none (yet): `Refused(TOO_LARGE)`, or for ever for another reason."""


@runtime_checkable
class Forgetting(Protocol):
    """A channel that keeps something of its own about people."""

    def forget(self, address: str, *, was_told: bool = True) -> None:
        """Deletes it: the person had everything deleted. `was_told`: the last message there said so; where it did not,
        they said it through another of their doors.
        """


class Introduction(NamedTuple):
    """What the bot is and which chat words it knows, in one language, for channels that show it in advance."""

    language: str
    description: str
    """Who speaks, what for, how long: a few sentences."""
    short: str
    """The same in one sentence."""
    commands: tuple[tuple[str, str], ...]
    """Stable names of chat words, each with what it does."""


@runtime_checkable
class Closing(Protocol):
    """A channel that still has something open after `stop`, while the last messages are being sent."""

    async def close(self) -> None:
        """Ends sending, too. Called last."""


@runtime_checkable
class Introducing(Protocol):
    """A channel on which the bot introduces itself."""

    def introduce(self, introductions: Sequence[Introduction]) -> None:
        """Called before `start`, with one introduction for each language the bot speaks."""
