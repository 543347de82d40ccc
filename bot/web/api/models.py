"""Input and output models of the API. No model identifies a person: no address, no pseudonym, no internal id."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, field_validator

from bot.web.api.registry import In, Out
from storage.tables.consultations import ConsultationStateNow
from storage.tables.moderation import DecisionKind, ModerationState
from storage.tables.proposals import ProposalStatus, PublicStatus


def _to_the_second(moment: datetime) -> str:
    # Finer times would help to identify a person, and analyses do not need them.
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[datetime, PlainSerializer(_to_the_second, return_type=str)]


class Page(In):
    """Which part of a list."""

    after: str = Field("", description="Code after which the list goes on: `next` of the page before.")
    limit: int = Field(50, ge=1, le=200)


class QueuePage(Page):
    state: ModerationState = "waiting"
    limit: int = Field(20, ge=1, le=50)


class ConsultationOut(Out):
    slug: str
    title: dict[str, str] = Field(description="By language.")
    state: ConsultationStateNow
    sample: bool = Field(description="Invented, to try things out; never part of a report.")
    languages: list[str]
    revision: int
    opens_at: Moment | None
    closes_at: Moment | None
    results: Literal["live", "at_close"]
    are_results_public: bool
    smallest_cell: int
    four_eyes: bool
    draft: int | None = Field(None, description="Number of a draft; told to keys with the scope `publish` only.")
    test: int | None = Field(None, description="Number of a test revision; likewise.")
    test_word: str | None = Field(None, description="Starts the test in a chat, and ends its link `/c/…`; likewise.")


class ConsultationList(Out):
    items: list[ConsultationOut]


class TranslationOut(Out):
    title: str | None
    text: str
    is_by_machine: bool
    is_reviewed: bool


class ProposalOut(Out):
    """The public view of a proposal."""

    code: str
    consultation: str
    title: str | None
    text: str
    language: str
    translations: dict[str, TranslationOut]
    district: str | None
    topic: str | None
    place: str | None
    latitude: float | None
    longitude: float | None
    status: ProposalStatus
    created_at: Moment
    released_at: Moment | None
    version: str


class ProposalList(Out):
    items: list[ProposalOut]
    next: str | None = Field(description="Give it as `after` to go on; null at the end.")


class DecisionOut(Out):
    kind: DecisionKind
    by: str | None = Field(description="Somebody of the staff; null where nobody did.")
    reason: str | None
    at: Moment


class SimilarOut(Out):
    code: str
    title: str | None
    text: str
    language: str
    state: ModerationState
    likeness: int = Field(description="0 to 100.")


class WordingOut(Out):
    title: str | None
    text: str


class QueuedOut(ProposalOut):
    """The moderators' view of a proposal or of an answer to an open question."""

    state: ModerationState
    is_withdrawn: bool
    flags: list[str] = Field(description="What to look at: email, phone, iban, address, name …")
    original: WordingOut | None = Field(description="What the person wrote, where it was edited for privacy.")
    merged_into: str | None
    split_from: str | None
    stands_for: list[str] = Field(description="Codes of what was merged into it.")
    approvals: int = Field(description="How many people approved these very words.")
    decisions: list[DecisionOut]
    similar: list[SimilarOut]
    kind: Literal["proposal", "answer"] = Field("proposal", description="An answer has no title, place or status.")
    question_key: str | None = Field(None, description="The question that was answered.")


class QueueList(Out):
    items: list[QueuedOut]
    next: str | None
    states: dict[ModerationState, int] = Field(description="How many proposals and answers stand where.")


class TextPage(Page):
    question: str = Field("", description="Key of one question; empty: all.")


class TextOut(Out):
    """A released answer to an open question. It contains no reference to a participation."""

    code: str
    consultation: str
    question_key: str
    text: str
    language: str
    translations: dict[str, TranslationOut]


class TextList(Out):
    items: list[TextOut]
    next: str | None = Field(description="Give it as `after` to go on; null at the end.")


class StatusOut(Out):
    status: ProposalStatus
    reason: dict[str, str] = Field(description="By language.")
    body: str | None = Field(description="Who decided.")
    link: str | None
    at: Moment


class StatusList(Out):
    items: list[StatusOut]


class CountsOut(Out):
    """Ratings of a proposal, by the last vote of each participant; null where suppressed, with the `reason`."""

    code: str
    people: int | None
    agree: int | None
    disagree: int | None
    passed: int | None
    important: int | None
    reason: Literal["", "few", "merged", "protected", "not_yet"] = Field(
        description="Why the counts are null: too few people; left out to protect others; not in the edition yet."
    )


class RatingList(Out):
    items: list[CountsOut]
    next: str | None
    edition: int | None
    """The number of the edition of figures; null where none was made yet, and then every count is."""
    made_at: datetime | None
    """The moment it was made from."""


class AnsweredOut(Out):
    contributions: int | None
    answered: int | None
    share: float | None
    median_days: float | None


class Part(In):
    title: str | None = None
    text: str


class Approve(In):
    kind: Literal["approve"]


class Hide(In):
    kind: Literal["hide"]
    reason: str


class Edit(In):
    kind: Literal["edit"]
    title: str | None = None
    text: str
    reason: str


class Merge(In):
    kind: Literal["merge"]
    into: str = Field(description="Code of the proposal which stands for both from now on.")
    reason: str = ""


class Split(In):
    kind: Literal["split"]
    parts: list[Part] = Field(min_length=2, max_length=10)
    reason: str = ""


class Translate(In):
    kind: Literal["translate"]
    language: str
    title: str | None = None
    text: str
    translator: str = Field("", description="`machine`, or a name; empty: the owner of the key.")
    reviewed: bool = False


class Restore(In):
    kind: Literal["restore"]
    reason: str = ""


AnyDecision = Annotated[Approve | Hide | Edit | Merge | Split | Translate | Restore, Field(discriminator="kind")]


class ReopenIn(In):
    until: datetime | None = Field(
        None, description="The new end, with its zone; needed where the planned end is over."
    )

    @field_validator("until")
    @classmethod
    def _has_zone(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError("a zone is missing: 2026-12-31T23:00:00Z")
        return moment


class ArchiveIn(In):
    confirm: bool = Field(False, description="Without it nothing is done; the problem says what archiving means.")


class BackIn(In):
    same_meaning: list[str] = Field([], description="Keys of questions that ask the same as before in other words.")
    confirm: bool = Field(False, description="What an earlier wave hands over (`take: top`) was looked at.")


class GoLiveIn(In):
    stage: Literal["test", "draft"] | None = Field(None, description="Without it: the test revision, else the draft.")
    revision: int | None = Field(None, ge=1, description="Any other revision, by its number.")
    same_meaning: list[str] = Field([], description="Keys of questions that ask the same as before in other words.")
    base: int | None = Field(None, ge=1, description="The live revision that was seen and is to be replaced.")
    confirm: bool = Field(False, description="What an earlier wave hands over (`take: top`) was looked at.")


class OutcomeIn(In):
    status: PublicStatus
    reason: dict[str, str] = Field(description="By language; German and the proposal's own are required.")
    body: str = Field("", description="Who decided.")
    link: str = Field("", description="Where more can be read: https://…")
