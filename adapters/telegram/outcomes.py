"""Maps Telegram's answers to the outcome of a message and to a text for the operator."""

from __future__ import annotations

from typing import Final

from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, TelegramError
from telegram.error import RetryAfter as TooFast

from adapters.base import TOO_LARGE, Delivery, Moved, Refused, RetryAfter, Sent, Unknown, Unreachable
from adapters.telegram.transport import NotSent, NotThere, Unclear

TOKEN_SECONDS: Final = 600.0
"""The delay of messages until the operator has corrected a token."""
TROUBLE_SECONDS: Final = 5.0
TOO_FAST: Final = "too fast"

NOT_THERE_OFTEN: Final = (
    "the Bot API answers 404 again and again: the token or base_url is mistyped; copy both anew and start again"
)
_GONE: Final = ("chat not found", "user not found", "peer_id_invalid", "user is deactivated", "chat_id is empty")
_MISSING: Final = ("message to edit not found", "message can't be edited", "message_id_invalid")


def delivery_of(error: TelegramError, attempt_seconds: float = TROUBLE_SECONDS) -> Delivery:
    """Returns the outcome as data. `attempt_seconds` is the delay if Telegram names none."""
    said = error.message.lower()
    match error:
        case TooFast():
            return RetryAfter(seconds_of(error), TOO_FAST)
        case ChatMigrated():
            return Moved(str(error.new_chat_id))
        case Forbidden():
            return Unreachable("blocked" if "blocked" in said else "gone" if "deactivated" in said else "forbidden")
        case InvalidToken():
            return RetryAfter(TOKEN_SECONDS, "token refused", is_overall=True)
        case BadRequest() if is_unchanged(error):
            return Sent()
        case BadRequest() if any(words in said for words in _GONE):
            return Unreachable("not found")
        case BadRequest():
            return Refused(error.message[:80])
        case NotSent() | Conflict():
            return RetryAfter(attempt_seconds, "no connection", is_overall=True)
        case Unclear():
            return Unknown(error.message[:80])
        case _:  # a plain refusal of the server: it was not done
            return RetryAfter(attempt_seconds, error.message[:80])


def outcome_of_fetching(error: TelegramError, attempt_seconds: float = TROUBLE_SECONDS) -> Delivery:
    """Returns why there is no file (yet). Telegram reports a wrong handle and a temporary problem in the same words."""
    said = error.message.lower()
    if isinstance(error, BadRequest) and "too big" in said:
        return Refused(TOO_LARGE)
    if isinstance(error, BadRequest) and "temporarily unavailable" in said:
        return RetryAfter(attempt_seconds, "not available")
    return delivery_of(error, attempt_seconds)


def is_missing(error: TelegramError) -> bool:
    """Whether the message to edit is missing or too old, so that a new one is sent."""
    said = error.message.lower()
    return isinstance(error, BadRequest) and any(words in said for words in _MISSING)


def is_unchanged(error: TelegramError) -> bool:
    """Whether the message to edit is already as it should be."""
    return isinstance(error, BadRequest) and "not modified" in error.message.lower()


def seconds_of(error: TooFast) -> float:
    """Returns the pause that Telegram demands, in seconds."""
    wanted = error.retry_after
    return max(1.0, wanted if isinstance(wanted, int) else wanted.total_seconds())


def describe_error(error: BaseException) -> str:
    """Returns the problem for the operator; never the text of the error, which may contain a token."""
    match error:
        case InvalidToken():
            return "Telegram refuses the token: it was revoked or mistyped; ask BotFather for it and start again"
        case Conflict():
            return "another program receives the messages of this bot: stop it, or give it a bot of its own"
        case NotThere():
            return "the Bot API answers 404: a server in between restarts, or the token or base_url is mistyped"
        case NotSent():
            return "the Bot API cannot be reached: check the network and base_url"
        case Unclear():
            return "the Bot API gives no proper answer: look at the proxy in between, or wait"
        case TooFast():
            return "Telegram wants to be asked less often"
    return f"the Bot API is in trouble ({type(error).__name__})"
