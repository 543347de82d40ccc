"""Search and filter of the published proposals, by the query of the address: works without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from bot.common.i18n.locale import Locale
from bot.results.opinions import RatedProposal
from bot.results.published import PublishedResults
from flows.definition import Consultation
from flows.languages import language_name
from flows.phrase_families import ACCOUNT_STATUSES
from flows.questions.base import Question
from flows.questions.district import DISTRICTS, district_label
from flows.understanding.text import fold
from storage.tables.proposals import StoredProposal

LONGEST_SEARCH: Final = 100
"""Characters."""
_FIELDS: Final[Mapping[str, Callable[[StoredProposal], str | None]]] = {
    "district": lambda it: it.district,
    "topic": lambda it: it.topic,
    "written": lambda it: it.language,
    "status": lambda it: it.status,
}


class FilterField(NamedTuple):
    """One choice of the filter: the values that occur, each with its label."""

    name: str
    label: str
    chosen: str
    options: list[tuple[str, str]]


class ProposalFilter(NamedTuple):
    """What a visitor looks for."""

    words: str = ""
    values: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(query: Mapping[str, str]) -> ProposalFilter:
        """Reads the query of the address; ignores anything else."""
        values = ((name, query.get(name, "")[:LONGEST_SEARCH]) for name in _FIELDS)
        return ProposalFilter(query.get("q", "")[:LONGEST_SEARCH].strip(), tuple(it for it in values if it[1]))

    @property
    def is_empty(self) -> bool:
        return not self.words and not self.values

    def query(self, language: str) -> str:
        """Returns the part of a link before the page number."""
        words = [("q", self.words)] if self.words else []
        return urlencode([("lang", language), *words, *self.values]) + "&page="

    def matching(self, ideas: Sequence[RatedProposal], found: PublishedResults) -> list[RatedProposal]:
        """Returns the proposals that match, in their order."""
        wanted = fold(self.words).split()
        return [
            idea
            for idea in ideas
            if all(_FIELDS[name](found.proposals[idea.code]) == value for name, value in self.values)
            and all(word in fold(f"{idea.code} {idea.title} {idea.text}") for word in wanted)
        ]


def filter_fields(
    found: PublishedResults, consultation: Consultation, chosen: ProposalFilter, locale: Locale
) -> Iterator[FilterField]:
    """Yields the choices with at least two values."""
    labels: dict[str, Callable[[str], str]] = {
        "district": lambda value: district_label(value, locale.tag) if value in DISTRICTS else value,
        "topic": _topic_labels(consultation, locale).__getitem__,
        "written": language_name,
        "status": lambda value: locale.text(ACCOUNT_STATUSES[value]),
    }
    names = {
        "district": "results.filter.district",
        "topic": "results.filter.topic",
        "written": "results.filter.language",
        "status": "results.filter.status",
    }
    for name, value_of in _FIELDS.items():
        present = sorted({value for it in found.proposals.values() if (value := value_of(it))})
        if len(present) > 1:
            options = [(value, labels[name](value)) for value in present]
            yield FilterField(name, locale.text(names[name]), dict(chosen.values).get(name, ""), options)


class _Labels(dict[str, str]):
    def __missing__(self, value: str) -> str:
        return value


def _topic_labels(consultation: Consultation, locale: Locale) -> _Labels:
    """Returns the labels of the topics; a value without a label stands for itself."""
    nodes = {node.key: node for node in consultation.nodes()}
    labels = _Labels()
    for node in nodes.values():
        topic = nodes.get((node.place_keys()[1] if isinstance(node, Question) else None) or "")
        for value, text in topic.labels(tuple(consultation.languages)) if topic else ():
            if text is not None:
                labels[value] = text.root[text.shown_in(locale.tag, consultation.fallbacks)].text
    return labels
