"""The contract of channels: what each one implements, and the outcomes of sending a message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from flows.messages import MsgIn, MsgOut

if TYPE_CHECKING:  # `--help` and other users of the contract alone need no web server
    from aiohttp import web


class NotStored(Exception):
    """The database cannot store messages at the moment. The channel may deliver the message again, with the same id."""


class BadSettings(Exception):
    """The settings section of a channel is invalid. The text has the key, the reason and the remedy, but not
    the value.
    """


class CipherError(Exception):
    """A text that a channel encrypted cannot be decrypted. The text names the reason and the remedy."""


class TextCipher(Protocol):
    """Encrypts data that a channel stores on disk and that would let a reader impersonate the bot. The key is derived
    from the application's secret.
    """

    def encrypt(self, text: str) -> str:
        """Returns the encrypted text. Raises CipherError."""

    def decrypt(self, sealed: str) -> str:
        """Returns the decrypted text. Raises CipherError."""


class Finding(NamedTuple):
    """The result of one check. A failed check names the remedy."""

    is_well: bool
    words: str


class Outgoing(NamedTuple):
    """One message to be sent. `id` rises with time and stays the same when the message is sent again."""

    id: int
    address: str
    msg: MsgOut


Replies = tuple[Outgoing, ...]
"""The replies to one message. The channel is asked to send them as well."""

Receive = Callable[[Sequence[MsgIn]], Awaitable[Sequence[Replies]]]
"""Accepts messages; returns the replies to each once the messages are committed. Only then may the channel confirm
them. A repeated message has no replies. Raises NotStored if `Limits.tells_trouble` of the channel is set.
"""


class Sent(NamedTuple):
    """The channel accepted the message; `ref` is the channel's id of it, "" if it has none."""

    ref: str = ""


class RetryAfter(NamedTuple):
    """The channel asks to retry after this number of seconds. With `is_overall` it sends nothing at all until then.

    Without `is_overall` only that chat waits: a chat that has to wait for hours must not block all others.
    """

    seconds: float
    reason: str = ""
    is_overall: bool = False


class Moved(NamedTuple):
    """The chat has a new address: this message and all later ones go there."""

    address: str


class Unreachable(NamedTuple):
    """The address is unreachable for good (blocked, left, deleted). Nothing more is sent."""

    reason: str


class Refused(NamedTuple):
    """The channel refuses this message for good; it may accept others."""

    reason: str


class Unknown(NamedTuple):
    """The channel did not answer: the message may have arrived."""

    reason: str


Delivery = Sent | RetryAfter | Moved | Unreachable | Refused | Unknown


class Limits(NamedTuple):
    """The limits and properties of a channel. A rate of 0 means no limit."""

    text_utf16: int = 4096
    """UTF-16 units of one message; the channel itself splits longer ones (`adapters.splitting`)."""
    buttons: bool = False
    idempotent: bool = False
    """Whether the channel ignores a repeated id; if not, every sent message is recorded before the next one."""
    workers: int = 8
    """The number of messages that may be in flight at once."""
    per_second: float = 0
    per_chat_per_second: float = 0
    per_group_per_minute: float = 0
    group_prefix: str = ""
    """The prefix of group addresses; "" if there are none."""
    is_confidential: bool = True
    """Whether only the person and this application can read the messages. If not, residents are told before the first
    question, and questions marked `web_only` are not asked here. Where it depends on the room, each message says so
    (`MsgIn.room`), and this value holds for the others."""
    tells_trouble: bool = False
    """Whether the channel itself tells the sender that messages cannot be stored at the moment; if not, the application
    sends a message that asks the sender to wait.
    """
    edits: bool = False
    """Whether the channel edits the message that another one replaces (`MsgOut.replaces`). Of several such messages
    that wait, only the newest is sent."""
    is_proactive: bool = True
    """Whether the channel can send without a preceding message. Reminders and broadcasts need it. Where it depends on
    the chat, each message says so (`MsgIn.room`), and `send` returns `Refused` where it is not allowed."""


