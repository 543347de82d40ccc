"""A compiled published revision: everything that does not depend on a session is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from flows.braces import AnswerReference
from flows.commands.words import Command, command_matcher
from flows.definition import Consultation
from flows.languages import LANGUAGES
from flows.messages import MsgOut, QuickReply
from flows.parts import ProgressPart
from flows.path import Path, compile_steps, condition_questions, find_path, off_path, reachable
from flows.phrases import Phrases
from flows.plain_text import shortened
from flows.questions.base import END, LocalizedQuestion, Node, Question
from flows.questions.fact_based import FactBasedQuestion
from flows.renderer import Renderer
from flows.session import Session
from flows.tokens import Token
from flows.understanding.matching import Matcher
from flows.wording import Text


class LocalizedFlow(NamedTuple):
    """A flow in one language."""

    renderer: Renderer
    questions: Mapping[str, LocalizedQuestion]
    prompts: Mapping[str, MsgOut]
    """The questions as sent, with "question 2 of 5" where that holds on every path."""
    titles: Mapping[str, str]
    """The questions' texts, for the summary."""


class Flow:
    """A compiled revision. Immutable; shared by all sessions.

    It is compiled in the languages it is offered in. For the other languages in `catalogues` it has only their names,
    their command words and a renderer of the bot's own phrases, to say that the language is not offered.

    References to answers in its texts are neutral placeholders here; `flows.dialogue.piping` fills in the answers of a
    session.
    """

    __slots__ = (
        "_follow_ups",
        "_is_linear",
        "_steps",
        "_straight",
        "code",
        "commands",
        "condition_questions",
        "consultation",
        "fact_based",
        "has_references",
        "is_trial",
        "language_matcher",
        "languages",
        "link",
        "localized",
        "nodes",
        "notes",
        "other_languages",
        "other_renderers",
        "questions",
        "referring",
        "web_only",
        "with_media",
    )

    def __init__(
        self,
        consultation: Consultation,
        catalogues: Mapping[str, Phrases],
        code: str,
        link: str = "",
        *,
        is_trial: bool = False,
    ) -> None:
        self.code = code
        self.is_trial = is_trial
        """Whether it is a test revision: answers do not count, so there is no receipt code."""
        self.link = link
        """URL of the same consultation on the web; "" if not configured."""
        self.consultation = consultation
        self.languages = tuple(consultation.languages)
        self.nodes: dict[str, Node] = {node.key: node for node in consultation.nodes()}
        self.questions = self._keys_where(_waits)
        """Keys of all questions that wait for an answer, in order."""
        self.notes = frozenset(self.nodes) - frozenset(self.questions)
        self.web_only = frozenset(self._keys_where(_is_web_only))
        """Keys of the questions that are asked only on confidential channels."""
        self.with_media = frozenset(self._keys_where(_takes_media))
        """Keys of the questions that accept a voice message or a picture."""
        self.referring = frozenset(self._keys_where(lambda node: _has_references(node.texts())))
        """Keys of the nodes with a text that refers to an answer."""
        self.has_references = _has_references(consultation.texts())
        others = {tag: phrases for tag, phrases in catalogues.items() if tag not in self.languages}
        self.commands = command_matcher(tuple(catalogues[tag] for tag in self.languages), tuple(others.values()))
        self.language_matcher = _offered_languages(consultation, catalogues)
        self.other_languages = _other_languages(others)
        self.other_renderers = {
            tag: Renderer(code, tag, phrases, consultation.address, {}) for tag, phrases in others.items()
        }
        self.condition_questions: Mapping[str, frozenset[str]] = condition_questions(self.nodes.values())
        """By the key of each node, the questions whose answers decide whether it is asked."""
        self._follow_ups = _follow_ups(consultation)
        self._steps = compile_steps(self.nodes.values())
        self._is_linear = not any(step.branches for step in self._steps.values())
        self._straight = self._straight_paths()
        self.localized = {tag: self._localized_flow(tag, catalogues[tag]) for tag in self.languages}
        asked = self.localized[self.languages[0]].questions
        self.fact_based = frozenset(key for key in self.questions if isinstance(asked[key], FactBasedQuestion))
        """Keys of the questions that need stored data."""

    def page(self, path: str) -> str:
        """Returns the URL of another page of the web site; "" if it is not configured."""
        return self.link.removesuffix(f"/c/{self.consultation.slug}") + path if self.link else ""

    def _keys_where(self, holds: Callable[[Node], bool]) -> tuple[str, ...]:
        return tuple(key for key, node in self.nodes.items() if holds(node))

    def _straight_paths(self) -> tuple[Path, ...]:
        """Returns all paths through a flow without branches, by the number of answered questions."""
        keys = tuple(self.nodes)
        ways = [Path(keys[: keys.index(key)], key, "") for key in self.questions]
        return (*ways, Path(keys, "", END))

    def _localized_flow(self, language: str, phrases: Phrases) -> LocalizedFlow:
        consultation = self.consultation
        renderer = Renderer(self.code, language, phrases, consultation.address, consultation.fallbacks)
        renderer = renderer.with_answers(partial(self._placeholder, renderer))
        asked = {key: node.localize(renderer) for key, node in self.nodes.items()}
        asks = {
            key: self.with_progress(key, question.aloud(question.prompt), renderer) for key, question in asked.items()
        }
        titles = {key: node.title_in(renderer) for key, node in self.nodes.items()}
        return LocalizedFlow(renderer, asked, asks, titles)

    def _placeholder(self, renderer: Renderer, reference: AnswerReference) -> str:
        """Returns the words for a reference where no session is known, e.g. "[answer to ‘Lamps?’]"."""
        node = self.nodes.get(reference.key)
        title = shortened(renderer.localized(node.text)) if node else reference.key
        return renderer.text("answer.reference", question=title)

    def with_progress(self, key: str, prompt: MsgOut, renderer: Renderer) -> MsgOut:
        """Adds the progress line to a prompt where it holds on every path: in a flow without branches, apart from the
        questions that types add.
        """
        keys = [it for it in self.questions if it not in self._follow_ups]
        if key not in keys or len(keys) < 2:
            return prompt
        if key == keys[-1]:
            line = renderer.text("progress.last")
        elif any(step.branches for it, step in self._steps.items() if it not in self._follow_ups):
            return prompt
        else:
            line = renderer.text("progress.step", number=keys.index(key) + 1, total=len(keys))
        return prompt._replace(parts=(ProgressPart(line), *prompt.parts))

    def question(self, key: str) -> Question:
        """Returns the definition of a question. Raises KeyError if there is none."""
        node = self.nodes[key]
        if not isinstance(node, Question):
            raise KeyError(key)
        return node

    def path(self, session: Session) -> Path:
        """Returns the path from the first node to the first open question, or to the end."""
        answers, missing = session.answers, session.missing
        if self._is_linear:
            for number, key in enumerate(self.questions):
                if key not in answers and key not in missing:
                    return self._straight[number]
            return self._straight[-1]
        return find_path(self._steps, session)

    def is_conditional(self, key: str) -> bool:
        """Whether earlier answers decide if the question is asked."""
        before = takewhile(lambda one: one != key, self._steps)
        return self._steps[key].test is not None or any(self._steps[one].exits for one in before)

    def off_path(self, session: Session, path: Path) -> tuple[str, ...]:
        """Returns the keys of questions with stored data that no answer to an open question leads to. `path` is that of
        the session."""
        return off_path(self._steps, session, path)

    def is_settled(self, session: Session) -> bool:
        """Whether everything stored is certainly on the path, because no answer decides which questions are asked."""
        return self._is_linear and not session.also_stored

    def can_come(self, session: Session) -> frozenset[str]:
        """Returns the keys of the nodes that are on the path or can still follow. An unknown answer counts against a
        question, unless it was asked before: then it must not be recorded as not asked.
        """
        on = frozenset(self.nodes) if self._is_linear else reachable(self._steps, session)
        before = frozenset(session.asked_before)
        return frozenset(
            key for key in on if key in before or (test := self._steps[key].own_test) is None or test(session.answers)
        )

    def language_replies(self) -> tuple[QuickReply, ...]:
        """Returns one quick reply per offered language, labelled in that language."""
        language = Token.of_command(self.code, Command.LANGUAGE)
        return tuple(
            QuickReply(language.with_arguments(tag).format(), self.consultation.language_name(tag), number)
            for number, tag in enumerate(self.languages, start=1)
        )


def _waits(node: Node) -> bool:
    return node.waits


def _is_web_only(node: Node) -> bool:
    return isinstance(node, Question) and node.web_only


def _takes_media(node: Node) -> bool:
    return isinstance(node, Question) and node.accepts_media


def _has_references(texts: Iterable[tuple[object, Text]]) -> bool:
    return any(any(text.references()) for _, text in texts)


def _follow_ups(consultation: Consultation) -> frozenset[str]:
    """Returns the keys of the questions that types add behind an answer."""
    return frozenset(it.key for node in consultation.questions if (it := node.follow_up()) is not None)


def _offered_languages(consultation: Consultation, catalogues: Mapping[str, Phrases]) -> Matcher[str]:
    return Matcher(
        (tag, (tag, consultation.language_name(tag), *catalogues[tag].words("words.this_language")))
        for tag in consultation.languages
    )


def _other_languages(others: Mapping[str, Phrases]) -> Matcher[str]:
    return Matcher(
        ((tag, (tag, LANGUAGES[tag].name, *phrases.words("words.this_language"))) for tag, phrases in others.items()),
        numbered=False,
    )
