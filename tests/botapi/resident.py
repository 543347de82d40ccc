"""A person to chat with: writes, taps, votes, edits, speaks, blocks; sees what the bot did."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.botapi.ledger import Sent
from tests.botapi.polls import Poll
from tests.botapi.state import BOT_ID, USERNAME, State
from tests.support.timeouts import PATIENCE


class Resident:
    """One private chat (or, with a negative number, one member of a group). Words become updates at once."""

    def __init__(self, state: State, number: int, language: str = "de", group: int = 0) -> None:
        self.state = state
        self.number = number
        self.user = {"id": number, "is_bot": False, "first_name": "Erfunden", "language_code": language}
        self.chat_id = group or number
        self._seen = 0
        """The number of the bot's messages that were read."""
        state.heard.setdefault(self.chat_id, asyncio.Event())
        if group:
            state.chats[group] = {"id": group, "type": "supergroup", "title": "Kiezrunde"}
        else:
            state.chats[number] = {"id": number, "type": "private", "first_name": "Erfunden"}

    # What they do

    def say(self, text: str, **more: Any) -> int:
        """Writes; gives the number of the message."""
        return self._send({"text": text, **more})

    def reply(self, sent: Sent, text: str) -> int:
        """Writes as a reply to a message of the bot, as it stands there now."""
        return self.say(text, reply_to_message=self.state.message_data(sent))

    def start(self, code: str = "") -> int:
        """Opens the bot, by a link with a code or without."""
        return self.say(f"/start {code}".strip())

    def edit(self, message_id: int, text: str) -> int:
        """Changes an earlier message; gives the number of the update."""
        message = self._message(message_id, {"text": text, "edit_date": int(self.state.now())})
        return self.state.add_update("edited_message", message)

    def voice(self, content: bytes = b"OggS") -> int:
        return self._send({"voice": {**self._file(content), "duration": 3, "mime_type": "audio/ogg"}})

    def photo(self, content: bytes = b"\xff\xd8\xff", caption: str = "", album: str = "") -> int:
        small, large = self._file(content[:1]), self._file(content)
        sizes = [{**small, "width": 90, "height": 90}, {**large, "width": 800, "height": 800}]
        more = {"caption": caption, "media_group_id": album}
        return self._send({"photo": sizes} | {name: value for name, value in more.items() if value})

    def sticker(self) -> int:
        kind = {"width": 512, "height": 512, "is_animated": False, "is_video": False, "type": "regular"}
        return self._send({"sticker": {**self._file(b"RIFF"), **kind}})

    def location(self, latitude: float, longitude: float) -> int:
        return self._send({"location": {"latitude": latitude, "longitude": longitude}})

    def poll(self, question: str, options: Sequence[str], *, forwarded_from: str = "") -> int:
        """Sends a poll of their own, or (with the name of who made it) forwards one."""
        state = self.state
        poll = Poll(str(state.poll_number()), question, list(options))
        origin = {"type": "hidden_user", "sender_user_name": forwarded_from, "date": int(state.now())}
        number = self._send({"poll": poll.data()} | ({"forward_origin": origin} if forwarded_from else {}))
        state.polls[self.chat_id, number] = poll
        return number

    def vote(self, sent: Sent, *labels: str) -> None:
        """Votes in a poll of the bot, for none of its options to retract. ValueError for what a client cannot do."""
        assert sent.poll, "no poll"
        self.state.vote(sent.poll, self.user, [sent.poll.options.index(label) for label in labels])

    def tap(self, label: str) -> str:
        """Taps the newest button with this label; gives the number of the tap."""
        for sent in reversed(self.messages()):
            for button in (button for row in sent.keyboard for button in row):
                if button["text"] == label:
                    return self.tap_data(sent, button["callback_data"])
        raise LookupError(f"no button {label!r} in {[sent.labels for sent in self.messages()]}")

    def tap_data(self, sent: Sent, data: str) -> str:
        """Taps a button by what it carries, whether it is still shown or not."""
        number = f"{self.number}-{self.state.message_id()}"
        self.state.taps[number] = self.state.now()
        message = self.state.message_data(sent)
        tap = {"id": number, "from": self.user, "chat_instance": "1", "data": data, "message": message}
        self.state.add_update("callback_query", tap)
        return number

    def block(self) -> None:
        self.state.blocked.add(self.number)
        self._member_change("member", "kicked")

    def unblock(self) -> None:
        self.state.blocked.discard(self.number)
        self._member_change("kicked", "member")

    def add_bot(self) -> None:
        """Takes the bot into the group."""
        self._member_change("left", "member")

    # What they see

    def messages(self) -> list[Sent]:
        """Everything the bot said here, as it stands now."""
        return self.state.ledger.chats[self.chat_id]

    async def hears(self, number: int = 1) -> list[Sent]:
        """The next messages of the bot, as many as expected; TimeoutError where they do not come."""
        await self.until(lambda: len(self.messages()) >= self._seen + number)
        heard = self.messages()[self._seen : self._seen + number]
        self._seen += number
        return heard

    async def until(self, condition: Any) -> None:
        """Waits until something is so; looked at whenever the bot did something here."""
        event = self.state.heard[self.chat_id]
        async with asyncio.timeout(PATIENCE):
            while not condition():
                event.clear()
                await event.wait()

    def _send(self, content: dict[str, Any]) -> int:
        number = self.state.message_id()
        self.state.said.add((self.chat_id, number))
        self.state.add_update("message", self._message(number, content))
        return number

    def _message(self, number: int, content: dict[str, Any]) -> dict[str, Any]:
        if str(content.get("text", "")).startswith("/"):
            length = len(content["text"].split()[0])
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        chat = self.state.chats[self.chat_id]
        return {"message_id": number, "date": int(self.state.now()), "chat": chat, "from": self.user, **content}

    def _file(self, content: bytes) -> dict[str, Any]:
        name = f"file{self.state.message_id()}"
        self.state.files[name] = content
        return {"file_id": name, "file_unique_id": name, "file_size": len(content)}

    def _member_change(self, before: str, after: str) -> None:
        bot = {"id": BOT_ID, "is_bot": True, "first_name": "Mitsprache", "username": USERNAME}
        self.state.add_update(
            "my_chat_member",
            {
                "chat": self.state.chats[self.chat_id],
                "from": self.user,
                "date": int(self.state.now()),
                "old_chat_member": _member(before, bot),
                "new_chat_member": _member(after, bot),
            },
        )


def _member(status: str, bot: dict[str, Any]) -> dict[str, Any]:
    return {"status": status, "user": bot} | ({"until_date": 0} if status == "kicked" else {})
