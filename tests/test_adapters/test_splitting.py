"""Long texts: split where people would, nothing lost, no sign torn."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.splitting import split_text, utf16_length

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"  # 11 units, one sign
FLAG = "\U0001f1f9\U0001f1f7"
THUMB = "\U0001f44d\U0001f3fd"
HEART = "❤\ufe0f"
WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
ACCENTED = "e\u0301\u0323"
ARABIC = "ب\u0651\u064e"  # a letter with two marks
KOREAN = "\u1112\u1161\u11ab"
SIGNS = [FAMILY, FLAG, THUMB, HEART, WALES, ACCENTED, ARABIC, KOREAN]


def without_space(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_are_never_torn(sign):
    units = utf16_length(sign)
    for limit in (units, units + 1, 2 * units - 1, 3 * units, 4096):
        text = sign * (4096 // units + 2)
        parts = split_text(text, limit)
        assert "".join(parts) == text
        assert all(utf16_length(part) <= limit and part == sign * (len(part) // len(sign)) for part in parts)
        assert len(parts) == -(-len(text) // len(sign) // (limit // units))


@pytest.mark.parametrize("sign", ["x", *SIGNS])
def test_limit_and_one_more(sign):
    limit = 4096
    text = sign * (limit // utf16_length(sign))
    fitting = text + "y" * (limit - utf16_length(text))
    assert split_text(fitting, limit) == [fitting]
    assert len(split_text(fitting + "z", limit)) == 2


def test_the_best_place_wins():
    assert split_text("Eins zwei.\n\nDrei.\nVier. Fünf", 24) == ["Eins zwei.\n\nDrei.", "Vier. Fünf"]
    assert split_text("Erster Absatz.\n\nZweiter Absatz. Und so fort.", 30) == [
        "Erster Absatz.",
        "Zweiter Absatz. Und so fort.",
    ]
    assert split_text("Er sagt: „Nein.“ Dann geht er fort", 20) == ["Er sagt: „Nein.“", "Dann geht er fort"]
    assert split_text("هل توافق؟ نعم أوافق", 12) == ["هل توافق؟", "نعم أوافق"]
    assert split_text("etwa zehn\u00a0km von hier", 10) == ["etwa", "zehn\u00a0km", "von hier"]


def test_a_short_beginning_is_better_than_a_torn_word():
    assert split_text("Kurz:\n\n" + "w" * 30, 20) == ["Kurz:", "w" * 20, "w" * 10]


def test_a_sign_longer_than_a_message_is_cut_all_the_same():
    endless = "a" + "\u0301" * 50
    parts = split_text(endless, 20)
    assert "".join(parts) == endless
    assert max(map(utf16_length, parts)) <= 20


def test_nothing_but_space_is_nothing():
    assert split_text(" \n" * 50, 20) == []


texts = st.text(st.sampled_from([*"ab .!?\n\t", *"".join(SIGNS), "\u00a0", "\r"]) | st.characters(), max_size=200)


@given(texts, st.integers(2, 60))
def test_nothing_is_lost(text, limit):
    parts = split_text(text, limit)
    assert without_space("".join(parts)) == without_space(text)
    assert all(utf16_length(part) <= limit for part in parts)
    if utf16_length(text) > limit:
        assert all(part == part.strip() and part for part in parts)
