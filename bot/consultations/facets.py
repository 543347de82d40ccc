"""What of a question people answered to, in parts that can be held against each other, by the declared meanings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from pydantic import BaseModel

from flows.meaning import Meaning, meanings_of
from flows.questions.base import Node, Option
from flows.understanding.text import words_only
from flows.wording import Text

Sort = Literal["fixed", "agreed_text", "words", "measure", "label", "end"]
LABELS: Final[frozenset[Sort]] = frozenset({"label", "end"})
"""What stored values are called; an end of a scale is a label on which all values rest."""
MEASURES: Final[frozenset[Sort]] = frozenset({"measure", "end"})
"""Texts on which the value of every answer rests."""


class Facet(NamedTuple):
    """`name` is a field, or the value that has the label. `language` is empty where it is no text."""

    sort: Sort
    name: str
    language: str = ""


class FacetContent(NamedTuple):
    """What stands there: as it is compared, and as it is shown."""

    bare: str
    shown: str


Facets = Mapping[Facet, FacetContent]


def question_facets(node: Node, languages: Iterable[str]) -> Facets:
    """Everything of a question on which the meaning of its answers rests; texts in these languages."""
    return dict(_facets(node, tuple(languages)))


def options_of(node: Node) -> dict[str, Option]:
    """The options of a question by their value; none where the type has answers of its own."""
    return {option.value: option for option in getattr(node, "options", ())}


def fields_with_meaning(cls: type[BaseModel], meaning: Meaning) -> list[str]:
    """The fields of a class with this meaning, in the order of the definition."""
    meanings = meanings_of(cls)
    return [name for name in cls.model_fields if meanings[name] is meaning]


def _facets(node: Node, languages: Sequence[str]) -> Iterator[tuple[Facet, FacetContent]]:
    cls = type(node)
    for name in fields_with_meaning(cls, Meaning.FIXED):
        if _is_text(cls, name):
            yield from _text("agreed_text", name, getattr(node, name), languages)
        elif name not in {"key", "type"}:
            yield Facet("fixed", name), _plain(getattr(node, name))
    for name in fields_with_meaning(cls, Meaning.WORDS):
        yield from _text("words", name, getattr(node, name), languages)
    measures = {name: getattr(node, name) for name in fields_with_meaning(cls, Meaning.MEASURE)}
    for value, label in node.labels(list(languages)):
        end = next((name for name, text in measures.items() if text is not None and text is label), "")
        measures.pop(end, None)
        yield from _text("end" if end else "label", value, label, languages)
    for name, text in measures.items():
        yield from _text("measure", name, text, languages)
    for value, option in options_of(node).items():
        for name in fields_with_meaning(type(option), Meaning.FIXED):
            if name != "value":
                given = getattr(option, name)
                yield Facet("fixed", f"{name} of {value}"), _plain(given)
                yield Facet("fixed", f"any {name}"), _plain("none" if given is None else "given")


def _is_text(cls: type[BaseModel], name: str) -> bool:
    annotation = cls.model_fields[name].annotation
    return Text in (annotation, *get_args(annotation))


def _plain(value: object) -> FacetContent:
    return FacetContent(str(value), "none" if value is None else str(value))


def _text(sort: Sort, name: str, text: Text | None, languages: Sequence[str]) -> Iterator[tuple[Facet, FacetContent]]:
    """A text that is not there is an empty one in every language: a hint that is added can change what is asked."""
    for tag in languages:
        if text is None:
            yield Facet(sort, name, tag), FacetContent("", "")
        elif tag in text.root:
            shown = text.root[tag].text
            yield Facet(sort, name, tag), FacetContent(words_only(shown), shown)
