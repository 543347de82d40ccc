"""Question types carry their own behaviour: no code outside `flows/questions` asks for a type by its name or class."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import flows.questions  # noqa: F401 - registers the types
from flows.questions.base import Node, registry

ROOT = Path(__file__).parents[2]
OWN = ROOT / "flows" / "questions"
MODULES = sorted(
    path
    for package in ("bot", "adapters", "flows")
    for path in (ROOT / package).rglob("*.py")
    if not path.is_relative_to(OWN)
)
IN_TEMPLATES = re.compile(r"\.type\s*(?:==|!=|in|not in)\s*([^%}]+)")


def test_no_module_asks_for_a_question_type():
    assert len(MODULES) > 300
    faults = [f"{path.relative_to(ROOT)}:{fault}" for path in MODULES for fault in faults_of(path)]
    assert not faults, "let the type say it (flows/questions/base.py):\n" + "\n".join(faults)


def test_no_template_asks_for_a_question_type():
    templates = sorted(ROOT.glob("bot/**/*.html"))
    assert len(templates) > 20
    asked = [(path.name, said) for path in templates for said in IN_TEMPLATES.findall(path.read_text("utf-8"))]
    assert not [it for it in asked if not registry().keys().isdisjoint(re.findall(r"\w+", it[1]))]


@pytest.mark.parametrize(
    "code",
    [
        "from flows.questions.points import Points",
        "import flows.questions.points",
        "node.type == 'points'",
        "'points' != question.type",
        "it.get('type') == 'points'",
        "question.type in {'rank', 'other'}",
        "TEXTS[about.type]",
        "TEXTS.get(it.question.type, '')",
        "match question.type:\n    case 'rank' | 'points':\n        pass",
    ],
)
def test_each_way_to_ask_for_a_type_is_found(code: str):
    assert [*_faults(ast.parse(code), "flows.tally")]


@pytest.mark.parametrize("code", ["old.type != new.type", "section.type == 'telegram'", "kind == 'text'"])
def test_other_comparisons_are_no_fault(code: str):
    assert not [*_faults(ast.parse(code), "flows.tally")]


@pytest.mark.parametrize("code", ["getattr(node, 'options', ())", "hasattr(question, 'exclusive')"])
def test_each_way_to_look_for_a_field_is_found(code: str):
    assert [*_looked_for(ast.parse(code))]


def test_no_module_looks_for_a_field_of_some_types():
    """`getattr(node, "options", ())` asks for a type without naming it."""
    faults = [
        f"{path.relative_to(ROOT)}:{it}" for path in MODULES for it in _looked_for(ast.parse(path.read_text("utf-8")))
    ]
    assert not faults, "let the type say it (flows/questions/base.py):\n" + "\n".join(faults)


def _looked_for(tree: ast.AST) -> Iterator[str]:
    of_some = {name for cls in registry().values() for name in cls.model_fields} - Node.model_fields.keys()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[_, ast.Constant(value=str() as name), *_]):
                if name in of_some:
                    yield f"{node.lineno} looks for {name}"


def faults_of(path: Path) -> Iterator[str]:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    text = path.read_text("utf-8")
    if ".type" in text or '"type"' in text or "flows.questions" in text:
        yield from _faults(ast.parse(text), name)


def _faults(tree: ast.AST, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str() as source, names=names) if source.startswith("flows.questions."):
                found = importlib.import_module(source)
                taken = [it.name for it in names if getattr(found, it.name) in registry().values()]
                yield from (f"{node.lineno} imports {name}" for name in taken)
            case ast.Import(names=names):
                yield from (
                    f"{node.lineno} imports {it.name}" for it in names if it.name.startswith("flows.questions.")
                )
            case ast.Compare(left=left, comparators=others) if any(map(_is_type, (left, *others))):
                if any(_names_a_type(it, module) for it in (left, *others)):
                    yield f"{node.lineno} compares {ast.unparse(node)}"
            case ast.Subscript(slice=key) | ast.Call(func=ast.Attribute(attr="get"), args=[key, *_]) if isinstance(
                key, ast.Attribute
            ) and _is_type(key):
                yield f"{node.lineno} looks up {ast.unparse(node)}"
            case ast.Match(subject=subject) if _is_type(subject):
                yield f"{node.lineno} matches {ast.unparse(subject)}"


def _is_type(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr="type") | ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant("type"), *_]):
            return True
        case ast.Subscript(slice=ast.Constant("type")):
            return True
    return False


def _names_a_type(node: ast.expr, module: str) -> bool:
    """Whether it is the name of a type, or a constant that contains one."""
    if isinstance(node, ast.Name):
        found = getattr(importlib.import_module(module), node.id, ())
        names = {found} if isinstance(found, str) else {it for it in found if isinstance(it, str)} if found else set()
    else:
        names = {it.value for it in ast.walk(node) if isinstance(it, ast.Constant) and isinstance(it.value, str)}
    return not registry().keys().isdisjoint(names - {"type"})
