"""The methods of the Bot API that a chat bot needs. Each takes its parameters and gives its result, or refuses.

A parameter that Telegram does not know is refused as well: it is a mistake of the bot.
"""

from collections.abc import Callable
from typing import Any

from tests.botapi import parameters as read
from tests.botapi.ledger import Sent
from tests.botapi.limits import Limiter
from tests.botapi.parameters import Parameters
from tests.botapi.photos import caption_of, file_id_of, photo_of
from tests.botapi.polls import Poll, poll_of
from tests.botapi.refusal import Refusal
from tests.botapi.state import BOT_ID, USERNAME, State

TAP_SECONDS = 60
_NO_POLL = "message with poll to stop not found"
_KNOWN: dict[str, set[str]] = {}
_METHODS: dict[str, Callable[["Methods", Parameters], Any]] = {}


def method(*known: str) -> Callable[[Callable[["Methods", Parameters], Any]], Callable[["Methods", Parameters], Any]]:
    """Enters a method with the parameters it knows. Names of methods are read without case."""

    def enter(function: Callable[["Methods", Parameters], Any]) -> Callable[["Methods", Parameters], Any]:
        name = function.__name__.replace("_", "")
        _METHODS[name] = function
        _KNOWN[name] = set(known)
        return function

    return enter


class Methods:
    """Everything but getUpdates and the webhook, which have files of their own."""

    def __init__(self, state: State, limiter: Limiter) -> None:
        self.state = state
        self.limiter = limiter

    def call(self, name: str, parameters: Parameters) -> Any:
        function = _METHODS.get(name)
        if function is None:
            raise Refusal(404, "Not Found")
        if unknown := parameters.keys() - _KNOWN[name]:
            raise Refusal(400, f"Bad Request: this server knows no {sorted(unknown)[0]}")
        return function(self, parameters)

    @method()
    def get_me(self, given: Parameters) -> Any:
        return {
            "id": BOT_ID,
            "is_bot": True,
            "first_name": "Mitsprache",
            "username": USERNAME,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    @method("chat_id", "text", "reply_markup", "link_preview_options", "disable_notification")
    def send_message(self, given: Parameters) -> Any:
        chat_id = self._chat(given)
        return self._send(chat_id, read.text(given), read.keyboard(given))

    @method("chat_id", "photo", "caption", "reply_markup", "disable_notification")
    def send_photo(self, given: Parameters) -> Any:
        chat_id = self._chat(given)
        content = photo_of(given, self.state.files)
        self.state.files[file_id_of(content)] = content
        return self._send(chat_id, caption_of(given), read.keyboard(given), photo=content)

    @method(
        *("chat_id", "question", "options", "is_anonymous", "type", "allows_multiple_answers", "allows_revoting"),
        *("correct_option_id", "correct_option_ids", "explanation", "open_period", "close_date", "is_closed"),
        *("reply_markup", "disable_notification"),
    )
    def send_poll(self, given: Parameters) -> Any:
        chat_id = self._chat(given)
        poll = poll_of(given, self.state.poll_number(), self.state.now())
        return self._send(chat_id, poll.question, read.keyboard(given), poll)

    def _chat(self, given: Parameters) -> int:
        chat_id = read.number(given, "chat_id", "chat_id is empty")
        self.state.chat_for_sending(chat_id)
        return chat_id

    def _send(
        self,
        chat_id: int,
        text: str,
        keyboard: list[list[dict[str, str]]],
        poll: Poll | None = None,
        photo: bytes = b"",
    ) -> Any:
        state = self.state
        if wait := self.limiter.wait(chat_id, state.now()):
            raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        sent = Sent(chat_id, state.message_id(), text, keyboard, state.now(), poll=poll, photo=photo)
        state.messages[chat_id, sent.message_id] = sent
        if poll:
            state.polls[chat_id, sent.message_id] = poll
        state.ledger.note(sent)
        state.tell(chat_id)
        return state.message_data(sent)

    @method("chat_id", "message_id", "reply_markup")
    def stop_poll(self, given: Parameters) -> Any:
        """Closes a poll; its message shows the keyboard that is given, or none."""
        state = self.state
        keyboard = read.keyboard(given)
        place = self._chat(given), read.number(given, "message_id", _NO_POLL)
        poll = state.polls.get(place)
        if poll is None:
            is_known = place in state.messages or place in state.said
            raise Refusal(400, f"Bad Request: {'message is not a poll' if is_known else _NO_POLL}")
        if poll.is_closed:
            raise Refusal(400, "Bad Request: poll has already been closed")
        if place not in state.messages:
            raise Refusal(400, "Bad Request: poll can't be stopped")  # another person sent it
        state.messages[place].keyboard = keyboard
        state.close(poll)
        state.tell(place[0])
        return poll.data()

    @method("chat_id", "message_id", "text", "reply_markup", "link_preview_options")
    def edit_message_text(self, given: Parameters) -> Any:
        return self._edit(given, read.text(given))

    @method("chat_id", "message_id", "reply_markup")
    def edit_message_reply_markup(self, given: Parameters) -> Any:
        return self._edit(given, None)

    def _edit(self, given: Parameters, text: str | None) -> Any:
        state = self.state
        chat_id = self._chat(given)
        sent = state.messages.get((chat_id, read.number(given, "message_id", "message identifier is not specified")))
        if sent is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        if (sent.poll or sent.photo) and text is not None:
            raise Refusal(400, "Bad Request: there is no text in the message to edit")
        keyboard = read.keyboard(given)
        if (sent.text, sent.keyboard) == (sent.text if text is None else text, keyboard):
            raise Refusal(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        sent.text, sent.keyboard, sent.edits = sent.text if text is None else text, keyboard, sent.edits + 1
        state.tell(chat_id)
        return state.message_data(sent)

    @method("callback_query_id", "text", "show_alert", "url", "cache_time")
    def answer_callback_query(self, given: Parameters) -> Any:
        asked = self.state.taps.pop(str(given.get("callback_query_id")), None)
        if asked is None or self.state.now() - asked > TAP_SECONDS:
            raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.state.ledger.answered_taps.append(str(given["callback_query_id"]))
        return True

    @method("file_id")
    def get_file(self, given: Parameters) -> Any:
        content = self.state.files.get(str(given.get("file_id")))
        if content is None:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(content) > 20 * 1024 * 1024:
            raise Refusal(400, "Bad Request: file is too big")
        name = given["file_id"]
        return {"file_id": name, "file_unique_id": name, "file_size": len(content), "file_path": f"files/{name}"}

    @method("commands", "scope", "language_code")
    def set_my_commands(self, given: Parameters) -> Any:
        commands = read.data(given.get("commands"))
        for command in commands:
            name, words = command["command"], command["description"]
            if not (1 <= len(name) <= 32 and name.replace("_", "").isalnum() and name.islower() and name.isascii()):
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(words) <= 256:
                raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        return self._set("commands", given, commands)

    @method("description", "language_code")
    def set_my_description(self, given: Parameters) -> Any:
        return self._set("description", given, read.at_most(given.get("description"), 512))

    @method("short_description", "language_code")
    def set_my_short_description(self, given: Parameters) -> Any:
        return self._set("short_description", given, read.at_most(given.get("short_description"), 120))

    def _set(self, what: str, given: Parameters, value: Any) -> bool:
        language = given.get("language_code") or ""
        if language and not (len(language) == 2 and language.isalpha()):
            raise Refusal(400, "Bad Request: language_code is invalid")
        scope = (read.data(given.get("scope")) or {"type": "default"})["type"]
        self.state.ledger.settings[what, scope if what == "commands" else "", language] = value
        return True
