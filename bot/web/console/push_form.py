"""The form of a new push: what it offers, what was chosen, and a segment in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from bot.broadcasts.choice import AudienceChoice, Earlier
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.service import BroadcastDraft, parse_time
from bot.common.i18n.locale import Locale
from bot.web.console.visit import Visit, id_in
from flows.languages import LANGUAGES, language_name
from flows.phrase_families import TOPIC_NAMES
from flows.questions.district import DISTRICTS, district_label

PACES: Final = (0, 60, 200, 1000)
"""Messages in an hour that the form offers; 0: as fast as the channels allow."""
LAST_MINUTE: Final = "23:59"
"""The end on a day for which no time was chosen."""
MOST_EARLIER: Final = 200
"""Other consultations that the form offers, the newest ones."""
_EARLIER: Final[tuple[Earlier, ...]] = ("", "took_part", "not_took_part")
_CONDITION: Final = re.compile(r"(?P<key>[a-z_]+)=(?P<value>[^\s()=]+)|(?P<word>\w+)")


class PushForm(NamedTuple):
    """What was chosen. `shown`: the number of people that the page named; None before the first count."""

    choice: AudienceChoice = AudienceChoice()
    is_reminder: bool = False
    is_later: bool = False
    day: str = ""
    time: str = ""
    until_day: str = ""
    """The last day on which a message may leave; "": until the consultation closes."""
    until_time: str = ""
    per_hour: int = 0
    shown: int | None = None
    is_sure: bool = False

    def draft(self, slug: str, zone: tzinfo) -> BroadcastDraft:
        """Returns the wished broadcast. Raises PushError for a day or time that does not exist."""
        at = parse_time(f"{self.day} {self.time}".strip(), zone) if self.is_later else None
        ends = f"{self.until_day} {self.until_time or LAST_MINUTE}" if self.until_day else ""
        return BroadcastDraft(
            slug,
            self.choice.expression(),
            at=at,
            per_hour=self.per_hour,
            is_reminder=self.is_reminder,
            until=parse_time(ends, zone) if ends else None,
        )


class PushOffer(NamedTuple):
    """What the form offers, each as value and label. Topics and districts are those of the consultation: people who
    asked for news of others get no message about it.
    """

    topics: list[tuple[str, str]]
    districts: list[tuple[str, str]]
    languages: list[tuple[str, str]]
    channels: list[str]
    earlier: list[tuple[str, str]]


def read_form(visit: Visit) -> PushForm:
    """Returns what was chosen. Values that do not exist count as no choice, or the service refuses the segment."""
    earlier: Earlier = next((it for it in _EARLIER if it == visit.field("earlier")), _EARLIER[0])
    choice = AudienceChoice(
        topics=_several(visit, "topic", TOPIC_NAMES),
        districts=_several(visit, "district", DISTRICTS),
        language=visit.field("language"),
        channel=visit.field("channel"),
        earlier=earlier,
        earlier_slug=visit.field("earlier_slug"),
    )
    pace = id_in(visit.field("per_hour"))
    return PushForm(
        choice,
        is_reminder=visit.field("kind") == "reminder",
        is_later=visit.field("when") == "later",
        day=visit.field("day"),
        time=visit.field("time"),
        until_day=visit.field("until_day"),
        until_time=visit.field("until_time"),
        per_hour=pace if pace in PACES else 0,
        shown=id_in(visit.field("shown")),
        is_sure=visit.field("sure") == "yes",
    )


def first_form(visit: Visit, now: datetime) -> PushForm:
    """Returns the form as it is opened: all who asked for news, at once; `kind` in the address chooses a reminder."""
    per_hour = visit.site.services.settings.push.per_hour
    return PushForm(
        is_reminder=visit.request.query.get("kind") == "reminder",
        day=f"{now.astimezone(visit.site.services.settings.zone()):%Y-%m-%d}",
        time="17:00",
        per_hour=per_hour if per_hour in PACES else 0,
    )


def offered(processor: BroadcastProcessor, slug: str, known: list[str], locale: Locale) -> PushOffer | None:
    """Returns what the form offers; None for a consultation that is not open. `known`: those that exist for the
    member. Runs where the processor may be used.
    """
    published = processor.catalogue.newest(slug)
    if published is None:
        return None
    consultation = published.flow.consultation
    others = [it for it in reversed(known) if it != slug][:MOST_EARLIER]
    return PushOffer(
        topics=[(it, locale.text(TOPIC_NAMES[it])) for it in consultation.topics],
        districts=[(it, district_label(it, locale.tag)) for it in consultation.districts],
        languages=[(tag, LANGUAGES[tag].name) for tag in published.flow.languages],
        channels=[it for it in processor.channels if it in processor.proactive],
        earlier=[(it, processor.catalogue.title(it, locale.tag)) for it in others],
    )


def segment_in_words(expression: str, locale: Locale, titles: Mapping[str, str]) -> str:
    """Returns a segment in words. `titles`: of consultations, by slug; others are named by their slug."""

    def word(found: re.Match[str]) -> str:
        key, value = found["key"], found["value"]
        if not key:
            phrase = _WORDS.get(found["word"])
            return locale.text(phrase) if phrase else found["word"]
        match key:
            case "topic":
                return locale.text(TOPIC_NAMES[value]) if value in TOPIC_NAMES else value
            case "district":
                return district_label(value, locale.tag) if value in DISTRICTS else value
            case "language":
                return language_name(value)
            case "channel":
                return value
        return locale.text(_PARTICIPATION.get(key, "console.push.word.took_part"), title=titles.get(value, value))

    return _CONDITION.sub(word, expression)


_WORDS: Final = {
    "everybody": "console.push.word.everybody",
    "and": "console.push.word.and",
    "or": "console.push.word.or",
    "not": "console.push.word.not",
}
_PARTICIPATION: Final = {
    "took_part": "console.push.word.took_part",
    "began": "console.push.word.began",
    "finished": "console.push.word.finished",
}


def _several(visit: Visit, name: str, known: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(it for it in dict.fromkeys(visit.form.get(name, [])) if it in known)
