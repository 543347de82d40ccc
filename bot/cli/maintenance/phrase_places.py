"""Finds the phrases that the program uses: ids in Python code and in templates."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
PACKAGES: Final = ("adapters", "bot", "flows", "storage")
_ID: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_DOTTED: Final = re.compile(r"""["']([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)["']""")
_IN_TEMPLATE: Final = re.compile(r"""\bt\(\s*["']([a-z0-9_.]+)["']""")
_CALLS: Final = frozenset({"text", "text_around", "say", "lines", "reply", "_again"})


class Places:
    """Where ids stand. `literals`: every quoted id → files; `asked`: ids given to a function that returns a phrase."""

    def __init__(self) -> None:
        self.literals: dict[str, set[str]] = defaultdict(set)
        self.asked: dict[str, set[str]] = defaultdict(set)

    def files(self, phrase: str) -> list[str]:
        """Returns the files that use a phrase. An id without a dot is a common word: only calls count for it."""
        found = self.literals if "." in phrase else self.asked
        return sorted(found.get(phrase, ()))


@cache
def find_places(root: Path = ROOT) -> Places:
    """Reads all Python files and templates of the program, once per process."""
    places = Places()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            _read_code(path.read_text("utf-8"), path.relative_to(root).as_posix(), places)
        for path in sorted((root / package).rglob("*.html")):
            _read_template(path.read_text("utf-8"), path.relative_to(root).as_posix(), places)
    return places


def _read_code(source: str, name: str, places: Places) -> None:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ID.fullmatch(node.value):
            places.literals[node.value].add(name)
        if isinstance(node, ast.Call) and _called(node.func) in _CALLS:
            for argument in node.args:
                for phrase in _alternatives(argument):
                    places.asked[phrase].add(name)


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _alternatives(argument: ast.expr) -> Iterator[str]:
    """Yields the literal, or both literals of `A if … else B`."""
    match argument:
        case ast.Constant(value=str(phrase)) if _ID.fullmatch(phrase):
            yield phrase
        case ast.IfExp():
            yield from _alternatives(argument.body)
            yield from _alternatives(argument.orelse)


def _read_template(source: str, name: str, places: Places) -> None:
    for phrase in _DOTTED.findall(source):
        places.literals[phrase].add(name)
    for phrase in _IN_TEMPLATE.findall(source):
        places.literals[phrase].add(name)
        places.asked[phrase].add(name)
