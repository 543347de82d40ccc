"""Matches short replies: by number, label, synonym, small typo, emoji digit, or within a few words."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from flows.understanding.text import fold

V = TypeVar("V", bound=Hashable)

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
# A longer reply is free text, not a choice within a few words.
_FEW_WORDS = 12
_STRANGE_WORDS = 3
_SHORTEST_PART = 4
_LONGEST_SENTENCE = 100


class FunctionWords(NamedTuple):
    """The words around an answer in one language; all folded.

    `fillers` ("ich nehme die … bitte") are ignored; `negations` ("nicht", "kein") reverse the meaning; `numerals` lists
    the words for 0, 1, 2 and so on.
    """

    fillers: frozenset[str] = frozenset()
    negations: frozenset[str] = frozenset()
    numerals: tuple[tuple[str, ...], ...] = ()


_NONE = FunctionWords()


class Sentences:
    """Recognises whole sentences, with or without fillers; never a sentence with any other word.

    >>> no_idea = Sentences(["mir fällt nichts ein", "nein danke"], frozenset({"danke", "bitte", "gerade"}))
    >>> no_idea.matches("mir fallt gerade nichts ein"), no_idea.matches("nein"), no_idea.matches("nein zum parkplatz")
    (True, True, False)
    """

    __slots__ = ("_fillers", "_known")

    def __init__(self, sentences: Iterable[str], fillers: frozenset[str]) -> None:
        self._fillers = fillers
        self._known = frozenset(filter(None, (self._bare(fold(sentence)) for sentence in sentences)))

    def matches(self, folded: str) -> bool:
        """Whether the folded text is one of the sentences."""
        return len(folded) <= _LONGEST_SENTENCE and self._bare(folded) in self._known

    def _bare(self, folded: str) -> tuple[str, ...]:
        words = tuple(folded.split())
        return tuple(word for word in words if word not in self._fillers) or words


class Match(NamedTuple, Generic[V]):
    """The value of a match; `sure` is false for a typo or a name within a sentence."""

    value: V
    sure: bool


class _Index(NamedTuple, Generic[V]):
    """The folded names of all values."""

    exact: dict[str, Match[V]]
    """By name or number."""
    parts: dict[str, Match[V]]
    """Those that also count within a sentence."""
    longest: int
    """The most words in one of `parts`."""
    letters: list[tuple[str, int, int, V]]
    """See `_with_letters`."""
    long: list[tuple[str, V]]
    """Names of several words, between spaces."""


class Matcher(Generic[V]):
    """Finds the value that a reply names.

    `names` lists every value with its names, the label first; if `numbered`, the position in `names` is its number.
    `exact` allows no typos and no partial matches, for answers that need certainty.

    >>> yes_no = Matcher([("yes", ["Ja", "klar"]), ("no", ["Nein"])])
    >>> yes_no.find("JA!"), yes_no.find("2."), yes_no.find("neim"), yes_no.find("vielleicht")
    (Match(value='yes', sure=True), Match(value='no', sure=True), Match(value='no', sure=False), None)
    >>> yes_no.find("Ja, auf jeden Fall"), yes_no.find("ja oder nein"), yes_no.find("1 nein")
    (Match(value='yes', sure=False), None, None)
    """

    __slots__ = ("_built", "_guesses", "_names", "_numbered", "_small")

    def __init__(
        self,
        names: Iterable[tuple[V, Iterable[str]]],
        *,
        numbered: bool = True,
        exact: bool = False,
        small: FunctionWords = _NONE,
    ) -> None:
        self._names = [(value, tuple(words)) for value, words in names]
        self._numbered = numbered
        self._small = small
        self._guesses = not exact
        self._built: _Index[V] | None = None

    @property
    def _index(self) -> _Index[V]:
        """Built at first use, because most matchers of a compiled revision are not used. Threads may build it twice."""
        if self._built is None:
            self._built = _index_of(self._names, self._small, numbered=self._numbered)
        return self._built

    def matches_exactly(self, folded: str) -> bool:
        """Whether the folded reply names a value exactly, by name or number."""
        return folded in self._index.exact

    def find(self, reply: str) -> Match[V] | None:
        return self.find_folded(fold(reply))

    def find_folded(self, folded: str) -> Match[V] | None:
        """Returns the value named by a folded reply, or None if none or several match."""
        match = self._index.exact.get(folded)
        if match is not None or not folded or not self._guesses:
            return match
        return self.misspelt(folded) or self._mentioned(folded) or self._shortened(folded)

    def split(self, folded: str) -> tuple[list[V], list[str]]:
        """Returns all values named in a folded reply, in order, and the words that match none.

        >>> Matcher([("a", ["Grüner Park"]), ("b", ["Park"])]).split("park und gruner park")
        (['b', 'a'], ['und'])
        """
        index = self._index
        words = folded.split()
        found: list[V] = []
        rest: list[str] = []
        at = 0
        while at < len(words):
            for end in range(min(len(words), at + index.longest), at, -1):
                match = index.parts.get(" ".join(words[at:end]))
                if match is not None:
                    found.append(match.value)
                    at = end
                    break
            else:
                rest.append(words[at])
                at += 1
        return found, rest

    def _mentioned(self, folded: str) -> Match[V] | None:
        """Returns the value named among a few other words, unless they negate it or count something ("2 Kinder")."""
        if folded.count(" ") >= _FEW_WORDS:
            return None
        found, rest = self.split(folded)
        if len(set(found)) != 1:
            return None
        # "Nicht sicher" is not "sicher"; but a second negation after "nein" only confirms it.
        denials = self._small.negations.intersection(folded.split())
        if denials and denials.issubset(rest):
            return None
        ignored = self._small.fillers | denials
        strange = [word for word in rest if word not in ignored]
        if not strange:
            return Match(found[0], True)
        counts = any(map(str.isdecimal, folded.split()))
        return None if counts or len(strange) > _STRANGE_WORDS else Match(found[0], False)

    def _shortened(self, folded: str) -> Match[V] | None:
        """Returns the value whose name contains these words ("Mitternacht" for "Bis Mitternacht")."""
        if len(folded) < _SHORTEST_PART or self._small.fillers.issuperset(folded.split()):
            return None
        within = {(name, value) for name, value in self._index.long if f" {folded} " in name}
        if len({value for _, value in within}) != 1:
            return None
        # "Sicher" is not short for "nicht sicher".
        no = self._small.negations
        if no.isdisjoint(folded.split()) and not all(no.isdisjoint(name.split()) for name, _ in within):
            return None
        return Match(next(iter(within))[1], False)

    def misspelt(self, folded: str) -> Match[V] | None:
        """Returns the value whose name is nearest to the reply, within the allowed number of typos."""
        letters = _letters_of(folded)
        nearest = 3
        values: set[V] = set()
        for name, letters_of_name, most, value in self._index.letters:
            if (letters ^ letters_of_name).bit_count() > most:
                continue
            edits = edits_between(folded, name)
            if edits is not None and edits <= nearest:
                values = {value} if edits < nearest else values | {value}
                nearest = edits
        return Match(values.pop(), False) if len(values) == 1 else None


def spellings(name: str) -> Iterator[str]:
    """Yields the folded spellings of a name: as it is, and with ae, oe, ue for umlauts."""
    yield fold(name)
    if (spelt_out := name.translate(_UMLAUTS)) != name:
        yield fold(spelt_out)


def _index_of(offered: list[tuple[V, tuple[str, ...]]], small: FunctionWords, *, numbered: bool) -> _Index[V]:
    by_name = _by_name(offered)
    values = [value for value, _ in offered] if numbered else []
    numbers, numerals = _by_number(values), _by_numeral(values, small)
    # Names have priority over numbers: the option "3" may be the first one.
    exact = {name: Match(value, True) for name, value in (numerals | numbers | by_name).items()}
    # Within a sentence a numeral is often an article ("bir", "one"), so there only unambiguous ones count.
    articles = small.fillers.intersection(numerals) - by_name.keys()
    parts = {name: match for name, match in exact.items() if name not in articles}
    return _Index(
        exact,
        parts,
        longest=max((name.count(" ") + 1 for name in parts), default=0),
        letters=list(_with_letters(by_name)),
        long=[(f" {name} ", value) for name, value in by_name.items() if " " in name],
    )


def _by_name(offered: list[tuple[V, tuple[str, ...]]]) -> dict[str, V]:
    """Maps folded names to values. Labels have priority over synonyms; a synonym of two values matches neither, because
    asking again is better than a wrong answer."""
    by_name: dict[str, V] = {}
    for value, words in offered:
        for word in words[:1]:
            for spelling in spellings(word):
                by_name.setdefault(spelling, value)
    others: dict[str, set[V]] = {}
    for value, words in offered:
        for word in words[1:]:
            for spelling in spellings(word):
                others.setdefault(spelling, set()).add(value)
    for spelling, values in others.items():
        if len(values) == 1:
            by_name.setdefault(spelling, next(iter(values)))
    by_name.pop("", None)
    return by_name


def _allowed(meant: str) -> int:
    """Returns the number of typos allowed in this name."""
    if len(meant) < 4 or not meant.replace(" ", "").isalpha():
        return 0
    return 1 if len(meant) < 8 else 2


def edits_between(written: str, meant: str) -> int | None:
    """Returns the number of typos between `written` and `meant`, or None above the limit: one from 4 letters, two from
    8 letters.

    An edit is a missing, extra, wrong or swapped letter (optimal string alignment, Damerau 1964). Typos in
    digits are not allowed (12, 13), nor is an added or missing prefix ("unsafe", "safe").
    """
    allowed = _allowed(meant)
    longer = len(written) - len(meant)
    if not allowed or abs(longer) > allowed:
        return None
    if (longer == 2 and written.endswith(meant)) or (longer == -2 and meant.endswith(written)):
        return None
    edits = _distance(written, meant)
    return edits if edits <= allowed else None


def _by_number(values: list[V]) -> dict[str, V]:
    """Maps positions, from 1, to values, also with a leading zero."""
    numbers = {str(number): value for number, value in enumerate(values, start=1)}
    return numbers | {f"0{number}": value for number, value in numbers.items()}


def _by_numeral(values: list[V], small: FunctionWords) -> dict[str, V]:
    """Maps the first numeral for each position to its value."""
    return {words[0]: value for words, value in zip(small.numerals[1:], values, strict=False) if words}


def _with_letters(by_name: dict[str, V]) -> Iterator[tuple[str, int, int, V]]:
    """Yields the names that may be misspelt, with their letters and twice the number of edits allowed.

    One edit changes the set of letters by two at most: a cheap test before the expensive one.
    """
    for name, value in by_name.items():
        if allowed := _allowed(name):
            yield name, _letters_of(name), 2 * allowed, value


def _letters_of(text: str) -> int:
    """Returns the set of letters as bits; letters 64 code points apart share a bit."""
    bits = 0
    for char in text:
        bits |= 1 << (ord(char) & 63)
    return bits


def _distance(a: str, b: str) -> int:
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        before_that, before, row = before, row, [i]
        for j, other in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before_that[j - 2] + 1)
            row.append(cost)
    return row[-1]
