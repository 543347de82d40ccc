"""The expected state: participations, ideas and votes as intended by residents and moderators.

A participation is one person in one consultation: *begun* from the first message on, *answered* where at least one
question (consents apart) has an answer or anything was rated, *finished* where it was submitted. Figures count the
answered ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tests.city.survey import BY_KEY, CONSENTS, KEYS, LATER, LATER_AT, QUESTIONS, Question, Value

Reason = Literal["not_asked", "skipped", "refused", "dont_know", "interrupted"]
REASONS: tuple[Reason, ...] = ("not_asked", "skipped", "refused", "dont_know", "interrupted")
Vote = Literal[-1, 0, 1]


class Moment(NamedTuple):
    """The interval in which a message was sent, by the application's clock; ISO 8601 to the hour, UTC."""

    since: str
    until: str


class Given(NamedTuple):
    """An answer as given, or the reason why there is none."""

    value: Value | None
    reason: Reason | None
    channel: str
    language: str
    mode: str
    at: Moment


@dataclass
class Participation:
    """The participation of one resident."""

    place: str
    """An entry code unique to this resident, which identifies the rows of a raw export."""
    channel: str
    mode: str
    revision: int
    language: str
    status: Literal["waiting", "completed", "interrupted"] = "waiting"
    given: dict[str, Given] = field(default_factory=dict)
    asked_before: set[str] = field(default_factory=set)
    """The questions asked before a restart."""
    released: dict[str, str] = field(default_factory=dict)
    """Released answers to open questions, by key: the published texts."""

    @property
    def answers(self) -> dict[str, Value]:
        return {key: it.value for key, it in self.given.items() if it.value is not None}

    def next_open(self) -> str | None:
        """The first question on the way that has neither an answer nor a reason for none."""
        answers = self.answers
        for question in QUESTIONS:
            if question.key not in self.given and (question.ask_if is None or question.ask_if.holds(answers)):
                return question.key
        return None

    def take(self, key: str, given: Given) -> list[str]:
        """Takes an answer down; gives the questions whose answers fall off the way with it."""
        before = self.given.get(key)
        if before is None or (before.value, before.reason) != (given.value, given.reason):
            self.given[key] = given  # the same again is no change: it was said when it was said first
            self.released.pop(key, None)
        gone = []
        for question in QUESTIONS:
            condition = question.ask_if
            is_off = condition is not None and condition.key in self.given and not condition.holds(self.answers)
            if question.key in self.given and is_off:
                del self.given[question.key]
                self.released.pop(question.key, None)
                gone.append(question.key)
        return gone

    def start_over(self) -> None:
        self.asked_before |= {key for key, given in self.given.items() if given.reason != "not_asked"}
        self.given.clear()
        self.released.clear()
        self.status = "waiting"

    def reason(self, key: str) -> Reason | None:
        """Why a question has no answer; None where it has one."""
        if key in self.given:
            return self.given[key].reason
        following = self.next_open()
        if following is None or KEYS.index(key) < KEYS.index(following):
            return "not_asked"
        condition = BY_KEY[key].ask_if
        if condition is None or condition.holds(self.answers):
            return "interrupted"
        may_come = key in self.asked_before and condition.key not in self.given
        return "interrupted" if may_come and self.reason(condition.key) == "interrupted" else "not_asked"


@dataclass(eq=False)
class Idea:
    """A rated statement: a seed or a resident's proposal."""

    text: str
    language: str
    author: str | None = None
    """The entry code of its author."""
    code: str = ""
    state: Literal["waiting", "released", "hidden", "merged", "erased"] = "waiting"
    into: Idea | None = None
    district: str | None = None
    is_read: bool = False
    was_merged: bool = False
    """Into another one, or another one into it, at some time."""
    wordings: set[str] = field(default_factory=set)
    """Everything it was called while it could be seen: before an edit, and in other languages."""

    def __post_init__(self) -> None:
        self.wordings.add(self.text)

    def reword(self, text: str) -> None:
        """It is called otherwise from now on."""
        self.text = text
        self.wordings.add(text)

    @property
    def final(self) -> Idea:
        return self if self.into is None else self.into.final

    @property
    def is_public(self) -> bool:
        return self.state == "released"


class Cast(NamedTuple):
    """One vote as it was given."""

    voter: str
    idea: Idea
    vote: Vote
    important: bool


class Tally(NamedTuple):
    """Counts of people or votes by value."""

    agrees: int
    disagrees: int
    passes: int
    important: int

    @property
    def votes(self) -> int:
        return self.agrees + self.disagrees + self.passes


def tally(votes: Iterator[Cast] | list[Cast]) -> Tally:
    kinds = Counter[int]()
    important = 0
    for it in votes:
        kinds[it.vote] += 1
        important += it.important
    return Tally(kinds[1], kinds[-1], kinds[0], important)


