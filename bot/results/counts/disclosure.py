"""Statistical disclosure control: which counts may be published, and why others may not. The one rule for all outputs.

Pure: counts in, reasons out. The risk lies in small or like-minded *groups* that others can name, and in differences
between two published figures; a small count among all participants tells nobody's answer (docs/results.md).

* A row (the answers of one group to one question) is told from `least` people on, and where the people who are not in
  it are none or `least` as well.
* Below `LARGE` people no answer of a row holds more than all but one: the one would know all others, and from all
  alike everybody knows. From `LARGE` people on "30 of 30 said yes" is a result.
* Rows that are told together, and two editions of them, give no one's answer away (`exposed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from flows.definition import SMALLEST_CELL

LEAST: Final = SMALLEST_CELL
"""Fewer people than this make no published row, if a consultation says nothing else."""
SENSITIVE_LEAST: Final = 10
"""The same for sensitive questions and for rooms."""
LARGE: Final = 20
"""From so many people on all may have answered alike."""
STEP: Final = 5
"""Counts of sensitive questions are rounded to a multiple of this."""
ALL: Final = 0
"""In place of the least number of people: everything is told, to the core team."""
WHOLE: Final = ""
"""The group of all who answered."""
OTHERS: Final = "other"
"""The group of all who are in one that is too small."""

Reason = Literal["", "few", "merged", "protected"]
"""Why a count is not told: "" it is told; fewer people than the bound; counted in another cell; left out to protect
others.
"""
Groups = frozenset[str]
"""The groups that some people have in common."""


class Rule(NamedTuple):
    """The bounds for one question; with `ALL` there are none."""

    least: int = LEAST
    is_sensitive: bool = False

    @property
    def bound(self) -> int:
        """Fewer people than this make no row."""
        return max(self.least, SENSITIVE_LEAST) if self.is_sensitive and self.least != ALL else self.least

    def is_like_minded(self, n: int, base: int) -> bool:
        """Whether an answer of `n` among `base` people tells too much of each of them."""
        return self.least != ALL and 0 < n > base - 2 and (base < LARGE or self.is_sensitive)


class Row(NamedTuple):
    """How many people answered, and how many of them gave each answer; several answers a person are fine."""

    base: int
    n: Mapping[str, int]


Table = Mapping[Groups, Row]
"""The answers to one question. People with the same groups make one row of counts; `frozenset()` has none."""


def whole(base: int, n: Mapping[str, int]) -> Table:
    """A table without groups."""
    return {frozenset(): Row(base, n)}


def of_group(table: Table, group: str) -> Row:
    """The row of a group, or of all who answered (`WHOLE`)."""
    rows = [row for groups, row in table.items() if group == WHOLE or group in groups]
    answers = dict.fromkeys(answer for row in rows for answer in row.n)
    return Row(sum(row.base for row in rows), {it: sum(row.n.get(it, 0) for row in rows) for it in answers})


def rounded(n: int) -> int:
    """A count of a sensitive question as it is told.

    >>> [rounded(n) for n in (0, 2, 3, 12, 13)]
    [0, 0, 5, 10, 15]
    """
    return (n + STEP // 2) // STEP * STEP


def reason(row: Row, rule: Rule) -> Reason:
    """Why a row is not told, looked at alone.

    >>> reason(Row(500, {"yes": 497, "no": 3}), Rule()), reason(Row(4, {"yes": 2, "no": 2}), Rule())
    ('', 'few')
    >>> reason(Row(12, {"yes": 11, "no": 1}), Rule()), reason(Row(30, {"yes": 30}), Rule())
    ('protected', '')
    >>> reason(Row(30, {"yes": 30}), Rule(is_sensitive=True))
    'protected'
    """
    if 0 < row.base < rule.bound:
        return "few"
    return "protected" if any(rule.is_like_minded(n, row.base) for n in row.n.values()) else ""


class Sizes(NamedTuple):
    """A partition of all people into groups, as it may be told."""

    told: Mapping[str, int]
    other: int
    """How many people are in the groups that were merged; 0 where none were."""
    reasons: Mapping[str, Reason]
    """Of each group."""


def merged(sizes: Mapping[str, int], least: int = LEAST) -> Sizes:
    """Small groups as one that is large enough, together with the next larger ones as far as it needs them.

    >>> merged({"web": 90, "telegram": 30, "matrix": 3, "console": 4})[:2]
    ({'web': 90, 'telegram': 30}, 7)
    >>> merged({"web": 90, "telegram": 30, "matrix": 3})[:2]
    ({'web': 90}, 33)
    >>> merged({"web": 90, "matrix": 3}).reasons
    {'web': 'protected', 'matrix': 'few'}
    """
    small = {name for name, n in sizes.items() if 0 < n < least}
    if not small:
        return Sizes(dict(sizes), 0, dict.fromkeys(sizes, ""))
    others: set[str] = set()
    for name in sorted(sizes, key=lambda it: sizes[it]):
        if name in small or (sizes[name] and sum(sizes[it] for it in others) < least):
            others.add(name)
    told = {name: n for name, n in sizes.items() if name not in others}
    if not any(told.values()):
        return Sizes({}, 0, {name: "few" if name in small else "protected" for name in sizes})
    reasons: dict[str, Reason] = {name: "merged" if name in others else "" for name in sizes}
    return Sizes(told, sum(sizes[it] for it in others), reasons)


def gathered(table: Table, groups: Iterable[str], rule: Rule) -> frozenset[str]:
    """Which groups are counted as one (`OTHERS`), before anything is left out; none, or such as reach the bound.

    Those are the groups below the bound, if they reach it together. If they do not, the next larger ones go with them
    where otherwise one of those would have to be left out, to protect who is in no row.

    >>> def table(**sizes): return {frozenset({it} - {"none"}): Row(n, {}) for it, n in sizes.items()}
    >>> sorted(gathered(table(a=40, b=3, c=4, none=9), "abc", Rule()))
    ['b', 'c']
    >>> [sorted(gathered(it, "abc", Rule())) for it in (table(a=40, b=3, c=12), table(a=40, b=3, c=12, none=9))]
    [['b', 'c'], []]
    """
    sizes = {it: of_group(table, it).base for it in groups}
    small = frozenset(it for it, n in sizes.items() if 0 < n < rule.bound)
    if not small:
        return frozenset()
    ordered = sorted((it for it in sizes if sizes[it] >= rule.bound), key=lambda it: sizes[it])
    rest = sum(row.base for mine, row in table.items() if mine.isdisjoint(ordered))
    while _in_any(table, small) < rule.bound:
        if not ordered or not 0 < rest < rule.bound:
            return frozenset()
        small |= {ordered.pop(0)}
    return small


def _in_any(table: Table, groups: Groups) -> int:
    return sum(row.base for mine, row in table.items() if not mine.isdisjoint(groups))


def as_one(table: Table, small: Groups) -> Table:
    """A table in which these groups are one, `OTHERS`."""
    found: dict[Groups, Row] = {}
    for mine, row in table.items() if small else ():
        name = mine if mine.isdisjoint(small) else (mine - small) | {OTHERS}
        before = found.get(name, Row(0, {}))
        answers = dict.fromkeys((*before.n, *row.n))
        found[name] = Row(before.base + row.base, {it: before.n.get(it, 0) + row.n.get(it, 0) for it in answers})
    return found if small else table


class Told(NamedTuple):
    """Why the number of a group's people is not told, and why their answers are not."""

    size: Reason
    answers: Reason


