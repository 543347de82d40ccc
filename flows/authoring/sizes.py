"""Checks that every message of a consultation fits the limits of the narrowest channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from flows.definition import Consultation
from flows.dialogue import messages_text
from flows.flow import Flow
from flows.messages import MsgOut
from flows.phrases import Phrases
from flows.questions.base import Problem, Where
from flows.understanding.text import length_in_utf16


class ChannelLimits(NamedTuple):
    """Message limits of the narrowest channel."""

    text: int = 4096
    """UTF-16 units of a message, including its options as a numbered list."""
    options: int = 20
    token: int = 64
    """Bytes of the token behind a button."""


NARROWEST: Final = ChannelLimits()
LONGEST_CODE: Final = "x" * 12
"""Placeholder for the code of a compiled revision, which is part of every token."""


def size_problems(
    consultation: Consultation, catalogues: Mapping[str, Phrases], limits: ChannelLimits
) -> Iterator[Problem]:
    """Yields messages that exceed the limits. The consultation must have no other errors."""
    flow = Flow(consultation, catalogues, LONGEST_CODE)
    for tag, localized in flow.localized.items():
        sent: list[tuple[Where, MsgOut]] = [
            (("why",), messages_text.greeting_message(flow, tag, overheard=True)),
            (("retention",), messages_text.privacy_message(flow, localized)),
            (("contact",), messages_text.contact_message(flow, localized)),
        ]
        sent += [(("questions", i), localized.prompts[node.key]) for i, node in enumerate(consultation.questions)]
        for where, msg in sent:
            if (length := length_in_utf16(_as_list(msg))) > limits.text:
                reason = f"in “{tag}” this message has {length} characters; a channel carries {limits.text}"
                yield Problem(where, reason, "shorten the texts that stand in it")
            yield from _buttons(where, msg, limits)


def _buttons(where: Where, msg: MsgOut, limits: ChannelLimits) -> Iterator[Problem]:
    if any(len(reply.token.encode()) > limits.token for reply in msg.quick_replies):
        yield Problem(
            where, f"key and value together are longer than {limits.token} bytes", "shorten the key or the values"
        )
    # "Don't know" and "prefer not to say" are numbered too.
    if sum(1 for reply in msg.quick_replies if reply.number) > limits.options + 2:
        yield Problem(where, f"more than {limits.options} answers are offered", "ask in two steps")


def _as_list(msg: MsgOut) -> str:
    """Returns the message as a channel without buttons shows it."""
    return "\n".join([msg.text, *(f"{reply.number}. {reply.label}" for reply in msg.quick_replies)])
