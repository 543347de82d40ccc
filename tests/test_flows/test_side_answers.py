"""Every answer to a side question ends with the open question and its buttons."""

from __future__ import annotations

import pytest

from flows.dialogue.messages_text import open_message
from flows.events import MessageCreated
from flows.messages import MsgOut
from tests.test_flows.test_engine import Walk, ask, compiled

SIDE_WORDS = ("wer liest das?", "Datenschutz", "mensch", "mensch: Bitte rufen Sie an", "Hilfe", "Status")


def last_message(walk: Walk) -> MsgOut:
    return [event.msg for event in walk.turn.events if isinstance(event, MessageCreated)][-1]


@pytest.mark.parametrize("word", SIDE_WORDS)
@pytest.mark.parametrize("first", ["", "ja"], ids=["question", "summary"])
def test_side_answers_end_with_what_is_open(word, first):
    walk = Walk(compiled(ask("a")))
    if first:
        walk.say(first)
    before = walk.session
    last = last_message(walk.say(word))
    open_now = open_message(walk.flow, walk.session)
    assert walk.session.answers == before.answers
    assert last.text.endswith(open_now.text)
    assert last.quick_replies == open_now.quick_replies


def test_a_button_keeps_what_was_to_be_deleted():
    walk = Walk(compiled(ask("a"))).say("löschen")
    keep = last_message(walk).quick_replies[-1]
    assert keep.label == "Nein, behalten"
    walk.say(choice=keep.token)
    assert last_message(walk) == open_message(walk.flow, walk.session)
    assert not walk.session.aside
