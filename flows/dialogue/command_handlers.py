"""Handlers of the commands that are available at any step of a conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flows.commands.linking import parse_link_request
from flows.commands.my_contributions import parse_contributions
from flows.commands.subscriptions import parse_subscription
from flows.commands.words import Command, Courtesy, ParsedCommand
from flows.dialogue import messages_text
from flows.dialogue.explanation import explanation
from flows.dialogue.navigation import ask_again, go_on, leave_session, reopened_gaps, with_line
from flows.dialogue.pruning import drop_answers
from flows.dialogue.unencrypted_channel import is_withheld
from flows.events import (
    AnswerGiven,
    DataRequested,
    ErasureRequested,
    LanguageChosen,
    LinkRequested,
    MessageCreated,
    PushesStopped,
    SessionCompleted,
    SubscriptionChange,
    SubscriptionRequested,
)
from flows.flow import Flow
from flows.messages import MsgOut
from flows.parts import noticed
from flows.phrase_families import COURTESY_REPLIES
from flows.session import Session, Turn
from flows.understanding.text import fold
from flows.values import Missing

_LONGEST_TITLE: Final = 500
"""Characters; a longer text may be one part of a split question."""
_LONGEST_NUMBER: Final = 3
"""Digits of the number of an answer."""


def greet(flow: Flow, session: Session) -> Turn:
    """Sends the greeting, then the first question."""
    turn = go_on(flow, session, "")
    return Turn(
        turn.session,
        (
            MessageCreated(messages_text.greeting_message(flow, session.language, overheard=session.overheard)),
            *turn.events,
        ),
    )


def ask_language(flow: Flow, session: Session) -> Turn:
    """Asks for the language."""
    return reply_with(
        session._replace(aside="language", repairs=0), messages_text.language_question(flow, session.wanted)
    )


def run_command(flow: Flow, session: Session, parsed: ParsedCommand) -> Turn:
    """Runs the handler of a command."""
    if session.aside == "delete":  # any other command cancels the erasure
        session = session._replace(aside="")
    return _HANDLERS[parsed.command](flow, session, parsed.argument)


def reply_to_stale_button(flow: Flow, session: Session) -> Turn:
    """Handles a stale button: explains it and changes nothing."""
    return _again(flow, session, "stale")


def explain_earlier_answer(flow: Flow, session: Session, key: str) -> Turn:
    """Handles a tap on an earlier question: shows the stored answer and how to change it."""
    answered = messages_text.answered_keys(flow, session)
    if key not in answered:
        return reply_to_stale_button(flow, session)
    localized = messages_text.localized_flow(flow, session)
    number = answered.index(key) + 1
    line = localized.renderer.text(
        "answered.already", answer=messages_text.answer_text(flow, session, key), number=number
    )
    turn = _again(flow, session, "", line)
    said = turn.events[-1]
    assert isinstance(said, MessageCreated)  # noqa: S101 - for the type checker: repeating a prompt creates a message
    change = localized.renderer.command("change").with_arguments(number)
    msg = said.msg._replace(quick_replies=(*said.msg.quick_replies, change))
    return Turn(turn.session, (MessageCreated(msg),))


def answer_courtesy(flow: Flow, session: Session, courtesy: Courtesy) -> Turn:
    """Replies to hello or thank you, and repeats what is open."""
    return _again(flow, session, COURTESY_REPLIES[courtesy])


def repeat_unseen(flow: Flow, session: Session) -> Turn:
    """Repeats a prompt that was not delivered to the contact."""
    return _again(flow, session, "question.unseen")


def reply_to_earlier(flow: Flow, session: Session, said: str) -> Turn | None:
    """Handles a reply to an earlier message with this text: explains the answer to an earlier question, or repeats the
    prompt. Returns None if the message is the open prompt.
    """
    open_now = messages_text.open_message(flow, session)
    is_part = len(said) >= _LONGEST_TITLE and said in open_now.text  # channels split long texts
    if is_part or _is_about(open_now.title or open_now.text.partition("\n")[0], said):
        return None
    asked = messages_text.localized_flow(flow, session).questions
    for key in reversed(messages_text.answered_keys(flow, session)):
        if _is_about(asked[key].prompt.title, said):
            return explain_earlier_answer(flow, session, key)
    return _again(flow, session, "reply.earlier")


def _is_about(title: str, said: str) -> bool:
    """Whether the text contains this title, compared word by word."""
    return bool(folded := fold(title)) and f" {folded} " in f" {fold(said)} "


def reject_unknown_edit(flow: Flow, session: Session) -> Turn:
    """Rejects an edit of a message that is not the current answer."""
    return _again(flow, session, "edit.unknown")


def take_back(flow: Flow, session: Session, message: str) -> Turn:
    """Deletes the answer of a deleted message and asks again. Only the newest answer has its message: for others it
    says that all are still stored, and how to change one. Silent without answers.
    """
    if not (session.answers or session.missing or session.draft):
        return Turn(session, ())
    if not session.last_key or message != session.last_message:
        return _again(flow, session, "edit.deleted")
    dropped = drop_answers(flow, session, [session.last_key])
    return go_on(flow, dropped.session, dropped.session.at, dropped.events, noticed(dropped.line))


def ask_to_resend(flow: Flow, session: Session) -> Turn:
    """Asks to resend a message that could not be decrypted; changes nothing."""
    return _again(flow, session, "media.sealed")


def offer_return(flow: Flow, session: Session) -> Turn:
    """Asks whether to continue or to start over."""
    return Turn(
        session._replace(aside="return", draft=None),
        (MessageCreated(messages_text.return_offer_message(flow, session)),),
    )


def reply_with(session: Session, *messages: MsgOut) -> Turn:
    """Returns a turn that only sends messages."""
    return Turn(session, tuple(MessageCreated(msg) for msg in messages))


def _again(flow: Flow, session: Session, phrase: str, line: str = "") -> Turn:
    """Sends a notice, then repeats what is open: the question, the summary, or the side question."""
    if session.aside == "delete":
        session = session._replace(aside="")
    line = line or messages_text.renderer_of(flow, session).text(phrase)
    return reply_with(session, with_line(line, messages_text.open_message(flow, session)))


def _then_open(flow: Flow, session: Session, msg: MsgOut) -> tuple[MessageCreated, MessageCreated]:
    """Returns the answer to a side question and, after it, what is open."""
    return MessageCreated(msg), MessageCreated(messages_text.open_message(flow, session))


def _start(flow: Flow, session: Session, argument: str) -> Turn:
    """Handles a second "start": if there are answers, offers to continue or to start over."""
    if session.aside == "language":
        return repeat_prompt(flow, session, argument)
    if not session.answers and not session.missing:
        return repeat_prompt(flow, session, argument)
    return offer_return(flow, session)


def _help(flow: Flow, session: Session, argument: str) -> Turn:
    return _again(flow, session, "help")


def _explain(flow: Flow, session: Session, argument: str) -> Turn:
    """Says what kind of answer is wanted; without an open question it lists the commands."""
    return _again(flow, session, "help", explanation(flow, session))


def switch_language(flow: Flow, session: Session, argument: str) -> Turn:
    """Switches to the named language, or asks for it. Answers are kept."""
    if argument not in flow.languages:
        return ask_language(flow, session)
    first = session.aside == "language" and not session.at and not session.answers and not session.missing
    # A substitute for a language that is not offered here is not the choice for other consultations.
    chosen = () if session.wanted else (LanguageChosen(argument),)
    # Loaded facts may contain texts of the old language; selected values do not.
    draft = None if session.at in flow.fact_based else session.draft
    session = session._replace(language=argument, aside="", draft=draft, repairs=0, wanted="")
    turn = greet(flow, session) if first else reply_with(session, messages_text.open_message(flow, session))
    return Turn(turn.session, (*chosen, *turn.events))


def report_language_not_offered(flow: Flow, session: Session, language: str) -> Turn:
    """Reports, in that language, that a language is not offered here, and stores it as the choice of the contact."""
    session = session._replace(wanted=language)
    return Turn(session, (LanguageChosen(language), MessageCreated(messages_text.language_question(flow, language))))


def _back(flow: Flow, session: Session, argument: str) -> Turn:
    before = _before(flow, session)
    if not before:
        return _again(flow, session, "back.first")
    return ask_again(flow, session._replace(repairs=0), before[-1])


def _before(flow: Flow, session: Session) -> tuple[str, ...]:
    answered = messages_text.answered_keys(flow, session)
    before = answered[: answered.index(session.at)] if session.at in answered else answered
    return tuple(key for key in before if not is_withheld(flow, session, key))


def _skip(flow: Flow, session: Session, argument: str) -> Turn:
    key = session.at
    if session.aside == "language":
        return switch_language(flow, session, session.language)
    if not key or (key in session.answers and key not in flow.fact_based):
        return continue_to_open_question(flow, session, argument)
    left = messages_text.localized_flow(flow, session).questions[key].value_if_skipped(session.draft)
    if not isinstance(left, Missing):
        answered = session._replace(answers={**session.answers, key: left})
        return go_on(flow, answered, key, (AnswerGiven(key, left),))
    if key in session.answers:
        return continue_to_open_question(flow, session, argument)
    if not flow.question(key).skip:
        return _again(flow, session, "skip.not_here")
    skipped = session._replace(missing={**session.missing, key: left.value})
    return go_on(flow, skipped, key, (AnswerGiven(key, None, left),))


def mark_not_asked(flow: Flow, session: Session) -> Turn:
    """Records a question that cannot be printed on paper as not asked, even if it cannot be skipped."""
    passed = session._replace(missing={**session.missing, session.at: Missing.NOT_ASKED.value})
    return go_on(flow, passed, session.at, (AnswerGiven(session.at, None, Missing.NOT_ASKED),))


def repeat_prompt(flow: Flow, session: Session, argument: str) -> Turn:
    return reply_with(session, messages_text.open_message(flow, session))


def change_answer(flow: Flow, session: Session, argument: str) -> Turn:
    """Reopens answer N of the summary, or asks for its number."""
    answered = messages_text.answered_keys(flow, session)
    if not answered:
        return _again(flow, session, "change.nothing")
    number = int(argument) if argument.isdecimal() and len(argument) <= _LONGEST_NUMBER else 0
    if not 1 <= number <= len(answered):
        return reply_with(
            session._replace(aside="change", repairs=0), messages_text.answer_choice_message(flow, session)
        )
    return ask_again(flow, session._replace(repairs=0), answered[number - 1])


def _status(flow: Flow, session: Session, argument: str) -> Turn:
    if session.aside == "language" and not session.at:
        return repeat_prompt(flow, session, argument)
    return _again(flow, session, "", messages_text.progress_text(flow, session))


def _privacy(flow: Flow, session: Session, argument: str) -> Turn:
    msg = messages_text.privacy_message(flow, messages_text.localized_flow(flow, session))
    return Turn(session, _then_open(flow, session, msg))


def _mydata(flow: Flow, session: Session, argument: str) -> Turn:
    return Turn(session, (DataRequested(),))


def ask_before_deleting(flow: Flow, session: Session, argument: str) -> Turn:
    renderer = messages_text.renderer_of(flow, session)
    asked = session._replace(aside=session.aside or "delete")
    keep = renderer.command("repeat")._replace(label=renderer.text("button.keep"))
    return reply_with(
        asked,
        renderer.message(renderer.text("delete.ask"), [renderer.command("delete_all"), keep]),
    )


def _delete_all(flow: Flow, session: Session, argument: str) -> Turn:
    renderer = messages_text.renderer_of(flow, session)
    return Turn(session, (ErasureRequested(), MessageCreated(renderer.message(renderer.text("delete.done")))))


def _stop(flow: Flow, session: Session, argument: str) -> Turn:
    renderer, slug = messages_text.renderer_of(flow, session), flow.consultation.slug
    buttons = [messages_text.start_button(renderer, slug), renderer.command("delete")]
    confirmation = MessageCreated(
        renderer.message(renderer.text("stop.done", keyword=renderer.return_command(slug)), buttons)
    )
    return leave_session(flow, session, (PushesStopped(), confirmation))


def _human(flow: Flow, session: Session, argument: str) -> Turn:
    msg = messages_text.contact_message(flow, messages_text.localized_flow(flow, session))
    return Turn(session, _then_open(flow, session, msg))


def write_to_people(flow: Flow, session: Session, words: str) -> Turn:
    """Passes words on to the team. The open question stays open."""
    renderer = messages_text.renderer_of(flow, session)
    asked = messages_text.words_to_people(renderer, words)
    return Turn(session, (asked, MessageCreated(messages_text.open_message(flow, session))))


def _news(flow: Flow, session: Session, argument: str) -> Turn:
    """Handles subscriptions; without an argument, offers the outcome of the current consultation."""
    wanted = parse_subscription(argument)
    if wanted is None:
        return reply_to_stale_button(flow, session)
    if wanted == SubscriptionChange():
        wanted = SubscriptionChange("about", flow.consultation.slug)
    return Turn(session, (SubscriptionRequested(wanted),))


def _link(flow: Flow, session: Session, argument: str) -> Turn:
    asked = parse_link_request(argument)
    return Turn(session, (asked,)) if asked else reply_to_stale_button(flow, session)


def _mine(flow: Flow, session: Session, argument: str) -> Turn:
    asked = parse_contributions(argument)
    return Turn(session, (asked,)) if asked else reply_to_stale_button(flow, session)


def _unlink(flow: Flow, session: Session, argument: str) -> Turn:
    return Turn(session, (LinkRequested("part"),))


def _submit(flow: Flow, session: Session, argument: str) -> Turn:
    if flow.path(session).open:
        return _again(flow, session, "submit.not_yet")
    not_asked = (
        AnswerGiven(key, None, Missing.NOT_ASKED)
        for key in flow.questions
        if key not in session.answers and key not in session.missing
    )
    done = session._replace(at="", aside="", repairs=0, status="completed", submitted=True)
    return Turn(done, (*not_asked, SessionCompleted(), MessageCreated(messages_text.thanks_message(flow, done))))


def continue_to_open_question(flow: Flow, session: Session, argument: str) -> Turn:
    """Continues with the first open question; answers are kept."""
    if session.aside == "language":
        return switch_language(flow, session, session.language)
    return go_on(flow, session, session.at)


def start_over(flow: Flow, session: Session, argument: str) -> Turn:
    """Starts over with the first question: drops all answers."""
    gone = drop_answers(flow, session, session.stored_keys())
    asked = [key for key in (*session.answers, *session.missing) if session.missing.get(key) != Missing.NOT_ASKED]
    again = list(dict.fromkeys((*session.asked_before, *asked)))
    fresh = Session(session.flow, session.language, session.receipt, overheard=session.overheard, asked_before=again)
    turn = greet(flow, fresh)
    recorded = reopened_gaps(flow, session) if session.has_left or session.submitted else ()
    greeting, *after = turn.events
    assert isinstance(greeting, MessageCreated)  # noqa: S101 - for the type checker: a greeting creates a message
    return Turn(turn.session, (*recorded, *gone.events, MessageCreated(with_line(gone.line, greeting.msg)), *after))


_HANDLERS: dict[Command, Callable[[Flow, Session, str], Turn]] = {
    Command.START: _start,
    Command.HELP: _help,
    Command.EXPLAIN: _explain,
    Command.LANGUAGE: switch_language,
    Command.BACK: _back,
    Command.SKIP: _skip,
    Command.REPEAT: repeat_prompt,
    Command.CHANGE: change_answer,
    Command.STATUS: _status,
    Command.PRIVACY: _privacy,
    Command.MYDATA: _mydata,
    Command.DELETE: ask_before_deleting,
    Command.DELETE_ALL: _delete_all,
    Command.STOP: _stop,
    Command.HUMAN: _human,
    Command.NEWS: _news,
    Command.LINK: _link,
    Command.UNLINK: _unlink,
    Command.MINE: _mine,
    Command.SUBMIT: _submit,
    Command.CONTINUE: continue_to_open_question,
    Command.START_OVER: start_over,
}