def told(table: Table, groups: Iterable[str], rule: Rule) -> dict[str, Told]:
    """What may be told of each group, and of `WHOLE`: people may be in several groups, or in none.

    >>> table = {frozenset({"a"}): Row(8, {"yes": 5, "no": 3}), frozenset({"b"}): Row(9, {"yes": 9, "no": 0})}
    >>> found = told(table, ["a", "b"], Rule())
    >>> found["a"], found["b"], found[WHOLE]  # the answers of b would follow from those of a
    (Told(size='', answers='protected'), Told(size='', answers='protected'), Told(size='', answers=''))
    """
    everybody = of_group(table, WHOLE)
    of_all = reason(everybody, rule)
    found = {WHOLE: Told("few" if of_all == "few" else "", of_all)}
    for group in groups:
        row = of_group(table, group)
        rest = everybody.base - row.base
        if row.base < rule.bound:
            found[group] = Told("few", "few")
        elif 0 < rest < rule.bound:
            found[group] = Told("protected", "protected")
        else:
            found[group] = Told("", reason(row, rule))
    shown = [group for group, it in found.items() if not it.answers]
    for group in _covering(table, shown, rule):
        found[group] = Told("protected", "protected")
        shown.remove(group)
    for group in _given_up(table, shown, rule):
        found[group] = found[group]._replace(answers="protected")
    return found