class Channel(Protocol):
    """A connection to a messenger or to the web page. Registered by name: `[channels.town] type = "telegram"` loads
    `adapters.telegram`."""

    name: str
    limits: Limits

    async def start(self, receive: Receive) -> None:
        """Starts to hand over messages. Returns when the channel is ready."""

    async def send(self, message: Outgoing) -> Delivery:
        """Sends one message and returns the outcome; every answer of a channel is data, never an exception."""

    async def stop(self) -> None:
        """Stops receiving; the channel delivers messages again that are not stored yet."""

    def trouble(self) -> str:
        """The current problem of the channel, in a few words for the operator; "" if there is none."""


@runtime_checkable
class Hooked(Protocol):
    """A channel with a webhook: `/hooks/NAME` hands each request to it, by POST or GET. Some services confirm the
    address, or deliver messages, by GET; a channel that expects only POST answers 405.
    """

    async def hook(self, request: web.Request) -> web.Response:
        """Answers 200 only after the commit, so that the caller repeats the request otherwise."""


Report = Callable[[str, Delivery], object]
"""Takes the reference of a sent message (`Sent.ref`) and its outcome, once it is known."""


@runtime_checkable
class Reporting(Protocol):
    """A channel that learns later whether a message arrived: bounces, delivery reports, failures."""

    def report_to(self, report: Report) -> None:
        """Called before `start`, with the function to be called in the event loop. `Unreachable`: nothing more is sent.
        `Refused`: if the message was a question, it is asked again before the next message counts as its answer.
        `Sent`, a receipt, changes nothing.
        """


TOO_LARGE: Final = "too large"
"""The reason of a refused attachment that the sender can correct."""


@runtime_checkable
class Fetching(Protocol):
    """A channel whose attachments can be fetched by the `media_ref` of a message."""

    async def fetch(self, media_ref: str) -> bytes | Delivery:
        """Returns the attachment, or the reason why there is none (yet): `Refused(TOO_LARGE)`, or a refusal for another
        reason."""


@runtime_checkable
class Forgetting(Protocol):
    """A channel that stores data of its own about contacts."""

    def forget(self, address: str, *, was_told: bool = True) -> None:
        """Deletes the channel's data after an erasure. `was_told`: the last message at this address confirmed the
        erasure; if not, the contact asked for it at another address.
        """


ImageReader = Callable[[str], Awaitable[bytes | None]]
"""Returns the file of an image by the media name of its part; None if it cannot be read."""


@runtime_checkable
class ShowingImages(Protocol):
    """A channel that sends images as files. Others show the text of the part."""

    def show_images(self, read: ImageReader) -> None:
        """Called before `start`, with the function that reads the files."""


class Introduction(NamedTuple):
    """The description of the bot and its commands in one language, for channels that show it in advance."""

    language: str
    description: str
    """The operator, the purpose and the duration, in a few sentences."""
    short: str
    """The same in one sentence."""
    commands: tuple[tuple[str, str], ...]
    """Stable names of the commands, each with its effect."""


@runtime_checkable
class Closing(Protocol):
    """A channel that stays open after `stop`, while the last messages are being sent."""

    async def close(self) -> None:
        """Stops sending, too. Called last."""


@runtime_checkable
class Introducing(Protocol):
    """A channel on which the bot introduces itself."""

    def introduce(self, introductions: Sequence[Introduction]) -> None:
        """Called before `start`, with one introduction for each language the bot speaks."""


class MessagePreview(NamedTuple):
    """How a message looks on a channel."""

    parts: tuple[str, ...]
    """The texts, as many messages as the channel needs."""
    buttons: tuple[str, ...] = ()
    """The labels below the last text; the choices of channels without buttons are in the text."""


@runtime_checkable
class Previewing(Protocol):
    """A channel that shows how it would send a message, with the renderer that sends it."""

    def preview(self, msg: MsgOut) -> MessagePreview:
        """Returns how this message would be sent. Sends nothing."""


class PublicAddress(NamedTuple):
    """How people reach the bot on a channel, for posters and pages."""

    messenger: str
    """The name of the messenger as people know it, e.g. "Telegram"."""
    name: str
    """The bot's name there, as people type it."""
    link: str
    """Opens the chat with the bot."""
    is_transferred: bool
    """Whether the link also transfers the start words; if not, people have to type them."""


@runtime_checkable
class Reachable(Protocol):
    """A channel on which people can begin a chat with the bot by themselves."""

    def public_address(self, start: str) -> PublicAddress | None:
        """Returns how the bot is reached. `start`: the words after `/start`, without blanks. None while the channel
        does not know the bot's name yet.
        """
