"""What a short reply is taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.understanding.matching import FunctionWords, Match, Matcher, edits_between
from flows.understanding.text import fold

SMALL = FunctionWords(
    fillers=frozenset({"ich", "nehme", "die", "bitte", "option", "ein"}),
    negations=frozenset({"nicht", "kein", "nein", "keinen"}),
    numerals=(("null",), ("eins", "ein"), ("zwei",), ("drei",)),
)
PARKS = Matcher(
    [
        ("all", ["Grüner Park am See", "überall"]),
        ("park", ["Park"]),
        ("none", ["Nein, kein Park", "nein"]),
    ],
    small=SMALL,
)


@pytest.mark.parametrize(
    ("reply", "value", "sure"),
    [
        ("1", "all", True),
        ("02", "park", True),
        ("3.", "none", True),
        ("zwei", "park", True),
        ("park", "park", True),
        ("gruener park am see", "all", True),
        ("GRUNER PARK AM SEE", "all", True),
        ("ueberall", "all", True),
        ("uberal", "all", False),
        ("ich nehme die 2", "park", True),
        ("2 Park", "park", True),
        ("Option 1 bitte", "all", True),
        ("Park, weil er schön ist", None, False),
        ("Park, finde ich gut", "park", False),
        ("nein, auf keinen Fall", "none", False),
        ("kein Park", "none", False),
        ("nicht Park", None, False),
        ("nicht 2", None, False),
        ("am see", "all", False),
        ("2 Kinder", None, False),
        ("1 oder 2", None, False),
        ("1 Park", None, False),
        ("4", None, False),
        ("0", None, False),
        ("", None, False),
        ("!?", None, False),
        ("ein Hund", None, False),
        ("Park " * 20, None, False),
    ],
)
def test_find(reply: str, value: str | None, *, sure: bool) -> None:
    assert PARKS.find(reply) == (None if value is None else Match(value, sure))


def test_exact_matchers_guess_nothing() -> None:
    matcher = Matcher([("yes", ["Ja"]), ("no", ["Nein"])], exact=True, small=SMALL)
    assert [matcher.find(reply) for reply in ("neim", "Ja bitte", "nein danke", "1 ja")] == [None] * 4
    assert matcher.find("nein!") == Match("no", True)


def test_labels_win_over_aliases_and_shared_aliases_fail() -> None:
    matcher = Matcher([("poison", ["Gift", "beides"]), ("present", ["Geschenk", "Gift", "beides"])])
    assert matcher.find("gift") == Match("poison", True)
    assert matcher.find("beides") is None


def test_a_label_that_is_a_number_wins_over_the_number() -> None:
    matcher = Matcher([("none", ["0"]), ("one", ["1"]), ("two", ["2"])])
    assert [matcher.find(digit) for digit in "0123"] == [
        Match("none", True),
        Match("one", True),
        Match("two", True),
        Match("two", True),
    ]


def test_without_numbers_digits_mean_nothing() -> None:
    assert Matcher([("a", ["Anna"]), ("b", ["Bert"])], numbered=False, small=SMALL).find("1") is None


@pytest.mark.parametrize(
    ("written", "meant", "forgiven"),
    [
        ("neim", "nein", True),
        ("nien", "nein", True),
        ("nei", "nein", True),
        ("neinn", "nein", True),
        ("ne", "nein", False),
        ("jo", "ja", False),
        ("aja", "ja", False),
        ("lichtenbreg", "lichtenberg", True),
        ("lichtenbergg", "lichtenberg", True),
        ("lichtnbreg", "lichtenberg", True),
        ("lichnbreg", "lichtenberg", False),
        ("unzufrieden", "zufrieden", False),
        ("sicher", "unsicher", False),
        ("12", "13", False),
        ("zone 2", "zone 3", False),
        ("", "nein", False),
    ],
)
def test_typos(written: str, meant: str, *, forgiven: bool) -> None:
    assert (edits_between(written, meant) is not None) is forgiven


EDITS = st.lists(st.tuples(st.integers(0, 10), st.sampled_from("qxzan"), st.integers(1, 3)), max_size=2)


@given(st.sampled_from(["nein", "bäume", "lichtenberg", "weiß nicht", "grüner park am see"]), EDITS)
def test_the_quick_look_at_the_letters_loses_no_typo(name: str, edits: list[tuple[int, str, int]]) -> None:
    meant = written = fold(name)
    for at, letter, kind in edits:
        written = written[:at] + letter * (kind < 3) + written[at + (kind > 1) :]
    matcher = Matcher([("it", [name])], numbered=False)
    assert matcher.find_folded(fold(written)) or edits_between(fold(written), meant) is None


def test_an_article_is_no_number() -> None:
    turkish = FunctionWords(fillers=frozenset({"bir", "lutfen"}), numerals=(("sifir",), ("bir",), ("iki",)))
    matcher = Matcher([("bench", ["Bank"]), ("tree", ["Ağaç"])], small=turkish)
    assert matcher.find("bir ağaç lütfen") == Match("tree", True)
    assert matcher.find("bir") == Match("bench", True)


def test_a_part_of_a_name_is_not_its_opposite() -> None:
    matcher = Matcher([("unsafe", ["gar nicht sicher"]), ("dark", ["zu dunkel dort"])], small=SMALL)
    assert matcher.find("sicher") is None
    assert matcher.find("nicht sicher") == Match("unsafe", False)
    assert matcher.find("dunkel") == Match("dark", False)
    assert matcher.find("zu") is None


def test_small_words_alone_are_no_part_of_a_name() -> None:
    berlin = FunctionWords(fillers=frozenset({"berlin", "in"}))
    matcher = Matcher([("centre", ["Berlin Mitte"]), ("west", ["Spandau"])], small=berlin)
    assert matcher.find("in Berlin") is None
    assert matcher.find("Mitte") == Match("centre", False)


@given(st.text(max_size=60))
def test_nothing_said_raises(reply: str) -> None:
    folded = fold(reply)
    found, rest = PARKS.split(folded)
    assert len(found) + len(rest) <= len(folded.split())
    match = PARKS.find(reply)
    assert match is None or match.value in {"all", "park", "none"}
    assert PARKS.matches_exactly(folded) <= (match is not None)
