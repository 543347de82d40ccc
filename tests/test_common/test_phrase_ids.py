"""Every id of a phrase that templates and code ask for is in the catalogues, f-strings included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from jinja2 import nodes

from bot.common.i18n import phrase_catalogues
from bot.web.context import TEMPLATES, template_environment

pytestmark = pytest.mark.kind("ids of phrases")
ROOT = Path(__file__).parents[2]
CALLS = {"say", "text", "text_around", "words", "lines", "tell", "message"}
"""Functions that take the id of a phrase first."""
_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_+-]+)+")
_ANY = "[a-z0-9_+-]+(\\.[a-z0-9_+-]+)*"
CATALOGUE = {
    *(
        phrase_catalogues.phrase_id(message)
        for domain in phrase_catalogues.DOMAINS
        for message in phrase_catalogues.entries(phrase_catalogues.read_catalogue("de", domain))
    ),
    *phrase_catalogues.read_words("de"),
}


class Use(NamedTuple):
    """A place that asks for a phrase; `pattern` is a regular expression, where a part is known at run time only."""

    file: Path
    line: int
    pattern: str

    def is_there(self) -> bool:
        return any(re.fullmatch(self.pattern, name) for name in CATALOGUE)

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}: {self.pattern}"


def in_code(file: Path) -> Iterator[Use]:
    """The ids that a module passes to a function which looks them up."""
    for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        for pattern in _patterns(call.args[0]) if name in CALLS else ():
            yield Use(file, call.lineno, pattern)


def _patterns(given: ast.expr) -> Iterator[str]:
    match given:
        case ast.Constant(value=str(words)) if _ID.fullmatch(words):
            yield re.escape(words)
        case ast.IfExp(body=first, orelse=second):
            yield from _patterns(first)
            yield from _patterns(second)
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_] as parts) if re.fullmatch(
            r"([a-z_]+\.)+\w*", start
        ):
            yield "".join(re.escape(str(it.value)) if isinstance(it, ast.Constant) else _ANY for it in parts)


def in_template(file: Path) -> Iterator[Use]:
    """The ids in the calls of `t` in a template."""
    tree = template_environment().parse(file.read_text(encoding="utf-8"))
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "t":
            for pattern in _template_patterns(call.args[0]):
                yield Use(file, call.lineno, pattern)


def _template_patterns(given: nodes.Node) -> Iterator[str]:
    match given:
        case nodes.Const():
            yield re.escape(str(given.value))
        case nodes.CondExpr():
            yield from (found for it in (given.expr1, given.expr2) if it for found in _template_patterns(it))
        case nodes.Concat():
            yield "".join(re.escape(str(it.value)) if isinstance(it, nodes.Const) else _ANY for it in given.nodes)
        case nodes.Add():
            left, right = ([*_template_patterns(it)] or [_ANY] for it in (given.left, given.right))
            yield from (start + end for start in left for end in right)


def test_every_id_in_the_code_is_in_the_catalogues():
    files = [path for top in ("bot", "flows", "adapters") for path in (ROOT / top).rglob("*.py")]
    uses = [use for file in files for use in in_code(file)]
    assert len(uses) > 200
    assert [str(use) for use in uses if not use.is_there()] == [], (
        "run `python3 -m bot i18n update`, then write the texts"
    )


def test_every_id_in_a_template_is_in_the_catalogues():
    uses = [use for file in TEMPLATES.rglob("*.html") for use in in_template(file)]
    assert len(uses) > 200
    assert [str(use) for use in uses if not use.is_there()] == [], (
        "run `python3 -m bot i18n update`, then write the texts"
    )


def test_a_wrong_id_is_found_in_every_form(tmp_path):
    """A constant, one of two, a part that is known at run time; in code and in a template."""
    code = tmp_path / "made.py"
    code.write_text(
        'say("web.nothing", n=1)\nsay("web.back" if x else "web.nowhere")\nsay(f"web.none.{x}")', encoding="utf-8"
    )
    template = tmp_path / "made.html"
    template.write_text(
        "{{ t('web.nothing') }}{{ t('web.a' if x else 'web.b') }}{{ t('web.none.' ~ x) }}", encoding="utf-8"
    )
    found = [use.pattern for use in (*in_code(code), *in_template(template)) if not use.is_there()]
    assert [it.replace("\\", "").replace(_ANY.replace("\\", ""), "*") for it in found] == [
        *("web.nothing", "web.back", "web.nowhere", "web.none.*"),
        *("web.nothing", "web.a", "web.b", "web.none.*"),
    ]
