"""Checks a filled-in paper form by a dry run through the engine before anything is stored.

The dry run reports all errors at once and yields the messages for the form. Pure functions. The same messages then
take the path of all messages, so the engine parses them again when they are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bot.common.i18n.locale import Locale
from bot.web.assisted.paper import PaperQuestion, TickBox
from bot.web.public.numbers import NUMBERED
from flows.commands.words import Command
from flows.dialogue import engine
from flows.events import MessageCreated
from flows.facts import DEFAULT_FACTS
from flows.flow import Flow
from flows.messages import MsgIn, message_as_text
from flows.session import Session
from flows.tokens import DONE, Token
from flows.understanding.text import fold

MOST_MESSAGES: Final = 500
_LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)


class SheetAnswer(NamedTuple):
    """The answer on the form to one question: text, or the tokens of ticked boxes."""

    text: str = ""
    ticked: tuple[str, ...] = ()


class SheetMessage(NamedTuple):
    """One message that states a part of the form."""

    text: str = ""
    choice: str = ""


@dataclass(slots=True)
class DryRun:
    """The result of a dry run: the messages to send, or the errors."""

    messages: list[SheetMessage] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    """By question key, in words."""
    has_left: bool = False
    """The sheet refuses a consent without which no answer is stored."""


def dry_run_sheet(
    flow: Flow, language: str, questions: Mapping[str, PaperQuestion], sheet: Mapping[str, SheetAnswer]
) -> DryRun:
    """Runs a form through the engine, to the end or to the first question that cannot be skipped."""
    walk = _Walk(flow, language)
    asked: set[str] = set()
    while walk.session.status == "waiting" and walk.session.at:
        key = walk.session.at
        asked.add(key)
        if questions[key].is_off:
            walk.say(_tap(flow, Command.SKIP))
        elif not _answer(walk, questions[key], sheet.get(key, SheetAnswer())):
            break
    else:
        _look_at_the_rest(walk, questions, sheet, asked)
    if walk.session.status == "waiting":
        walk.say(_tap(flow, Command.SUBMIT))
    walk.result.has_left = walk.session.status == "interrupted"
    return walk.result


def _tap(flow: Flow, command: Command, *arguments: str) -> SheetMessage:
    return SheetMessage(choice=Token.of_command(flow.code, command, *arguments).format())


class _Walk:
    """A session that is not stored."""

    def __init__(self, flow: Flow, language: str) -> None:
        self.flow = flow
        self.locale = Locale.of(language)
        self.result = DryRun()
        self.heard = ""
        """The last message of the bot."""
        self.session: Session = engine.start(flow, receipt="", language=language, facts=DEFAULT_FACTS).session
        if len(flow.languages) > 1:
            # A new conversation starts with the question for the language, which the dry run knows already.
            self.result.messages.append(_tap(flow, Command.LANGUAGE, language))

    def say(self, words: SheetMessage) -> None:
        number = len(self.result.messages)
        msg = MsgIn("paper", "", str(number), _LONG_AGO, text=words.text, choice=words.choice, mode="paper")
        turn = engine.resume(self.flow, self.session, msg, facts=DEFAULT_FACTS)
        self.session = turn.session
        said = [message_as_text(event.msg) for event in turn.events if isinstance(event, MessageCreated)]
        self.heard = said[-1] if said else self.heard
        self.result.messages.append(words)


def _answer(walk: _Walk, question: PaperQuestion, filled: SheetAnswer) -> bool:
    """Sends the answer to one question; False if the walk cannot continue."""
    error = _say(walk, question, filled)
    if not error and (walk.session.at != question.key or walk.session.status != "waiting"):
        return True
    walk.result.faults[question.key] = error or walk.heard
    if not question.may_be_empty:
        return False
    # To find errors in later answers as well; these messages are never sent.
    walk.say(_tap(walk.flow, Command.SKIP))
    return walk.session.at != question.key and len(walk.result.messages) < MOST_MESSAGES


def _say(walk: _Walk, question: PaperQuestion, filled: SheetAnswer) -> str:
    """Sends the answer; returns an error that the engine cannot detect."""
    if _is_grid(question, filled):
        return _say_rows(walk, question, filled)
    text, ticked, others = filled.text.strip(), _ticked(filled, question.boxes), _ticked(filled, question.others)
    takes_many = question.expects == "many"
    given = bool(text) + len(others) + (bool(ticked) if takes_many else len(ticked))
    if given > 1:
        return walk.locale.text("web.paper.one")
    if text:
        return _say_text(walk, question, text)
    if ticked and takes_many:
        return _tick(walk, question, [box.value for box in ticked])
    return _say_choice(walk, question, (*others, *ticked))


def _is_grid(question: PaperQuestion, filled: SheetAnswer) -> bool:
    """Whether the answer is a tick in each row."""
    return bool(question.rows and filled.ticked) and not filled.text and not question.is_off


def _say_rows(walk: _Walk, question: PaperQuestion, filled: SheetAnswer) -> str:
    boxes = _ticked(filled, (box for row in question.rows for box in row.boxes))
    walk.say(SheetMessage(text=" ".join(box.value for box in boxes)))
    return ""


def _ticked(filled: SheetAnswer, boxes: Iterable[TickBox]) -> list[TickBox]:
    return [box for box in boxes if box.token in filled.ticked]


def _say_text(walk: _Walk, question: PaperQuestion, text: str) -> str:
    """Sends words, unless they are a command; ends a list of numbers that the question still waits for."""
    if walk.flow.commands.find(fold(text)):
        return walk.locale.text("staff.sheet_word")
    walk.say(SheetMessage(text=text))
    if question.expects in NUMBERED and walk.session.at == question.key and walk.session.draft:
        walk.say(SheetMessage(choice=Token(walk.flow.code, question.key, DONE).format()))
    return ""


def _say_choice(walk: _Walk, question: PaperQuestion, ticked: Sequence[TickBox]) -> str:
    """Sends the ticked box; without one the question is skipped, if that is allowed."""
    if ticked:
        walk.say(SheetMessage(choice=ticked[0].token))
    elif question.may_be_empty:
        walk.say(_tap(walk.flow, Command.SKIP))
    else:
        return walk.locale.text("staff.sheet_needed")
    return ""


def _tick(walk: _Walk, question: PaperQuestion, values: list[str]) -> str:
    """Sends several choices one after another, then "done"; reports combinations that are not allowed."""
    for value in values:
        walk.say(SheetMessage(choice=Token(walk.flow.code, question.key, value).format()))
    if list(walk.session.draft if isinstance(walk.session.draft, list | dict) else ()) != values:
        # An exclusive answer replaces others or is replaced; otherwise the limit was exceeded.
        alone = walk.flow.question(question.key).exclusive_value
        if alone is None:
            return walk.heard
        label = next((box.label for box in question.boxes if box.value == alone), "")
        return walk.flow.localized[walk.session.language].renderer.text("hint.choices_exclusive", label=label)
    walk.say(SheetMessage(choice=Token(walk.flow.code, question.key, DONE).format()))
    return ""


def _look_at_the_rest(
    walk: _Walk, questions: Mapping[str, PaperQuestion], sheet: Mapping[str, SheetAnswer], asked: set[str]
) -> None:
    """Reports answers to questions that the path does not reach, because they would be lost."""
    if walk.session.status != "waiting":
        return
    for key, filled in sheet.items():
        if key in questions and key not in asked and (filled.text.strip() or filled.ticked):
            walk.result.faults[key] = walk.locale.text("staff.sheet_not_asked")
