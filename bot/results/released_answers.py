"""Released answers to open questions in public form: without their participation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from bot.consultations.answer_text import decode_text, strip_media_mark
from storage.tables.moderation import NewProposalText, translations_of
from storage.tables.open_answers import released_answers


class Quote(NamedTuple):
    """One answer, without the participation it belongs to and without a time."""

    code: str
    question_key: str
    text: str
    """Without the mark of a recording or a picture."""
    language: str
    texts: Mapping[str, NewProposalText]
    """Translations by language."""


def load_quotes(connection: Connection, consultation_id: int) -> list[Quote]:
    """Returns all answers of a consultation in the order of their random codes: stable, and without meaning."""
    rows = released_answers(connection, consultation_id)
    texts = translations_of(connection, [row.id for row in rows])
    return [
        Quote(
            row.code,
            row.question_key,
            strip_media_mark(decode_text(row.value)),
            row.language.removesuffix("-simple"),
            texts.get(row.id, {}),
        )
        for row in rows
    ]
