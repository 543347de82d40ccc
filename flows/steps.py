"""Going on: to the next open question, to the summary, or out."""

from __future__ import annotations

from flows import speech
from flows.events import AnswerGiven, Event, Said, SessionInterrupted
from flows.flow import Flow, Path
from flows.messages import MsgOut
from flows.overheard import is_withheld, withhold
from flows.question import LEAVE
from flows.session import Session, Turn
from flows.values import Missing


def go_on(flow: Flow, session: Session, after: str, events: tuple[Event, ...] = (), echo: str = "") -> Turn:
    """On from the node `after` ("" for the beginning): says the notes in between, then asks or sums up."""
    session, withheld, line = withhold(flow, session)
    events, echo = (*events, *withheld), "\n".join(filter(None, (echo, line)))
    path = flow.path(session)
    if not path.open:
        session, events = _drop_unasked(session, path, events)
    script = speech.script_of(flow, session)
    messages = [script.asks[key] for key in _behind(path, after) if key in flow.notes]
    if path.end == LEAVE:
        messages.append(script.voice.message(script.voice.say("left")))
        return leave(flow, session, (*events, *map(Said, messages)))
    draft = script.asked[path.open].reopened(None, session.receipt) if path.open else None
    session = session._replace(at=path.open, aside="", draft=draft, repairs=0)
    messages.append(speech.open_question(flow, session) if path.open else speech.summary(flow, session))
    if echo:
        messages[0] = with_line(echo, messages[0])
    return Turn(session, (*events, *map(Said, messages)))


def _behind(path: Path, after: str) -> tuple[str, ...]:
    """The nodes passed since `after`; none where it is not on the way any more."""
    if not after:
        return path.passed
    return path.passed[path.passed.index(after) + 1 :] if after in path.passed else ()


def ask(flow: Flow, session: Session, key: str, line: str = "") -> Turn:
    """Asks one question (again), a line of the bot's own before it. Several choices are there to be corrected."""
    if is_withheld(flow, session, key):
        return Turn(session, (Said(with_line(speech.withheld(flow, session), speech.waiting(flow, session))),))
    asked = speech.script_of(flow, session).asked[key]
    draft = asked.reopened(session.answers.get(key), session.receipt)
    session = session._replace(at=key, aside="", draft=draft)
    return Turn(session, (Said(with_line(line, speech.open_question(flow, session))),))


def with_line(line: str, msg: MsgOut) -> MsgOut:
    return msg._replace(text=f"{line}\n\n{msg.text}") if line else msg


def leave(flow: Flow, session: Session, events: tuple[Event, ...]) -> Turn:
    """Ends the waiting. What is open is recorded, so that analysts can tell interrupted from not asked."""
    if session.submitted:
        return Turn(session._replace(status="completed", at="", aside=""), events)
    recorded = (AnswerGiven(key, None, code) for key, code in gaps(flow, session).items())
    left = session._replace(status="interrupted", aside="", draft=None)
    return Turn(left, (*events, *recorded, SessionInterrupted()))


def gaps(flow: Flow, session: Session) -> dict[str, Missing]:
    """Why each question without an answer would have none if the person went now.

    Interrupted is what would still have been asked, as far as can be told; what an exit or a condition has passed over
    is not asked.
    """
    keys, next_one = flow.questions, flow.path(session).open
    ahead = frozenset(keys[keys.index(next_one) :]) if next_one else frozenset()
    return {
        key: Missing.INTERRUPTED if key in ahead and flow.asked_for(key, session) else Missing.NOT_ASKED
        for key in keys
        if key not in session.answers and key not in session.missing
    }


def _drop_unasked(session: Session, path: Path, events: tuple[Event, ...]) -> tuple[Session, tuple[Event, ...]]:
    """Takes back answers to questions which, after a change, are not on the way any more."""
    gone = [key for key in (*session.answers, *session.missing) if key not in path.passed]
    if not gone:
        return session, events
    session = session._replace(
        answers={key: value for key, value in session.answers.items() if key not in gone},
        missing={key: code for key, code in session.missing.items() if key not in gone},
    )
    return session, (*events, *(AnswerGiven(key, None, Missing.NOT_ASKED) for key in gone))
