"""Flags texts for moderators: personal details, and texts that are not plain sentences.

Pure functions. A flag is a hint and decides nothing. Names are guessed from the words before them, with false
positives and false negatives.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final, Literal, get_args

from flows.understanding.first_names import FIRST_NAMES
from flows.understanding.text import length_as_seen, plain_digits

Flag = Literal[
    "email",
    "phone",
    "iban",
    "address",
    "name",
    "link",
    "markup",
    "formula",
    "emoji",
    "very_long",
    "other_script",
]
FLAGS: Final[tuple[Flag, ...]] = get_args(Flag)

VERY_LONG: Final = 800
_EMAIL: Final = re.compile(
    r"[^\s@<>()]+\s?(?:@|\[at\]|\(at\))\s?[^\s@<>()]+\s?(?:\.|\(dot\)|\[dot\])\s?[^\W\d_]{2,}", re.I
)
_PHONE: Final = re.compile(r"(?<![\w.,])(?:\+|00|0|\(0)[\d()/\s.–-]{6,24}\d(?![\d])")
_DATE: Final = re.compile(r"\d{1,2}\.\s?\d{1,2}\.\s?\d{2,4}|\d{4}-\d{2}-\d{2}")
_IBAN: Final = re.compile(r"\b([A-Z]{2})\s?(\d{2})((?:[\s-]?[A-Z0-9]){11,30})\b", re.I)
_LINK: Final = re.compile(
    r"https?://|\bwww\.|(?<![@\w.-])[\w-]+\.(?:de|com|org|net|eu|info|berlin|io|ru|tr|pl|ua)\b", re.I
)
_MARKUP: Final = re.compile(r"<\s*/?\s*[a-z!][^>]*>|&(?:#\d+|[a-z]+);|\[[^\]]+\]\([^)]+\)|javascript:", re.I)
_FORMULA: Final = re.compile(r"^\s*(?:[=@]|[+-](?![\s\d]|$)|[+-]\d+[+*/-])", re.M)
_POSTCODE: Final = re.compile(r"\b\d{5}\s+[A-ZÄÖÜ][a-zäöüß]+|\b1[0-4]\d{3}\b")
_STREET: Final = re.compile(
    r"\b[\w-]*(?:stra(?:ß|ss)e|str\.|allee|weg|platz|damm|ufer|gasse|ring|chaussee|steig|zeile)\s?"
    r"(?:nr\.?\s?)?\d{1,4}\s?[a-z]?\b"
    r"|\b(?:улица|ул\.|вул\.|вулиця|ulica|ul\.|sokak|cadde\w*|street|road|شارع)\s.{0,40}?\d{1,4}|"
    r"\b\d{1,4}\s[A-Z]\w+\s(?:street|road|avenue)\b",
    re.I,
)
_CAPITAL: Final = r"[A-ZÄÖÜÇĞİÖŞÜŁŻŹŚĆА-ЯЁІЇЄҐ][\w'’-]+"
_PLACE: Final = (
    r"[\w'’-]*(?i:stra(?:ß|ss)e|weg|platz|park|ufer|allee|br[üu]cke|garten|schule|haus|kirche|bibliothek|heim)\b"
)
_NAMES: Final = (
    re.compile(rf"\b(?:Herrn?|Frau|Fr\.|Hr\.|Familie|Dr\.|Prof\.|Nachbarn?|Nachbarin)\s+(?:Dr\.\s+)?{_CAPITAL}"),
    re.compile(
        rf"\b(?i:mein name ist|ich hei(?:ß|ss)e|ich bin (?:der|die)|gez(?:eichnet|\.)|mfg|gru(?:ß|ss),?)\s+{_CAPITAL}"
    ),
    re.compile(rf"\b(?i:my name is|i am called|mr\.?|mrs\.?|ms\.?|regards,?|sincerely,?)\s+{_CAPITAL}"),
    re.compile(rf"\b(?i:benim adım|adım|ben)\s+{_CAPITAL}\s+{_CAPITAL}|\b{_CAPITAL}\s+(?:Bey|Hanım)\b"),
    re.compile(rf"(?i:меня зовут|мене звати|господин|госпожа|пан|пані)\s+{_CAPITAL}"),
    re.compile(rf"\b(?i:nazywam się|mam na imię|pan|pani)\s+{_CAPITAL}"),
    re.compile(r"(?:اسمي|أنا اسمي|السيد|السيدة)\s+\w+"),
    # a first name followed by a capitalised word, unless it is the name of a place
    re.compile(rf"(?<![\w-])(?:{'|'.join(FIRST_NAMES)})\s+(?!{_PLACE}){_CAPITAL}+(?![\w'’-]|\s+{_PLACE})"),
)
_SCRIPTS: Final = {"ar": "ARABIC", "ru": "CYRILLIC", "uk": "CYRILLIC"}


def flags_of(text: str, language: str) -> list[str]:
    """Returns the flags of a text written in a conversation in this language, in the order of `FLAGS`."""
    plain = plain_digits(text)
    return [flag for flag in FLAGS if _FOUND[flag](plain, language)]


def _has_phone(text: str, _: str) -> bool:
    without = _IBAN.sub(" ", _DATE.sub(" ", text))
    return any(7 <= sum(char.isdigit() for char in found[0]) <= 15 for found in _PHONE.finditer(without))


def _has_iban(text: str, _: str) -> bool:
    """Tells whether a text contains an account number with correct check digits (ISO 13616)."""
    return any(_is_iban(re.sub(r"[\s-]", "", found[0]).upper()) for found in _IBAN.finditer(text))


def _is_iban(number: str) -> bool:
    for length in range(15, min(len(number), 34) + 1):  # the number may be followed by words
        turned = number[4:length] + number[:4]
        if int("".join(str(int(char, 36)) for char in turned)) % 97 == 1:
            return True
    return False


def _has_name(text: str, _: str) -> bool:
    return any(pattern.search(text) for pattern in _NAMES)


def _is_mostly_emoji(text: str, _: str) -> bool:
    signs = [char for char in text if unicodedata.category(char) in {"So", "Sk"}]
    letters = sum(char.isalpha() for char in text)
    return bool(signs) and letters < 2 * len(signs)


def _is_other_script(text: str, language: str) -> bool:
    """Tells whether most letters belong to another script than that of the language."""
    letters = [char for char in text if char.isalpha()]
    script = _SCRIPTS.get(language.partition("-")[0], "LATIN")
    strange = sum(not unicodedata.name(char, "").startswith(script) for char in letters)
    return strange * 2 > len(letters)


PERSONAL: Final[tuple[Flag, ...]] = ("phone", "email", "address", "name", "iban")
"""What the author of a text is asked about before it is submitted."""


def personal_flags(text: str, language: str) -> list[Flag]:
    """Returns what a text seems to give away about a person, in the order of `PERSONAL`."""
    plain = plain_digits(text)
    return [flag for flag in PERSONAL if _FOUND[flag](plain, language)]


_FOUND: Final[dict[Flag, Callable[[str, str], bool]]] = {
    "email": lambda text, _: bool(_EMAIL.search(text)),
    "phone": _has_phone,
    "iban": _has_iban,
    "address": lambda text, _: bool(_STREET.search(text) or _POSTCODE.search(text)),
    "name": _has_name,
    "link": lambda text, _: bool(_LINK.search(text)),
    "markup": lambda text, _: bool(_MARKUP.search(text)),
    "formula": lambda text, _: bool(_FORMULA.search(text)),
    "emoji": _is_mostly_emoji,
    "very_long": lambda text, _: length_as_seen(text) > VERY_LONG,
    "other_script": _is_other_script,
}
