"""Writes the attachments of a batch as rows, in the transaction of that batch."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from bot.consultations.batch_context import BatchContext
from bot.consultations.event_handlers import handles
from bot.consultations.participant import Person
from bot.delivery.attachments.files import bound_to
from flows.events import MediaGiven
from storage.tables.answers import AnswerKey
from storage.tables.attachments import NewAttachment, detach_attachments, insert_attachments


class _Sent(NamedTuple):
    """A recording or picture sent as an answer."""

    event: MediaGiven
    channel: str
    hour: datetime


class AttachmentRows:
    """Collects attachments to fetch, and detaches those of earlier answers to the same question."""

    def __init__(self) -> None:
        self._attached: dict[AnswerKey, list[_Sent]] = {}
        self._detached: set[AnswerKey] = set()

    def attach(self, key: AnswerKey, sent: _Sent) -> None:
        self._attached.setdefault(key, []).append(sent)

    def detach(self, key: AnswerKey) -> None:
        """Detaches the attachments of earlier versions of this answer."""
        self._attached.pop(key, None)
        self._detached.add(key)

    def write(self, batch: BatchContext) -> None:
        batch.outcome.has_media = True
        detach_attachments(batch.connection, list(self._detached))
        rows = [_row(batch, key, sent) for key, all_sent in self._attached.items() for sent in all_sent]
        insert_attachments(batch.connection, rows)


@handles(MediaGiven)
def attach_media(batch: BatchContext, person: Person, event: MediaGiven, hour: datetime) -> None:
    key = AnswerKey(person.require_participation().id, event.key)
    batch.section(AttachmentRows).attach(key, _Sent(event, person.channel, hour))


def _row(batch: BatchContext, key: AnswerKey, sent: _Sent) -> NewAttachment:
    number = batch.ids()
    return NewAttachment(
        id=number,
        session_id=key.session_id,
        question_key=key.question_key,
        kind=sent.event.kind,
        channel=sent.channel,
        handle=batch.keys.encrypt(sent.event.ref, bound_to(number)),
        file=batch.random.randbytes(16).hex(),
        due_at=batch.hour,
        at=sent.hour,
    )