def _covering(table: Table, shown: list[str], rule: Rule) -> list[str]:
    """Which groups, the smallest first, must be left out with those that are, so that what is left of the whole is
    none or enough.
    """
    rows = sorted((it for it in shown if it != WHOLE), key=lambda it: of_group(table, it).base)
    found: list[str] = []
    while rows and 0 < sum(row.base for groups, row in table.items() if groups.isdisjoint(rows)) < rule.bound:
        found.append(rows.pop(0))
    return found


def _given_up(table: Table, shown: list[str], rule: Rule) -> list[str]:
    """Which groups must keep their answers back, so that those of the others give nobody away."""
    shown, given_up = list(shown), []
    while rule.least != ALL and len(shown) > 1 and _exposed_in(_once(table, _rows(shown)), rule):
        rows = [it for it in shown if it != WHOLE]
        left = {it: _exposed_in(_once(table, _rows(o for o in shown if o != it)), rule) for it in rows}
        worst = min(rows, key=lambda it: (left[it], it != OTHERS, of_group(table, it).base))
        shown.remove(worst)
        given_up.append(worst)
    return given_up


def besides(table: Table, lines: Sequence[Groups], groups: Sequence[str], rule: Rule) -> list[str]:
    """Which of these groups must keep their answers back, because rows of another division of the same people are told,
    so that all together give nobody away. The other rows are named by the groups they count, `frozenset()` is all.

    >>> table = {frozenset("ax"): Row(9, {"yes": 9}), frozenset("bx"): Row(9, {"yes": 0}),
    ...          frozenset("ay"): Row(9, {"yes": 4}), frozenset("by"): Row(9, {"yes": 3})}
    >>> besides(table, [frozenset(), frozenset("a")], ["x"], Rule())
    []
    >>> nobody = dict.fromkeys([frozenset("ay"), frozenset("by")], Row(9, {"yes": 0}))
    >>> besides({**table, **nobody}, [frozenset(), frozenset("a")], ["x"], Rule())  # all nine are in a and in x
    ['x']
    """
    shown, found = list(groups), list[str]()

    def given_away(names: Sequence[str]) -> int:
        rows = [*lines, *(frozenset({it}) for it in names)]
        return _exposed_in(_once(table, rows), rule)

    while rule.least != ALL and shown and given_away(shown):
        left = {it: given_away([other for other in shown if other != it]) for it in shown}
        worst = min(shown, key=lambda it: (left[it], of_group(table, it).base))
        shown.remove(worst)
        found.append(worst)
    return found


class Part(NamedTuple):
    """People of whom others know the same: in which published rows they are counted, and nothing else."""

    column: int
    """The rows, as a number: `4 ** row` for each of them, so that two of these numbers can be added."""
    n: int
    """How many of them gave the answer."""
    of: int


def exposed(parts: Iterable[Part], *, is_sensitive: bool = False) -> int:
    """How many people gave the answer for sure, by what the published rows say; 0 where a witness says the opposite.

    That somebody did *not* give it counts where the table has the opposite as an answer of its own. A person is safe
    where the same rows fit other answers as well. That is plain where the people of a part answered differently: any of
    them may be the one. Where all of a part gave the answer, others are looked for: up to two people less of some parts
    and two more of others, so that every row keeps its sum. Where none are found the part counts as exposed, although
    a change of more people might do. From `LARGE` people on in the part, in a row that is all alike, or in what one row
    leaves of another, it is a result.

    >>> exposed([Part(1, 6, 6), Part(1 + 4, 3, 9)])  # of 15 people 9, and of a group of 9 of these 3: so 6 of 6
    6
    """
    n_of: dict[int, list[int]] = {}
    for part in parts:
        if part.column and part.of:
            both = n_of.setdefault(part.column, [0, 0])
            both[0] += part.n
            both[1] += part.of
    counts = {column: (n, of) for column, (n, of) in n_of.items()}
    alike = [column for column, (n, of) in counts.items() if n == of]
    if not alike:
        return 0
    changes = _Changes(counts)
    surely = [
        column for column in alike if (is_sensitive or counts[column][1] < LARGE) and not changes.may_be_fewer(column)
    ]
    if not surely or is_sensitive:
        return sum(counts[column][1] for column in surely)
    results = _Results(counts)
    return sum(counts[column][1] for column in surely if not results.have(column))


