"""Ask for free text, optionally as a voice message or a picture."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from pydantic import Field

from flows.events import MediaGiven
from flows.meaning import Meanings, meanings
from flows.messages import Expects, MsgIn
from flows.phrase_families import MEDIA_ALSO, MEDIA_SHOWN, MEDIA_THANKS
from flows.questions.base import LocalizedQuestion, Problem, Question, ValueType, question
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.free_text_rules import PAPER_LINES, FreeTextRules, length_problems
from flows.questions.outcomes import Accepted, Invalid, ParseResult, Reply
from flows.renderer import Renderer
from flows.tally import Tally
from flows.understanding.text import fold
from flows.values import Missing, Value

Medium = Literal["voice", "picture"]
_MARKED: Final = re.compile(r"\[(voice|picture)\](?: (.*))?", re.DOTALL)


@question
class FreeText(Question):
    """Ask for free text. The value is the text as written; its length is counted in visible characters.

    A text needs at least one word, because emoji alone cannot be analysed. `leave_names_out` (default) asks contacts
    not to write names, addresses or telephone numbers.

    With `media`, a voice message or a picture is an answer too, if the channel supports it. The value begins with
    `[voice]` or `[picture]`, followed by the caption if there is one; the file is stored separately.

    ```yaml
    - key: wish
      type: text
      text: {de: Was wünschen Sie sich für den Park?, en: What do you wish for the park?}
      max_length: 500
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Freier Text", "Free text")
    free_text: ClassVar[bool] = True
    expects: ClassVar[Expects] = "text"
    tally: ClassVar[Tally] = "text"
    longest_seconds: ClassVar[int] = 180

    meanings: ClassVar[Meanings] = meanings(free="min_length max_length leave_names_out media")

    type: Literal["text"] = "text"
    min_length: int = Field(default=1, ge=1, le=1000)
    max_length: int = Field(default=1000, ge=1, le=5000)
    leave_names_out: bool = True
    media: tuple[Medium, ...] = Field(default=(), exclude_if=operator.not_)
    """Accepted attachments; left out if empty, so that the content of older revisions does not change."""

    @property
    def paper_lines(self) -> int:
        return PAPER_LINES

    @property
    def most_characters(self) -> int:
        return self.max_length

    @property
    def accepts_media(self) -> bool:
        return bool(self.media)

    def problems(self) -> Iterator[Problem]:
        yield from length_problems(self.min_length, self.max_length)
        if len(set(self.media)) < len(self.media):
            yield Problem(("media",), "`media` names something twice", "name `voice` and `picture` once each")
        if self.media and self.web_only:
            yield Problem(
                ("media",), "nothing can be sent on the web page, where alone this is asked", "take out one of the two"
            )

    def values(self) -> ValueType:
        return str

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedText(self, renderer)


class _LocalizedText(LocalizedQuestion):
    takes_any_words: ClassVar[bool] = True

    def __init__(self, definition: FreeText, renderer: Renderer) -> None:
        self._key, self._renderer = definition.key, renderer
        self._matcher = ChoiceMatcher(definition, renderer, (), numbered=False, exact=True)
        # Other words of the command ("that's all") can be an answer.
        done = (fold(renderer.text("button.done")),)
        self._rules = FreeTextRules(renderer, definition.min_length, definition.max_length, done)
        self._media = definition.media
        self._also = renderer.text(MEDIA_ALSO["_".join(sorted(self._media, reverse=True))]) if self._media else ""
        names = renderer.text("hint.leave_names_out") if definition.leave_names_out else ""
        self.prompt = definition.prompt(
            renderer, self._matcher.quick_replies, "\n".join(filter(None, (self._also, names)))
        )

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        if self._media and reply.msg and reply.msg.media:
            return self._parse_media(reply.msg)
        missing = self._matcher.match(reply)
        if isinstance(missing, Missing):
            return missing
        if error := self._rules.error_text(reply):
            return Invalid(error)
        return reply.text.strip()

    def _parse_media(self, msg: MsgIn) -> Accepted | Invalid:
        for kind in self._media:
            if msg.media != kind:
                continue
            if not msg.media_ref:
                return Invalid(self._renderer.text("media.unfetchable"), is_whole=True)
            caption = msg.text.strip()
            if error := self._rules.too_long(caption):
                return Invalid(error, is_whole=True)
            events = tuple(MediaGiven(self._key, kind, ref) for ref in (msg.media_ref, *msg.more_refs))
            return Accepted(f"[{kind}] {caption}".strip(), events, echo=self._renderer.text(MEDIA_THANKS[kind]))
        return Invalid(f"{self._renderer.text('media.other')} {self._also}", is_whole=True)

    def show(self, value: Value) -> str:
        marked = _MARKED.fullmatch(str(value)) if self._media else None
        if marked is None:
            return str(value)
        kind, caption = self._renderer.text(MEDIA_SHOWN[marked[1]]), marked[2]
        return f"{kind}: {caption}" if caption else kind

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded)
