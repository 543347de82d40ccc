"""What Telegram's answers mean for a message on its way, and for the operator."""

from __future__ import annotations

from typing import Final

from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, TelegramError
from telegram.error import RetryAfter as TooFast

from adapters.base import TOO_LARGE, Delivery, Moved, Refused, RetryAfter, Sent, Unknown, Unreachable
from adapters.telegram.transport import NotSent, NotThere, Unclear

TOKEN_SECONDS: Final = 600.0
"""Until the operator has corrected a token, messages wait."""
TROUBLE_SECONDS: Final = 5.0
TOO_FAST: Final = "too fast"

NOT_THERE_OFTEN: Final = (
    "the Bot API answers 404 again and again: the token or base_url is mistyped; copy both anew and start again"
)
_GONE: Final = ("chat not found", "user not found", "peer_id_invalid", "user is deactivated", "chat_id is empty")
_MISSING: Final = ("message to edit not found", "message can't be edited", "message_id_invalid")


def delivery_of(fault: TelegramError, attempt_seconds: float = TROUBLE_SECONDS) -> Delivery:
    """The outcome as data. `attempt_seconds` is how long to wait where nobody says how long."""
    said = fault.message.lower()
    match fault:
        case TooFast():
            return RetryAfter(seconds_of(fault), TOO_FAST)
        case ChatMigrated():
            return Moved(str(fault.new_chat_id))
        case Forbidden():
            return Unreachable("blocked" if "blocked" in said else "gone" if "deactivated" in said else "forbidden")
        case InvalidToken():
            return RetryAfter(TOKEN_SECONDS, "token refused", is_overall=True)
        case BadRequest() if "not modified" in said:
            return Sent()
        case BadRequest() if any(words in said for words in _GONE):
            return Unreachable("not found")
        case BadRequest():
            return Refused(fault.message[:80])
        case NotSent() | Conflict():
            return RetryAfter(attempt_seconds, "no connection", is_overall=True)
        case Unclear():
            return Unknown(fault.message[:80])
        case _:  # a plain refusal of the server: it was not done
            return RetryAfter(attempt_seconds, fault.message[:80])


def outcome_of_fetching(fault: TelegramError, attempt_seconds: float = TROUBLE_SECONDS) -> Delivery:
    """Why there is no file (yet). Telegram tells a wrong handle and a short trouble in the same words."""
    said = fault.message.lower()
    if isinstance(fault, BadRequest) and "too big" in said:
        return Refused(TOO_LARGE)
    if isinstance(fault, BadRequest) and "temporarily unavailable" in said:
        return RetryAfter(attempt_seconds, "not available")
    return delivery_of(fault, attempt_seconds)


def is_missing(fault: TelegramError) -> bool:
    """Whether the message that was to be changed is not there, or too old, so that a new one must do."""
    said = fault.message.lower()
    return isinstance(fault, BadRequest) and any(words in said for words in _MISSING)


def seconds_of(fault: TooFast) -> float:
    """How long Telegram wants to be left alone."""
    wanted = fault.retry_after
    return max(1.0, wanted if isinstance(wanted, int) else wanted.total_seconds())


def describe_error(fault: BaseException) -> str:
    """What is wrong, for the operator; never the text of the fault, in which a token may stand."""
    match fault:
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
    return f"the Bot API is in trouble ({type(fault).__name__})"
