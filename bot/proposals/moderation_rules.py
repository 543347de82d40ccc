"""Loads texts with their moderation history, and decides which moderation decisions are possible."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

from bot.consultations.answer_text import decode_text
from bot.proposals.codes import is_answer_code
from flows.understanding.flags import flags_of
from storage.tables import moderation, stages
from storage.tables.moderation import (
    DecisionKind,
    ModerationState,
    NewDecision,
    NewModeration,
    NewProposalText,
    merged_into_proposals,
    moderations_by_id,
    parts_of_proposals,
    translations_of,
)
from storage.tables.open_answers import OpenAnswer, open_answers_by_code, open_answers_by_id
from storage.tables.proposals import (
    NewProposalStatus,
    StoredProposal,
    proposal_histories,
    proposals_by_code,
    proposals_by_id,
)

RefusalReason = Literal[
    "unknown",
    "changed",
    "withdrawn",
    "already",
    "twice",
    "itself",
    "merged",
    "elsewhere",
    "no_reason",
    "same_text",
    "no_text",
    "parts",
    "language",
    "status",
    "reason_languages",
    "link",
    "only_proposals",
    "nothing_to_correct",
    "held",
    "drafted",
    "not_public",
    "too_long",
]
"""The reasons why a decision is not possible."""


class DecisionRefused(Exception):
    """A decision is not possible; nothing was written. `values` hold details: a state, a code, languages."""

    def __init__(self, reason: RefusalReason, **values: str) -> None:
        super().__init__(reason)
        self.reason: RefusalReason = reason
        self.values = values


class ModerationItem(NamedTuple):
    """A proposal or an open answer with its decisions, translations and official answers."""

    proposal: StoredProposal
    """The text. Open answers have the same form, without title, author, location and status."""
    moderation: NewModeration
    decisions: tuple[NewDecision, ...] = ()
    texts: Mapping[str, NewProposalText] = MappingProxyType({})
    steps: tuple[NewProposalStatus, ...] = ()
    joined: tuple[int, ...] = ()
    """Ids of proposals that were merged into this one."""
    parts: tuple[int, ...] = ()
    """Ids of the proposals into which this one was split."""
    answer: OpenAnswer | None = None
    """The open answer; None: a proposal."""

    @property
    def kind(self) -> Literal["proposal", "answer"]:
        return "answer" if self.answer else "proposal"

    @property
    def flags(self) -> list[str]:
        """The flags of the text; for open answers they are computed here."""
        known, about = self.moderation.flags, self.proposal
        return flags_of("\n".join(filter(None, (about.title, about.text))), about.language) if known is None else known

    @property
    def state(self) -> ModerationState:
        """The moderation state; a text merged into a deleted proposal waits for review again."""
        is_orphan = self.moderation.state == "merged" and self.moderation.merged_into is None
        return "waiting" if is_orphan else self.moderation.state

    @property
    def is_public(self) -> bool:
        """Whether the text is released and not withdrawn."""
        return self.proposal.released_at is not None and self.proposal.withdrawn_at is None

    @property
    def version(self) -> str:
        """Returns a digest of the data that a decision depends on: text, state, status, decisions."""
        about = self.proposal
        seen = (
            *(self.state, self.moderation.merged_into, about.title, about.text, about.status),
            *(about.withdrawn_at, about.released_at, self.decisions[-1].id if self.decisions else 0),
        )
        return hashlib.sha256(repr(seen).encode("utf-8", "replace")).hexdigest()[:12]

    def reason_of(self, kind: DecisionKind) -> str:
        """Returns the reason of the last decision of this kind, or ""."""
        return next((row.reason or "" for row in reversed(self.decisions) if row.kind == kind), "")


_POSSIBLE: Final[dict[DecisionKind, frozenset[ModerationState]]] = {
    "approve": frozenset({"waiting"}),
    "hide": frozenset({"waiting", "released"}),
    "edit": frozenset({"waiting", "released"}),
    "merge": frozenset({"waiting", "released"}),
    "split": frozenset({"waiting", "released"}),
    "translate": frozenset({"waiting", "released"}),
    "status": frozenset({"waiting", "released"}),
    # A split proposal cannot be restored, because its text would be public twice; its parts can be hidden and edited
    # instead.
    "restore": frozenset({"hidden", "merged", "released"}),
}
_ONLY_PROPOSALS: Final[frozenset[DecisionKind]] = frozenset({"merge", "split", "status"})
"""An open answer belongs to one question and one participation: it is not merged, split or answered."""
_CHANGES: Final[frozenset[DecisionKind]] = frozenset({"edit", "hide", "merge", "split", "restore"})


def check_decision(item: ModerationItem, kind: DecisionKind, seen: str | None) -> None:
    """Raises DecisionRefused if the text was changed since `seen`, was withdrawn, or has another state."""
    if item.answer and kind in _ONLY_PROPOSALS:
        raise DecisionRefused("only_proposals")
    if item.proposal.withdrawn_at is not None:
        raise DecisionRefused("withdrawn")
    if seen is not None and seen != item.version:
        raise DecisionRefused("changed", state=item.state)
    if item.state not in _POSSIBLE[kind]:
        raise DecisionRefused("already", state=item.state)


def approvers(decisions: Sequence[NewDecision]) -> frozenset[int]:
    """Returns the ids of the staff members who approved the current text; a change voids earlier approvals."""
    found: set[int] = set()
    for row in decisions:
        if row.kind in _CHANGES:
            found.clear()
        elif row.kind == "approve" and row.staff_id is not None:
            found.add(row.staff_id)
    return frozenset(found)


def load_items(connection: Connection, ids: Sequence[int], *, lock: bool = False) -> dict[int, ModerationItem]:
    """Loads these proposals and open answers in the order of their ids; `lock` locks the rows."""
    about = proposals_by_id(connection, ids, lock=lock)
    others = [number for number in ids if number not in about]
    answers = open_answers_by_id(connection, others, lock=lock) if others else {}
    known = sorted([*about, *answers])
    states = moderations_by_id(connection, known)
    about |= {number: _as_written(row, states[number]) for number, row in answers.items()}
    texts = translations_of(connection, known)
    steps = proposal_histories(connection, known)
    joined, parts = merged_into_proposals(connection, known), parts_of_proposals(connection, known)
    decisions: dict[int, list[NewDecision]] = {}
    for row in moderation.decisions_of(connection, known):
        decisions.setdefault(row.moderation_id, []).append(row)
    return {
        number: ModerationItem(
            proposal=about[number],
            moderation=states.get(number) or _not_read_here(about[number]),
            decisions=tuple(decisions.get(number, ())),
            texts=texts.get(number, {}),
            steps=tuple(steps.get(number, ())),
            joined=tuple(joined.get(number, ())),
            parts=tuple(parts.get(number, ())),
            answer=answers.get(number),
        )
        for number in known
    }


def item_by_code(connection: Connection, code: str) -> ModerationItem | None:
    """Loads the proposal or open answer with this code, released or not, without those of trials."""
    rows = open_answers_by_code(connection, [code]) if is_answer_code(code) else proposals_by_code(connection, [code])
    about = rows.get(code)
    if about is None or stages.is_trial(connection, about.consultation_id):
        return None
    return load_items(connection, [about.id]).get(about.id)


def _as_written(row: OpenAnswer, state: NewModeration) -> StoredProposal:
    """Converts an open answer to the form of a proposal."""
    return StoredProposal(
        id=row.id,
        consultation_id=row.consultation_id,
        pseudonym=None,
        question_key=row.question_key,
        code=row.code,
        title=None,
        text=decode_text(row.value),
        language=row.language.removesuffix("-simple"),
        district=None,
        topic=None,
        status="received",
        released_at=state.changed_at if state.state == "released" else None,
        withdrawn_at=None,
        source=None,
        source_id=None,
        created_at=row.answered_at,
        place=None,
        latitude=None,
        longitude=None,
    )


def _not_read_here(about: StoredProposal) -> NewModeration:
    """Returns the state of an imported proposal, which was moderated in another program."""
    state: ModerationState = "released" if about.released_at else "waiting"
    return NewModeration(
        id=about.id, state=state, flags=[], merged_into=None, original=None, changed_at=about.created_at
    )
