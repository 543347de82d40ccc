"""What is exported: a consultation with all its revisions, and its questions as an analyst's variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from sqlalchemy import Connection

from bot import stored
from bot.catalogue import Catalogue
from flows.flow import Flow
from flows.messages import Expects
from flows.question import Question
from flows.values import Value
from storage import consultations
from storage.consultations import PublishedRevision

Kind = Literal["text", "several", "order", "amounts", "option", "number"]
"""How answers are written down: words, codes of several options (or the place or the amount of each), the code of one,
a number."""

RESPONSE: Final = ("response_id", "consultation", "revision", "status", "channel", "language", "mode", "place_code")
TIMES: Final = ("started_at", "ended_at")
_SEVERAL: Final[Mapping[Expects, Kind]] = {"many": "several", "order": "order", "amounts": "amounts"}


@dataclass(frozen=True, slots=True)
class Variable:
    """A question over all revisions. Texts are those of the newest revision that asks it."""

    key: str
    name: str
    """The column in the wide files: the key, unless a column is called so already."""
    kind: Kind
    question: Question
    codes: tuple[str, ...]
    """What answers can be, where that can be counted up, in the order in which it is offered."""
    labels: Mapping[str, Mapping[str, str]]
    """Code → language → what people read."""
    revisions: tuple[int, ...]

    @property
    def is_several(self) -> bool:
        """Whether an answer says something about several options."""
        return self.kind in _SEVERAL.values()

    def columns(self) -> tuple[str, ...]:
        """Its columns in the wide files. A dot stands in no key, so they never meet those of another question."""
        if self.is_several:
            return (self.name, *(f"{self.name}.{code}" for code in self.codes))
        if self.kind == "text":
            return (self.name, f"{self.name}.missing", f"{self.name}.withheld")
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Subject:
    """A consultation as it is exported."""

    newest: PublishedRevision
    revisions: tuple[PublishedRevision, ...]
    flows: Mapping[int, Flow]
    """The compiled revisions by id."""
    variables: tuple[Variable, ...]

    @property
    def flow(self) -> Flow:
        return self.flows[self.newest.id]

    @property
    def language(self) -> str:
        """The language in which the files are labelled."""
        return self.flow.consultation.main_language

    @property
    def least(self) -> int:
        """Fewer people than this make no published figure."""
        return self.flow.consultation.smallest_cell

    def number_of(self, revision_id: int) -> int:
        return next(revision.number for revision in self.revisions if revision.id == revision_id)


def find(connection: Connection, slug: str) -> Subject:
    """The consultation of this name, open or not. Raises HouseError, naming what there is."""
    newest = stored.named(connection, slug)
    revisions = tuple(consultations.revisions(connection, newest.consultation_id))
    catalogue = Catalogue()
    flows = {revision.id: catalogue.revision(connection, revision.id).flow for revision in revisions}
    return Subject(newest, revisions, flows, tuple(_variables(revisions, flows)))


def _variables(revisions: tuple[PublishedRevision, ...], flows: Mapping[int, Flow]) -> Iterable[Variable]:
    """The questions of the newest revision in their order, then those only asked earlier."""
    asked_in: dict[str, list[PublishedRevision]] = {}
    for revision in reversed(revisions):
        for key in flows[revision.id].questions:
            asked_in.setdefault(key, []).append(revision)
    for key, found in asked_in.items():
        question = flows[found[0].id].question(key)
        labels: dict[str, dict[str, str]] = {}
        for revision in found:
            for code, by_language in _labels(flows[revision.id], key).items():
                labels.setdefault(code, by_language)
        name = f"q.{key}" if key in (*RESPONSE, *TIMES) else key
        numbers = tuple(revision.number for revision in reversed(found))
        yield Variable(key, name, _kind(question), question, tuple(labels), labels, numbers)


def _kind(question: Question) -> Kind:
    values = question.values()
    if question.free_text:
        return "text"
    if question.expects in _SEVERAL and isinstance(values, frozenset):
        return _SEVERAL[question.expects]
    numbers = values in (int, float) or (isinstance(values, frozenset) and all(type(it) is int for it in values))
    return "number" if numbers else "option"


def _labels(flow: Flow, key: str) -> dict[str, dict[str, str]]:
    """Code → language → label of everything that can be answered, in the order in which it is offered."""
    question = flow.question(key)
    values = question.values()
    possible = (True, False) if values is bool else values if isinstance(values, frozenset) else ()
    prompt = flow.scripts[flow.languages[0]].asked[key].prompt
    offered = [reply.token.split(".", 2)[-1] for reply in prompt.quick_replies]

    def place(value: Value) -> tuple[bool, int, str]:
        code = code_of(value)
        return code not in offered, offered.index(code) if code in offered else 0, "" if value is True else code

    return {
        code_of(value): {language: script.asked[key].label(value) for language, script in flow.scripts.items()}
        for value in sorted(possible, key=place)
    }


def code_of(value: Value) -> str:
    """A single value as it is written down.

    >>> code_of("trees"), code_of(True), code_of(3), code_of(0.000001)
    ('trees', 'true', '3', '0.000001')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, dict):
        return " ".join(f"{code}={amount}" for code, amount in value.items())
    return " ".join(value) if isinstance(value, list) else str(value)
