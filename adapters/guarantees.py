"""What every channel guarantees, and how a channel says that a guarantee makes no sense with it.

A channel class may have `cannot: ClassVar[Mapping[str, str]]`: a name of `GUARANTEES`, and the reason. The contract
tests run each other guarantee for the channel, and `docs/reference/channels.md` is generated from both.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Final

import adapters

GUARANTEES: Final[Mapping[str, str]] = {
    "a_conversation_goes_from_greeting_to_receipt": "a participation works from the first message to the receipt",
    "a_repeat_changes_nothing": "a message that the channel delivers twice is answered once",
    "a_crash_between_two_steps_loses_and_doubles_nothing": "a process that ends at any step loses no answer",
    "what_was_said_while_the_service_was_down_is_answered": "messages of that time are answered once, in order",
    "a_flood_answer_puts_off_and_loses_nothing": "a rate limit of the messenger delays messages and loses none",
    "who_blocks_is_left_alone_and_welcome_again": "a contact who blocks the bot gets nothing until they write again",
    "a_chat_that_moves_is_followed": "a chat that gets another address stays the same contact",
    "a_stale_choice_changes_nothing_by_itself": "a button of an earlier question does not change its answer",
    "several_replies_change_one_message": "choices, rankings and budgets are one message that each reply changes",
    "an_edit_corrects_the_answer": "an edited message replaces the answer it gave",
    "a_deleted_message_takes_its_answer_back": "a deleted message deletes the answer it gave",
    "a_reply_to_an_earlier_question_is_no_answer": "a reply to an earlier message does not answer the open question",
    "files_sent_together_arrive_together": "several files of one message are one answer",
    "texts_at_the_limit_and_beyond_arrive_whole": "long texts are split without a broken character",
    "images_are_said_in_words": "the alternative text of an image reaches every contact",
    "images_arrive_as_files": "images are sent as files, in the order of the options",
    "long_words_of_people_arrive_whole": "a long answer is stored whole",
    "unknown_events_do_not_disturb_others": "an event that the channel does not know delays nobody",
    "two_answers_at_once_are_taken_in_order": "two messages at the same moment are taken in their order",
    "one_slow_chat_does_not_delay_others": "a chat that does not respond delays no other chat",
    "replies_stay_fast_during_a_large_broadcast": "replies take less than two seconds during a broadcast",
    "encrypted_rooms_stay_readable_after_a_restart": "end-to-end encryption works on after a restart",
}
"""By the name of the test in `tests/test_adapters/test_contract.py`."""
_PARTS: Final = ("start", "send", "stop", "trouble")


def channel_classes() -> dict[str, type]:
    """Returns the class of each channel by its module or package in `adapters/`, in the order of the names."""
    found = {module.name: _channel_class(module.name) for module in pkgutil.iter_modules(adapters.__path__)}
    return {name: cls for name, cls in sorted(found.items()) if cls is not None}


def exceptions_of(name: str) -> Mapping[str, str]:
    """Returns the guarantees that a channel does not give, with the reason. Raises KeyError for an unknown channel."""
    declared: Mapping[str, str] = vars(channel_classes()[name]).get("cannot", {})
    return declared


@cache
def _channel_class(name: str) -> type | None:
    if name == "base":
        return None
    made = (cls for module in _modules(name) for _, cls in inspect.getmembers(module, inspect.isclass))
    own = (cls for cls in made if cls.__module__.startswith(f"adapters.{name}"))
    return next((cls for cls in own if all(hasattr(cls, part) for part in _PARTS)), None)


def _modules(name: str) -> Iterator[ModuleType]:
    top = import_module(f"adapters.{name}")
    yield top
    for found in pkgutil.iter_modules(getattr(top, "__path__", [])):
        yield import_module(f"adapters.{name}.{found.name}")
