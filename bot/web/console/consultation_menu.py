"""The menu of one consultation: its pages in four groups, as far as its state and the member's role permit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from bot.staff.policy import Action
from bot.web.console.overview import ConsultationSummary
from storage.tables.consultations import ConsultationStateNow

_PUBLISHED: Final = frozenset[ConsultationStateNow]({"open", "not_yet", "closed", "archived"})
_EDITABLE: Final = frozenset[ConsultationStateNow]({"draft", "test", "open", "not_yet", "closed"})
_REACHABLE: Final = _PUBLISHED - {"archived"}
"""States in which residents can open its page."""
_WITH_WORK: Final[frozenset[ConsultationStateNow]] = _PUBLISHED | {"draft", "test"}
"""States in which there is a version to look at."""
_GOING_LIVE: Final[frozenset[ConsultationStateNow]] = _WITH_WORK - {"closed", "archived"}
"""States in which a version can go live."""


class ConsultationPlace(NamedTuple):
    """One page below that of a consultation: the end of its path, its phrase, and what it needs."""

    end: str
    phrase: str
    action: Action
    states: frozenset[ConsultationStateNow] = _PUBLISHED
    waits: Callable[[ConsultationSummary], int] = lambda _: 0
    """How many things wait there."""


class ConsultationMenuEntry(NamedTuple):
    """One link. `is_around`: the page is one of those below it."""

    path: str
    phrase: str
    waits: int
    is_here: bool
    is_around: bool


class ConsultationMenuGroup(NamedTuple):
    """Links under one heading; the first group has none ("")."""

    phrase: str
    entries: list[ConsultationMenuEntry]


GROUPS: Final[tuple[tuple[str, tuple[ConsultationPlace, ...]], ...]] = (
    (
        "",
        (ConsultationPlace("", "console.of.overview", "consultations.list", _WITH_WORK),),
    ),
    (
        "console.of.ask",
        (
            ConsultationPlace("/about", "console.about", "consultations.change", _EDITABLE),
            ConsultationPlace("/questions", "console.questions", "consultations.change", _EDITABLE),
            ConsultationPlace("/languages", "console.languages", "consultations.change", _EDITABLE),
            ConsultationPlace("/file", "console.file.title", "consultations.change"),
            ConsultationPlace("/preview", "console.preview.title", "consultations.change", _WITH_WORK),
            ConsultationPlace("/test", "console.try.title", "consultations.change", _GOING_LIVE),
            ConsultationPlace("/publish", "console.publish.title", "consultations.change", _GOING_LIVE),
        ),
    ),
    (
        "console.of.reach",
        (
            ConsultationPlace("/spread", "console.spread", "consultations.list", _REACHABLE),
            ConsultationPlace("/push", "console.push", "push", _REACHABLE),
        ),
    ),
    (
        "console.of.listen",
        (
            ConsultationPlace("/live", "console.live", "consultations.list"),
            ConsultationPlace("/reading", "console.reading", "texts.read", waits=lambda it: it.waiting.to_read),
            ConsultationPlace("/answers", "console.answers", "answers.publish", waits=lambda it: it.waiting.to_answer),
        ),
    ),
    (
        "console.of.result",
        (
            ConsultationPlace("/results", "console.results", "results.public"),
            ConsultationPlace("/files", "console.files.title", "export.public"),
        ),
    ),
)


def consultation_menu(
    summary: ConsultationSummary, base: str, here: str, may: Callable[[Action], bool]
) -> list[ConsultationMenuGroup]:
    """Returns the groups that have pages for this member. `base`: the path of the consultation's page; `here`: of the
    current one.
    """
    groups = []
    for phrase, places in GROUPS:
        entries = [
            _entry(summary, place, base, here)
            for place in places
            if summary.state in place.states and may(place.action)
        ]
        if entries:
            groups.append(ConsultationMenuGroup(phrase, entries))
    return groups


def _entry(summary: ConsultationSummary, place: ConsultationPlace, base: str, here: str) -> ConsultationMenuEntry:
    path = base + place.end
    is_around = bool(place.end) and here.startswith(f"{path}/")
    return ConsultationMenuEntry(path, place.phrase, place.waits(summary), here == path, is_around)
