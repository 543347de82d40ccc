"""Navigation: to the next open question, to the summary, or out of the session."""

from __future__ import annotations

from collections.abc import Iterator

from flows.dialogue import messages_text
from flows.dialogue.pruning import Pruned, prune
from flows.dialogue.unencrypted_channel import is_withheld, withhold
from flows.events import AnswerGiven, Event, GapReopened, MessageCreated, SessionInterrupted
from flows.flow import Flow
from flows.messages import MsgOut
from flows.parts import Parts, noticed
from flows.path import Path
from flows.questions.base import LEAVE
from flows.session import Session, Turn
from flows.values import Missing


def go_on(flow: Flow, session: Session, after: str, events: tuple[Event, ...] = (), notices: Parts = ()) -> Turn:
    """Continues after the node `after` ("" for the beginning): drops answers off the path, sends the notes in between,
    then the next question or the summary."""
    is_answer = bool(events)
    session, path, dropped, line = _settled(flow, session)
    events, notices = (*events, *dropped), (*notices, *noticed(line))
    if session.submitted:
        events = (*events, *_recorded(flow, session))
    elif session.has_left and is_answer:
        session, events = session._replace(has_left=False), (*events, *reopened_gaps(flow, session))
    localized = messages_text.localized_flow(flow, session)
    passed = _behind(path, after) if flow.notes else ()
    messages = [localized.prompts[key] for key in passed if key in flow.notes]
    if path.end == LEAVE:
        messages.append(localized.renderer.message(localized.renderer.text("left")))
        return leave_session(flow, session, (*events, *map(MessageCreated, _headed(notices, messages))))
    draft = localized.questions[path.open].draft_for(None, session.receipt) if path.open else None
    session = session._replace(at=path.open, aside="", draft=draft, repairs=0)
    messages.append(
        messages_text.open_question(flow, session) if path.open else messages_text.summary_message(flow, session)
    )
    return Turn(session, (*events, *map(MessageCreated, _headed(notices, messages))))


def _settled(flow: Flow, session: Session) -> Pruned:
    """Skips withheld questions and drops answers that are off the path after that."""
    pruned = prune(flow, session)
    if not is_withheld(flow, session, pruned.path.open):
        return pruned
    session, withheld, line = withhold(flow, pruned.session)
    after = _settled(flow, session)
    lines = filter(None, (pruned.line, line, after.line))
    return after._replace(events=(*pruned.events, *withheld, *after.events), line="\n".join(lines))


def _headed(notices: Parts, messages: list[MsgOut]) -> list[MsgOut]:
    """Returns the messages with notices before the first one."""
    return [messages[0].preceded_by(notices), *messages[1:]]


def _behind(path: Path, after: str) -> tuple[str, ...]:
    """Returns the nodes passed since `after`; none if it is no longer on the path."""
    if not after:
        return path.passed
    return path.passed[path.passed.index(after) + 1 :] if after in path.passed else ()


def ask_again(flow: Flow, session: Session, key: str) -> Turn:
    """Asks an answered question again and shows the stored answer. A list of choices can be edited."""
    if is_withheld(flow, session, key):
        return Turn(
            session,
            (
                MessageCreated(
                    with_line(messages_text.withheld_notice(flow, session), messages_text.current_prompt(flow, session))
                ),
            ),
        )
    earlier = messages_text.earlier_answer(flow, session, key)
    asked = messages_text.localized_flow(flow, session).questions[key]
    draft = asked.draft_for(session.answers.get(key), session.receipt)
    session = session._replace(at=key, aside="", draft=draft)
    return Turn(session, (MessageCreated(messages_text.open_question(flow, session).preceded_by(earlier)),))


def with_line(line: str, msg: MsgOut) -> MsgOut:
    """Returns the message with a notice before it."""
    return msg.preceded_by(noticed(line))


def leave_session(flow: Flow, session: Session, events: tuple[Event, ...]) -> Turn:
    """Ends the session. Records open questions, so that analysts can distinguish interrupted from not asked."""
    if session.submitted:
        recorded = tuple(_recorded(flow, session)) if flow.path(session).open else ()
        return Turn(session._replace(status="completed", at="", aside=""), (*events, *recorded))
    left = session._replace(status="interrupted", aside="", draft=None)
    return Turn(left, (*events, *_recorded(flow, session), SessionInterrupted()))


def _recorded(flow: Flow, session: Session) -> Iterator[AnswerGiven]:
    return (AnswerGiven(key, None, code) for key, code in gaps(flow, session).items())


def reopened_gaps(flow: Flow, session: Session) -> Iterator[GapReopened]:
    """Returns the recorded missing codes of questions that are open again."""
    return map(GapReopened, gaps(flow, session))


def gaps(flow: Flow, session: Session) -> dict[str, Missing]:
    """Returns the missing code of each question without an answer, if the session ended now.

    Questions that could still follow are interrupted; questions skipped by an exit or a condition are not asked.
    """
    keys, next_one = flow.questions, flow.path(session).open
    ahead = frozenset(keys[keys.index(next_one) :]) & flow.can_come(session) if next_one else frozenset()
    return {
        key: Missing.INTERRUPTED if key in ahead else Missing.NOT_ASKED
        for key in keys
        if key not in session.answers and key not in session.missing
    }
