"""Checks a filled-in paper form by a dry run through the engine before anything is stored.

The dry run reports all errors at once and yields the messages for the form. Pure functions. The same messages then
take the path of all messages, so the engine parses them again when they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bot.common.i18n.locale import Locale
from bot.web.assisted.paper import PaperQuestion
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
        """What the bot said last."""
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
    if question.rows and filled.ticked and not filled.text and not question.is_off:
        walk.say(
            SheetMessage(
                text=" ".join(box.value for row in question.rows for box in row.boxes if box.token in filled.ticked)
            )
        )
        return ""
    text, ticked = filled.text.strip(), [box for box in question.boxes if box.token in filled.ticked]
    others = [box for box in question.others if box.token in filled.ticked]
    if bool(text) + len(others) + bool(ticked) > 1 or (len(ticked) > 1 and question.expects != "many"):
        return walk.locale.say("web.paper.one")
    if text:
        if walk.flow.commands.find(fold(text)):
            return walk.locale.say("staff.sheet_word")
        walk.say(SheetMessage(text=text))
        if question.expects in NUMBERED and walk.session.at == question.key and walk.session.draft:
            walk.say(SheetMessage(choice=Token(walk.flow.code, question.key, DONE).format()))
    elif others:
        walk.say(SheetMessage(choice=others[0].token))
    elif ticked and question.expects == "many":
        return _tick(walk, question, [box.value for box in ticked])
    elif ticked:
        walk.say(SheetMessage(choice=ticked[0].token))
    elif question.may_be_empty:
        walk.say(_tap(walk.flow, Command.SKIP))
    else:
        return walk.locale.say("staff.sheet_needed")
    return ""


def _tick(walk: _Walk, question: PaperQuestion, values: list[str]) -> str:
    """Sends several choices one after another, then "done"; reports combinations that are not allowed."""
    for value in values:
        walk.say(SheetMessage(choice=Token(walk.flow.code, question.key, value).format()))
    if list(walk.session.draft if isinstance(walk.session.draft, list | dict) else ()) != values:
        # An exclusive answer replaces others or is replaced; otherwise the limit was exceeded.
        alone = getattr(walk.flow.nodes[question.key], "exclusive", None)
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
            walk.result.faults[key] = walk.locale.say("staff.sheet_not_asked")
