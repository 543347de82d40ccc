"""Splits a question into comparable facets, by the declared meanings of its fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from pydantic import BaseModel

from flows.image import Image
from flows.meaning import Meaning, meanings_of
from flows.questions.base import Node
from flows.questions.option import Option
from flows.understanding.text import words_only
from flows.wording import Text

Sort = Literal["fixed", "agreed_text", "words", "measure", "label", "end"]
LABELS: Final[frozenset[Sort]] = frozenset({"label", "end"})
"""Labels of stored values; an end label of a scale affects all its values."""
MEASURES: Final[frozenset[Sort]] = frozenset({"measure", "end"})
"""Texts that define the meaning of every value."""


class Facet(NamedTuple):
    """Key of a facet. `name` is a field, or the labelled value; `language` is empty for other data than texts."""

    sort: Sort
    name: str
    language: str = ""


class FacetContent(NamedTuple):
    """Content of a facet, for comparison and for display."""

    bare: str
    shown: str


Facets = Mapping[Facet, FacetContent]


def question_facets(node: Node, languages: Iterable[str]) -> Facets:
    """Returns all facets that define the meaning of a question's answers, with texts in these languages."""
    return dict(_facets(node, tuple(languages)))


def options_of(node: Node) -> dict[str, Option]:
    """Returns the options of a question by value; empty for types without options."""
    return {option.value: option for option in node.listed_options()}


def fields_with_meaning(cls: type[BaseModel], meaning: Meaning) -> list[str]:
    """Returns the fields of a class with this meaning, in definition order."""
    meanings = meanings_of(cls)
    return [name for name in cls.model_fields if meanings[name] is meaning]


def _facets(node: Node, languages: Sequence[str]) -> Iterator[tuple[Facet, FacetContent]]:
    yield from _fields(node, languages)
    yield from _labels_and_measures(node, languages)
    yield from _option_facets(node, languages)


def _fields(node: Node, languages: Sequence[str]) -> Iterator[tuple[Facet, FacetContent]]:
    cls = type(node)
    for name in fields_with_meaning(cls, Meaning.FIXED):
        if _is_text(cls, name):
            yield from _text("agreed_text", name, getattr(node, name), languages)
        elif name not in {"key", "type"}:
            yield Facet("fixed", name), _plain(getattr(node, name))
    for name in fields_with_meaning(cls, Meaning.WORDS):
        yield from _words(name, getattr(node, name), languages)


def _labels_and_measures(node: Node, languages: Sequence[str]) -> Iterator[tuple[Facet, FacetContent]]:
    """Yields the labels of values, and the texts about all values. A text that is both is the end of a scale."""
    measures = {name: getattr(node, name) for name in fields_with_meaning(type(node), Meaning.MEASURE)}
    for value, label in node.labels(list(languages)):
        end = next((name for name, text in measures.items() if text is not None and text is label), "")
        measures.pop(end, None)
        yield from _text("end" if end else "label", value, label, languages)
    for name, text in measures.items():
        yield from _text("measure", name, text, languages)


def _option_facets(node: Node, languages: Sequence[str]) -> Iterator[tuple[Facet, FacetContent]]:
    """Yields the fixed data of each option and whether any option has such data, then its texts and images."""
    for value, option in options_of(node).items():
        for name in fields_with_meaning(type(option), Meaning.FIXED):
            if name != "value":
                given = getattr(option, name)
                yield Facet("fixed", f"{name} of {value}"), _plain(given)
                yield Facet("fixed", f"any {name}"), _plain("none" if given is None else "given")
        for name in fields_with_meaning(type(option), Meaning.WORDS):
            yield from _words(f"{name} of {value}", getattr(option, name), languages)


def _is_text(cls: type[BaseModel], name: str) -> bool:
    annotation = cls.model_fields[name].annotation
    return Text in (annotation, *get_args(annotation))


def _plain(value: object) -> FacetContent:
    return FacetContent(str(value), "none" if value is None else str(value))


def _words(name: str, given: Text | Image | None, languages: Sequence[str]) -> Iterator[tuple[Facet, FacetContent]]:
    """Yields a text; for an image what it shows and its file, because another file can show something else."""
    if not isinstance(given, Image):
        yield from _text("words", name, given, languages)
        return
    for facet, content in _text("words", name, given.alt, languages):
        mark = f"{content.shown} ({given.file[:8]})"
        yield facet, FacetContent(f"{content.bare} {given.file}", mark)


def _text(sort: Sort, name: str, text: Text | None, languages: Sequence[str]) -> Iterator[tuple[Facet, FacetContent]]:
    """Yields a text per language. A missing text counts as empty, because a new hint can change the question."""
    for tag in languages:
        if text is None:
            yield Facet(sort, name, tag), FacetContent("", "")
        elif tag in text.root:
            shown = text.root[tag].text
            yield Facet(sort, name, tag), FacetContent(words_only(shown), shown)
