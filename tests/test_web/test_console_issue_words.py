"""The check of files in German: every sentence that it can say has German words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.common.i18n.locale import Locale
from bot.consultations.definition_issues import DefinitionIssue
from bot.web.console.issue_reasons import REASONS, VALUES
from bot.web.console.issue_remedies import REMEDIES
from bot.web.console.issue_words import _PHRASES, in_german, told_issue

ROOT = Path(__file__).parents[2]
SOURCES = (
    *(f"flows/authoring/{it}.py" for it in ("advice", "braces", "check", "images", "logic", "readability")),
    *("flows/authoring/reference_checks.py", "flows/authoring/sizes.py", "flows/questions/*.py", "flows/days.py"),
    *(f"bot/authoring/{it}.py" for it in ("error_texts", "yaml_source", "media", "image_files", "publishing")),
    *("bot/authoring/file_check.py", "bot/authoring/dialogue_tests.py", "bot/proposals/waves.py"),
)
SAYING = {"Problem", "DefinitionIssue", "_Refused", "ErrorText", "ImageRefused", "ValueError", "_said"}
NAMES = {"reason", "remedy", "way", "again", "_REMEDY", "_CONVERT", "_AGAIN", "_STILL", "_QUOTE", "_KINDS"}
"""What calls, and what variables, hold sentences of the check."""
INSIDE = ("does not say what", "{}, revision {}", "mp3, ogg", "is not a PNG", "a whole number", "is damaged")
"""Beginnings of what stands there for other reasons, or within sentences."""
GERMAN = Locale.of("de")


def template(node: ast.expr) -> Iterator[str]:
    """The sentences of an expression, with `{}` for each value."""
    match node:
        case ast.Constant(value=str() as said):
            yield said
        case ast.JoinedStr(values=parts):
            yield "".join(str(it.value) if isinstance(it, ast.Constant) else "{}" for it in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from template(one)
            yield from template(other)
        case ast.Tuple(elts=several):
            for it in several:
                yield from template(it)


def _formatted(said: str) -> str:
    """The sentence that `str.format` makes."""
    return re.sub(r"(?<!\{)\{\w+\}(?!\})", "{}", said).replace("{{", "{").replace("}}", "}")


def sentences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=named):
                if name in SAYING:
                    for it in (*args, *(it.value for it in named if it.arg in NAMES)):
                        yield from map(_formatted, template(it)) if name == "_said" else template(it)
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                if any(isinstance(it, ast.Name) and it.id in NAMES for it in ast.walk(target)):
                    yield from template(value)
            case ast.Return(value=ast.Tuple() | ast.IfExp() as value):
                yield from template(value)


def said(file: Path) -> set[str]:
    found = sentences(ast.parse(file.read_text(encoding="utf-8")))
    return {it for it in found if " " in it and re.search("[a-z]{3}", it) and not it.startswith(INSIDE)}


FILES = [path for it in SOURCES for path in sorted(ROOT.glob(it))]


@pytest.mark.parametrize("file", FILES, ids=lambda it: it.stem)
def test_every_sentence_of_the_check_has_german_words(file: Path) -> None:
    filled = {it: it.replace("{}", "7") for it in said(file)}
    missing = [
        it
        for it, sentence in filled.items()
        if in_german(sentence) is None
        and it not in VALUES
        and not any(pattern.search(sentence) for pattern, _ in _PHRASES)
    ]
    assert missing == []


def test_the_walk_finds_the_sentences() -> None:
    assert sum(len(said(file)) for file in FILES) > 200


@pytest.mark.parametrize("table", [REASONS, REMEDIES], ids=["reasons", "remedies"])
def test_each_german_sentence_uses_only_values_there_are(table: dict[str, str]) -> None:
    for english, german in table.items():
        used = {int(it) for it in re.findall(r"\{(\d)\}", german)}
        assert used <= set(range(english.count("{}"))), english


def test_place_and_values_are_taken_over() -> None:
    issue = DefinitionIssue(
        "park.yaml", 7, "question lamps, ask_if: “x” is compared with “a”, whose answer is a whole number", "write {}"
    )
    told = told_issue(issue, GERMAN)
    assert told.text.startswith("„x“ wird mit „a“ verglichen; dort ist die Antwort eine ganze Zahl.")
    assert told.tag == "de"
    assert told.line == 7
    assert told_issue(issue, Locale.of("en")).tag == "en"


def test_values_of_the_file_stay_as_they_are() -> None:
    hostile = "“{0}<b>\u202e: use {}” is not an email address"
    assert in_german(hostile) == "„{0}<b>\u202e: use {}“ ist keine E-Mail-Adresse."
    assert in_german(f"“{'x' * 5000}” is not an email address") is None
