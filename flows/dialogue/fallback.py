"""Handles replies that are no commands: to side questions, at the summary, and those that match nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flows.commands.words import Command, ParsedCommand
from flows.dialogue import messages_text
from flows.dialogue.command_handlers import (
    ask_before_deleting,
    change_answer,
    continue_to_open_question,
    repeat_prompt,
    reply_with,
    report_language_not_offered,
    run_command,
    start_over,
    switch_language,
)
from flows.dialogue.navigation import with_line
from flows.flow import Flow
from flows.messages import MsgIn, MsgOut
from flows.parts import ErrorPart
from flows.questions.outcomes import Invalid, Reply
from flows.renderer import Renderer
from flows.session import Session, Turn
from flows.understanding.matching import Matcher
from flows.understanding.text import fold

_LONGEST_TAG: Final = 2
"""Characters; a text of this length may be something else than a language tag."""


def answer_side_question(flow: Flow, session: Session, folded: str) -> Turn | None:
    """Handles the reply as an answer to the side question; returns None if it is none."""
    settle = _SIDE_QUESTIONS.get(session.aside)
    return settle(flow, session, folded) if settle else None


def _settle_language(flow: Flow, session: Session, folded: str) -> Turn:
    """Asks again once, then goes on in the language of the session."""
    match = flow.language_matcher.find_folded(folded)
    if match:
        return switch_language(flow, session, match.value)
    other = flow.other_languages.find_folded(folded)
    if other and other.value != session.wanted:
        return report_language_not_offered(flow, session, other.value)
    if session.repairs >= 1:
        return switch_language(flow, session, session.language)
    return reply_with(
        session._replace(repairs=session.repairs + 1), messages_text.language_question(flow, session.wanted)
    )


def _settle_return(flow: Flow, session: Session, folded: str) -> Turn | None:
    if folded == "1":
        return continue_to_open_question(flow, session, "")
    return start_over(flow, session, "") if folded == "2" else None


def _settle_change(flow: Flow, session: Session, folded: str) -> Turn | None:
    """Accepts the number or the title of a question; asks again once before the reply is handled otherwise."""
    titles = messages_text.localized_flow(flow, session).titles
    numbered = ((str(n), [titles[key]]) for n, key in enumerate(messages_text.answered_keys(flow, session), start=1))
    meant = Matcher(numbered).find_folded(folded)
    if meant:
        return change_answer(flow, session, meant.value)
    if session.repairs:
        return None
    return reply_with(session._replace(repairs=1), messages_text.answer_choice_message(flow, session))


def _settle_delete(flow: Flow, session: Session, folded: str) -> Turn | None:
    """A plain "no" returns to the question. A plain "yes" does not confirm the erasure: the bot asks again."""
    renderer = messages_text.localized_flow(flow, session).renderer
    if folded in map(fold, renderer.words("words.no")):
        return repeat_prompt(flow, session._replace(aside=""), "")
    return ask_before_deleting(flow, session, "") if folded in map(fold, renderer.words("words.yes")) else None


_SIDE_QUESTIONS: Final[Mapping[str, Callable[[Flow, Session, str], Turn | None]]] = {
    "language": _settle_language,
    "return": _settle_return,
    "change": _settle_change,
    "delete": _settle_delete,
}


def reply_at_summary(flow: Flow, session: Session, reply: Reply) -> Turn:
    """Handles a reply at the summary: a number reopens that answer, "done" submits, other text repeats the summary."""
    if reply.folded.isdecimal():
        return change_answer(flow, session, reply.folded)
    if reply.folded in messages_text.renderer_of(flow, session).done_words():
        return run_command(flow, session, ParsedCommand(Command.SUBMIT))
    return reply_with(
        session,
        with_line(
            messages_text.localized_flow(flow, session).renderer.text("summary.choose"),
            messages_text.summary_message(flow, session),
        ),
    )


def repair(flow: Flow, session: Session, reply: Reply, rejection: Invalid) -> Turn:
    """Handles a reply that matches nothing: first a hint, then the question, then the offer to skip or get help."""
    misspelt = flow.commands.find_misspelt(reply.folded) if reply.folded else None
    if misspelt:
        return run_command(flow, session, misspelt)
    if named := _named_language(flow, session, reply.folded):
        return named
    after = session._replace(repairs=min(session.repairs + 1, 3))
    if session.repairs > 1:
        return reply_with(after, _offer_help(flow, session))
    localized = messages_text.localized_flow(flow, session)
    asked = localized.questions[session.at]
    question = asked.aloud(asked.prompt_for(session.draft))
    hint = _hint(localized.renderer, reply.msg, rejection)
    if session.repairs == 0:
        return reply_with(after, question._replace(parts=(ErrorPart(hint),)))
    return reply_with(after, question.preceded_by((ErrorPart(f"{localized.renderer.text('repair.again')} {hint}"),)))


def _hint(renderer: Renderer, msg: MsgIn | None, rejection: Invalid) -> str:
    """Returns the hint of the question; before it, that a picture or a place could not be read."""
    is_unread = msg is not None and bool(msg.media or msg.location)
    if msg is None or not is_unread or rejection.is_whole:
        return rejection.hint
    return f"{renderer.text('media.other' if msg.media == 'other' else 'media.unreadable')} {rejection.hint}"


def _offer_help(flow: Flow, session: Session) -> MsgOut:
    """Returns the offer to skip the question, if that is allowed, to see it again, or to contact a person."""
    renderer = messages_text.localized_flow(flow, session).renderer
    can_skip = flow.question(session.at).skip
    text = renderer.text("repair.offer" if can_skip else "repair.offer_person")
    commands = ("skip", "human", "repeat") if can_skip else ("human", "repeat")
    return renderer.message(text, [renderer.command(name) for name in commands])


def _named_language(flow: Flow, session: Session, folded: str) -> Turn | None:
    """Switches the language if the reply is only the name of another language."""
    if len(folded) <= _LONGEST_TAG or folded.isdecimal():
        return None
    match, other = flow.language_matcher.find_folded(folded), flow.other_languages.find_folded(folded)
    if match and match.sure and match.value != session.language:
        return switch_language(flow, session, match.value)
    return (
        report_language_not_offered(flow, session._replace(aside="language"), other.value)
        if other and other.sure
        else None
    )
