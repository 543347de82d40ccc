"""The option "something else", and the question in which it is written out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from pydantic import StringConstraints

from flows.conditions import Equal, ValueOf
from flows.questions.base import Problem, Question
from flows.questions.text import FreeText
from flows.renderer import Renderer

OTHER: Final = "other"
"""The stored value of the option."""
_LENGTH: Final = 280


class OtherText(FreeText):
    """What the resident means by "something else": free text like any other, published after its release. It has the
    text of its question and a title of its own; its key is that of the question with `_other`.
    """

    # Longer than a key in a file: its quick replies are those of commands, so no token contains it beside a value.
    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]

    def title_in(self, renderer: Renderer) -> str:
        return renderer.text("other.title", question=renderer.localized(self.text))


def follow_up_of(question: Question) -> OtherText:
    """Returns the question that follows the answer "something else"."""
    return OtherText(
        key=f"{question.key}_{OTHER}",
        text=question.text,
        ask_if=Equal(equal=ValueOf(question=question.key, value=OTHER)),
        exits=question.exits,
        max_length=_LENGTH,
        dont_know=False,
        sensitive=question.sensitive,
        web_only=question.web_only,
    )


def other_name(renderer: Renderer) -> tuple[str, str, tuple[str, ...]]:
    """Returns the option for a `ChoiceMatcher`."""
    return OTHER, renderer.text("other.option"), tuple(renderer.words("words.other"))


def other_problems(values: Sequence[str]) -> Iterator[Problem]:
    """Yields a problem if an option of the file has the value of this one."""
    if OTHER in values:
        yield Problem(
            ("options", values.index(OTHER), "value"),
            f"{OTHER!r} is the value of the option that `other: true` adds",
            "leave this option out, or name its value differently",
        )
