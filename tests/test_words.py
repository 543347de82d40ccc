"""Docstrings, comments and help are plain technical English (`CONTRIBUTING.md`)."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path
    for folder in ("bot", "adapters", "flows", "storage", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "upgrades" not in path.parts and path != Path(__file__)
)
"""Without the programs that wrote data of earlier versions: they do not change."""

INSTEAD = {
    r"whoever|who ever": "the sender, the contact, the caller …",
    r"(some|any|every|no)body(?!'s contacts)": "a contact, each participant, no caller …",
    r"whatever|however it|whichever": "any …",
    r"strand(s|ed)|set aside|sets aside|buried": "incompatible session, dead letter, rejected row",
    r"(un)?seal(s|ed|ing)?|vault": "encrypt, decrypt, cipher",
    r"desks?|tongues?|lanes?": "staff chat, locale, channel queue",
    r"furnish(ed|es)?|house|lobby": "app, installation, main menu",
    r"so many": "this number of …",
    r"anew": "again",
    r"farewell|parting": "final message",
    r"what (is|was|were) (said|told|kept|there|left|wanted|typed|written)": "the noun: answers, texts, rows …",
}
"""Pattern of a private word → the field's words."""
PATTERNS = {re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE): words for pattern, words in INSTEAD.items()}
ANY = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b", re.IGNORECASE)
CODE = re.compile(r"`[^`]*`|“[^”]*”|\"[^\"]*\"|'[\w.]+'|^\s*(?:>>>|\.\.\.).*$", re.MULTILINE)
"""Code, quotations and doctests, which may contain any word."""


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the docstrings, comments and help texts of a file with their lines."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", ())
        for statement in body if isinstance(body, list) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield from enumerate(text.splitlines(), statement.lineno)
        if isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
            yield node.value.lineno, str(node.value.value)
    if may_have_comments_with_private_words(source):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def may_have_comments_with_private_words(source: str) -> bool:
    """Whether the rest of a line from any `#` has a private word. Splitting a file into tokens is slow."""
    return any(
        ANY.search(CODE.sub("", line[place.start() :]))
        for line in source.split("\n")
        for place in re.finditer("#", line)
    )


def private_words(path: Path) -> Iterator[str]:
    """Yields a line for each private word, with its place and the field's words."""
    for line, text in prose(path):
        words_only = CODE.sub("", text)
        for pattern, words in PATTERNS.items() if ANY.search(words_only) else ():
            for found in pattern.finditer(words_only):
                yield f"{path}:{line}: “{found[0]}”; write {words}"


def test_prose_of_the_code_has_no_private_words() -> None:
    assert [line for path in FILES for line in private_words(path)] == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('"""Whoever wrote is welcomed."""', 1),
        ("x = 1  # nobody reads it", 1),
        ('option(help="So many at once.")', 1),
        ('"""The column `sealed`, and the text "nobody"."""', 0),
        ('say("Nobody is here.")', 0),
        ('say("# Nobody is here.")  # But nobody reads it', 1),
        ("x = 1  # no`x`body", 1),
    ],
)
def test_finds_private_words_in_prose_only(
    tmp_path: Path, text: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "example.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    assert len(list(private_words(tmp_path / "example.py"))) == count
