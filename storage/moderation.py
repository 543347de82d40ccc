"""Who let which proposal out: what waits to be read, what people decided, and translations.

What is hidden or merged is not released (``proposals.released_at`` is NULL), so that no other query has to know more.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import Connection, ForeignKey, Index, case, func, select
from sqlalchemy.orm import Mapped, mapped_column

from storage import bulk
from storage.base import Base, Json, one_of, table_of
from storage.proposals import Proposal, ProposalStatus, Status

State = Literal["waiting", "released", "hidden", "merged", "split"]
Kind = Literal["approve", "hide", "edit", "merge", "split", "translate", "status", "restore"]


class Moderation(Base):
    """Where one proposal stands with the people who read it. Made with the proposal."""

    __tablename__ = "moderations"
    __table_args__ = (
        one_of("state", get_args(State)),
        Index(None, "state", "proposal_id"),
        Index(None, "merged_into"),
        Index(None, "split_from"),
    )

    proposal_id: Mapped[int] = mapped_column(
        ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    state: Mapped[str] = mapped_column(server_default="waiting")
    flags: Mapped[Any] = mapped_column(Json, nullable=False)  # what to look at: ["email", "phone", "iban", "name" …]
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("proposals.id", ondelete="SET NULL"))
    original: Mapped[bytes | None]  # what the person wrote, sealed, where it was edited for privacy
    changed_at: Mapped[datetime]
    split_from: Mapped[int | None]  # the proposal of which this is a part; no key: a part outlives what it was made of


class Decision(Base):
    """What somebody of the staff decided about a proposal. Rows are added, never changed; no text of a resident."""

    __tablename__ = "decisions"
    __table_args__ = (one_of("kind", get_args(Kind)), Index(None, "proposal_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    staff_id: Mapped[int | None]  # NULL: by a rule, or taken over; no key: people who leave may be deleted
    kind: Mapped[str]
    reason: Mapped[str | None]  # why, in the words of the staff
    at: Mapped[datetime]


class ProposalText(Base):
    """A proposal in another language than it was written in."""

    __tablename__ = "proposal_texts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    text: Mapped[str]
    translator: Mapped[str]  # a person's name as staff know it, or "machine"
    reviewed: Mapped[bool]  # read by somebody who speaks the language
    at: Mapped[datetime]


class NewModeration(NamedTuple):
    proposal_id: int
    state: State
    flags: list[str]
    merged_into: int | None
    original: bytes | None
    changed_at: datetime
    split_from: int | None = None


class StateChange(NamedTuple):
    """Where a proposal stands from now on."""

    proposal_id: int
    state: State
    merged_into: int | None
    changed_at: datetime


class Reread(NamedTuple):
    """The author said something else: it is to be read anew, with these flags; what was kept sealed is obsolete."""

    proposal_id: int
    state: State
    flags: list[str]
    original: bytes | None
    changed_at: datetime


class Flagged(NamedTuple):
    """What there is to look at in the text as it stands now."""

    proposal_id: int
    flags: list[str]


class SealedOriginal(NamedTuple):
    proposal_id: int
    original: bytes


class NewDecision(NamedTuple):
    id: int
    proposal_id: int
    staff_id: int | None
    kind: Kind
    reason: str | None
    at: datetime


class NewProposalText(NamedTuple):
    proposal_id: int
    language: str
    title: str | None
    text: str
    translator: str
    reviewed: bool
    at: datetime


class InHand(NamedTuple):
    """How far a proposal has come. ``answered_at`` is the first step after "received"; None: there was none yet."""

    code: str
    state: State
    status: Status
    created_at: datetime
    changed_at: datetime
    answered_at: datetime | None


class _Of(NamedTuple):
    proposal_id: int


class _Link(NamedTuple):
    to: int
    proposal_id: int


_moderations = table_of(Moderation)
_decisions = table_of(Decision)
_texts = table_of(ProposalText)
_proposals = table_of(Proposal)
_steps = table_of(ProposalStatus)
_by_proposal = bulk.ByKeys(
    NewModeration,
    select(*(_moderations.c[field] for field in NewModeration._fields)),
    _moderations.c.proposal_id,
)
_by_target = bulk.ByKeys(
    _Link, select(_moderations.c.merged_into.label("to"), _moderations.c.proposal_id), _moderations.c.merged_into
)
_by_whole = bulk.ByKeys(
    _Link, select(_moderations.c.split_from.label("to"), _moderations.c.proposal_id), _moderations.c.split_from
)
_texts_of = bulk.ByKeys(
    NewProposalText,
    select(*(_texts.c[field] for field in NewProposalText._fields)).order_by(_texts.c.proposal_id, _texts.c.language),
    _texts.c.proposal_id,
)
_decisions_of = bulk.ByKeys(
    NewDecision,
    select(*(_decisions.c[field] for field in NewDecision._fields)).order_by(_decisions.c.id),
    _decisions.c.proposal_id,
)

insert = bulk.insert(_moderations, NewModeration)
"""Add what is to be read, with the proposals."""

set_states = bulk.change(_moderations, StateChange, key=("proposal_id",))
"""Note where proposals stand from now on."""

reread = bulk.change(_moderations, Reread, key=("proposal_id",))
"""Put proposals back into the queue, because their authors changed them."""

set_flags = bulk.change(_moderations, Flagged, key=("proposal_id",))
"""Note anew what to look at, because texts were changed."""

keep_originals = bulk.change(_moderations, SealedOriginal, key=("proposal_id",))
"""Keep what people wrote before it was edited, sealed."""

add_decisions = bulk.insert(_decisions, NewDecision)
"""Take down who decided what."""

set_texts = bulk.upsert(_texts, NewProposalText, key=("proposal_id", "language"))
"""Store translations; a later one of the same language replaces the earlier."""


_orphaned = (_moderations.c.state == "merged") & _moderations.c.merged_into.is_(None)
_state = case((_orphaned, "waiting"), else_=_moderations.c.state)
_erase_texts = bulk.remove(_texts, _Of)


def erase_texts(connection: Connection, ids: Iterable[int]) -> int:
    """Forget the translations of these proposals, e.g. because what was translated is not said any more."""
    return _erase_texts(connection, [_Of(id_) for id_ in ids])


def of_proposals(connection: Connection, ids: Sequence[int]) -> dict[int, NewModeration]:
    """Where these proposals stand."""
    return {row.proposal_id: row for row in _by_proposal(connection, ids)}


def texts_of(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, NewProposalText]]:
    """The translations of these proposals, by proposal and language."""
    found: dict[int, dict[str, NewProposalText]] = {}
    for row in _texts_of(connection, ids):
        found.setdefault(row.proposal_id, {})[row.language] = row
    return found


def decisions_of(connection: Connection, ids: Sequence[int]) -> list[NewDecision]:
    """Everything that was decided about these proposals, oldest first."""
    return sorted(_decisions_of(connection, ids), key=lambda row: row.id)


def queue(
    connection: Connection,
    consultation_id: int,
    state: State = "waiting",
    *,
    after_id: int = 0,
    limit: int = 50,
    newest: bool = False,
) -> list[int]:
    """Ids of proposals in this state, oldest (or newest) first, not withdrawn, those after an id only.

    What was merged into a proposal that is gone waits again.
    """
    query = (
        select(_moderations.c.proposal_id)
        .join_from(_moderations, _proposals, _proposals.c.id == _moderations.c.proposal_id)
        .where(
            (_orphaned | (_moderations.c.state == state)) if state == "waiting" else _moderations.c.state == state,
            _moderations.c.proposal_id > after_id,
            _proposals.c.consultation_id == consultation_id,
            _proposals.c.withdrawn_at.is_(None),
        )
        .order_by(_moderations.c.proposal_id.desc() if newest else _moderations.c.proposal_id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def count_states(connection: Connection, consultation_id: int) -> dict[State, int]:
    """How many proposals of a consultation stand where, those that were withdrawn left out."""
    state = _state.label("state")
    query = (
        select(state, func.count().label("number"))
        .join_from(_moderations, _proposals, _proposals.c.id == _moderations.c.proposal_id)
        .where(_proposals.c.consultation_id == consultation_id, _proposals.c.withdrawn_at.is_(None))
        .group_by(state)
    )
    return {row.state: row.number for row in connection.execute(query)}


def in_hand(connection: Connection, consultation_id: int) -> list[InHand]:
    """What people proposed in a consultation and did not withdraw, oldest first; nothing that was taken over."""
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
    return [InHand._make(row) for row in connection.execute(query)]


def merged_into(connection: Connection, ids: Sequence[int]) -> dict[int, list[int]]:
    """Ids of the proposals that were merged into these, directly: a merge flattens what was merged before."""
    return _linked(_by_target(connection, ids))


def parts_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[int]]:
    """Ids of the proposals into which these were split."""
    return _linked(_by_whole(connection, ids))


def _linked(links: Iterable[_Link]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for link in sorted(links):
        found.setdefault(link.to, []).append(link.proposal_id)
    return found
