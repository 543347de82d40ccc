"""The conversation engine: a session and a message go in, the new session and what happened come out.

Pure: no clock, no I/O, nothing is changed in place. `start`, `resume`, `reopen` and `interrupt` return a `Turn`. What a
question must know from the store is looked up in `known`; where it is not there yet, they raise `Lacking`.
"""

from __future__ import annotations

from flows import habits, repairs, speech
from flows.commands import Command, Spoken
from flows.events import AnswerGiven, ConsentGiven, Event, Rated, Said
from flows.flow import Flow
from flows.known import NOTHING, Known
from flows.languages import best_guess
from flows.messages import SEALED, MsgIn
from flows.overheard import heard, is_withheld
from flows.question import Draft, Given, Guess, Informed, Rejection, Reply
from flows.session import Session, Turn
from flows.steps import go_on, leave
from flows.text import fold
from flows.values import Missing, Value

PAUSE = 12 * 3600
"""Seconds after which somebody who comes back is asked whether to go on."""


def start(
    flow: Flow,
    *,
    receipt: str,
    language: str | None,
    hint: str = "",
    known: Known = NOTHING,
    overheard: bool = False,
) -> Turn:
    """Opens a session: asks for the language where it is not known yet, else greets and asks the first question.

    Somebody whose language is not offered is told so in that language, and asked which of the others it shall be.

    `language` is what the contact chose before, `hint` what the channel believes; `receipt` is the code
    that will be shown when the answers are submitted. `overheard`: others can read along on this channel.
    """
    return _begun(flow, _start(flow, receipt, language, hint, overheard=overheard), known)


def _start(flow: Flow, receipt: str, language: str | None, hint: str, *, overheard: bool) -> Turn:
    if language in flow.languages:
        return habits.greet(flow, Session(flow.code, language, receipt, overheard=overheard))
    wanted = language if language in flow.other_voices else ""
    session = Session(flow.code, best_guess(hint, flow.languages), receipt, wanted=wanted, overheard=overheard)
    if len(flow.languages) > 1:
        return habits.ask_language(flow, session)
    turn = habits.greet(flow, session)
    return Turn(turn.session, (Said(speech.only_language(flow, wanted)), *turn.events)) if wanted else turn


def resume(
    flow: Flow,
    session: Session,
    msg: MsgIn,
    idle: float = 0,
    known: Known = NOTHING,
    *,
    overheard: bool = False,
) -> Turn:
    """What one message of the resident causes, `idle` seconds after the one before.

    Any message at any step gets a sensible answer. `overheard`: others can read along where it came from.
    """
    if msg.media == SEALED:
        return habits.sealed(flow, session)
    session = heard(flow, session, overheard=overheard)
    if is_withheld(flow, session, session.at):  # asked in private, and gone on elsewhere
        return _begun(flow, go_on(flow, session, session.at), known)
    return _begun(flow, _resume(flow, session, msg, idle, known), known)


def _resume(flow: Flow, session: Session, msg: MsgIn, idle: float, known: Known) -> Turn:
    if msg.edits:
        return _edited(flow, session, msg, known)
    if msg.choice:
        return _tapped(flow, session, msg, known)
    reply = Reply(msg.text, fold(msg.text), "", msg)
    spoken = flow.commands.find(reply.folded)
    if spoken and (spoken.command is Command.STOP or not _is_answer(flow, session, msg, reply)):
        return habits.obey(flow, session, spoken)
    if session.aside and (turn := repairs.settle_aside(flow, session, reply.folded)):
        return turn
    if session.aside:
        session = session._replace(aside="")
    elif idle > PAUSE and not _is_answer(flow, session, msg, reply):
        return habits.offer_return(flow, session)
    if not session.at:
        return repairs.at_summary(flow, session, reply)
    return _answer(flow, session, session.at, reply, known)


def reopen(flow: Flow, session: Session, *, overheard: bool = False) -> Turn:
    """Somebody comes back to a session that was interrupted or submitted: to the summary, or to be asked whether to go
    on, so that nothing has to be known yet."""
    session = heard(flow, session._replace(status="waiting", aside="", repairs=0), overheard=overheard)
    if session.submitted:
        session = session._replace(at="")
        return Turn(session, (Said(speech.summary(flow, session)),))
    if not session.at and flow.path(session).open:  # left before the first question
        return habits.ask_language(flow, session)
    return habits.offer_return(flow, session)


def interrupt(flow: Flow, session: Session) -> Turn:
    """Ends the waiting without losing anything: what is still open is recorded as interrupted or not asked."""
    return leave(flow, session, ())


