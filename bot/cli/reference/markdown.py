"""Markdown of the generated pages: lines below 100 columns, and docstrings of attributes."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Final

WIDTH: Final = 98
_NOTE: Final = "<!-- Generated: `python -m bot.cli.reference` writes this page. Edit the code instead. -->"
_SPACE: Final = "\x00"


def finish_page(title: str, lines: Iterable[str]) -> str:
    """Returns a page with its heading and the note that it is generated."""
    return "\n".join([f"# Reference: {title}", "", _NOTE, "", *lines]).rstrip("\n") + "\n"


def item(text: str, level: int = 0) -> Iterator[str]:
    """Yields the lines of a list item. Spaces in code are not broken."""
    indent = "  " * level
    whole = re.sub(r"`[^`]{1,60}`", lambda code: code[0].replace(" ", _SPACE), one_line(text))
    for line in textwrap.wrap(
        whole,
        WIDTH,
        initial_indent=f"{indent}- ",
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    ):
        yield line.replace(_SPACE, " ")


def paragraph(text: str) -> Iterator[str]:
    """Yields the lines of a paragraph and an empty one."""
    yield from textwrap.wrap(one_line(text), WIDTH, break_long_words=False, break_on_hyphens=False)
    yield ""


def one_line(text: str) -> str:
    return " ".join(text.split())


def first_paragraph(owner: object) -> str:
    """Returns the first paragraph of a docstring in one line, or an empty text."""
    return one_line((inspect.getdoc(owner) or "").partition("\n\n")[0])


@cache
def attribute_docs(owner: type) -> dict[str, str]:
    """Returns the docstrings below the attributes of a class, those of its base classes included."""
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        if base.__module__.startswith(("bot.", "adapters.", "flows.", "storage.")):
            found |= dict(_documented(ast.parse(textwrap.dedent(inspect.getsource(base)))))
    return found


def _documented(tree: ast.Module) -> Iterator[tuple[str, str]]:
    statements = next(node.body for node in tree.body if isinstance(node, ast.ClassDef))
    for attribute, below in pairwise(statements):
        if (
            isinstance(attribute, ast.AnnAssign)
            and isinstance(attribute.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield attribute.target.id, one_line(below.value.value)
