"""Readability hints: sentences, words, constructions that Einfache Sprache avoids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# Dots that end no sentence: abbreviations (German, English, Turkish), initials, and ordinals such as "3. Mai".
_NO_END = re.compile(
    r"\b(?:z\. ?B|d\. ?h|u\. ?a|o\. ?ä|i\. ?d\. ?R|Nr|Str|St|Dr|Prof|ca|bzw|usw|etc|evtl|inkl|ggf|vgl|Abs|Tel|Min"
    r"|e\.g|i\.e|vs|No|örn|vb|vd|sok|cad|mah|[A-ZÄÖÜ]|\d{1,2})\.(?!$)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?؟۔…]+(?=[\s\"'»«“”)\]]|$)|\n")
_WORD = re.compile(r"[^\W\d_]+(?:[-·:'’][^\W\d_]+)*")

_PARTICIPLE = (
    r"(?:\w*ge\w{2,}t|(?:ver|be|er|ent|zer)\w{2,}t|\w+iert|\w*ge(?:les|schrieb|nomm|seh|fund|sproch|geb|troff|halt)en)"
)
_PASSIVE = re.compile(rf"\b(?:wird|werden|wurden?|worden)\b[^.!?\n]*\b{_PARTICIPLE}\b", re.IGNORECASE)
_GENITIVE = re.compile(r"\b(?:des|eines|meines|deines|seines|ihres|unseres|eures)\s+(?:\w+en\s+)?[A-ZÄÖÜ]\w+s\b")

LONGEST_WORD: Final = 20
LONGEST_SENTENCE: Final = 12


def sentences(text: str) -> list[str]:
    """Returns the sentences of a text; a line break ends one too.

    >>> len(sentences("Was fehlt, z. B. am 3. Mai? Und warum?")), len(sentences("ماذا ينقص؟ ولماذا؟"))
    (2, 2)
    """
    protected = _NO_END.sub(lambda found: found[0].replace(".", "\u2024"), text)
    return [part.strip() for part in _SENTENCE_END.split(protected) if _WORD.search(part)]


def words(text: str) -> list[str]:
    """Returns the words of a text; a hyphen, a middle dot or a gender colon does not split a word."""
    return _WORD.findall(text)


def simple_hints(text: str) -> Iterator[tuple[str, str]]:
    """Yields what makes a German text hard to read, each as reason and remedy.

    >>> [reason for reason, _ in simple_hints("Das wird vom Amt geprüft.")]
    ['this looks like the passive: “wird vom Amt geprüft”']
    """
    for word in words(text):
        if any(len(part) > LONGEST_WORD for part in re.split("[-·]", word)):
            yield (
                f"the word “{word}” has more than {LONGEST_WORD} letters",
                "split it with a hyphen, or use another word",
            )
    for sentence in sentences(text):
        count = len(words(sentence))
        if count > LONGEST_SENTENCE:
            yield f"a sentence has {count} words, more than {LONGEST_SENTENCE}", "split it into two sentences"
    if found := _PASSIVE.search(text):
        yield f"this looks like the passive: “{found[0]}”", "name the actor"
    if found := _GENITIVE.search(text):
        yield f"this looks like a genitive: “{found[0]}”", "use “von” instead"
