"""Parameters of a call, read as Telegram reads them: what is wrong with one is said in Telegram's words."""

import json
from typing import Any

from tests.botapi.refusal import Refusal

Parameters = dict[str, Any]
TEXT_UNITS = 4096


def data(value: Any, otherwise: str = "can't parse JSON") -> Any:
    """Nested parameters come as objects, or as strings that hold JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise Refusal(400, f"Bad Request: {otherwise}") from None


def number(given: Parameters, name: str, otherwise: str) -> int:
    try:
        return int(given[name])
    except (KeyError, TypeError, ValueError):
        raise Refusal(400, f"Bad Request: {otherwise}") from None


def is_true(given: Parameters, name: str, *, default: bool = False) -> bool:
    """Truth comes as itself or, in a form, as a word."""
    value = given.get(name)
    return default if value is None else str(value).lower() in {"true", "yes", "1"}


def text(given: Parameters) -> str:
    found = given.get("text")
    if not isinstance(found, str) or not found.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    if len(found.encode("utf-16-le")) // 2 > TEXT_UNITS:
        raise Refusal(400, "Bad Request: message is too long")
    return found.strip()


def at_most(found: Any, length: int) -> str:
    if not isinstance(found, str) or len(found) > length:
        raise Refusal(400, "Bad Request: description is too long")
    return found


def keyboard(given: Parameters) -> list[list[dict[str, str]]]:
    markup = data(given.get("reply_markup"))
    if markup is None:
        return []
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list):
        raise Refusal(400, "Bad Request: object expected as reply markup")
    for button in (button for row in rows for button in row):
        token = button.get("callback_data")
        if not button.get("text"):
            raise Refusal(400, "Bad Request: text buttons are unallowed in the inline keyboard")
        if not button.get("url") and not (isinstance(token, str) and 1 <= len(token.encode()) <= 64):
            raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return [row for row in rows if row]
