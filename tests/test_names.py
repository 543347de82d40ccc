"""Names are unique and short, and files stay small enough to read."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

Kind = TypeVar("Kind", bound=ast.AST)
ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "adapters", "flows", "storage")
MAX_FUNCTION_HOMONYMS = 0.14
MAX_LINES = 400
MAX_TEST_NAME = 60
MAX_POSITIONAL = 5
MAX_LONG_CALLS = 6
"""Columns of a `select`, and the like."""


@cache
def files() -> dict[Path, ast.Module]:
    """All files, parsed when a test of this module runs: each process of a run imports the module."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    }


def test_no_two_public_classes_share_a_name():
    names = Counter(node.name for node in top_level(ast.ClassDef) if not node.name.startswith("_"))
    assert [name for name, times in names.items() if times > 1] == []


def test_few_public_functions_share_a_name():
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = [
        *top_level(ast.FunctionDef),
        *top_level(ast.AsyncFunctionDef),
    ]
    names = Counter(node.name for node in functions if not node.name.startswith("_"))
    shared = sum(times for times in names.values() if times > 1)
    assert shared <= MAX_FUNCTION_HOMONYMS * names.total(), names.most_common(20)


def test_no_file_is_longer_than_400_lines():
    long = [path.relative_to(ROOT) for path in files() if path.read_text(encoding="utf-8").count("\n") > MAX_LINES]
    assert long == []


def test_few_calls_have_six_positional_arguments():
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in files().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and sum(not isinstance(it, ast.Starred) for it in node.args) > MAX_POSITIONAL
    ]
    assert len(calls) <= MAX_LONG_CALLS, calls


def test_names_of_tests_are_short():
    long = [
        node.name
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and len(node.name) > MAX_TEST_NAME
    ]
    assert long == []


def top_level(kind: type[Kind]) -> Iterator[Kind]:
    return (node for tree in files().values() for node in tree.body if isinstance(node, kind))