def _begun(flow: Flow, turn: Turn, known: Known) -> Turn:
    """A question that is asked with an answer in the making gets one, said after its prompt."""
    session = turn.session
    if session.at not in flow.informed or session.draft is not None or session.aside or session.status != "waiting":
        return turn
    asked = speech.script_of(flow, session).asked[session.at]
    rated = next((event.proposal for event in turn.events if isinstance(event, Rated)), 0)
    begun = asked.begin(known, rated) if isinstance(asked, Informed) else None
    if begun is None:
        return turn
    return Turn(session._replace(draft=begun.value), (*turn.events, *begun.events, Said(begun.msg)))


def _is_answer(flow: Flow, session: Session, msg: MsgIn, reply: Reply) -> bool:
    """Whether the words are exactly one of the answers offered now: then they win over a chat word or a pause."""
    if session.aside or not session.at or msg.text[:1] in "/!":
        return False
    return speech.script_of(flow, session).asked[session.at].knows(reply.folded)


def _tapped(flow: Flow, session: Session, msg: MsgIn, known: Known) -> Turn:
    code, _, rest = msg.choice.partition(".")
    key, _, value = rest.partition(".")
    if code != flow.code:
        return habits.stale(flow, session)
    if not key:
        name, _, argument = value.partition(".")
        if name == Command.SKIP and msg.mode == "paper" and session.at and not flow.nodes[session.at].on_paper:
            return habits.pass_over(flow, session)
        is_word = name in Command._value2member_map_
        return habits.obey(flow, session, Spoken(Command(name), argument)) if is_word else habits.stale(flow, session)
    if key != session.at:
        return habits.already_answered(flow, session, key)
    return _answer(flow, session._replace(aside=""), key, Reply(choice=value, msg=msg), known)


def _edited(flow: Flow, session: Session, msg: MsgIn, known: Known) -> Turn:
    """An edited message corrects the answer it gave; an edit of anything else is explained."""
    key = session.last_key
    if not key or msg.edits != session.last_message:
        return habits.unknown_edit(flow, session)
    reply = Reply(msg.text, fold(msg.text), "", msg)
    asked = speech.script_of(flow, session).asked[key]
    draft = asked.reopened(session.answers.get(key)) if isinstance(asked, Informed) else None
    parsed = asked.respond(reply, draft, known)
    if isinstance(parsed, Rejection | Draft):
        return habits.unknown_edit(flow, session)
    return _accept(flow, session, key, parsed, msg, corrected=True)


def _answer(flow: Flow, session: Session, key: str, reply: Reply, known: Known) -> Turn:
    script = speech.script_of(flow, session)
    parsed = script.asked[key].respond(reply, session.draft, known)
    if isinstance(parsed, Rejection):
        return repairs.repair(flow, session, reply, parsed)
    if isinstance(parsed, Draft):
        return Turn(session._replace(draft=parsed.value, repairs=0), (*parsed.events, Said(parsed.msg)))
    assert reply.msg is not None  # noqa: S101 - for the type checker: only tests parse without a message
    return _accept(flow, session, key, parsed, reply.msg)


def _accept(
    flow: Flow,
    session: Session,
    key: str,
    parsed: Value | Missing | Guess | Given,
    msg: MsgIn,
    *,
    corrected: bool = False,
) -> Turn:
    """Takes the answer down and goes on to the next open question."""
    value = parsed.value if isinstance(parsed, Guess | Given) else parsed
    # An edit can be edited again: channels name the first message each time.
    message = msg.edits if corrected else msg.external_id
    session = _with_answer(session, key, value, parsed.words if isinstance(parsed, Given) else "")
    session = session._replace(last_message=message, last_key=key)
    event = AnswerGiven(key, None, value) if isinstance(value, Missing) else AnswerGiven(key, value)
    events: tuple[Event, ...] = (event, *parsed.events) if isinstance(parsed, Given) else (event,)
    script = speech.script_of(flow, session)
    if flow.nodes[key].type == "consent" and isinstance(value, bool):
        events = (event, ConsentGiven(key, value, script.asked[key].prompt.text))
    echo = ""
    if corrected:
        echo = script.voice.say("answer.corrected", answer=speech.shown(flow, session, key))
    elif isinstance(parsed, Given):
        echo = parsed.echo
    elif isinstance(parsed, Guess):
        echo = script.voice.say("answer.understood", answer=speech.shown(flow, session, key))
    return go_on(flow, session, key, events, echo)


def _with_answer(session: Session, key: str, value: Value | Missing, words: str) -> Session:
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
    return session._replace(answers=answers, missing=missing, words=known_words)
