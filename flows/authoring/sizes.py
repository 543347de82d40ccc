"""Checks that every message of a consultation fits the limits of the narrowest channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from flows.authoring.reference_checks import takes_several
from flows.braces import AnswerReference
from flows.definition import Consultation
from flows.dialogue import messages_text
from flows.dialogue.piping import LONGEST_OWN_TEXT, with_words
from flows.flow import Flow, LocalizedFlow
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
    for tag, shared in flow.localized.items():
        localized = with_words(flow, shared, partial(_longest_words, flow, shared))
        sent: list[tuple[Where, MsgOut]] = [
            (("why",), messages_text.greeting_message(flow, tag, overheard=True)),
            (("retention",), messages_text.privacy_message(flow, localized)),
            (("contact",), messages_text.contact_message(flow, localized)),
        ]
        sent += [(("questions", i), localized.prompts[node.key]) for i, node in consultation.placed_nodes()]
        for where, msg in sent:
            if (length := length_in_utf16(_as_list(msg))) > limits.text:
                reason = f"in “{tag}” this message has {length} characters; the limit of a channel is {limits.text}"
                yield Problem(where, reason, "shorten its texts")
            yield from _buttons(where, msg, limits)


def _buttons(where: Where, msg: MsgOut, limits: ChannelLimits) -> Iterator[Problem]:
    tokens = [reply.token for reply in msg.quick_replies]
    tokens += [step.token for reply in msg.quick_replies for step in reply.steps]
    if any(len(token.encode()) > limits.token for token in tokens):
        yield Problem(
            where, f"key and value together are longer than {limits.token} bytes", "shorten the key or the values"
        )
    # "Don't know" and "prefer not to say" are numbered too.
    if sum(1 for reply in msg.quick_replies if reply.number) > limits.options + 2:
        yield Problem(where, f"more than {limits.options} answers are offered", "split the question")


def _longest_words(flow: Flow, localized: LocalizedFlow, reference: AnswerReference) -> str:
    """Returns the longest words that can stand for a reference."""
    question, labels = flow.question(reference.key), localized.questions[reference.key]
    possible = question.values()
    if not isinstance(possible, frozenset):
        said = "x" * LONGEST_OWN_TEXT
    elif takes_several(question):
        said = localized.renderer.listed(map(labels.label, sorted(possible, key=str)))
    else:
        said = max(map(labels.label, possible), key=len)
    return max(said, reference.otherwise or "", key=len)


def _as_list(msg: MsgOut) -> str:
    """Returns the message as a channel without buttons shows it."""
    return "\n".join([msg.text, *(f"{reply.number}. {reply.label}" for reply in msg.quick_replies)])
