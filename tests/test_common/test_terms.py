"""The terms table held against all catalogues and samples."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from bot.authoring.publishing import SAMPLES
from bot.cli.maintenance.phrase_template import read_entries
from bot.common.i18n.phrase_catalogues import FOLDER, catalogue_languages
from flows.understanding.text import fold

TERMS: Final[dict[str, Any]] = tomllib.loads((FOLDER / "terms.toml").read_text("utf-8"))
LANGUAGES: Final = catalogue_languages()


@cache
def phrases(language: str) -> dict[str, list[str]]:
    """Id → texts of all forms, without placeholders."""
    return {
        phrase: [re.sub(r"\{\w+\}", "", text) for forms in entry.texts.values() for text in forms]
        for phrase, entry in read_entries(language).items()
    }


@cache
def samples(language: str) -> list[str]:
    files = sorted(SAMPLES.glob("*.yaml"))
    return [text for path in files for text in in_language(YAML(typ="safe").load(path), language)]


def in_language(part: object, language: str) -> Iterator[str]:
    """Yields the texts of a consultation file in one language."""
    if isinstance(part, dict):
        if isinstance(text := part.get(language), str):
            yield text
        for value in part.values():
            yield from in_language(value, language)
    elif isinstance(part, list):
        for value in part:
            yield from in_language(value, language)


def contains(text: str, word: str) -> bool:
    """Whether a text has the word, or what stands before the middle dot, at the beginning of a word."""
    return re.search(rf"(?<!\w)(?:ال)?{re.escape(fold(word.partition('·')[0]))}", fold(text)) is not None


def test_every_term_has_a_meaning_and_all_languages() -> None:
    assert len(TERMS) >= 20
    for name, term in TERMS.items():
        assert term["meaning"].endswith("."), name
        assert set(term["words"]) == set(LANGUAGES), name
        assert term["phrases"] or term.get("never"), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_phrases_that_name_a_thing_use_its_term(language: str) -> None:
    wrong = [
        f"flows/locale/{language}: {phrase} says “{text}”: use “{term['words'][language]}” ({name})"
        for name, term in TERMS.items()
        for phrase in term["phrases"]
        for text in phrases(language)[phrase]
        if not contains(text, term["words"][language])
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_uses_a_word_that_a_term_forbids(language: str) -> None:
    wrong = []
    for name, term in TERMS.items():
        named = [text for phrase in term["phrases"] for text in phrases(language)[phrase]]
        every = [*(text for texts in phrases(language).values() for text in texts), *samples(language)]
        for kind, texts in (("avoid", named), ("never", every)):
            for word in term.get(kind, {}).get(language, ()):
                wrong += [f"{language}: “{text}”: not “{word}” ({name})" for text in texts if contains(text, word)]
    assert wrong == []


def test_samples_are_read() -> None:
    assert any("erfunden" in text for text in samples("de"))
    assert contains("Wo ist das? In welchem Bezirk?", "Bezirk")
    assert contains("المنطقة", "منطقة")
    assert not contains("Unbewertet", "Bewertet")