class _Results:
    """Where `LARGE` people or more answered alike: all of a told row, or all that one told row leaves of another."""

    def __init__(self, counts: Mapping[int, tuple[int, int]]) -> None:
        rows = range((max(counts).bit_length() + 1) // 2)
        self._columns = [{column for column in counts if column // 4**row % 4} for row in rows]
        self._sums = [
            (sum(counts[column][0] for column in of), sum(counts[column][1] for column in of)) for of in self._columns
        ]

    def have(self, column: int) -> bool:
        """Whether these people are among them."""
        inside = [row for row, of in enumerate(self._columns) if column in of]
        outside = [row for row, of in enumerate(self._columns) if column not in of]
        return any(
            self._is_one(self._sums[row], (0, 0))
            or any(
                self._is_one(self._sums[row], self._sums[less]) and self._columns[less] < self._columns[row]
                for less in outside
            )
            for row in inside
        )

    @staticmethod
    def _is_one(row: tuple[int, int], less: tuple[int, int]) -> bool:
        return row[1] - less[1] >= LARGE and row[0] - less[0] == row[1] - less[1]


class _Changes:
    """Other answers of people that leave the sum of every row as it is.

    0 stands for people in no row: of these any number may have given the answer.
    """

    def __init__(self, counts: Mapping[int, tuple[int, int]]) -> None:
        self._counts = counts
        self._can_fall = [0, *(it for it, (n, _) in counts.items() if n)]
        self._can_rise = dict.fromkeys((0, *(it for it, (n, of) in counts.items() if n < of)))

    def may_be_fewer(self, column: int) -> bool:
        """Whether fewer of this part may have given the answer."""
        rises = self._can_rise
        for other in self._can_fall:
            if other == column and self._counts[column][0] < 2:
                continue
            both = column + other
            for one in rises:
                two = both - one
                if two not in rises or column in (one, two) or (other and other in (one, two)):
                    continue
                if one != two or not one or self._counts[one][1] - self._counts[one][0] >= 2:
                    return True
        return False


def _once(table: Table, shown: Sequence[Groups]) -> list[list[Part]]:
    """The parts of a table for each answer, where the rows of these groups are told, one or several to a row."""
    answers = dict.fromkeys(answer for row in table.values() for answer in row.n)
    return [
        [Part(_column(groups, shown), row.n.get(answer, 0), row.base) for groups, row in table.items()]
        for answer in answers
    ]


def _column(groups: Groups, shown: Sequence[Groups]) -> int:
    return sum(4**row for row, counted in enumerate(shown) if not counted or not counted.isdisjoint(groups))


def _rows(groups: Iterable[str]) -> list[Groups]:
    return [frozenset() if it == WHOLE else frozenset({it}) for it in groups]


def _exposed_in(answers: Iterable[Iterable[Part]], rule: Rule) -> int:
    return sum(exposed(parts, is_sensitive=rule.is_sensitive) for parts in answers)


def follows(previous: Row, new: Row, rule: Rule) -> bool:
    """Whether a row of all who answered may be told after an earlier one. (Of several rows:
    `bot.results.counts.moments`.)

    What changed is looked at as a group of its own: the people who came, and the answers that went, are none or enough,
    and not of one mind.

    >>> [follows(Row(40, {"yes": 30, "no": 10}), Row(40 + yes + no, {"yes": 30 + yes, "no": 10 + no}), Rule())
    ...  for yes, no in [(0, 0), (1, 0), (3, 3), (6, 0), (5, 1), (25, 0)]]
    [True, False, True, False, False, True]
    """
    return bool(reason(previous, rule) or reason(new, rule)) or is_enough(previous, new, rule)


def may_follow(previous: Mapping[str, Table], new: Mapping[str, Table], rules: Mapping[str, Rule]) -> bool:
    """Whether an edition may be published after the previous one: every table in both passes `follows`."""
    return not held(previous, new, rules)


def held(previous: Mapping[str, Table], new: Mapping[str, Table], rules: Mapping[str, Rule]) -> frozenset[str]:
    """The names of the tables of all who answered that may not be told after those of the previous edition."""
    return frozenset(
        name
        for name, table in new.items()
        if name in previous
        and previous[name] != table
        and not follows(of_group(previous[name], WHOLE), of_group(table, WHOLE), rules.get(name, Rule()))
    )


def is_enough(old: Row, new: Row, rule: Rule) -> bool:
    """Whether what changed in a row is nothing, or enough people not of one mind; came and went looked at apart."""
    if 0 < abs(new.base - old.base) < rule.bound:
        return False
    for answer in dict.fromkeys((*old.n, *new.n)):
        yes = new.n.get(answer, 0) - old.n.get(answer, 0)
        no = new.base - old.base - yes
        for sign in (1, -1):
            n, others = max(0, sign * yes), max(0, sign * no)
            if 0 < n + others < rule.bound or rule.is_like_minded(n, n + others):
                return False
    return True