@dataclass
class Ledger:
    """The expected state of all participations, ideas and votes."""

    participations: dict[str, Participation] = field(default_factory=dict)
    """By place code."""
    ideas: list[Idea] = field(default_factory=list)
    casts: list[Cast] = field(default_factory=list)
    """In the order in which votes were given."""
    revision: int = 0
    """The live one."""

    def codes(self, question: Question) -> tuple[str, ...]:
        """What could be answered so far, in any revision."""
        return (*question.offered, *(LATER if question.key == LATER_AT and self.revision > 1 else ()))

    def idea_by_text(self, text: str) -> Idea | None:
        return next((it for it in self.ideas if it.text == text), None)

    def released(self) -> list[Idea]:
        return [it for it in self.ideas if it.is_public]

    def last_votes(self) -> dict[tuple[str, str], Cast]:
        """By voter and code of the idea for which the vote counts: the last one of each person."""
        return {(it.voter, it.idea.final.code): it for it in self._that_count()}

    def _that_count(self) -> Iterator[Cast]:
        """Excludes votes on proposals merged into the voter's own idea: residents do not rate their own ideas."""
        return (it for it in self.casts if it.idea.final.author != it.voter)

    def tallies(self) -> dict[str, Tally]:
        """By code, each person once: ideas of all states but those which were merged into another one."""
        votes: dict[str, list[Cast]] = {it.code: [] for it in self.ideas if it.state != "merged"}
        for (_, code), cast in self.last_votes().items():
            votes[code].append(cast)
        return {code: tally(found) for code, found in votes.items()}

    def event_tallies(self) -> dict[str, Tally]:
        """By code, every vote ever given."""
        votes: dict[str, list[Cast]] = {it.code: [] for it in self.ideas if it.state != "merged"}
        for cast in self._that_count():
            votes[cast.idea.final.code].append(cast)
        return {code: tally(found) for code, found in votes.items()}

    def cast(self, voter: str, idea: Idea, vote: Vote, *, important: bool) -> None:
        """Records a vote. A vote on an idea that its author deletes in the same batch is deleted with the idea."""
        if idea.state != "erased":
            self.casts.append(Cast(voter, idea, vote, important))

    def rated(self, voter: str) -> int:
        """How many ideas this person has rated. Where a later rating of what was merged into one stands for both, both
        are one.
        """
        last = {it.idea.code: place for place, it in enumerate(self.casts) if it.voter == voter}
        ideas = [it for it in self.ideas if it.code in last]
        replaced = {
            it.into.code
            for it in ideas
            if it.into is not None and last.get(it.into.code, len(self.casts)) < last[it.code]
        }
        return len(ideas) - len(replaced)

    def forget_votes(self, voter: str) -> None:
        self.casts = [it for it in self.casts if it.voter != voter]

    def forget_idea(self, idea: Idea) -> None:
        """It is gone with all votes on it; what had been merged into it waits to be read again."""
        self.ideas.remove(idea)
        idea.state = "erased"
        self.casts = [it for it in self.casts if it.idea is not idea]
        for other in self.ideas:
            if other.into is idea:
                other.into, other.state = None, "waiting"

    def forget(self, place: str) -> None:
        """A person deleted everything."""
        self.participations.pop(place, None)
        self.forget_votes(place)
        for idea in [it for it in self.ideas if it.author == place]:
            self.forget_idea(idea)

    def begun(self) -> int:
        return len(self.participations)

    def answered(self) -> list[Participation]:
        """Those which figures are of."""
        voters = {it.voter for it in self.casts}
        return [it for it in self.participations.values() if it.place in voters or it.answers.keys() - CONSENTS]

    def finished(self) -> int:
        return sum(it.status == "completed" for it in self.participations.values())

    def context(self, name: Literal["status", "channel", "language", "mode", "revision"]) -> Counter[str]:
        """How many participations are of each kind."""
        return Counter(str(getattr(it, name)) for it in self.answered())

    def reasons(self, key: str) -> Counter[str]:
        """Why there is no answer to a question."""
        return Counter(reason for it in self.answered() if (reason := it.reason(key)) is not None)

    def values(self, key: str) -> list[Value]:
        """All answers to a question."""
        return [it.answers[key] for it in self.answered() if key in it.answers]

    def people_per_code(self, key: str) -> Counter[str]:
        """How many people gave each code: chose it, ranked it, gave it something."""
        found = Counter[str]()
        for value in self.values(key):
            found.update(codes_of(value))
        return found

    def asked(self, key: str) -> int:
        """How many came to a question: they answered it, or said that they do not."""
        reasons = self.reasons(key)
        return sum(reasons[reason] for reason in ("skipped", "refused", "dont_know")) + len(self.values(key))

    def base(self, key: str) -> int:
        """Of how many people shares are: who answered, and where it depends on other answers, who was asked."""
        return len(self.values(key)) if BY_KEY[key].ask_if is None else self.asked(key)


def code_of(value: Value) -> str:
    """A single value as files write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def codes_of(value: Value) -> list[str]:
    """The codes an answer is made of."""
    if isinstance(value, dict):
        return [code for code, amount in value.items() if amount]
    return list(value) if isinstance(value, list) else [code_of(value)]
