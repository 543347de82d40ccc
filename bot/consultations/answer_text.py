"""Reads and rewords free-text answers.

The value of an answer is JSON text. Recordings and pictures begin with a mark that is not part of the resident's words
(`flows.questions.text`).
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
    """Returns the text of a stored value."""
    return str(from_json(value))


def strip_media_mark(text: str) -> str:
    """Removes the mark of a recording or picture; "" if there is no other text.

    >>> strip_media_mark("[voice] more trees"), strip_media_mark("[picture]"), strip_media_mark("trees")
    ('more trees', '', 'trees')
    """
    return _MARKED.sub("", text, count=1) if _MARKED.match(text) else text


def copy_media_mark(before: str, text: str) -> str:
    """Copies the mark of the earlier text to a new one.

    >>> copy_media_mark("[voice] more trees, says Erika", "more trees")
    '[voice] more trees'
    """
    found = _MARKED.match(before)
    return text if found is None or _MARKED.match(text) else f"{found[1]} {text}"


def reword_answer(connection: Connection, answer: OpenAnswer, text: str) -> None:
    """Changes the text of an answer, also in the session its author sees."""
    reword_answers(connection, [AnswerRewording(answer.session_id, answer.question_key, to_json(text).decode())])
    row = sessions_by_id(connection, [answer.session_id])[answer.session_id]
    state = from_json(row.state)
    if answer.question_key in state.get("answers", {}):
        state["answers"][answer.question_key] = text
        set_session_states(connection, [SessionState(row.id, to_json(state).decode())])
