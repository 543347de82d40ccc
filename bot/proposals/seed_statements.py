"""Publishes the seed statements of a consultation file as released proposals without an author."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator
from datetime import datetime
from itertools import chain
from random import Random
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.common.sources import SYSTEM_RANDOM
from bot.proposals.codes import new_proposal_code
from flows.definition import Consultation
from flows.understanding.text import fold
from flows.wording import Review, Text
from storage.tables.moderation import NewModeration, NewProposalText, insert_moderations, upsert_translations
from storage.tables.proposals import (
    NewProposal,
    ProposalRelease,
    StoredProposal,
    Withdrawal,
    insert_proposals,
    proposals_of_source,
    release_proposals,
    withdraw_proposals,
)

SOURCE: Final = "seed"
TRANSLATOR: Final = "consultation file"


class _Seed(NamedTuple):
    key: str
    source_id: str
    text: Text
    language: str


def changed_withdrawals(
    stored: Iterable[StoredProposal], wanted: Container[str | None], now: datetime
) -> list[Withdrawal]:
    """Returns the withdrawals of rows that are no longer wanted, by `source_id`, and the restorations of the others."""
    return [
        Withdrawal(row.id, None if row.source_id in wanted else now)
        for row in stored
        if (row.withdrawn_at is None) != (row.source_id in wanted)
    ]


def publish_seeds(
    connection: Connection,
    consultation_id: int,
    consultation: Consultation,
    new_id: Callable[[], int],
    now: datetime,
    random: Random = SYSTEM_RANDOM,
) -> None:
    """Publishes the seeds of a consultation. Idempotent: seeds missing in the file are withdrawn, and restored if they
    return.
    """
    wanted = {seed.source_id: seed for seed in _seeds(consultation)}
    stored = [row for row in proposals_of_source(connection, SOURCE) if row.consultation_id == consultation_id]
    known = {row.source_id: row.id for row in stored}
    new = {new_id(): seed for source_id, seed in wanted.items() if source_id not in known}
    insert_proposals(connection, [_row(id_, seed, consultation_id, now, random) for id_, seed in new.items()])
    insert_moderations(connection, [_released(id_, now) for id_ in new])
    release_proposals(connection, [ProposalRelease(id_, now) for id_ in new])
    withdraw_proposals(connection, changed_withdrawals(stored, wanted, now))
    ids = new | {known[source_id]: seed for source_id, seed in wanted.items() if source_id in known}
    texts = (_translations(id_, seed, consultation, now) for id_, seed in ids.items())
    upsert_translations(connection, list(chain.from_iterable(texts)))


def _seeds(consultation: Consultation) -> Iterator[_Seed]:
    """Yields the seeds, identified by their text in their first language, so that their order does not matter."""
    for node in consultation.questions:
        for text in node.seed_statements():
            language = text.first_language(list(consultation.languages))
            words = fold(text.root[language].text)
            digest = hashlib.sha256(f"{language} {words}".encode()).hexdigest()[:16]
            yield _Seed(node.key, f"{consultation.slug}/{node.key}/{digest}", text, language)


def _row(id_: int, seed: _Seed, consultation_id: int, now: datetime, random: Random) -> NewProposal:
    return NewProposal(
        id=id_,
        consultation_id=consultation_id,
        pseudonym=None,
        question_key=seed.key,
        code=new_proposal_code(random),
        title=None,
        text=seed.text.root[seed.language].plain,
        language=seed.language.removesuffix("-simple"),
        district=None,
        topic=None,
        source=SOURCE,
        source_id=seed.source_id,
        created_at=now,
    )


def _released(id_: int, now: datetime) -> NewModeration:
    return NewModeration(id_, state="released", flags=[], merged_into=None, original=None, changed_at=now)


def _translations(id_: int, seed: _Seed, consultation: Consultation, now: datetime) -> Iterator[NewProposalText]:
    for tag, wording in seed.text.items():
        if tag != seed.language and tag in consultation.languages:
            reviewed = consultation.review_of(seed.text, tag) is not Review.UNREVIEWED
            yield NewProposalText(
                moderation_id=id_,
                language=tag,
                title=None,
                text=wording.plain,
                translator=TRANSLATOR,
                reviewed=reviewed,
                at=now,
            )
