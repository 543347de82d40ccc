"""What really happened, as the server saw it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.botapi.polls import Poll


@dataclass
class Sent:
    """One message of the bot, as it stands in its chat now. The text of a poll is its question."""

    chat_id: int
    message_id: int
    text: str
    keyboard: list[list[dict[str, str]]]
    at: float
    edits: int = 0
    poll: Poll | None = None
    photo: bytes = b""
    """The file of a photo, whose text is its caption."""

    @property
    def labels(self) -> list[str]:
        return [button["text"] for row in self.keyboard for button in row]


@dataclass
class Ledger:
    """Counts by the server. `waiting` are updates not confirmed yet, by their number."""

    delivered: Counter[int] = field(default_factory=Counter)
    """How often each update was handed out."""
    confirmed: set[int] = field(default_factory=set)
    expired: set[int] = field(default_factory=set)
    """Updates that were not fetched within 24 hours."""
    sent: list[Sent] = field(default_factory=list)
    chats: dict[int, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    """The same by chat."""
    answered_taps: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    """Method, status and description of every call that was refused."""
    settings: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    """Commands and descriptions: (method, scope, language) → what was set."""

    def texts(self, chat_id: int) -> list[str]:
        return [message.text for message in self.chats[chat_id]]

    def note(self, sent: Sent) -> None:
        self.sent.append(sent)
        self.chats[sent.chat_id].append(sent)

    def too_fast(self) -> int:
        return sum(status == 429 for _, status, _ in self.refused)

    def doubled(self) -> int:
        """Messages that follow an equal one in the same chat."""
        last: dict[int, str] = {}
        doubled = 0
        for message in self.sent:
            doubled += last.get(message.chat_id) == message.text
            last[message.chat_id] = message.text
        return doubled
