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
    # exact times could identify a person, and analyses do not need them
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[datetime, PlainSerializer(_to_the_second, return_type=str)]


class Page(In):
    """The requested part of a list."""

    after: str = Field("", description="Code after which the list continues: `next` of the previous page.")
    limit: int = Field(50, ge=1, le=200)


class QueuePage(Page):
    state: ModerationState = "waiting"
    limit: int = Field(20, ge=1, le=200)


class ConsultationOut(Out):
    slug: str
    title: dict[str, str] = Field(description="By language.")
    state: ConsultationStateNow
    sample: bool = Field(description="Invented, for trying out; never part of a report.")
    languages: list[str]
    revision: int
    opens_at: Moment | None
    closes_at: Moment | None
    results: Literal["live", "at_close"]
    are_results_public: bool
    smallest_cell: int
    four_eyes: bool
    draft: int | None = Field(None, description="Number of a draft; only for keys with the scope `publish`.")
    test: int | None = Field(None, description="Number of a test revision; likewise.")
    test_word: str | None = Field(
        None, description="Starts the test in a chat; the last part of its link `/c/…`; likewise."
    )
    agreement: str | None = Field(
        None,
        description="Not live yet (202): the page on which a second member of the team has to agree.",
    )


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
    next: str | None = Field(description="Pass it as `after` to continue; null at the end.")


class DecisionOut(Out):
    kind: DecisionKind
    by: str | None = Field(description="A member of staff; null if there is none.")
    reason: str | None
    at: Moment


class SimilarProposalOut(Out):
    code: str
    title: str | None
    text: str
    language: str
    state: ModerationState
    likeness: int = Field(description="0 to 100.")


class WordingOut(Out):
    title: str | None
    text: str


class QueueItemOut(ProposalOut):
    """The moderators' view of a proposal or of an answer to an open question."""

    state: ModerationState
    is_withdrawn: bool
    flags: list[str] = Field(description="What to check: email, phone, iban, address, name …")
    original: WordingOut | None = Field(description="The original text, if it was edited for privacy.")
    merged_into: str | None
    split_from: str | None
    stands_for: list[str] = Field(description="Codes of the proposals merged into it.")
    approvals: int = Field(description="The number of members of staff that approved the current text.")
    decisions: list[DecisionOut]
    similar: list[SimilarProposalOut]
    kind: Literal["proposal", "answer"] = Field("proposal", description="An answer has no title, place or status.")
    question_key: str | None = Field(None, description="The question that was answered.")


class QueueList(Out):
    items: list[QueueItemOut]
    next: str | None
    states: dict[ModerationState, int] = Field(description="The number of proposals and answers by state.")


class OpenAnswerPage(Page):
    question: str = Field("", description="Key of one question; empty: all.")


class OpenAnswerOut(Out):
    """A released answer to an open question. It contains no reference to a participation."""

    code: str
    consultation: str
    question_key: str
    text: str
    language: str
    translations: dict[str, TranslationOut]


class OpenAnswerList(Out):
    items: list[OpenAnswerOut]
    next: str | None = Field(description="Pass it as `after` to continue; null at the end.")


class StatusOut(Out):
    status: ProposalStatus
    reason: dict[str, str] = Field(description="By language.")
    body: str | None = Field(description="The deciding body.")
    link: str | None
    at: Moment
    is_correction: bool = Field(description="Whether it corrects the status before it.")


class StatusList(Out):
    items: list[StatusOut]


class StatusPreview(Out):
    """What people would read of a status; nothing is stored."""

    people: int = Field(description="How many people would be notified.")
    messages: dict[str, str] = Field(description="What they would read, by language, without the link to its page.")


class HeldStatus(Out):
    """A status that was set and is held back: until `publish_at` it is public nowhere and can be taken back."""

    status: ProposalStatus
    reason: dict[str, str] = Field(description="By language.")
    publish_at: Moment
    people: int = Field(description="How many people will be notified.")
    messages: dict[str, str] = Field(description="What they will read, by language, without the link to its page.")


class UndoneStatus(Out):
    """Whether a status was taken back; false: its minute is over, or there is none."""

    undone: bool


class RatingCountsOut(Out):
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
    items: list[RatingCountsOut]
    next: str | None
    edition: int | None
    """The number of the edition of figures; null if there is none yet, and then every count is null."""
    made_at: datetime | None
    """The time of its data."""


class OfficialAnswerRateOut(Out):
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
    into: str = Field(description="Code of the proposal that replaces both from now on.")
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
        None, description="The new end, with its zone; required if the planned end has passed."
    )

    @field_validator("until")
    @classmethod
    def _has_zone(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError("a zone is missing: 2026-12-31T23:00:00Z")
        return moment


class ArchiveIn(In):
    confirm: bool = Field(
        False, description="Without it nothing is changed; the problem lists the consequences of archiving."
    )


class BackIn(In):
    same_meaning: list[str] = Field([], description="Keys of questions that keep their meaning in other words.")
    confirm: bool = Field(False, description="Confirms the proposals taken from an earlier wave (`take: top`).")


class GoLiveIn(In):
    stage: Literal["test", "draft"] | None = Field(None, description="Without it: the test revision, else the draft.")
    revision: int | None = Field(None, ge=1, description="Any other revision, by its number.")
    same_meaning: list[str] = Field([], description="Keys of questions that keep their meaning in other words.")
    base: int | None = Field(None, ge=1, description="The live revision to replace, as known to the client.")
    confirm: bool = Field(False, description="Confirms the proposals taken from an earlier wave (`take: top`).")


class OutcomeIn(In):
    status: PublicStatus
    reason: dict[str, str] = Field(description="By language; German and the proposal's own are required.")
    body: str = Field("", description="The deciding body.")
    link: str = Field("", description="A page with details: https://…")
    is_correction: bool = Field(False, description="Whether it corrects the last status; pages and messages say so.")
