"""What the server knows: chats, messages, and the queue of updates."""

import asyncio
import time
from collections import OrderedDict
from typing import Any

from tests.botapi.ledger import Ledger, Sent
from tests.botapi.photos import photo_sizes
from tests.botapi.polls import Poll
from tests.botapi.refusal import Refusal

KEPT_SECONDS = 24 * 3600
BOT_ID = 4711
USERNAME = "MitspracheTestBot"


class State:
    """One bot and all its chats."""

    def __init__(self, number_from: int = 1_000_000) -> None:
        self.ledger = Ledger()
        self.queue: OrderedDict[int, tuple[float, dict[str, Any]]] = OrderedDict()
        self.arrived = asyncio.Event()
        self.chats: dict[int, dict[str, Any]] = {}
        self.blocked: set[int] = set()
        self.deactivated: set[int] = set()
        self.moved: dict[int, int] = {}
        self.messages: dict[tuple[int, int], Sent] = {}
        self.said: set[tuple[int, int]] = set()
        """Chat and number of the messages people wrote."""
        self.polls: dict[tuple[int, int], Poll] = {}
        """By the message in which they were sent, those of the bot and of people."""
        self.taps: dict[str, float] = {}
        self.files: dict[str, bytes] = {}
        self.allowed: tuple[str, ...] = ()
        self.heard: dict[int, asyncio.Event] = {}
        """Per chat: something the bot did arrived."""
        self.age = 0.0
        """Seconds by which the clock of the queue was put forward."""
        self._next_update = number_from
        self._next_message = 100

    def now(self) -> float:
        return time.time() + self.age

    def jump(self, number: int) -> None:
        """Updates are numbered from here on, as after a silent week."""
        self._next_update = number

    def message_id(self) -> int:
        self._next_message += 1
        return self._next_message

    def poll_number(self) -> int:
        return 5_000_000_000 + self.message_id()

    def vote(self, poll: Poll, user: dict[str, Any], positions: list[int]) -> None:
        """Takes a vote; the bot hears of it, and of who it was where the poll says so. Raises ValueError."""
        self.close_due()
        if not poll.vote(user["id"], positions):
            return
        if not poll.is_anonymous:
            chosen = poll.votes.get(user["id"], [])
            persistent = [str(position) for position in chosen]
            answer = {"poll_id": poll.id, "user": user, "option_ids": chosen, "option_persistent_ids": persistent}
            self.add_update("poll_answer", answer)
        self.add_update("poll", poll.data())

    def close(self, poll: Poll) -> None:
        poll.is_closed = True
        self.add_update("poll", poll.data())

    def close_due(self) -> None:
        """Closes the polls whose time is over; noticed when a person looks."""
        for place, poll in self.polls.items():
            if place in self.messages and poll.closes_at and not poll.is_closed and poll.closes_at <= self.now():
                self.close(poll)

    def add_update(self, kind: str, content: dict[str, Any]) -> int:
        """Queues an update; gives its number. What the bot did not ask for is dropped, as Telegram does."""
        number = self._next_update
        self._next_update += 1
        if self.allowed and kind not in self.allowed:
            return number
        self.queue[number] = (self.now(), {"update_id": number, kind: content})
        self.arrived.set()
        return number

    def waiting(self) -> OrderedDict[int, tuple[float, dict[str, Any]]]:
        """The queue without what is too old."""
        self.close_due()
        limit = self.now() - KEPT_SECONDS
        while self.queue:
            number, (at, _) = next(iter(self.queue.items()))  # the oldest is the first
            if at >= limit:
                break
            self.ledger.expired.add(number)
            del self.queue[number]
        return self.queue

    def confirm(self, numbers: list[int]) -> None:
        for number in numbers:
            del self.queue[number]
            self.ledger.confirmed.add(number)
        if not self.queue:
            self.arrived.clear()

    def chat_for_sending(self, chat_id: int) -> dict[str, Any]:
        """The chat, if the bot may write there."""
        if chat_id in self.moved:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, words, migrate_to_chat_id=self.moved[chat_id])
        if chat_id in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat_id in self.deactivated:
            raise Refusal(403, "Forbidden: user is deactivated")
        if chat_id not in self.chats:
            raise Refusal(400, "Bad Request: chat not found")
        return self.chats[chat_id]

    def tell(self, chat_id: int) -> None:
        """Wakes the waiters for the bot in this chat."""
        if event := self.heard.get(chat_id):
            event.set()

    def _content(self, sent: Sent) -> dict[str, Any]:
        if sent.photo:
            return {"photo": photo_sizes(sent.photo), "caption": sent.text}
        return {"poll": sent.poll.data()} if sent.poll else {"text": sent.text}

    def message_data(self, sent: Sent) -> dict[str, Any]:
        """A message of the bot as the API writes it."""
        data: dict[str, Any] = {
            "message_id": sent.message_id,
            "date": int(sent.at),
            "chat": self.chats[sent.chat_id],
            "from": {"id": BOT_ID, "is_bot": True, "first_name": "Mitsprache", "username": USERNAME},
            **self._content(sent),
        }
        if sent.edits:
            data["edit_date"] = int(self.now())
        if sent.keyboard:
            data["reply_markup"] = {"inline_keyboard": sent.keyboard}
        return data
