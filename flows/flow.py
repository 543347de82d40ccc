"""A published revision, compiled once: what can be worked out beforehand is, so that a turn is a few look-ups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flows.commands import Commands
from flows.conditions import Answers, Test
from flows.definition import Consultation
from flows.errors import EndlessFlowError
from flows.languages import LANGUAGES
from flows.matching import Matcher
from flows.messages import MsgOut, QuickReply
from flows.phrases import Phrases
from flows.question import END, LEAVE, Asked, Informed, Node, Question
from flows.session import Session
from flows.voice import Voice

LANGUAGE_TOKEN = "language"  # noqa: S105 - not a password


class Step(NamedTuple):
    """One node without its words."""

    key: str
    waits: bool
    test: Test | None
    exits: tuple[tuple[Test | None, str], ...]

    def applies(self, answers: Answers) -> bool:
        """Whether the node's own condition holds."""
        return self.test is None or self.test(answers)


class Path(NamedTuple):
    """The way through a flow with given answers: the keys passed, the open question ("" if none), where it ends."""

    passed: tuple[str, ...]
    open: str
    end: str


class Script(NamedTuple):
    """A flow in one language."""

    voice: Voice
    asked: dict[str, Asked]
    asks: dict[str, MsgOut]
    """The questions as sent, with "question 2 of 5" where that is true."""
    titles: dict[str, str]
    """The questions' texts, for the summary."""


class Flow:
    """A compiled revision. Immutable; shared by all sessions.

    It is compiled in the languages it is offered in. Of the other languages in `catalogues` it knows the names and the
    chat words, and a voice with the bot's own phrases, to say that there is nothing more.
    """

    __slots__ = (
        "_is_linear",
        "_steps",
        "_straight",
        "code",
        "commands",
        "consultation",
        "informed",
        "language_matcher",
        "languages",
        "link",
        "nodes",
        "notes",
        "other_languages",
        "other_voices",
        "questions",
        "scripts",
        "web_only",
    )

    def __init__(
        self, consultation: Consultation, catalogues: Mapping[str, Phrases], code: str, link: str = ""
    ) -> None:
        self.code = code
        self.link = link
        """Where the same is asked on a web page; "" where nobody has said."""
        self.consultation = consultation
        self.languages = tuple(consultation.languages)
        self.nodes: dict[str, Node] = {node.key: node for node in consultation.questions}
        self.questions = tuple(node.key for node in consultation.questions if node.waits)
        """Keys of all questions that wait, in order."""
        self.notes = frozenset(self.nodes) - frozenset(self.questions)
        self.web_only = frozenset(
            key for key, node in self.nodes.items() if isinstance(node, Question) and node.web_only
        )
        """Keys of the questions that are not asked where others can read along."""
        others = {tag: phrases for tag, phrases in catalogues.items() if tag not in self.languages}
        self.commands = Commands((catalogues[tag] for tag in self.languages), others.values())
        self.language_matcher = Matcher(
            (tag, (tag, consultation.language_name(tag), *catalogues[tag].words("words.this_language")))
            for tag in self.languages
        )
        names = ((tag, LANGUAGES[tag].name, *phrases.words("words.this_language")) for tag, phrases in others.items())
        self.other_languages = Matcher(zip(others, names, strict=True), numbered=False)
        self.other_voices = {
            tag: Voice(code, tag, phrases, consultation.address, {}) for tag, phrases in others.items()
        }
        self._steps = {
            node.key: Step(
                node.key,
                node.waits,
                node.ask_if.compile() if node.ask_if else None,
                tuple((way.condition.compile() if way.condition else None, way.to) for way in node.leaving()),
            )
            for node in consultation.questions
        }
        self._is_linear = not any(step.test or step.exits for step in self._steps.values())
        self._straight = self._straight_paths()
        self.scripts = {tag: self._script(tag, catalogues[tag]) for tag in self.languages}
        asked = self.scripts[self.languages[0]].asked
        self.informed = frozenset(key for key in self.questions if isinstance(asked[key], Informed))
        """Keys of the questions that must know something from the store."""

    def _straight_paths(self) -> tuple[Path, ...]:
        """All ways through a flow without branches, by the number of questions answered."""
        keys = tuple(self.nodes)
        ways = [Path(keys[: keys.index(key)], key, "") for key in self.questions]
        return (*ways, Path(keys, "", END))

    def _script(self, language: str, phrases: Phrases) -> Script:
        consultation = self.consultation
        voice = Voice(self.code, language, phrases, consultation.address, consultation.fallbacks)
        asked = {key: node.ask(voice) for key, node in self.nodes.items()}
        asks = {key: self._with_progress(key, question.prompt, voice) for key, question in asked.items()}
        titles = {key: voice.text(node.text) for key, node in self.nodes.items()}
        return Script(voice, asked, asks, titles)

    def _with_progress(self, key: str, prompt: MsgOut, voice: Voice) -> MsgOut:
        """Says where one stands, only where that is true on every path: in a flow without branches."""
        keys = self.questions
        if not self.nodes[key].waits or len(keys) < 2:
            return prompt
        if key == keys[-1]:
            line = voice.say("progress.last")
        elif not self._is_linear:
            return prompt
        else:
            line = voice.say("progress.step", number=keys.index(key) + 1, total=len(keys))
        return prompt._replace(text=f"{line}\n{prompt.text}")

    def question(self, key: str) -> Question:
        """The definition of a question. KeyError if there is none."""
        node = self.nodes[key]
        if not isinstance(node, Question):
            raise KeyError(key)
        return node

    def path(self, session: Session) -> Path:
        """The way from the first node to the first open question, or to the end."""
        answers, missing = session.answers, session.missing
        if self._is_linear:
            for number, key in enumerate(self.questions):
                if key not in answers and key not in missing:
                    return self._straight[number]
            return self._straight[-1]
        return self._branching_path(session)

    def _branching_path(self, session: Session) -> Path:
        answers, missing = session.answers, session.missing
        passed: list[str] = []
        jump = ""
        for key, step in self._steps.items():
            if jump and key != jump:
                continue
            jump = ""
            if not step.applies(answers):
                continue
            if step.waits and key not in answers and key not in missing:
                return Path(tuple(passed), key, "")
            passed.append(key)
            jump = next((to for test, to in step.exits if test is None or test(answers)), "")
            if jump in {END, LEAVE}:
                return Path(tuple(passed), "", jump)
        if jump:
            raise EndlessFlowError(f"{self.consultation.slug}: {jump!r} lies behind or does not exist")
        return Path(tuple(passed), "", END)

    def asked_for(self, key: str, session: Session) -> bool:
        """Whether the question's own condition holds, as far as can be told now."""
        return self._steps[key].applies(session.answers)

    def language_replies(self) -> tuple[QuickReply, ...]:
        """The offered languages, each in its own words and script."""
        return tuple(
            QuickReply(f"{self.code}..{LANGUAGE_TOKEN}.{tag}", self.consultation.language_name(tag), number)
            for number, tag in enumerate(self.languages, start=1)
        )
