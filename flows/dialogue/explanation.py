"""Explains the open question to a contact who does not understand it."""

from __future__ import annotations

from flows.dialogue import messages_text
from flows.flow import Flow
from flows.messages import MsgOut
from flows.questions.outcomes import Invalid, Reply
from flows.renderer import Renderer
from flows.session import Session


def explanation(flow: Flow, session: Session) -> str:
    """Returns what kind of answer the open question wants, with an example, and the word that lists the commands; ""
    if no question is open.

    The question tells how to answer by rejecting an empty reply.
    """
    if session.aside or not session.at:
        return ""
    localized = messages_text.localized_flow(flow, session)
    renderer, asked = localized.renderer, localized.questions[session.at]
    rejected = asked.parse(Reply(), session.draft)
    how = rejected.hint if isinstance(rejected, Invalid) else ""
    lines = [how, _example(renderer, asked.prompt_for(session.draft))]
    return "\n".join([*filter(None, lines), renderer.text("explain.more", word=renderer.words("words.help")[0])])


def _example(renderer: Renderer, prompt: MsgOut) -> str:
    """Returns a numbered answer of the prompt as an example of one that can be written; "" without one."""
    numbered = next((reply for reply in prompt.quick_replies if reply.number), None)
    if numbered is None or prompt.expects != "one":
        return ""
    return renderer.text("explain.example", number=numbered.number, answer=numbered.label)
