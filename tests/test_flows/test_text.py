"""Text made safe and comparable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.understanding.text import clean_text, fold, length_as_seen, length_in_utf16, plain_digits

ANY = st.text() | st.text(
    "aÀ\u0300\u0301ıİßſΐ\u0345ﬁ½３٣۳🔟3️⃣\u200d\u200b\ufeff\u202e\ud800\udfff\x00\x85\u2028\r\n\t ـًé_-'"
)


@given(ANY)
def test_clean_text_can_be_stored_shown_and_cleaned_again(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned.encode("utf-8", "strict") is not None
    assert not any(unicodedata.category(char) == "Cc" and char not in "\t\n" for char in cleaned)
    assert not set(cleaned) & set("\u202e\u2066\r\u2028")


@given(ANY)
def test_folding_twice_changes_nothing(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == " ".join(folded.split())


@given(ANY, ANY)
def test_folded_words_stay_apart(first: str, second: str) -> None:
    assert fold(f"{first} {second}") == f"{fold(first)} {fold(second)}".strip()


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ZURÜCK", "zuruck"),
        ("zuru\u0308ck", "zuruck"),
        ("Straße", "strasse"),
        ("İSTANBUL", "istanbul"),
        ("ISPARTA", "isparta"),
        ("ılık", "ilik"),
        ("Geç", "gec"),
        ("١٢٣", "123"),
        ("۱۲۳", "123"),
        ("３", "3"),
        ("3️⃣", "3"),
        ("🔟", "10"),
        ("①", "1"),
        ("نَعَمْ", "نعم"),
        ("نعـــم", "نعم"),
        ("أوافق", "اوافق"),
        ("مدرسة", "مدرسه"),
        ("على", "علي"),
        ("کتاب", "كتاب"),
        ("don't", "don t"),
        ("п'ять", "пять"),
        ("П’ЯТЬ", "пять"),
        ("зʼїзд", "зізд"),
        ("'слово'", "слово"),
        ("Ґанок, її", "ганок іі"),
        ("Ещё", "еще"),
        ("Pomiń żółte", "pomin zolte"),
        ("  Ja,\n bitte! 🙂 ", "ja bitte"),
        ("snake_case", "snake case"),
        ("👍", ""),
        ("\u200f\u200bJa\ufeff", "ja"),
    ],
)
def test_fold(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b\ud800c\x7f", "abc"),
        ("abc\u202etxt.exe", "abctxt.exe"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("fu\u0308r", "für"),
        ("  \t\n ", ""),
        ("می‌خواهم", "می‌خواهم"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("abc", 3),
        ("für", 3),
        ("fu\u0308r", 3),
        ("نَعَمْ", 3),
        ("👩‍👩‍👧‍👦", 1),
        ("👍🏽", 1),
        ("❤️", 1),
        ("🇹🇷🇩🇪", 2),
        ("3️⃣", 1),
        ("می‌خواهم", 7),
        ("日本", 2),
    ],
)
def test_length_as_seen(text: str, length: int) -> None:
    assert length_as_seen(text) == length


@given(ANY)
def test_nobody_sees_more_characters_than_there_are(text: str) -> None:
    assert 0 <= length_as_seen(text) <= len(text)


@given(ANY)
def test_plain_digits_are_ascii_and_nothing_else_changes(text: str) -> None:
    plain = plain_digits(text)
    assert not any(char.isdecimal() and not char.isascii() for char in plain)
    assert [char for char in plain if not char.isdecimal()] == [
        char for char in text if not char.isdecimal() and char not in "\ufe0e\ufe0f\u20e3"
    ] or text.isascii()


@pytest.mark.parametrize(("text", "units"), [("abc", 3), ("ü", 1), ("👍", 2), ("\ud800", 1)])
def test_utf16_length(text: str, units: int) -> None:
    assert length_in_utf16(text) == units
