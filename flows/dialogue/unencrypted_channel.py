"""Withholds questions marked `web_only` on channels that are not confidential."""

from __future__ import annotations

from flows.dialogue import messages_text
from flows.events import AnswerGiven
from flows.flow import Flow
from flows.session import Session
from flows.values import Missing


def on_channel(flow: Flow, session: Session, *, overheard: bool) -> Session:
    """Returns the session on the channel of the newest message; a confidential one reopens withheld questions."""
    if session.overheard == overheard:
        return session
    missing = session.missing
    if not overheard and session.at:
        missing = {key: code for key, code in missing.items() if key not in flow.web_only or code != Missing.NOT_ASKED}
    return session._replace(overheard=overheard, missing=missing)


def is_withheld(flow: Flow, session: Session, key: str) -> bool:
    """Whether this question is not asked on the current channel."""
    return session.overheard and key in flow.web_only


def withhold(flow: Flow, session: Session) -> tuple[Session, tuple[AnswerGiven, ...], str]:
    """Skips withheld questions. Returns the session after them, the events, and the notice."""
    events: tuple[AnswerGiven, ...] = ()
    while (key := flow.path(session).open) and is_withheld(flow, session, key):
        session = session._replace(missing={**session.missing, key: Missing.NOT_ASKED.value})
        events += (AnswerGiven(key, None, Missing.NOT_ASKED),)
    return session, events, messages_text.withheld_notice(flow, session) if events else ""
