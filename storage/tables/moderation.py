"""Moderation of proposals and open answers: the queue, the decisions, and translations.

A row belongs to a proposal or to an open answer (``storage.tables.open_answers``); its id is what
decisions and translations refer to. The row of a proposal has the proposal's own id.

A proposal that is hidden or merged is not released (``proposals.released_at`` is NULL), so that other queries need no
further condition. An answer is released if its row says so.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Select,
    UniqueConstraint,
    case,
    exists,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, Json, one_of, table_of
from storage.tables.proposals import ProposalRow, ProposalStatus, ProposalStatusRow

ModerationState = Literal["waiting", "released", "hidden", "merged", "split"]
DecisionKind = Literal["approve", "hide", "edit", "merge", "split", "translate", "status", "restore"]


class ModerationRow(Base):
    """The moderation state of one proposal or answer. Created and deleted with it."""

    __tablename__ = "moderations"
    __table_args__ = (
        one_of("state", get_args(ModerationState)),
        CheckConstraint("(proposal_id IS NULL) <> (session_id IS NULL)", name="of_one"),
        CheckConstraint("proposal_id IS NULL OR proposal_id = id", name="proposal_id"),
        CheckConstraint("(session_id IS NULL) = (question_key IS NULL)", name="question_key"),
        CheckConstraint("(session_id IS NULL) = (consultation_id IS NULL)", name="consultation_id"),
        CheckConstraint("(session_id IS NULL) = (code IS NULL)", name="code"),
        ForeignKeyConstraint(
            ["session_id", "question_key"], ["answers.session_id", "answers.question_key"], ondelete="CASCADE"
        ),
        UniqueConstraint("proposal_id"),
        UniqueConstraint("session_id", "question_key"),
        UniqueConstraint("code"),
        Index(None, "state", "proposal_id"),
        Index(None, "consultation_id", "state", "id"),
        Index(None, "merged_into"),
        Index(None, "split_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int | None] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    session_id: Mapped[int | None]  # with `question_key`: the answer this is about
    question_key: Mapped[str | None]
    consultation_id: Mapped[int | None]  # repeats the answer's, so that its queue is one index; of a proposal NULL
    code: Mapped[str | None]  # identifies an answer for the team, never for its author; a proposal has its own code
    state: Mapped[str] = mapped_column(server_default="waiting")
    flags: Mapped[Any] = mapped_column(Json, nullable=True)  # ["email", "phone", "iban" …]; NULL: computed when read
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("proposals.id", ondelete="SET NULL"))
    original: Mapped[bytes | None] = mapped_column(info=WORDS)  # the original text, encrypted, if edited for privacy
    changed_at: Mapped[datetime]
    split_from: Mapped[int | None]  # the proposal that was split; no foreign key: a part outlasts it


class DecisionRow(Base):
    """A decision of staff about a proposal or answer. Rows are added, never changed; contains no text of a resident."""

    __tablename__ = "decisions"
    __table_args__ = (one_of("kind", get_args(DecisionKind)), Index(None, "moderation_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    moderation_id: Mapped[int] = mapped_column(ForeignKey("moderations.id", ondelete="CASCADE"))
    staff_id: Mapped[int | None]  # NULL: by a rule, or imported; no foreign key: former staff may be deleted
    kind: Mapped[str]
    reason: Mapped[str | None] = mapped_column(info=WORDS)  # the reason, as written by staff
    at: Mapped[datetime]


class ProposalTextRow(Base):
    """A translation of a proposal or an answer."""

    __tablename__ = "proposal_texts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    moderation_id: Mapped[int] = mapped_column(ForeignKey("moderations.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(info=WORDS)
    text: Mapped[str] = mapped_column(info=WORDS)
    translator: Mapped[str]  # the name of a staff member, or "machine"
    reviewed: Mapped[bool]  # reviewed by a person who speaks the language
    at: Mapped[datetime]


class NewModeration(NamedTuple):
    """The moderation row of a proposal (`id` is that of the proposal) or of an answer."""

    id: int
    state: ModerationState
    flags: list[str] | None
    merged_into: int | None
    original: bytes | None
    changed_at: datetime
    split_from: int | None = None


class ModerationChange(NamedTuple):
    """The new moderation state of a proposal or answer."""

    id: int
    state: ModerationState
    merged_into: int | None
    changed_at: datetime


class ModerationReset(NamedTuple):
    """The author changed the text: it returns to the queue with these flags, and the encrypted original is obsolete."""

    id: int
    state: ModerationState
    flags: list[str] | None
    original: bytes | None
    changed_at: datetime


class ModerationFlags(NamedTuple):
    """The flags of the current text."""

    id: int
    flags: list[str]


class EncryptedOriginal(NamedTuple):
    id: int
    original: bytes


class NewDecision(NamedTuple):
    id: int
    moderation_id: int
    staff_id: int | None
    kind: DecisionKind
    reason: str | None
    at: datetime


def restore_decision(id_: int, moderation_id: int, now: datetime) -> NewDecision:
    """Returns a decision of the program that puts an item back into the queue."""
    return NewDecision(id_, moderation_id, staff_id=None, kind="restore", reason=None, at=now)


class NewProposalText(NamedTuple):
    moderation_id: int
    language: str
    title: str | None
    text: str
    translator: str
    reviewed: bool
    at: datetime


class ProposalProgress(NamedTuple):
    """The progress of a proposal. ``answered_at`` is the first status after "received"; None: there is none yet."""

    code: str
    state: ModerationState
    status: ProposalStatus
    created_at: datetime
    changed_at: datetime
    answered_at: datetime | None


class _OfProposal(NamedTuple):
    id: int
    proposal_id: int
    state: ModerationState
    flags: list[str] | None
    merged_into: int | None
    original: bytes | None
    changed_at: datetime
    split_from: int | None


class _Of(NamedTuple):
    moderation_id: int


class _Link(NamedTuple):
    to: int
    id: int


_moderations = table_of(ModerationRow)
_decisions = table_of(DecisionRow)
_texts = table_of(ProposalTextRow)
_proposals = table_of(ProposalRow)
_steps = table_of(ProposalStatusRow)
_by_id = bulk.ByKeys(
    NewModeration, select(*(_moderations.c[field] for field in NewModeration._fields)), _moderations.c.id
)
_by_target = bulk.ByKeys(
    _Link, select(_moderations.c.merged_into.label("to"), _moderations.c.id), _moderations.c.merged_into
)
_by_whole = bulk.ByKeys(
    _Link, select(_moderations.c.split_from.label("to"), _moderations.c.id), _moderations.c.split_from
)
_texts_of = bulk.ByKeys(
    NewProposalText,
    select(*(_texts.c[field] for field in NewProposalText._fields)).order_by(_texts.c.moderation_id, _texts.c.language),
    _texts.c.moderation_id,
)
_decisions_of = bulk.ByKeys(
    NewDecision,
    select(*(_decisions.c[field] for field in NewDecision._fields)).order_by(_decisions.c.id),
    _decisions.c.moderation_id,
)
_insert = bulk.insert(_moderations, _OfProposal)

set_moderation_states = bulk.update(_moderations, ModerationChange, key=("id",))
"""Stores moderation states of proposals or answers."""

reset_moderations = bulk.update(_moderations, ModerationReset, key=("id",))
"""Puts proposals or answers back into the queue after a change by their authors."""

set_moderation_flags = bulk.update(_moderations, ModerationFlags, key=("id",))
"""Stores the flags of changed texts."""

keep_originals = bulk.update(_moderations, EncryptedOriginal, key=("id",))
"""Stores the encrypted originals of edited texts."""

_add_decisions = bulk.insert(_decisions, NewDecision)
_set_texts = bulk.upsert(_texts, NewProposalText, key=("moderation_id", "language"))

_orphaned = (_moderations.c.state == "merged") & _moderations.c.merged_into.is_(None)
_state = case((_orphaned, "waiting"), else_=_moderations.c.state)
_erase_texts = bulk.delete(_texts, _Of)


def insert_moderations(connection: Connection, rows: Sequence[NewModeration]) -> int:
    """Adds the moderation rows of new proposals; returns how many."""
    return _insert(connection, [_OfProposal(row.id, *row) for row in rows])


def add_decisions(connection: Connection, rows: Sequence[NewDecision]) -> int:
    """Stores decisions; creates missing moderation rows."""
    _make_missing(connection, {row.moderation_id for row in rows})
    return _add_decisions(connection, rows)


def upsert_translations(connection: Connection, rows: Sequence[NewProposalText]) -> int:
    """Stores translations; a later one of the same language replaces the earlier."""
    _make_missing(connection, {row.moderation_id for row in rows})
    return _set_texts(connection, rows)


def _make_missing(connection: Connection, ids: Iterable[int]) -> None:
    """Creates the rows of imported proposals that were not moderated here: their state is that of the import."""
    wanted = sorted(ids)
    state = case((_proposals.c.released_at.is_(None), "waiting"), else_="released")
    columns = (_proposals.c.id, _proposals.c.id, state, literal([], Json), _proposals.c.created_at)
    is_missing = ~exists().where(_moderations.c.id == _proposals.c.id)
    for start in range(0, len(wanted), bulk.KEYS_AT_ONCE):
        some = wanted[start : start + bulk.KEYS_AT_ONCE]
        rows = select(*columns).where(_proposals.c.id.in_(some), is_missing)
        fields = ["id", "proposal_id", "state", "flags", "changed_at"]
        connection.execute(_moderations.insert().from_select(fields, rows))


def erase_translations(connection: Connection, ids: Iterable[int]) -> int:
    """Deletes the translations of these items, e.g. after a change of the original."""
    return _erase_texts(connection, [_Of(id_) for id_ in ids])


def moderations_by_id(connection: Connection, ids: Sequence[int]) -> dict[int, NewModeration]:
    """Returns the moderation rows of these proposals or answers."""
    return {row.id: row for row in _by_id(connection, ids)}


def translations_of(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, NewProposalText]]:
    """Returns the translations of these items, by id and language."""
    found: dict[int, dict[str, NewProposalText]] = {}
    for row in _texts_of(connection, ids):
        found.setdefault(row.moderation_id, {})[row.language] = row
    return found


def decisions_of(connection: Connection, ids: Sequence[int]) -> list[NewDecision]:
    """Returns all decisions about these items, oldest first."""
    return sorted(_decisions_of(connection, ids), key=lambda row: row.id)


def count_moderation_states(connection: Connection, consultation_id: int) -> dict[ModerationState, int]:
    """Returns the number of proposals and answers of a consultation by state, without withdrawn proposals."""
    number = func.count().label("number")
    of_answers = select(_moderations.c.state, number).where(_moderations.c.consultation_id == consultation_id)
    parts = (
        _of_proposals(select(_state.label("state"), number), consultation_id).group_by(_state),
        of_answers.group_by(_moderations.c.state),
    )
    found: dict[ModerationState, int] = {}
    for row in connection.execute(union_all(*parts)):
        found[row.state] = found.get(row.state, 0) + row.number
    return found


def _of_proposals(query: Select[Any], consultation_id: int) -> Select[Any]:
    """Returns the rows of a consultation's proposals, without withdrawn ones."""
    return (
        query.select_from(_moderations)
        .join(_proposals, _proposals.c.id == _moderations.c.proposal_id)
        .where(_proposals.c.consultation_id == consultation_id, _proposals.c.withdrawn_at.is_(None))
    )


