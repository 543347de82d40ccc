"""Fills the answers of a session into the texts of a flow (piping).

The localized questions of a flow are shared by all sessions. Those whose texts refer to answers are built again with
the answers of the session, so prompt, matching and summary all use the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeVar
from unicodedata import bidirectional

from flows.braces import AnswerReference, unknown_answer
from flows.flow import Flow, LocalizedFlow
from flows.languages import LANGUAGES
from flows.messages import MsgOut
from flows.plain_text import isolated, shortened
from flows.questions.base import LocalizedQuestion, Question
from flows.renderer import AnswerWords
from flows.session import Session
from flows.values import Value

LONGEST_OWN_TEXT: Final = 120
"""Maximum number of characters of an answer in own words that another text repeats."""

T = TypeVar("T")


def with_answers(flow: Flow, shared: LocalizedFlow, session: Session) -> LocalizedFlow:
    """Returns the localized flow `shared` with the answers of the session in its texts."""
    return with_words(flow, shared, partial(_answer_words, flow, shared, session))


def with_words(flow: Flow, shared: LocalizedFlow, words: AnswerWords) -> LocalizedFlow:
    """Returns the localized flow `shared` with these words for the references to answers in its texts."""
    renderer = shared.renderer.with_answers(words)
    keys = flow.referring
    questions = _Overlay(shared.questions, keys, lambda key: flow.nodes[key].localize(renderer))

    def prompt(key: str) -> MsgOut:
        return flow.with_progress(key, questions[key].aloud(questions[key].prompt), renderer)

    prompts = _Overlay(shared.prompts, keys, prompt)
    titles = _Overlay(shared.titles, keys, lambda key: flow.nodes[key].title_in(renderer))
    return LocalizedFlow(renderer, questions, prompts, titles)


class _Overlay(Mapping[str, T]):
    """A mapping in which some values are built when they are first read."""

    def __init__(self, shared: Mapping[str, T], keys: frozenset[str], build: Callable[[str], T]) -> None:
        self._shared, self._keys, self._build = shared, keys, build
        self._built: dict[str, T] = {}

    def __getitem__(self, key: str) -> T:
        if key not in self._keys:
            return self._shared[key]
        if key not in self._built:
            self._built[key] = self._build(key)
        return self._built[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shared)

    def __len__(self) -> int:
        return len(self._shared)


def _answer_words(flow: Flow, shared: LocalizedFlow, session: Session, reference: AnswerReference) -> str:
    key = reference.key
    value, node = session.answers.get(key), flow.nodes.get(key)
    is_hidden = session.overheard and key in flow.web_only
    if value is None or value in ([], {}) or is_hidden or not isinstance(node, Question):
        return unknown_answer(reference)
    if own := session.words.get(key):
        return _own_text(own)
    question = shared.questions[key]
    if _is_own_text(node, value):
        return _own_text(question.show(value))
    language = shared.renderer.language
    return shared.renderer.listed(_isolated(label, language) for label in _labels(question, value))


def _labels(question: LocalizedQuestion, value: Value) -> Iterator[str]:
    """Yields each part of an answer as text."""
    if isinstance(value, list):
        yield from map(question.label, value)
    elif isinstance(value, dict):
        yield from (question.show({part: amount}) for part, amount in value.items())
    else:
        yield question.show(value)


def _is_own_text(node: Question, value: Value) -> bool:
    possible = node.values()
    return node.free_text or (isinstance(possible, frozenset) and isinstance(value, str) and value not in possible)


def _own_text(text: str) -> str:
    """Returns words of the contact, shortened, in one line, and isolated from the direction of the text around."""
    return isolated(shortened(" ".join(text.split()), LONGEST_OWN_TEXT))


def _isolated(label: str, language: str) -> str:
    """Returns the label; isolated if it contains letters of the other direction than the language."""
    others = {"L"} if LANGUAGES[language].right_to_left else {"R", "AL"}
    return isolated(label) if any(bidirectional(char) in others for char in label) else label
