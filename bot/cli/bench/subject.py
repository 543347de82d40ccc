"""The consultation of the benchmark: five short choice questions without extras."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from bot.authoring.file_check import canonical_content, content_digest
from flows.definition import Consultation
from flows.messages import MsgIn
from storage.tables.publications import Publication, store_publication
from storage.tables.triggers import replace_triggers

SLUG = "bench"
QUESTIONS = 5
REPLIES = ("1", "Nein", "ja", "2", "Weiß nicht")


def consultation() -> Consultation:
    """Returns the consultation; its texts have a realistic length."""
    text = {"de": "Bitte sagen Sie uns kurz, wie Sie darüber denken."}
    options = [
        {"value": "yes", "label": {"de": "Ja"}},
        {"value": "no", "label": {"de": "Nein"}},
        {"value": "maybe", "label": {"de": "Vielleicht"}},
    ]
    question = {"de": "Soll es in Ihrer Straße mehr Bäume und weniger Parkplätze geben?"}
    data: dict[str, Any] = {
        "slug": SLUG,
        "languages": {"de": {}},
        "level": "consultation",
        "minutes": 2,
        "retention": {"days": 30, "remains": text},
        "contact": {"name": text, "hours": text, "email": "bench@example.org"},
        "questions": [
            {"key": f"q{number}", "type": "choice", "text": question, "options": options} for number in range(QUESTIONS)
        ],
    }
    data |= dict.fromkeys(("title", "asks", "why", "readers", "decides", "feedback", "audience"), text)
    return Consultation.model_validate(data)


def message(address: str, number: int, text: str) -> MsgIn:
    return MsgIn("bench", address, f"{address}/{number}", datetime.now(UTC), text=text)


def publish_subject(connection: Connection, subject: Consultation | None = None) -> None:
    """Publishes it, or another consultation with its slug, in this store."""
    subject = subject or consultation()
    stored = canonical_content(subject)
    publication = Publication(
        consultation_id=1,
        revision_id=2,
        slug=SLUG,
        content=stored,
        content_hash=content_digest(stored),
        published_at=datetime.now(UTC),
    )
    revision = store_publication(connection, publication)
    replace_triggers(connection, revision.consultation_id, [("keyword", SLUG)])
