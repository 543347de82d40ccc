"""Every template, with everything it asks about missing: what it asks about once may be missing wherever it is used.

What a template knows stands in its own conditions and loops. Everything is there first; then each thing that it tests
(`{% if last %}`, `x if last`, `last is none`) is None, and each that it goes through is empty: one after another, and
all at once. An attribute stands here with a dot before it, of any object.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from jinja2 import Environment, nodes
from markupsafe import Markup

from bot.web.context import TEMPLATES, template_environment

NAMES: Final = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
PARTS: Final = {"parts.html", "console/parts.html", "console/answer_parts.html", "console/drafts/parts.html"}
"""Macros only: they are rendered with those that import them."""
ALWAYS: Final = {"options", "locale"}
"""What every page has, also where a macro calls something of its own the same."""
ENVIRONMENT: Final = template_environment()


class Anything:
    """Has every attribute a template uses, except the `missing` names. `parts`: see `parts_of`."""

    def __init__(self, missing: dict[str, Any], parts: dict[str, int]) -> None:
        self._missing, self._parts = missing, parts

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        name = f".{name}"
        return self._missing[name] if name in self._missing else there(name, self._missing, self._parts)

    def __getitem__(self, key: object) -> Any:
        return Anything(self._missing, self._parts)

    def __call__(self, *_: object, **__: object) -> Any:
        return Anything(self._missing, self._parts)

    def __iter__(self) -> Iterator[Anything]:
        return iter((self, self))

    def __len__(self) -> int:
        return 2

    def __contains__(self, _: object) -> bool:
        return True

    def __str__(self) -> str:
        return "something"

    def __html__(self) -> str:
        return Markup("something")

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return True

    def __lt__(self, other: object) -> bool:
        return True

    __gt__ = __le__ = __ge__ = __lt__

    def __add__(self, other: object) -> Any:
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __add__

    def __int__(self) -> int:
        return 2

    __index__ = __int__

    def __float__(self) -> float:
        return 2.0

    def __format__(self, _: str) -> str:
        return "something"


def there(name: str, missing: dict[str, Any], parts: dict[str, int]) -> Any:
    """What stands for something that is there: where a template takes it apart, as many parts as it wants."""
    thing = Anything(missing, parts)
    return [(thing,) * parts[name]] * 2 if name in parts else thing


@cache
def source(name: str) -> nodes.Template:
    return ENVIRONMENT.parse((TEMPLATES / name).read_text(encoding="utf-8"))


@cache
def family(name: str) -> set[str]:
    """The template and all that it extends, includes and imports."""
    found, new = set[str](), {name}
    while new:
        found |= new
        kinds = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
        used = [getattr(node, "template", None) for one in new for kind in kinds for node in source(one).find_all(kind)]
        named = {each.value for each in used if isinstance(each, nodes.Const) and each.value.endswith(".html")}
        new = named - found
    return found


def named(node: nodes.Node | None) -> str:
    """What is meant, without what it belongs to: `last`, or `.msg` of `entry.msg`."""
    if isinstance(node, nodes.Name):
        return node.name
    return f".{node.attr}" if isinstance(node, nodes.Getattr) else ""


def asked_about(node: nodes.Node | None) -> Iterator[str]:
    """What a condition takes for something that may be missing."""
    match node:
        case nodes.Name() | nodes.Getattr():
            yield named(node)
        case nodes.Not():
            yield from asked_about(node.node)
        case nodes.And() | nodes.Or():
            yield from asked_about(node.left)
            yield from asked_about(node.right)
        case nodes.Test(name="none"):
            yield from asked_about(node.node)


def may_be_missing(name: str) -> dict[str, Any]:
    """What a template asks about, with what stands for it where it is missing."""
    missing: dict[str, Any] = {}
    trees = [source(one) for one in family(name)]
    for tree in trees:
        for loop in tree.find_all(nodes.For):
            missing[named(loop.iter)] = ()
    for tree in trees:
        kinds = (nodes.If, nodes.CondExpr, nodes.For)
        conditions = [getattr(node, "test", None) for kind in kinds for node in tree.find_all(kind)]
        conditions += [it for kind in (nodes.And, nodes.Or) for it in tree.find_all(kind)]
        for condition in conditions:
            missing |= {it: missing.get(it) for it in asked_about(condition)}
    return {it: value for it, value in missing.items() if it and it not in macros(trees) | ALWAYS}


def macros(trees: list[nodes.Template]) -> set[str]:
    return {macro.name for tree in trees for macro in tree.find_all(nodes.Macro)}


@cache
def parts_of(name: str) -> dict[str, int]:
    """Into how many parts a template and its family take apart what they walk through, by its name."""
    return {
        named(loop.iter): len(loop.target.items)
        for one in family(name)
        for loop in source(one).find_all(nodes.For)
        if isinstance(loop.target, nodes.Tuple)
    }


@cache
def names(name: str) -> set[str]:
    return {it.name for one in family(name) for it in source(one).find_all(nodes.Name) if it.ctx == "load"}


def render(env: Environment, name: str, missing: dict[str, Any]) -> str:
    free = names(name)
    values = {it: missing[it] if it in missing else there(it, missing, parts_of(name)) for it in free}
    values |= {"t": lambda *_, **__: "words", "asset": lambda _: "/file", "direction": lambda _: "ltr"}
    for it in ("range", "dict", "namespace", "loop"):
        values.pop(it, None)
    return env.get_template(name).render(**values)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PARTS])
def test_whatever_is_missing_there_is_a_page(name: str) -> None:
    optional = may_be_missing(name)
    assert render(ENVIRONMENT, name, {})
    for case in [*({one} for one in optional), set(optional)]:
        render(ENVIRONMENT, name, {one: optional[one] for one in case})


def test_what_is_asked_about_is_seen() -> None:
    assert "last" in may_be_missing("public/chat.html")
    assert {".msg", "entries"} <= may_be_missing("public/chat.html").keys()
