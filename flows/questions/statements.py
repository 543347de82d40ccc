"""Rate the statements of others, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Literal, NamedTuple

from pydantic import ConfigDict, Field

from flows.earlier_wave import EarlierWave
from flows.events import Event, Rated
from flows.fact_queries import NextStatement, NextStatementOffer, OwnVote, Statement, StillReleased
from flows.facts import Facts
from flows.languages import LANGUAGES
from flows.meaning import Meanings, meanings
from flows.messages import Expects, MsgOut, QuickReply, Role
from flows.parts import BodyPart, Parts, ProgressPart, ProposalCard, TitlePart, noticed
from flows.phrase_families import RATINGS
from flows.questions.base import LocalizedQuestion, Problem, Question, ValueType, Where, question
from flows.questions.fact_based import FactBasedQuestion
from flows.questions.outcomes import Accepted, Invalid, ParseResult, PartialAnswer, Reply
from flows.renderer import Renderer
from flows.tally import Tally
from flows.understanding.matching import Matcher
from flows.understanding.text import fold
from flows.values import Missing, Value
from flows.wording import Text

Vote = Literal[-1, 0, 1]
Stage = Literal["rate", "more", "none"]

_VOTES: Final[dict[str, Vote]] = {"agree": 1, "disagree": -1, "pass": 0}
_ROLES: Final[dict[str, Role]] = {"important": "mark", "unimportant": "mark", "original": "look"}
_SIGNS: Final[dict[str, Vote]] = {"👍": 1, "✅": 1, "👎": -1, "❌": -1, "🤷": 0}
_LONGEST_ID: Final = 19
SEED_LENGTH: Final = 280


@question
class Statements(Question):
    """Rate statements of others, one after another: agree, disagree or undecided, and whether it is important. The
    value is how many were rated.

    After a `block` of statements the bot asks whether to continue. It shows the released proposals of this consultation
    (questions of type proposal), the `seeds` in this definition, which are published with it, and proposals `from` an
    earlier wave. Contacts never get their own statements or one twice; rarely shown statements come more often.

    ```yaml
    - key: ideas_of_others
      type: statements
      text: {de: Was halten Sie von den Ideen der anderen?, en: What do you think of these ideas?}
      seeds:
        - {de: Der Park soll nachts beleuchtet sein., en: The park should be lit at night.}
        - {de: Mehr Bänke sind wichtiger als mehr Licht., en: Benches matter more than light.}
    ```
    """

    model_config = ConfigDict(validate_by_alias=True, serialize_by_alias=True)

    type_name: ClassVar[tuple[str, str]] = ("Ideen anderer bewerten", "Rate the ideas of others")
    expects: ClassVar[Expects] = "one"
    tally: ClassVar[Tally] = "votes"
    carries: ClassVar[Literal["", "proposal", "votes"]] = "votes"
    value_note: ClassVar[tuple[str, str]] = (
        "Zahl der bewerteten Vorschläge; jede Bewertung steht in ratings_long.csv",
        "How many proposals were rated; each rating stands in ratings_long.csv",
    )

    meanings: ClassVar[Meanings] = meanings(entries="seeds", free="block earlier")

    type: Literal["statements"] = "statements"
    dont_know: Literal[False] = False
    refuse: Literal[False] = False
    block: int = Field(default=5, ge=1, le=20)
    seeds: tuple[Text, ...] = Field(default=(), max_length=200)
    earlier: EarlierWave | None = Field(default=None, alias="from", exclude_if=lambda earlier: earlier is None)

    @property
    def on_paper(self) -> bool:
        """False: each contact gets other statements, and the released ones change."""
        return False

    def problems(self) -> Iterator[Problem]:
        yield from self._problems_of_wave()
        seen: set[str] = set()
        for index, seed in enumerate(self.seeds):
            for language, wording in seed.items():
                where = ("seeds", index, language)
                if len(wording.text) > SEED_LENGTH:
                    reason = f"the statement has {len(wording.text)} characters, too many to weigh in a chat"
                    yield Problem(where, reason, f"say one thing in at most {SEED_LENGTH} characters", warning=True)
                if (name := f"{language} {fold(wording.text)}") in seen:
                    yield Problem(where, "the statement stands twice", "remove one of them")
                seen.add(name)

    def _problems_of_wave(self) -> Iterator[Problem]:
        if self.earlier is None:
            return
        is_top, is_counted = self.earlier.take == "top", self.earlier.count is not None
        if is_top and not is_counted:
            yield Problem(("from",), "how many are taken is missing", "write count: 20, say, beside take: top")
        if is_counted and not is_top:
            reason = "all that is released is taken, so `count` means nothing"
            yield Problem(("from", "count"), reason, "take it away, or write take: top")

    def texts(self) -> Iterator[tuple[Where, Text]]:
        yield from super().texts()
        for index, seed in enumerate(self.seeds):
            yield ("seeds", index), seed

    def seed_statements(self) -> Sequence[Text]:
        return self.seeds

    def earlier_wave(self) -> EarlierWave | None:
        return self.earlier

    def labels(self, languages: Sequence[str]) -> Iterator[tuple[str, Text | None]]:
        for seed in self.seeds:
            language = seed.first_language(languages)
            yield f"{language} {fold(seed.root[language].text)}", seed

    def values(self) -> ValueType:
        return int

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedStatements(self, renderer)


class _BlockState(NamedTuple):
    """State of the current block: the statement, its display, and the number of rated ones. Stored in the session."""

    stage: Stage
    rated: int
    in_block: int = 0
    statement: Statement | None = None
    is_important: bool = False
    is_original: bool = False
    total: int = 0
    """How many statements the block has; 0 in the state of an earlier version."""

    def kept(self) -> list[str]:
        shown = [] if self.statement is None else [str(field) for field in self.statement]
        flags = f"{'i' if self.is_important else ''}{'o' if self.is_original else ''}{self.total or ''}"
        return [self.stage, str(self.rated), str(self.in_block), flags, *shown]

    @staticmethod
    def of(draft: Value | None) -> _BlockState | None:
        """Parses a stored draft; returns None for anything else."""
        match draft:
            case ["rate" | "more" | "none" as stage, rated, in_block, flags, *shown] if (rated + in_block).isdecimal():
                statement = Statement(int(shown[0]), *shown[1:]) if len(shown) == len(Statement._fields) else None
                return _BlockState(
                    stage=stage,
                    rated=int(rated),
                    in_block=int(in_block),
                    statement=statement,
                    is_important="i" in flags,
                    is_original="o" in flags,
                    total=int("0" + flags.strip("io")) if flags.strip("io").isdecimal() else 0,
                )
        return None


class _LocalizedStatements(FactBasedQuestion):
    def __init__(self, definition: Statements, renderer: Renderer) -> None:
        phrase = renderer.text
        self._key, self._block, self._renderer = definition.key, definition.block, renderer
        self._hint = phrase("hint.statements")
        self._labels = {word: phrase(id_) for word, id_ in RATINGS.items()}
        numbers = dict(zip((*_VOTES, "important"), ("1", "2", "3", "4"), strict=True))
        names = (
            (word, (label, *renderer.words(f"words.{word}"), numbers.get(word, label)))
            for word, label in self._labels.items()
        )
        # Numbered manually: the fourth answer sets or removes the mark "important".
        self._matcher = Matcher(names, numbered=False, small=renderer.function_words())
        self._on = [fold(word) for word in renderer.words("words.continue")]
        self._more = [fold(word) for word in (phrase("statements.more_yes"), *renderer.words("words.more"))] + self._on
        self._done = [fold(word) for word in (phrase("button.done"), *renderer.words("words.done"))]
        self._yes, self._no = ([fold(word) for word in renderer.words(f"words.{word}")] for word in ("yes", "no"))
        self._skip = (renderer.command("skip"),) if definition.skip else ()
        # A command, so that every channel shows it beside the answers; leaving keeps the ratings.
        self._enough = (renderer.command("skip")._replace(label=phrase("button.done")),)
        # Sent before the first statement, which has the quick replies.
        self.prompt = definition.prompt(renderer, line=phrase("statements.how"))._replace(quick_replies=(), expects="")

    def begin(self, facts: Facts, rated: int = 0) -> PartialAnswer:
        return self._next(facts.get(NextStatement(self._key, self._renderer.language, rated, facts.dropped)), 0)

    def respond(self, reply: Reply, draft: Value | None, facts: Facts) -> ParseResult:
        state = _BlockState.of(draft)
        if state is None:
            return self.begin(facts)
        if reply.choice:
            return self._tapped(state, reply.choice, facts)
        vote = self._plain_vote(reply)
        # "Continue" before the first statement of a block keeps the answer unchanged.
        is_leaving = state.stage == "rate" and not state.in_block and reply.folded in self._on
        # "OK" agrees with the statement and does not end the block.
        if vote is None and (is_leaving or reply.folded in self._done):
            return self._finished(state)
        if state.stage != "rate" or state.statement is None:
            return self._said_in_between(state, reply.folded, vote, facts)
        if vote is not None:
            return self._voted(state, state.statement.id, vote, facts)
        match = self._matcher.find_folded(reply.folded)
        if match is None:
            return self._vote_and_importance(state, state.statement.id, reply.folded, facts)
        is_again = match.value == "important" and state.is_important and reply.folded == "4"
        return self._did(state, state.statement.id, "unimportant" if is_again else match.value, facts)

    def prompt_for(self, draft: Value | None) -> MsgOut:
        state = _BlockState.of(draft)
        return self._shown(state) if state else self.prompt

    def value_if_skipped(self, draft: Value | None) -> Value | Missing:
        state = _BlockState.of(draft)
        return state.rated if state and (state.rated or state.stage == "none") else Missing.SKIPPED

    def show(self, value: Value) -> str:
        return self._renderer.text("statements.count", count=value)

    def matches_exactly(self, folded: str) -> bool:
        return self._matcher.matches_exactly(folded) or folded in self._more or folded in self._done

    def _tapped(self, state: _BlockState, choice: str, facts: Facts) -> ParseResult:
        word, _, id_ = choice.partition("-")
        if choice == "more" and state.stage != "rate":
            return self._next(facts.get(NextStatement(self._key, self._renderer.language)), 0)
        if word not in self._labels or not id_.isdecimal() or len(id_) > _LONGEST_ID:
            return Invalid(self._hint)
        if state.stage == "rate" and state.statement is not None and int(id_) == state.statement.id:
            return self._did(state, int(id_), word, facts)
        return self._changed(state, int(id_), word, facts)

    def _changed(self, state: _BlockState, id_: int, word: str, facts: Facts) -> PartialAnswer:
        """Handles a tap below an earlier statement: another answer replaces the vote and keeps the mark "important"."""
        before = facts.get(OwnVote(id_))
        if word not in _VOTES or before is None:
            return self._draft(state, self._renderer.text("statements.earlier"))
        said = [self._labels[word], *([self._labels["important"]] if before.is_important else [])]
        answer = self._renderer.listed(said)
        if before.vote == _VOTES[word]:
            return self._draft(state, self._renderer.text("statements.noted", answer=answer))
        if not facts.get(StillReleased(id_)):
            return self._draft(state, self._renderer.text("statements.gone"))
        rated = Rated(id_, _VOTES[word], before.is_important, self._key)
        return self._draft(state, self._renderer.text("statements.changed", answer=answer), rated)

    def _vote_and_importance(self, state: _BlockState, id_: int, folded: str, facts: Facts) -> ParseResult:
        """Handles a vote and the mark in one reply: "Stimme zu, ist mir wichtig"."""
        words, _ = self._matcher.split(folded)
        votes = {word for word in words if word in _VOTES}
        if len(votes) != 1 or not set(words) <= {*votes, "important"}:
            return Invalid(self._hint)
        return self._did(state._replace(is_important=True), id_, votes.pop(), facts)

    def _did(self, state: _BlockState, id_: int, word: str, facts: Facts) -> ParseResult:
        if word in _VOTES:
            return self._voted(state, id_, _VOTES[word], facts)
        if word == "original":
            return self._draft(state._replace(is_original=True))
        line = self._renderer.text("statements.is_important") if word == "important" else ""
        return self._draft(state._replace(is_important=word == "important"), line)

    def _voted(self, state: _BlockState, id_: int, vote: Vote, facts: Facts) -> ParseResult:
        following = NextStatement(self._key, self._renderer.language, after=id_)
        facts.require(StillReleased(id_), following)
        offer = facts.get(following)
        if not facts.get(StillReleased(id_)):
            return self._next(offer._replace(rated=state.rated), state.in_block, self._renderer.text("statements.gone"))
        rated = Rated(id_, vote, state.is_important, self._key)
        count, in_block = state.rated + 1, state.in_block + 1
        if offer.statement is None:
            return Accepted(count, (rated,), echo=self._renderer.text("statements.all"))
        if in_block >= self._block:
            return self._draft(_BlockState("more", count), "", rated)
        return self._next(offer._replace(rated=count), in_block, "", rated)

    def _plain_vote(self, reply: Reply) -> Vote | None:
        """Returns the vote of a plain yes, no or thumb emoji; else None."""
        if reply.folded:
            return 1 if reply.folded in self._yes else -1 if reply.folded in self._no else None
        thumbs = {vote for sign, vote in _SIGNS.items() if sign in reply.text}
        return thumbs.pop() if len(thumbs) == 1 else None

    def _said_in_between(self, state: _BlockState, folded: str, vote: Vote | None, facts: Facts) -> ParseResult:
        if state.stage == "more" and (folded in self._more or vote == 1 or folded == "1"):
            return self._next(facts.get(NextStatement(self._key, self._renderer.language)), 0)
        if vote == -1 or folded == "2" or state.stage == "none":
            return self._finished(state)
        return Invalid(self._hint)

    def _finished(self, state: _BlockState) -> ParseResult:
        left = self.value_if_skipped(state.kept())
        return left if not isinstance(left, Missing) or self._skip else Invalid(self._hint)

    def _next(self, offer: NextStatementOffer, in_block: int, line: str = "", *events: Event) -> PartialAnswer:
        stage: Stage = "none" if offer.statement is None else "rate"
        total = min(self._block, in_block + offer.left) if offer.left else self._block
        total = total if offer.statement else 0
        return self._draft(_BlockState(stage, offer.rated, in_block, offer.statement, total=total), line, *events)

    def _draft(self, state: _BlockState, line: str = "", *events: Event) -> PartialAnswer:
        msg = self._shown(state)
        return PartialAnswer(state.kept(), msg.preceded_by(noticed(line)), events)

    def _shown(self, state: _BlockState) -> MsgOut:
        renderer = self._renderer
        if state.statement is None and state.stage != "more":
            return renderer.message(
                renderer.text("statements.none"), [self._enough[0]._replace(label=renderer.text("button.continue"))]
            )
        if state.statement is None:
            more = QuickReply(renderer.token(self._key, "more"), renderer.text("statements.more_yes"), 1)
            text = renderer.text("statements.more", count=state.rated)
            return renderer.message([TitlePart(text)], (more, *self._enough))._replace(expects="one", title=text)
        statement, replies = state.statement, self._replies(state, state.statement)
        card = ProposalCard(statement.text, statement.code, statement.language)
        if state.is_original and statement.original:
            card = ProposalCard(statement.original, statement.code, statement.original_language)
        line = self._about_language(statement, state.is_original)
        about = (BodyPart(line),) if line else ()
        return renderer.message((*self._progress(state), card, *about), replies)._replace(
            expects="one", title=card.text
        )

    def _progress(self, state: _BlockState) -> Parts:
        if state.total < 2:
            return ()
        return (ProgressPart(self._renderer.text("statements.progress", number=state.in_block + 1, total=state.total)),)

    def _replies(self, state: _BlockState, statement: Statement) -> tuple[QuickReply, ...]:
        words = [*_VOTES, "unimportant" if state.is_important else "important"]
        if statement.original and not state.is_original:
            words.append("original")
        replies = (
            QuickReply(
                self._renderer.token(self._key, f"{word}-{statement.id}"),
                self._labels[word],
                number % 5,
                role=_ROLES.get(word, "answer"),
            )
            for number, word in enumerate(words, start=1)
        )
        return (*replies, *(self._enough if state.rated else self._skip))

    def _about_language(self, statement: Statement, is_original: bool) -> str:
        if is_original:
            return ""
        if statement.original:
            return self._renderer.text("statements.translated", language=_name(statement.original_language))
        own, read = (language.partition("-")[0] for language in (statement.language, self._renderer.language))
        return "" if own == read else self._renderer.text("statements.only_in", language=_name(statement.language))


def _name(language: str) -> str:
    known = LANGUAGES.get(language)
    return known.name if known else language
