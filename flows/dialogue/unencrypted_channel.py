"""Channels on which others can read along: what is marked `web_only` is not asked there, and people are told so."""

from __future__ import annotations

from flows.dialogue import messages_text
from flows.events import AnswerGiven
from flows.flow import Flow
from flows.session import Session
from flows.values import Missing


def on_channel(flow: Flow, session: Session, *, overheard: bool) -> Session:
    """The session on the channel of the newest message. Whoever goes on in private is asked what was withheld."""
    if session.overheard == overheard:
        return session
    missing = session.missing
    if not overheard and session.at:
        missing = {key: code for key, code in missing.items() if key not in flow.web_only or code != Missing.NOT_ASKED}
    return session._replace(overheard=overheard, missing=missing)


def is_withheld(flow: Flow, session: Session, key: str) -> bool:
    """Whether this question is not asked where the person is now."""
    return session.overheard and key in flow.web_only


def withhold(flow: Flow, session: Session) -> tuple[Session, tuple[AnswerGiven, ...], str]:
    """Passes over what is not asked here: the session behind it, what is recorded, and what the person is told."""
    events: tuple[AnswerGiven, ...] = ()
    while (key := flow.path(session).open) and is_withheld(flow, session, key):
        session = session._replace(missing={**session.missing, key: Missing.NOT_ASKED.value})
        events += (AnswerGiven(key, None, Missing.NOT_ASKED),)
    return session, events, messages_text.withheld_notice(flow, session) if events else ""
