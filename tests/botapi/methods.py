"""The methods of the Bot API that a chat bot needs. Each takes its parameters and gives its result, or refuses.

A parameter that Telegram does not know is refused as well: it is a mistake of the bot.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.botapi.ledger import Sent
from tests.botapi.limits import Limiter
from tests.botapi.state import BOT_ID, USERNAME, Refusal, State

Parameters = dict[str, Any]
TEXT_UNITS = 4096
TAP_SECONDS = 60
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
        state = self.state
        chat_id = _number(given, "chat_id", "chat_id is empty")
        state.chat_for_sending(chat_id)
        text = _text(given)
        keyboard = _keyboard(given)
        if wait := self.limiter.wait(chat_id, state.now()):
            raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        sent = Sent(chat_id, state.message_id(), text, keyboard, state.now())
        state.messages[chat_id, sent.message_id] = sent
        state.ledger.note(sent)
        state.tell(chat_id)
        return state.message_data(sent)

    @method("chat_id", "message_id", "text", "reply_markup", "link_preview_options")
    def edit_message_text(self, given: Parameters) -> Any:
        return self._edit(given, _text(given))

    @method("chat_id", "message_id", "reply_markup")
    def edit_message_reply_markup(self, given: Parameters) -> Any:
        return self._edit(given, None)

    def _edit(self, given: Parameters, text: str | None) -> Any:
        state = self.state
        chat_id = _number(given, "chat_id", "chat_id is empty")
        state.chat_for_sending(chat_id)
        sent = state.messages.get((chat_id, _number(given, "message_id", "message identifier is not specified")))
        if sent is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        keyboard = _keyboard(given)
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
        commands = _data(given.get("commands"))
        for command in commands:
            name, words = command["command"], command["description"]
            if not (1 <= len(name) <= 32 and name.replace("_", "").isalnum() and name.islower() and name.isascii()):
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(words) <= 256:
                raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        return self._set("commands", given, commands)

    @method("description", "language_code")
    def set_my_description(self, given: Parameters) -> Any:
        return self._set("description", given, _at_most(given.get("description"), 512))

    @method("short_description", "language_code")
    def set_my_short_description(self, given: Parameters) -> Any:
        return self._set("short_description", given, _at_most(given.get("short_description"), 120))

    def _set(self, what: str, given: Parameters, value: Any) -> bool:
        language = given.get("language_code") or ""
        if language and not (len(language) == 2 and language.isalpha()):
            raise Refusal(400, "Bad Request: language_code is invalid")
        scope = (_data(given.get("scope")) or {"type": "default"})["type"]
        self.state.ledger.settings[what, scope if what == "commands" else "", language] = value
        return True


def _data(value: Any) -> Any:
    """Nested parameters come as objects, or as strings that hold JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise Refusal(400, "Bad Request: can't parse JSON") from None


def _number(given: Parameters, name: str, otherwise: str) -> int:
    try:
        return int(given[name])
    except (KeyError, TypeError, ValueError):
        raise Refusal(400, f"Bad Request: {otherwise}") from None


def _text(given: Parameters) -> str:
    text = given.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > TEXT_UNITS:
        raise Refusal(400, "Bad Request: message is too long")
    return text.strip()


def _at_most(text: Any, length: int) -> str:
    if not isinstance(text, str) or len(text) > length:
        raise Refusal(400, "Bad Request: description is too long")
    return text


def _keyboard(given: Parameters) -> list[list[dict[str, str]]]:
    markup = _data(given.get("reply_markup"))
    if markup is None:
        return []
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list):
        raise Refusal(400, "Bad Request: object expected as reply markup")
    for button in (button for row in rows for button in row):
        data = button.get("callback_data")
        if not button.get("text"):
            raise Refusal(400, "Bad Request: text buttons are unallowed in the inline keyboard")
        if not button.get("url") and not (isinstance(data, str) and 1 <= len(data.encode()) <= 64):
            raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return [row for row in rows if row]
