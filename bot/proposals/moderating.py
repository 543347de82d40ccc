"""Decisions about proposals, one function each: what people wrote comes out only after a person read it.

Each runs in the caller's transaction and locks what it decides about, so that of two people who decide at once the
second gets an answer (`Refusal`) and nothing is lost. `seen` is the version the decision is about; None: any.
Merging and splitting stand in `bot.proposals.joining`, what became of a proposal in `bot.proposals.answering`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from pydantic_core import from_json, to_json
from sqlalchemy import Connection

from bot.keys import Keys
from bot.proposals.flags import flags_of
from bot.proposals.standing import Refusal, Standing, approvers, check_possible, find
from flows.languages import LANGUAGES
from flows.text import clean
from storage import consultations, moderation, proposals
from storage.moderation import Flagged, Kind, NewDecision, NewProposalText, SealedOriginal, State, StateChange
from storage.proposals import Release, Rewording

LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 10_000
LONGEST_REASON: Final = 2_000


class Chair(NamedTuple):
    """Who decides, and what is needed to write that down."""

    connection: Connection
    keys: Keys
    new_id: Callable[[], int]
    now: datetime
    staff_id: int | None
    name: str = ""


class Wording(NamedTuple):
    """A title, if any, and a text."""

    title: str | None
    text: str


def approve(chair: Chair, proposal_id: int, *, seen: str | None = None) -> Standing:
    """Lets a proposal out. Where four eyes are asked for, the first approval waits for one by somebody else."""
    standing = take(chair, proposal_id, "approve", seen)
    before = approvers(standing.decisions)
    if chair.staff_id is not None and chair.staff_id in before:
        raise Refusal("twice")
    note(chair, proposal_id, "approve")
    wanted = 2 if four_eyes(chair.connection, standing.proposal.consultation_id) else 1
    if len({*before, chair.staff_id}) >= wanted:
        put(chair, standing, "released")
    return after(chair, proposal_id)


def hide(chair: Chair, proposal_id: int, reason: str, *, seen: str | None = None) -> Standing:
    """Keeps a proposal from everybody, or takes it back. Its author can read the reason."""
    standing = take(chair, proposal_id, "hide", seen)
    note(chair, proposal_id, "hide", asked(reason))
    put(chair, standing, "hidden")
    return after(chair, proposal_id)


def edit(chair: Chair, proposal_id: int, wording: Wording, reason: str, *, seen: str | None = None) -> Standing:
    """Takes personal details out of a proposal. What the person wrote is kept sealed; its author sees what is public.

    Translations go, because they say what is not said any more. Where four eyes are asked for, two people read anew.
    """
    standing = take(chair, proposal_id, "edit", seen)
    about, wording = standing.proposal, checked(wording)
    if wording == Wording(about.title, about.text):
        raise Refusal("same_text")
    note(chair, proposal_id, "edit", asked(reason))
    if standing.moderation.original is None:
        keep(chair, standing)
        sealed = seal(chair.keys, proposal_id, Wording(about.title, about.text))
        moderation.keep_originals(chair.connection, [SealedOriginal(proposal_id, sealed)])
    proposals.reword(chair.connection, [Rewording(proposal_id, *wording)])
    moderation.set_flags(chair.connection, [Flagged(proposal_id, flags(wording, about.language))])
    moderation.erase_texts(chair.connection, [proposal_id])
    if standing.state == "released" and four_eyes(chair.connection, about.consultation_id):
        put(chair, standing, "waiting")
    return after(chair, proposal_id)


def translate(
    chair: Chair,
    proposal_id: int,
    language: str,
    wording: Wording,
    *,
    translator: str = "",
    reviewed: bool = False,
    seen: str | None = None,
) -> Standing:
    """Stores a proposal in another language, with who translated it and whether a speaker of it has read that."""
    standing = take(chair, proposal_id, "translate", seen)
    if language not in LANGUAGES or language == standing.proposal.language:
        raise Refusal("language", language=language)
    note(chair, proposal_id, "translate", language)
    by = clean(translator).strip()[:LONGEST_TITLE] or chair.name
    row = NewProposalText(proposal_id, language, *checked(wording), by, reviewed, chair.now)
    moderation.set_texts(chair.connection, [row])
    return after(chair, proposal_id)


def take(chair: Chair, proposal_id: int, kind: Kind, seen: str | None) -> Standing:
    """The proposal, locked, if this may be decided about it now. Raises Refusal."""
    standing = find(chair.connection, [proposal_id], lock=True).get(proposal_id)
    if standing is None:
        raise Refusal("unknown")
    check_possible(standing, kind, seen)
    return standing


def note(chair: Chair, proposal_id: int, kind: Kind, reason: str | None = None) -> None:
    """Takes down who decided what, and why."""
    row = NewDecision(chair.new_id(), proposal_id, chair.staff_id, kind, reason, chair.now)
    moderation.add_decisions(chair.connection, [row])


def put(chair: Chair, standing: Standing, state: State, merged_into: int | None = None) -> None:
    """Moves a proposal into a state; only what is released can be seen."""
    keep(chair, standing)
    number = standing.proposal.id
    moderation.set_states(chair.connection, [StateChange(number, state, merged_into, chair.now)])
    proposals.release(chair.connection, [Release(number, chair.now if state == "released" else None)])


def keep(chair: Chair, standing: Standing) -> None:
    """Makes the row of a proposal which was taken over and never read here."""
    if standing.proposal.id not in moderation.of_proposals(chair.connection, [standing.proposal.id]):
        moderation.insert(chair.connection, [standing.moderation])


def after(chair: Chair, proposal_id: int) -> Standing:
    """How the proposal stands after the decision."""
    return find(chair.connection, [proposal_id])[proposal_id]


def asked(reason: str) -> str:
    """A reason, tidied. Raises Refusal where there is none."""
    found = clean(reason).strip()[:LONGEST_REASON]
    if not found:
        raise Refusal("no_reason")
    return found


def checked(wording: Wording) -> Wording:
    """Title and text, tidied. Raises Refusal where there is no text, or far too much."""
    title, text = clean(wording.title or "").strip(), clean(wording.text).strip()
    if not text or len(text) > LONGEST_TEXT or len(title) > LONGEST_TITLE:
        raise Refusal("no_text", most=str(LONGEST_TEXT), title=str(LONGEST_TITLE))
    return Wording(title or None, text)


def flags(wording: Wording, language: str) -> list[str]:
    """What to look at in these words."""
    return flags_of("\n".join(filter(None, wording)), language)


def seal(keys: Keys, proposal_id: int, wording: Wording) -> bytes:
    """What a person wrote, so that only this house can read it."""
    return keys.seal(to_json(wording).decode(), b"proposal/%d" % proposal_id)


def original(keys: Keys, standing: Standing) -> Wording | None:
    """What the person wrote before it was edited; None where nothing was. Raises SecretError."""
    sealed = standing.moderation.original
    if sealed is None:
        return None
    title, text = from_json(keys.unseal(sealed, b"proposal/%d" % standing.proposal.id))
    return Wording(title, text)


def four_eyes(connection: Connection, consultation_id: int) -> bool:
    """Whether two people have to approve what comes out of this consultation."""
    revision = consultations.newest_of(connection, consultation_id)
    return bool(revision and from_json(revision.content).get("four_eyes", False))


def ids_of(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """The ids behind these codes."""
    return {code: row.id for code, row in proposals.by_codes(connection, codes).items()}
