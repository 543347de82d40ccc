"""Handles replies that are no commands: to side questions, at the summary, and those that match nothing."""

from __future__ import annotations

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
from flows.parts import ErrorPart
from flows.questions.base import Invalid, Reply
from flows.session import Session, Turn
from flows.understanding.matching import Matcher
from flows.understanding.text import fold

_LONGEST_TAG: Final = 2
"""Characters; a text of this length may be something else than a language tag."""


def answer_side_question(flow: Flow, session: Session, folded: str) -> Turn | None:
    """Handles the reply as an answer to the side question; returns None if it is none."""
    if session.aside == "language":
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
    if session.aside == "return" and folded in {"1", "2"}:
        return continue_to_open_question(flow, session, "") if folded == "1" else start_over(flow, session, "")
    if session.aside == "change":
        return _settle_change(flow, session, folded)
    if session.aside == "delete":
        return _settle_delete(flow, session, folded)
    return None


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
    localized = messages_text.localized_flow(flow, session)
    question = localized.questions[session.at].prompt_for(session.draft)
    hint = rejection.hint
    if reply.msg and (reply.msg.media or reply.msg.location) and not rejection.is_whole:
        unread = "media.other" if reply.msg.media == "other" else "media.unreadable"
        hint = f"{localized.renderer.text(unread)} {hint}"
    after = session._replace(repairs=min(session.repairs + 1, 3))
    if session.repairs == 0:
        return reply_with(after, question._replace(parts=(ErrorPart(hint),)))
    if session.repairs == 1:
        return reply_with(
            after, question.preceded_by((ErrorPart(f"{localized.renderer.text('repair.again')} {hint}"),))
        )
    skip = [localized.renderer.command("skip")] if flow.question(session.at).skip else []
    text = localized.renderer.text("repair.offer" if skip else "repair.offer_person")
    return reply_with(
        after,
        localized.renderer.message(
            text, [*skip, localized.renderer.command("human"), localized.renderer.command("repeat")]
        ),
    )


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
