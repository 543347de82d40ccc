"""What an answer in own words says, and how it is changed by those who read it.

The value of an answer is JSON text. What was spoken or sent as a picture begins with a mark, which is no word of a
person (`flows.questions.text`).
"""

from __future__ import annotations

import re
from typing import Final

from pydantic_core import from_json, to_json
from sqlalchemy import Connection

from storage.tables.open_answers import AnswerRewording, OpenAnswer, reword_answers
from storage.tables.sessions import SessionState, sessions_by_id, set_session_states

_MARKED: Final = re.compile(r"(\[(?:voice|picture)\])(?: |$)")


def decode_text(value: str) -> str:
    """The text of a stored value."""
    return str(from_json(value))


def strip_media_mark(text: str) -> str:
    """What the person said, without the mark of a recording or a picture; "" where there is nothing else.

    >>> words_of("[voice] more trees"), words_of("[picture]"), words_of("trees")
    ('more trees', '', 'trees')
    """
    return _MARKED.sub("", text, count=1) if _MARKED.match(text) else text


def copy_media_mark(before: str, text: str) -> str:
    """A new text with the mark of the earlier one.

    >>> marked_as("[voice] more trees, says Erika", "more trees")
    '[voice] more trees'
    """
    found = _MARKED.match(before)
    return text if found is None or _MARKED.match(text) else f"{found[1]} {text}"


def reword_answer(connection: Connection, answer: OpenAnswer, text: str) -> None:
    """Changes what an answer says, also where its author sees it."""
    reword_answers(connection, [AnswerRewording(answer.session_id, answer.question_key, to_json(text).decode())])
    row = sessions_by_id(connection, [answer.session_id])[answer.session_id]
    state = from_json(row.state)
    if answer.question_key in state.get("answers", {}):
        state["answers"][answer.question_key] = text
        set_session_states(connection, [SessionState(row.id, to_json(state).decode())])
