"""The conversation engine: takes a session and a message, returns the new session and the events.

Pure: no clock, no I/O, no mutation. `start`, `resume`, `reopen` and `interrupt` return a `Turn`. Stored data is looked
up in `facts`; if a fact is missing, they raise `MissingFacts`.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.commands.words import Command, ParsedCommand
from flows.dialogue import command_handlers, fallback, messages_text
from flows.dialogue.navigation import go_on, leave_session, with_line
from flows.dialogue.pruning import prune
from flows.dialogue.unencrypted_channel import is_withheld, on_channel
from flows.events import AnswerDropped, AnswerGiven, Event, GapReopened, MessageCreated, Rated
from flows.facts import NO_FACTS, Facts
from flows.flow import Flow
from flows.languages import best_guess
from flows.messages import IN_PLACE, UNDECRYPTABLE, MsgIn
from flows.parts import Parts, noticed
from flows.questions.fact_based import FactBasedQuestion
from flows.questions.outcomes import Accepted, Interpreted, Invalid, PartialAnswer, Reply
from flows.session import Session, Turn
from flows.tokens import Token
from flows.understanding.text import fold
from flows.values import Missing, Value

PAUSE = 12 * 3600
"""Seconds of silence after which the bot asks whether to continue."""


def start(
    flow: Flow,
    *,
    receipt: str,
    language: str | None,
    hint: str = "",
    facts: Facts = NO_FACTS,
    overheard: bool = False,
    also_stored: Sequence[str] = (),
) -> Turn:
    """Starts a session: asks for the language if it is unknown, else sends the greeting and the first question.

    If the language of the contact is not offered, the bot reports that in that language and asks for another one.

    `language` is the stored choice of the contact, `hint` the language that the channel reports; `receipt` is the code
    shown after submission. `overheard`: the channel is not confidential. `also_stored`: questions with stored answers
    of a session that can no longer be loaded.
    """
    fresh = Session(flow.code, "", receipt, overheard=overheard, also_stored=list(also_stored))
    return _with_partial_answer(flow, _start(flow, fresh, language, hint), facts)


def _start(flow: Flow, fresh: Session, language: str | None, hint: str) -> Turn:
    if language in flow.languages:
        return command_handlers.greet(flow, fresh._replace(language=language))
    wanted = language if language in flow.other_renderers else ""
    pruned = prune(flow, fresh._replace(language=best_guess(hint, flow.languages), wanted=wanted))
    return _prepend_events(pruned.events, pruned.line, _which_language(flow, pruned.session))


def _which_language(flow: Flow, session: Session) -> Turn:
    """Asks for the language if several are offered."""
    wanted = session.wanted
    if len(flow.languages) > 1:
        return command_handlers.ask_language(flow, session)
    turn = command_handlers.greet(flow, session)
    return (
        Turn(turn.session, (MessageCreated(messages_text.only_language_message(flow, wanted)), *turn.events))
        if wanted
        else turn
    )


def resume(
    flow: Flow,
    session: Session,
    msg: MsgIn,
    idle: float = 0,
    facts: Facts = NO_FACTS,
    *,
    overheard: bool = False,
    has_missed: bool = False,
) -> Turn:
    """Handles one message of the contact, `idle` seconds after the previous one. Every message gets a reply, except an
    edit that changes nothing.

    `overheard`: the chat is not confidential. `has_missed`: the open prompt was not delivered, so the message cannot be
    an answer to it.
    """
    if msg.media == UNDECRYPTABLE:
        return command_handlers.ask_to_resend(flow, session)
    if flow.is_settled(session) and session.overheard == overheard:
        return _with_partial_answer(
            flow, _handle_message(flow, session, msg, idle, facts, has_missed=has_missed), facts
        )
    before, session = session, on_channel(flow, session, overheard=overheard)
    session, path, events, line = prune(flow, session)
    events = (*_withheld_before(before, session), *events)
    if (session.at or events) and session.at != path.open and session.at not in path.passed:
        turn = go_on(flow, session, session.at)  # asked only because of a dropped answer
    else:
        turn = _handle_message(flow, session, msg, idle, facts, has_missed=has_missed)
    return _with_partial_answer(flow, _prepend_events(events, line, turn), facts)


def _handle_message(flow: Flow, session: Session, msg: MsgIn, idle: float, facts: Facts, *, has_missed: bool) -> Turn:
    if is_withheld(flow, session, session.at):  # asked in a confidential chat, continued in another one
        return go_on(flow, session, session.at)
    if msg.taken_back:
        return command_handlers.take_back(flow, session, msg.taken_back)
    return _handle_non_answer(flow, session, msg, has_missed=has_missed) or _resume(flow, session, msg, idle, facts)


def _prepend_events(events: tuple[Event, ...], line: str, turn: Turn) -> Turn:
    """Returns the turn with earlier events first and their notice before its first message."""
    if not events:
        return turn
    after: list[Event] = []
    for event in turn.events:
        if line and isinstance(event, MessageCreated):
            event, line = MessageCreated(with_line(line, event.msg)), ""  # noqa: PLW2901 - the first message carries the line
        after.append(event)
    return Turn(turn.session, (*events, *after))


def _handle_non_answer(flow: Flow, session: Session, msg: MsgIn, *, has_missed: bool) -> Turn | None:
    """Handles a message that cannot answer the open prompt, because that was not delivered or the message replies to an
    earlier one. Returns None for other messages. Commands are valid everywhere.
    """
    if msg.edits or msg.choice or not (has_missed or msg.replies_to):
        return None
    if flow.commands.find(fold(msg.text)) or flow.commands.words_for_people(msg.text):
        return None
    if has_missed:
        return command_handlers.repeat_unseen(flow, session)
    return command_handlers.reply_to_earlier(flow, session, msg.replies_to)


def _resume(flow: Flow, session: Session, msg: MsgIn, idle: float, facts: Facts) -> Turn:
    if msg.edits:
        return _handle_edit(flow, session, msg, facts)
    if msg.tapped:
        return _handle_tap(flow, session, msg, msg.tapped, facts)
    if words := flow.commands.words_for_people(msg.text):
        return command_handlers.write_to_people(flow, session, words)
    reply = Reply(msg.text, fold(msg.text), "", msg)
    parsed_command = flow.commands.find(reply.folded)
    if parsed_command and (parsed_command.command is Command.STOP or not _is_answer(flow, session, msg, reply)):
        return command_handlers.run_command(flow, session, parsed_command)
    courtesy = None if parsed_command or idle > PAUSE else flow.commands.courtesy(reply.folded)
    if courtesy and not (_takes_any_words(flow, session) or _is_answer(flow, session, msg, reply)):
        return command_handlers.answer_courtesy(flow, session, courtesy)
    if session.aside and (turn := fallback.answer_side_question(flow, session, reply.folded)):
        return turn
    if session.aside:
        session = session._replace(aside="")
    elif idle > PAUSE and not _is_answer(flow, session, msg, reply):
        return command_handlers.offer_return(flow, session)
    if not session.at:
        return fallback.reply_at_summary(flow, session, reply)
    return _answer(flow, session, session.at, reply, facts)


def reopen(flow: Flow, session: Session, *, overheard: bool = False) -> Turn:
    """Reopens an interrupted or submitted session with the summary or the offer to continue; needs no facts."""
    session = session._replace(status="waiting", aside="", repairs=0, has_left=not session.submitted)
    before, session = session, on_channel(flow, session, overheard=overheard)
    session, _, events, line = prune(flow, session)
    return _prepend_events((*_withheld_before(before, session), *events), line, _reopened(flow, session))


def _withheld_before(before: Session, session: Session) -> tuple[GapReopened, ...]:
    """Returns the questions that were withheld on the previous channel and are asked on this one."""
    if before.overheard == session.overheard:
        return ()
    withheld = (key for key, code in before.missing.items() if code == Missing.NOT_ASKED)
    return tuple(GapReopened(key) for key in withheld if key not in session.missing)


def _reopened(flow: Flow, session: Session) -> Turn:
    if session.submitted:
        session = session._replace(at="")
        return Turn(session, (MessageCreated(messages_text.summary_message(flow, session)),))
    if not session.at and flow.path(session).open:  # interrupted before the first question
        return command_handlers.ask_language(flow, session)
    return command_handlers.offer_return(flow, session)


def interrupt(flow: Flow, session: Session) -> Turn:
    """Interrupts a session and keeps its answers; records open questions as interrupted or not asked."""
    return leave_session(flow, session, ())


def _with_partial_answer(flow: Flow, turn: Turn, facts: Facts) -> Turn:
    """Adds the initial partial answer of a `FactBasedQuestion`, sent after its prompt."""
    session = turn.session
    if session.at not in flow.fact_based or session.draft is not None or session.aside or session.status != "waiting":
        return turn
    asked = messages_text.localized_flow(flow, session).questions[session.at]
    rated = next((event.proposal for event in turn.events if isinstance(event, Rated)), 0)
    dropped = frozenset(event.key for event in turn.events if isinstance(event, AnswerDropped))
    partial = asked.begin(facts.with_dropped(dropped), rated) if isinstance(asked, FactBasedQuestion) else None
    if partial is None:
        return turn
    return Turn(
        session._replace(draft=partial.value), (*turn.events, *partial.events, MessageCreated(asked.aloud(partial.msg)))
    )


def _is_answer(flow: Flow, session: Session, msg: MsgIn, reply: Reply) -> bool:
    """Whether the text is exactly an offered answer, which has priority over commands and the offer to continue."""
    if session.aside or not session.at or msg.text[:1] in "/!":
        return False
    return messages_text.localized_flow(flow, session).questions[session.at].offers(reply.folded, session.draft)


def _takes_any_words(flow: Flow, session: Session) -> bool:
    """Whether the open question takes a greeting or thanks for its answer."""
    if session.aside or not session.at:
        return False
    return messages_text.localized_flow(flow, session).questions[session.at].takes_any_words


def _handle_tap(flow: Flow, session: Session, msg: MsgIn, tapped: Token, facts: Facts) -> Turn:
    if tapped.code != flow.code:
        return command_handlers.reply_to_stale_button(flow, session)
    if not tapped.key:
        name = tapped.command
        if name == Command.SKIP and msg.mode == "paper" and session.at and not flow.nodes[session.at].on_paper:
            return command_handlers.mark_not_asked(flow, session)
        is_word = name in Command._value2member_map_
        parsed_command = ParsedCommand(Command(name), tapped.argument) if is_word else None
        return (
            command_handlers.run_command(flow, session, parsed_command)
            if parsed_command
            else command_handlers.reply_to_stale_button(flow, session)
        )
    if tapped.key != session.at:
        if msg.refers_to and (turn := _correct(flow, session, tapped.key, msg, facts)):
            return turn  # the poll shows the new vote
        return command_handlers.explain_earlier_answer(flow, session, tapped.key)
    return _answer(flow, session._replace(aside=""), tapped.key, Reply(choice=tapped.value, msg=msg), facts)


def _handle_edit(flow: Flow, session: Session, msg: MsgIn, facts: Facts) -> Turn:
    """Handles an edited message: corrects its answer, runs the command it became, or rejects the edit.

    An edit that leaves the answer as it is has no reply: messengers report one when they add a preview.
    """
    reply = Reply(msg.text, fold(msg.text), "", msg)
    command = flow.commands.find(reply.folded)
    if command and (command.command is Command.STOP or msg.text[:1] in {"/", "!"}):
        return command_handlers.run_command(flow, session, command)
    key = session.last_key
    if not key or msg.edits != session.last_message:
        return command_handlers.reject_unknown_edit(flow, session)
    return _correct(flow, session, key, msg, facts) or command_handlers.reject_unknown_edit(flow, session)


def _correct(flow: Flow, session: Session, key: str, msg: MsgIn, facts: Facts) -> Turn | None:
    """Replaces an answer that was given; None if there is none, or this is no answer to its question."""
    if key not in messages_text.answered_keys(flow, session):
        return None
    asked = messages_text.localized_flow(flow, session).questions[key]
    draft = asked.draft_for(session.answers.get(key)) if isinstance(asked, FactBasedQuestion) else None
    reply = Reply(choice=msg.tapped.value, msg=msg) if msg.tapped else Reply(msg.text, fold(msg.text), "", msg)
    parsed = asked.respond(reply, draft, facts)
    if isinstance(parsed, Invalid | PartialAnswer):
        return None
    if _changes_nothing(session, key, parsed):
        return Turn(session, ())
    return _accept(flow, session, key, parsed, msg, corrected=True)


def _changes_nothing(session: Session, key: str, parsed: Value | Missing | Interpreted | Accepted) -> bool:
    """Whether this is the stored answer."""
    if isinstance(parsed, Accepted) and parsed.events:
        return False
    value = parsed.value if isinstance(parsed, Interpreted | Accepted) else parsed
    if isinstance(value, Missing):
        return session.missing.get(key) == value
    return key in session.answers and session.answers[key] == value


def _answer(flow: Flow, session: Session, key: str, reply: Reply, facts: Facts) -> Turn:
    localized = messages_text.localized_flow(flow, session)
    parsed = localized.questions[key].respond(reply, session.draft, facts)
    if isinstance(parsed, Invalid):
        return fallback.repair(flow, session, reply, parsed)
    if isinstance(parsed, PartialAnswer):
        session = session._replace(draft=parsed.value, repairs=0)
        if parsed.events and key not in session.answers and key not in session.also_stored:
            session = session._replace(also_stored=[*session.also_stored, key])
        msg = localized.questions[key].aloud(parsed.msg)
        if msg.expects in IN_PLACE:
            msg = msg._replace(replaces=Token(flow.code, key).format())
        return Turn(session, (*parsed.events, MessageCreated(msg)))
    assert reply.msg is not None  # noqa: S101 - for the type checker: only tests omit the message
    return _accept(flow, session, key, parsed, reply.msg)


def _accept(
    flow: Flow,
    session: Session,
    key: str,
    parsed: Value | Missing | Interpreted | Accepted,
    msg: MsgIn,
    *,
    corrected: bool = False,
) -> Turn:
    """Stores the answer and continues with the next open question."""
    value = parsed.value if isinstance(parsed, Interpreted | Accepted) else parsed
    # An edit can be edited again; channels always refer to the original message.
    message = msg.edits or msg.external_id
    before = session.answers.get(key)
    session = _with_answer(session, key, value, parsed.words if isinstance(parsed, Accepted) else "", message)
    event = AnswerGiven(key, None, value, before) if isinstance(value, Missing) else AnswerGiven(key, value)
    events: tuple[Event, ...] = (event, *parsed.events) if isinstance(parsed, Accepted) else (event,)
    localized = messages_text.localized_flow(flow, session)
    if not isinstance(value, Missing):
        events = (*events, *localized.questions[key].after(value))
    notices: Parts = ()
    if corrected:
        line = localized.renderer.text("answer.corrected", answer=messages_text.answer_text(flow, session, key))
        notices = noticed(line, "corrected")
    elif isinstance(parsed, Accepted):
        notices = noticed(parsed.echo)
    elif isinstance(parsed, Interpreted):
        line = localized.renderer.text("answer.understood", answer=messages_text.answer_text(flow, session, key))
        notices = noticed(line, "understood")
    return go_on(flow, session, key, events, notices)


def _with_answer(session: Session, key: str, value: Value | Missing, words: str, message: str) -> Session:
    """Returns the session with the answer of this message."""
    answers, missing, known_words = dict(session.answers), session.missing, session.words
    if isinstance(value, Missing):
        answers.pop(key, None)
        missing = {**missing, key: value.value}
    else:
        answers[key] = value
        if key in missing:
            missing = {name: code for name, code in missing.items() if name != key}
    if words or key in known_words:
        known_words = {name: said for name, said in known_words.items() if name != key} | (
            {key: words} if words else {}
        )
    also_stored = session.also_stored
    if key in also_stored and not isinstance(value, Missing):
        also_stored = [name for name in also_stored if name != key]
    return session._replace(
        answers=answers,
        missing=missing,
        words=known_words,
        also_stored=also_stored,
        last_message=message,
        last_key=key,
    )