def proposal_progress(connection: Connection, consultation_id: int) -> list[ProposalProgress]:
    """Returns the proposals that residents submitted in a consultation and did not withdraw, oldest first; without
    imported ones.
    """
    first = (
        select(func.min(_steps.c.id))
        .where(_steps.c.proposal_id == _proposals.c.id, _steps.c.status != "received")
        .correlate(_proposals)
        .scalar_subquery()
    )
    query = (
        select(
            _proposals.c.code,
            _state,
            _proposals.c.status,
            _proposals.c.created_at,
            _moderations.c.changed_at,
            _steps.c.at,
        )
        .join_from(_proposals, _moderations, _moderations.c.proposal_id == _proposals.c.id)
        .outerjoin(_steps, _steps.c.id == first)
        .where(
            _proposals.c.consultation_id == consultation_id,
            _proposals.c.withdrawn_at.is_(None),
            _proposals.c.source.is_(None),
        )
        .order_by(_proposals.c.id)
    )
    return [ProposalProgress._make(row) for row in connection.execute(query)]


def merged_into_proposals(connection: Connection, ids: Sequence[int]) -> dict[int, list[int]]:
    """Returns the ids of the proposals merged directly into these: a merge flattens earlier merges."""
    return _linked(_by_target(connection, ids))


def parts_of_proposals(connection: Connection, ids: Sequence[int]) -> dict[int, list[int]]:
    """Returns the ids of the proposals into which these were split."""
    return _linked(_by_whole(connection, ids))


def _linked(links: Iterable[_Link]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for link in sorted(links):
        found.setdefault(link.to, []).append(link.id)
    return found
