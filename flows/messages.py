"""What goes in and out of a conversation, the same for every channel."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple


class Place(NamedTuple):
    """A position somebody shared, in degrees (WGS 84)."""

    latitude: float
    longitude: float


SEALED: Final = "sealed"
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
    place: Place | None = None
    edits: str = ""
    """External id of the earlier message which this one replaces."""
    language_hint: str = ""
    """What the channel believes the person reads, as a BCP 47 tag; a hint, never a decision."""
    mode: Mode = "self"
    """Who typed it: the person, a helper for the person, or somebody copying from paper."""
    place_code: str = ""
    """Where the person came from, by the code of a poster or a multiplier; never a person."""
    media_ref: str = ""
    """The channel's own handle of the attachment, to fetch it with; "" where it cannot be, or is too large for it."""
    is_group: bool = False
    """Said where others read along: nothing is asked or stored there, people are invited to answer in private."""


Aside = Literal["", "mark", "look"]
"""What a reply is that answers nothing by itself: something that goes with the answer, or only shows something. A
channel with forms offers a check box, or a button.
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
    aside: Aside = ""


Expects = Literal["", "one", "many", "order", "amounts", "text", "number"]
"""What kind of answer a message waits for: a channel with forms offers radio buttons, check boxes, a field, or a number
beside each option (its place in an order, how much of a budget it gets)."""


class MsgOut(NamedTuple):
    """One message of the bot, in one language, as plain text (never markup)."""

    text: str
    quick_replies: tuple[QuickReply, ...] = ()
    language: str = "de"
    expects: Expects = ""
    title: str = ""
    """Of a question: its own words within `text`, for channels which show a form."""
    audio: str = ""
    """The recording in which a person reads this message aloud, by its media name; "" where there is none."""
    sensitive: bool = False
    """Asks for something that nobody else must see, not even who carries the message."""

    def as_data(self) -> dict[str, Any]:
        """Plain data for storage; `from_data` is its inverse."""
        return self._asdict()

    @staticmethod
    def from_data(data: dict[str, Any]) -> MsgOut:
        return MsgOut(**data | {"quick_replies": tuple(QuickReply(*reply) for reply in data["quick_replies"])})
