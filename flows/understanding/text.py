"""Sanitises incoming text once (`clean_text`) and normalises it for matching (`fold`)."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

# What no database, export or terminal can carry: C0 and C1 controls except tab and newline, lone surrogates and
# non-characters; and the invisible overrides which make a text read as another one than it is (Trojan Source).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
_NEWLINES = re.compile("\r\n?|\u2028|\u2029|\x85")
# Combining marks (also the Arabic ones and tatweel), variation selectors, keycap, zero-width signs, and the apostrophe
# within Cyrillic words ("п'ять"), which people write in many ways or not at all: they change how a word looks, not
# which word it is.
_MARKS = re.compile(
    "[\u00ad\u0300-\u036f\u061c\u064b-\u065f\u0670\u0640\u180e\ufe0e\ufe0f\ufeff\u20e3\u200b-\u200f\u2060-\u2064]"
    "|['`\u2018\u2019\u02bc](?<=[\u0430-\u0491].)(?=[\u0430-\u0491])"
)
_NOT_WORDS = re.compile(r"[\W_]+")
# Letters without a common Unicode decomposition that people type for one another.
_LETTERS = str.maketrans(
    {
        "\u0131": "i",  # Turkish dotless i
        "\u0142": "l",
        "\u00f8": "o",
        "\u0491": "\u0433",  # Ukrainian ge with upturn, ge
        "\u0649": "\u064a",  # Arabic alef maksura, yeh
        "\u0629": "\u0647",  # teh marbuta, heh
        "\u06a9": "\u0643",  # Persian kaf
        "\u06cc": "\u064a",  # Persian yeh
    }
)
_KEYCAP_TEN = "\U0001f51f"
_KEYCAPS = re.compile("[\ufe0e\ufe0f\u20e3]")
_OTHER_DIGITS = re.compile(r"[^\D0-9]")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_JOINED = re.compile("\u200d[^\\w\\s]|[\U0001f3fb-\U0001f3ff]")
# Punctuation by its Unicode category that is part of the meaning.
_NO_PUNCTUATION = frozenset("%\u2030&@#\u00a7")
# Dashes and the minus are interchangeable, and so are the signs within a gendered word.
_SAME_SIGN = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-") | dict.fromkeys("*_\u00b7", ":")
_UNSEEN = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")


def clean_text(text: str) -> str:
    """Returns the text for storage: NFC, line breaks as \\n, without characters that break databases or terminals.

    >>> clean_text("Spielplatz\\x00 f\\u0075\\u0308r alle\\r\\n")
    'Spielplatz f\\xfcr alle'
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = _NEWLINES.sub("\n", text)
    return unicodedata.normalize("NFC", _UNSAFE.sub("", text)).strip()


def fold(text: str) -> str:
    """Returns the text for comparison: lower case, ASCII digits, single spaces, no accents, punctuation or emoji.

    >>> fold(" 2️⃣ "), fold("Zurück!"), fold("٣"), fold("Weiß nicht …")
    ('2', 'zuruck', '3', 'weiss nicht')
    """
    if text.isascii():
        if text.isalnum():
            return text.casefold()
        return _NOT_WORDS.sub(" ", text).strip().casefold()
    text = text.replace(_KEYCAP_TEN, " 10 ")
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text).casefold()).translate(_LETTERS)
    return _NOT_WORDS.sub(" ", plain_digits(text)).strip()


def words_only(text: str) -> str:
    """Returns the text without white space, case and punctuation, to find wordings with the same words.

    Stricter than `fold`, which tolerates careless typing: an accent, an emoji or a sign can change a word ("schon",
    "schön"; "< 18", "> 18"), and so can a sign within or before a number ("1-5", "-5") and a German gender sign. A text
    without any word is returned as it is.

    >>> words_only("Mehr  Bänke, bitte!") == words_only("mehr Bänke – bitte"), words_only("5") == words_only("-5")
    (True, False)
    """
    text = unicodedata.normalize("NFC", plain_digits(text).lower())
    text = "".join(_SAME_SIGN.get(char, char) for char in text if not _is_invisible(char))
    parts = ["".join(run) for _, run in groupby(text, _is_gap)]
    around = zip(["", *parts], parts, [*parts[1:], ""], strict=False)
    kept = (
        _kept_of(before[-1:], part, after[:1]) if _is_gap(part[0]) else part for before, part, after in around if part
    )
    return "".join(kept) or " ".join(text.split())


def _kept_of(before: str, gap: str, after: str) -> str:
    """Returns the significant part of white space and punctuation between two characters."""
    if not after.isdecimal():
        return gap if gap == ":" and before.isalpha() and after.isalpha() else ""
    if before.isdecimal():
        return "".join(gap.split()) or " "
    is_minus = gap[-1] == "-" and (len(gap) > 1 or not before)
    return "-" if is_minus else ""


def _is_gap(char: str) -> bool:
    return char.isspace() or (unicodedata.category(char)[0] == "P" and char not in _NO_PUNCTUATION)


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f"


def plain_digits(text: str) -> str:
    """Returns the text with the digits of every script (and of keycap emoji) as ASCII digits.

    >>> plain_digits("١٢٫٥ km"), plain_digits("3️⃣")
    ('12٫5 km', '3')
    """
    if text.isascii():
        return text
    text = _KEYCAPS.sub("", text)
    return _OTHER_DIGITS.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def length_as_seen(text: str) -> int:
    """Returns the number of visible characters: a letter with accents is one, and so is a flag or a combined emoji.

    Approximates the grapheme clusters of Unicode (UAX 29), within one or two characters.

    >>> length_as_seen("für"), length_as_seen("👩‍👩‍👧‍👦"), length_as_seen("🇹🇷"), length_as_seen("👍🏽")
    (3, 1, 1, 1)
    """
    if text.isascii():
        return len(text)
    text = _FLAG.sub("x", _JOINED.sub("", text))
    return sum(unicodedata.category(char)[0] != "M" and char not in _UNSEEN for char in text)


def length_in_utf16(text: str) -> int:
    """Returns the length in UTF-16 code units, the unit of Telegram and JavaScript."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
