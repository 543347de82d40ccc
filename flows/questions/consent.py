"""Ask for consent."""

from __future__ import annotations

from typing import ClassVar, Literal

from flows.conditions import Equal, Not, ValueOf
from flows.events import ConsentGiven, Event
from flows.meaning import Meanings, meanings
from flows.phrase_families import CONSENT_ANSWERS
from flows.questions.base import LEAVE, Exit, LocalizedQuestion, Question, ValueType, question
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.outcomes import Invalid, ParseResult, Reply
from flows.renderer import Renderer
from flows.values import Missing, Value


@question
class Consent(Question):
    """Ask for consent to exactly the text shown. The value is true or false.

    It cannot be skipped and only exact replies count: silence, a typo or "maybe" is no consent. With `required`, a
    refusal ends the consultation and nothing is stored.

    ```yaml
    - key: may_store
      type: consent
      required: true
      text: {de: Dürfen wir Ihre Antworten bis Juni speichern?, en: May we keep them until June?}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("Einwilligung", "Consent")
    asks_consent: ClassVar[bool] = True
    meanings: ClassVar[Meanings] = meanings(fixed="text hint", path="required")

    type: Literal["consent"] = "consent"
    required: bool = False
    skip: Literal[False] = False
    dont_know: Literal[False] = False
    refuse: Literal[False] = False

    @property
    def is_optional_consent(self) -> bool:
        return not self.required

    def leaving(self) -> tuple[Exit, ...]:
        if not self.required:
            return self.exits
        # "Not yes" rather than "no": any other value is no consent either.
        agreed = Equal(equal=ValueOf(question=self.key, value=True))
        return Exit.model_validate({"if": Not.model_validate({"not": agreed}), "to": LEAVE}), *self.exits

    def values(self) -> ValueType:
        return bool

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedConsent(self, renderer)


class _LocalizedConsent(LocalizedQuestion):
    def __init__(self, definition: Consent, renderer: Renderer) -> None:
        offered = [
            (word, renderer.text(CONSENT_ANSWERS[word]), tuple(renderer.words(f"words.{word}")))
            for word in ("yes", "no")
        ]
        self._key = definition.key
        self._matcher = ChoiceMatcher(definition, renderer, offered, exact=True)
        self._hint = renderer.text("hint.consent")
        self.prompt = definition.prompt(renderer, self._matcher.quick_replies)

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        value = self._matcher.match(reply)
        # Interpreted and missing answers cannot occur here; if they did, they would be no consent.
        return value == "yes" if isinstance(value, str) and not isinstance(value, Missing) else Invalid(self._hint)

    def show(self, value: Value) -> str:
        return self._matcher.labels["yes" if value is True else "no"]

    def after(self, value: Value) -> tuple[Event, ...]:
        return (ConsentGiven(self._key, value is True, self.prompt.text),)

    def after_drop(self, value: Value) -> tuple[Event, ...]:
        """Records a dropped consent as withdrawn."""
        return (ConsentGiven(self._key, False, self.prompt.text),) if value is True else ()

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded)
