"""Compare options in pairs."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from flows.meaning import Meanings, meanings
from flows.messages import Expects, MsgOut, QuickReply
from flows.parts import BodyPart, HintPart, MessagePart, Parts, noticed
from flows.questions.base import LocalizedQuestion, Problem, Question, question
from flows.questions.choice import option_clashes, option_names
from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.option import Option
from flows.questions.outcomes import Interpreted, Invalid, ParseResult, PartialAnswer, Reply
from flows.renderer import Renderer
from flows.tally import Tally
from flows.tokens import DONE
from flows.understanding.text import fold
from flows.values import Missing, Value

_SEED = "#"
_FIRST, _SECOND, _NEITHER = "123"
_DECISION = re.compile(r"[a-z][a-z0-9_]*[>=][a-z][a-z0-9_]*")
_MOST_ON_PAPER = 15
"""Maximum number of pairs on a sheet of paper: those of six options."""
_SHOWN = 3
"""Number of leading options that a summary names."""


class Pair(NamedTuple):
    """Two options in the order shown, which is random too."""

    first: str
    second: str


@question
class Pairwise(Question):
    """Compare options in pairs, in an order that differs between contacts. The value is the list of decisions:
    "park>school" (the park rather than the school), "park=school" (undecided).

    After `min` pairs "done" ends the question; after `max` pairs it ends by itself. All options appear about equally
    often. `skip` keeps the decisions if there are at least `min`. A sheet of paper shows all pairs of up to six
    options; every ticked pair counts.

    ```yaml
    - key: rather
      type: pairwise
      text: {de: Was ist wichtiger?, en: Which matters more?}
      min: 2
      max: 5
      options:
        - {value: park, label: {de: Park, en: Park}}
        - {value: school, label: {de: Schule, en: School}}
        - {value: bridge, label: {de: Brücke, en: Bridge}}
    ```
    """

    type_name: ClassVar[tuple[str, str]] = ("A oder B", "A or B")
    expects: ClassVar[Expects] = "one"
    tally: ClassVar[Tally] = "pairs"
    meanings: ClassVar[Meanings] = meanings(labels="options", free="min max")

    type: Literal["pairwise"] = "pairwise"
    options: tuple[Option, ...] = Field(min_length=3, max_length=20)
    min: int = Field(default=1, ge=1)
    max: int = Field(default=10, ge=1, le=50)
    skip: Literal[True] = True
    dont_know: Literal[False] = False

    @property
    def all_pairs(self) -> int:
        """Number of all pairs."""
        return len(self.options) * (len(self.options) - 1) // 2

    @property
    def most(self) -> int:
        """Maximum number of pairs asked."""
        return min(self.max, self.all_pairs)

    @property
    def on_paper(self) -> bool:
        return self.all_pairs <= _MOST_ON_PAPER

    def problems(self) -> Iterator[Problem]:
        yield from option_clashes(self.options)
        if self.min > self.max:
            yield Problem(("max",), f"`max` {self.max} is below `min` {self.min}", "swap or correct them")
        elif self.min > self.most:
            yield Problem(("min",), f"`min` {self.min} is more than the {self.most} pairs there are", "lower it")

    def listed_options(self) -> Sequence[Option]:
        return self.options

    def localize(self, renderer: Renderer) -> LocalizedQuestion:
        return _LocalizedPairwise(self, renderer)


@lru_cache(1024)
def pairs(values: tuple[str, ...], seed: str, most: int) -> tuple[Pair, ...]:
    """Returns the pairs in the order of asking: drawn by hashing `seed`, pairs of the least shown options first.

    >>> [len(pairs(("a", "b", "c", "d"), "7K3QP", most)) for most in (2, 99)]
    [2, 6]
    >>> sorted(sum(pairs(("a", "b", "c", "d"), "7K3QP", 2), ()))
    ['a', 'b', 'c', 'd']
    """
    drawn = {pair: hashlib.sha256("|".join((seed, *pair)).encode()).digest() for pair in combinations(values, 2)}
    came: Counter[str] = Counter()
    order: list[Pair] = []
    while drawn and len(order) < most:
        one = min(drawn, key=lambda pair: (came[pair[0]] + came[pair[1]], max(came[it] for it in pair), drawn[pair]))
        # The last bit decides the order within the pair, so that no option gains from being first.
        order.append(Pair(*one) if drawn.pop(one)[-1] & 1 else Pair(one[1], one[0]))
        came.update(one)
    return tuple(order)


class _LocalizedPairwise(LocalizedQuestion):
    """A draft is the seed and the decisions; both determine the next pair."""

    def __init__(self, definition: Pairwise, renderer: Renderer) -> None:
        self._definition = definition
        self._renderer = renderer
        self._names = {value: (label, names) for value, label, names in option_names(definition.options, renderer)}
        self._options = {option.value: option for option in definition.options}
        self._even = (renderer.text("pairwise.even"), tuple(renderer.words("words.even")))
        words = (word for label, names in (*self._names.values(), self._even) for word in (label, *names))
        self._known = frozenset(map(fold, words)) | {_FIRST, _SECOND, _NEITHER}
        self._matcher_of = lru_cache(256)(self._make_matcher)
        self._done = QuickReply(renderer.token(definition.key, DONE), renderer.text("button.done"), role="done")
        self._done_words = renderer.done_words()
        self._hint = renderer.text("hint.pairwise")
        self.prompt = self._message("", [])

    def draft_for(self, value: Value | None, seed: str = "") -> Value | None:
        """Continues an incomplete answer; starts again if all pairs are decided."""
        before = value if isinstance(value, list) else []
        return [f"{_SEED}{seed}", *(before if len(before) < self._definition.most else ())]

    def parse(self, reply: Reply, draft: Value | None) -> ParseResult:
        if reply.msg is not None and reply.msg.mode == "paper" and reply.text:
            return self._from_paper(reply.text.split())
        seed, decided = self._read(draft)
        if reply.choice == DONE or reply.folded in self._done_words:
            return decided if len(decided) >= self._definition.min else Invalid(self._hint)
        if self._is_of_earlier_pair(reply, len(decided)):
            return self._draft(seed, decided, noticed(self._renderer.text("stale")))
        picked = self._matcher_of(len(decided), self._pair(seed, decided)).match(reply)
        if isinstance(picked, Missing):
            return picked
        value = str(picked.value) if isinstance(picked, Interpreted) else picked
        if value is None:
            return Invalid(self._hint)
        return self._next(seed, decided, value.partition("-")[2], is_guess=isinstance(picked, Interpreted))

    @staticmethod
    def _is_of_earlier_pair(reply: Reply, decided: int) -> bool:
        """Whether a button of an earlier pair was tapped, possibly for the second time."""
        number, _, meant = reply.choice.partition("-")
        return meant in {_FIRST, _SECOND, _NEITHER} and number.isdecimal() and number != str(decided)

    def prompt_for(self, draft: Value | None) -> MsgOut:
        return self._message(*self._read(draft))

    def value_if_skipped(self, draft: Value | None) -> Value | Missing:
        _, decided = self._read(draft)
        return decided if len(decided) >= self._definition.min else Missing.SKIPPED

    def show(self, value: Value) -> str:
        decided = value if isinstance(value, list) else [str(value)]
        wins = Counter(one.partition(">")[0] for one in decided if ">" in one)
        said = self._renderer.text("pairwise.decided", n=len(decided))
        ahead = [self._label(winner) for winner, _ in wins.most_common(_SHOWN)]
        return f"{said}, {self._renderer.text('pairwise.won', labels=self._renderer.listed(ahead))}" if ahead else said

    def paper_hint(self) -> str:
        hint = self._definition.hint
        own = self._renderer.localized(hint) if hint else ""
        return "\n".join(filter(None, (own, self._renderer.text("web.paper.rows", min=self._definition.min))))

    def paper_rows(self) -> Sequence[Sequence[tuple[str, str]]]:
        """Returns all pairs once, in a drawn order that is the same for every sheet."""
        return [
            [
                (f"{first}>{second}", self._label(first)),
                (f"{second}>{first}", self._label(second)),
                (f"{first}={second}", self._even[0]),
            ]
            for first, second in pairs(tuple(self._names), "", self._definition.all_pairs)
        ]

    def matches_exactly(self, folded: str) -> bool:
        return folded in self._known or folded in self._done_words

    def _from_paper(self, ticked: Sequence[str]) -> ParseResult:
        """Returns the ticked decisions in the order of the sheet; refuses two answers to one pair and unknown codes."""
        rows = [{code for code, _ in row} for row in self.paper_rows()]
        if not set(ticked) <= set().union(*rows) or any(len(row.intersection(ticked)) > 1 for row in rows):
            return Invalid(self._hint)
        if len(ticked) < self._definition.min:
            return Invalid(self._renderer.text("pairwise.few", min=self._definition.min))
        return [code for row in rows for code in ticked if code in row]

    def _label(self, value: str) -> str:
        return self._names[value][0] if value in self._names else value

    def _read(self, draft: Value | None) -> tuple[str, list[str]]:
        """Returns seed and decisions of a draft; ignores invalid entries."""
        kept = draft if isinstance(draft, list) else []
        seed = kept[0].removeprefix(_SEED) if kept and kept[0].startswith(_SEED) else ""
        decided = [one for one in kept if _DECISION.fullmatch(one)]
        return seed, decided[: self._definition.most - 1]

    def _pair(self, seed: str, decided: list[str]) -> Pair:
        return pairs(tuple(self._names), seed, self._definition.most)[len(decided)]

    def _make_matcher(self, number: int, pair: Pair) -> ChoiceMatcher:
        offered = [(_FIRST, *self._names[pair.first]), (_SECOND, *self._names[pair.second]), (_NEITHER, *self._even)]
        return ChoiceMatcher(
            self._definition,
            self._renderer,
            [(f"{number}-{value}", label, names) for value, label, names in offered],
        )

    def _next(self, seed: str, decided: list[str], meant: str, *, is_guess: bool) -> ParseResult:
        first, second = self._pair(seed, decided)
        code = {_FIRST: f"{first}>{second}", _SECOND: f"{second}>{first}", _NEITHER: f"{first}={second}"}[meant]
        after = [*decided, code]
        if len(after) == self._definition.most:
            return Interpreted(after) if is_guess else after
        label = {_FIRST: self._label(first), _SECOND: self._label(second)}.get(meant, self._even[0])
        line = self._renderer.text("answer.understood", answer=label) if is_guess else ""
        return self._draft(seed, after, noticed(line, "understood"))

    def _draft(self, seed: str, decided: list[str], notices: Parts) -> PartialAnswer:
        msg = self._message(seed, decided)
        return PartialAnswer([f"{_SEED}{seed}", *decided], msg.preceded_by(notices))

    def _message(self, seed: str, decided: list[str]) -> MsgOut:
        """Returns the prompt of the next pair, with the progress."""
        phrase, definition = self._renderer.text, self._definition
        replies = self._matcher_of(len(decided), self._pair(seed, decided)).quick_replies
        lines: list[MessagePart] = [BodyPart(phrase("pairwise.of", number=len(decided) + 1, max=definition.most))]
        if len(decided) >= definition.min:
            replies = (*replies, self._done)
            lines.append(HintPart(phrase("pairwise.may_stop", done=self._done.label)))
        offered = [self._options[value] for value in self._pair(seed, decided)]
        return definition.prompt(self._renderer, replies, tuple(lines), offered)
