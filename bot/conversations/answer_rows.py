"""Writes answers and consents as rows."""

from __future__ import annotations

import hashlib
from datetime import datetime

from pydantic_core import to_json

from bot.consultations.batch_context import BatchContext
from bot.consultations.event_handlers import handles
from bot.consultations.participant import Person
from bot.conversations.attachments import AttachmentRows
from bot.privacy.dropped_answers import DroppedAnswer, clear_dropped
from bot.proposals import open_answer_review
from bot.proposals.submission import IdeaRows
from flows.events import AnswerDropped, AnswerGiven, ConsentGiven, GapReopened
from flows.values import GAPS
from storage.tables import answers
from storage.tables.answers import AnswerKey, NewAnswer, NewConsent, delete_answers, new_answer, upsert_answers


class AnswerRows:
    """Collects answers by session and question; the last one counts."""

    def __init__(self) -> None:
        self._given: dict[AnswerKey, NewAnswer] = {}
        self._dropped: set[AnswerKey] = set()
        """Answers to delete before `_given` is written."""
        self._open: dict[AnswerKey, NewAnswer] = {}
        """The free-text answers among `_given`."""

    def give(self, row: NewAnswer) -> None:
        key = AnswerKey(row.session_id, row.question_key)
        self._given[key] = row
        if row.free_text:
            self._open[key] = row

    def drop(self, key: AnswerKey) -> None:
        self._given.pop(key, None)
        self._open.pop(key, None)
        self._dropped.add(key)

    def write(self, batch: BatchContext) -> None:
        connection = batch.connection
        if self._dropped:
            batch.outcome.has_dropped = True
            delete_answers(connection, list(self._dropped))
        to_read = open_answer_review.compare_answers(connection, self._open.values())
        upsert_answers(connection, list(self._given.values()))
        open_answer_review.queue_for_review(connection, to_read, batch.ids, batch.hour, batch.random)


@handles(AnswerGiven)
def store_answer(batch: BatchContext, person: Person, event: AnswerGiven, hour: datetime) -> None:
    participation = person.require_participation()
    published = participation.published
    node = published.flow.nodes[event.key]
    batch.outcome.answers += 1
    took = None
    if batch.question_clock is not None and event.missing not in GAPS:
        took = batch.question_clock.took(participation.id, event.key)
    row = new_answer(
        session_id=participation.id,
        question_key=event.key,
        consultation_id=published.consultation_id,
        revision_id=published.revision_id,
        value=None if event.value is None else to_json(event.value).decode(),
        missing=event.missing.value if event.missing else None,
        free_text=node.free_text,
        answered_at=hour,
        channel=person.channel,
        language=participation.session.language,
        mode=participation.mode,
        took=took,
    )
    batch.section(AnswerRows).give(row)
    if event.key in published.flow.with_media:
        batch.section(AttachmentRows).detach(AnswerKey(participation.id, event.key))
    if node.carries == "proposal" and isinstance(event.before, str):
        batch.section(IdeaRows).take_back(participation.pseudonym, event.key, event.before)


@handles(AnswerDropped)
def drop_answer(batch: BatchContext, person: Person, event: AnswerDropped, hour: datetime) -> None:
    participation = person.require_participation()
    key = AnswerKey(participation.id, event.key)
    batch.section(AnswerRows).drop(key)
    node = participation.published.flow.nodes.get(event.key)
    # The answer may belong to an earlier revision.
    if node is None or event.key in participation.published.flow.with_media:
        batch.section(AttachmentRows).detach(key)
    if node is None or node.carries:
        batch.after_write(clear_dropped, DroppedAnswer(participation, event.key, event.value, person))


@handles(GapReopened)
def reopen_gap(batch: BatchContext, person: Person, event: GapReopened, hour: datetime) -> None:
    batch.section(AnswerRows).drop(AnswerKey(person.require_participation().id, event.key))


@handles(ConsentGiven)
def store_consent(batch: BatchContext, person: Person, event: ConsentGiven, hour: datetime) -> None:
    participation = person.require_participation()
    row = NewConsent(
        id=batch.ids(),
        consultation_id=participation.published.consultation_id,
        pseudonym=participation.pseudonym,
        question_key=event.key,
        text_hash=hashlib.sha256(event.text.encode()).hexdigest(),
        language=participation.session.language,
        channel=person.channel,
        given=event.given,
        at=hour,
    )
    batch.add(answers.insert_consents, row)
