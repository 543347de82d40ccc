"""Engine steps per second, in memory and with the state stored as JSON between the steps."""

from __future__ import annotations

import time

from bot.cli.bench.subject import QUESTIONS, REPLIES, consultation, message
from bot.common.i18n import phrase_catalogues
from flows.dialogue import engine
from flows.flow import Flow
from flows.session import Session

SESSIONS = 1500


def steps_per_s(*, json: bool) -> float:
    """One run: many sessions from the start to the confirmation; every message is one step."""
    flow = Flow(consultation(), {"de": phrase_catalogues.load_phrases("de")}, "bench1")
    messages = [message("a", number, text) for number, text in enumerate((*REPLIES[:QUESTIONS], "absenden"))]
    began = time.perf_counter()
    for _ in range(SESSIONS):
        session = engine.start(flow, receipt="00000-00000", language="de").session
        for msg in messages:
            if json:
                session = Session.from_json(session.to_json())
            session = engine.resume(flow, session, msg).session
    took = time.perf_counter() - began
    if session.status != "completed":
        raise AssertionError("the walk did not reach its end")
    return SESSIONS * (len(messages) + 1) / took
