"""Phrases of the fields that pages of a draft edit, by the name of the field in the file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

_FIELDS: Final[dict[str, str]] = {
    "min": "console.ask.field.min",
    "max": "console.ask.field.max",
    "exclusive": "console.ask.field.exclusive",
    "other": "console.ask.field.other",
    "required": "console.ask.field.required",
    "count_by": "console.ask.field.count_by",
    "outside": "console.ask.field.outside",
    "min_label": "console.ask.field.min_label",
    "max_label": "console.ask.field.max_label",
    "middle_label": "console.ask.field.middle_label",
    "decimals": "console.ask.field.decimals",
    "unit": "console.ask.field.unit",
    "budget": "console.ask.field.budget",
    "step": "console.ask.field.step",
    "cost": "console.ask.field.cost",
    "min_length": "console.ask.field.min_length",
    "max_length": "console.ask.field.max_length",
    "title": "console.ask.field.title",
    "district_from": "console.ask.field.district_from",
    "topic_from": "console.ask.field.topic_from",
    "similar": "console.ask.field.similar",
    "leave_names_out": "console.ask.field.leave_names_out",
    "block": "console.ask.field.block",
    "skip": "console.ask.field.skip",
    "dont_know": "console.ask.field.dont_know",
    "refuse": "console.ask.field.refuse",
    "sensitive": "console.ask.field.sensitive",
    "web_only": "console.ask.field.web_only",
}
FIELDS: Final[Mapping[str, str]] = defaultdict(lambda: "console.ask.field.unnamed", _FIELDS)
LISTS: Final[Mapping[str, str]] = defaultdict(
    lambda: "console.ask.list.options",
    {"options": "console.ask.list.options", "rows": "console.ask.list.rows", "seeds": "console.ask.list.seeds"},
)
VALUES: Final[dict[str, str]] = {
    "count_by.month": "console.ask.value.month",
    "count_by.year": "console.ask.value.year",
    "address.du": "console.ask.value.du",
    "address.sie": "console.ask.value.sie",
    "level.information": "console.ask.value.information",
    "level.consultation": "console.ask.value.consultation",
    "level.cooperation": "console.ask.value.cooperation",
    "level.decision": "console.ask.value.decision",
    "results.live": "console.ask.value.live",
    "results.at_close": "console.ask.value.at_close",
    "review.unreviewed": "console.ask.value.unreviewed",
    "review.reviewed": "console.ask.value.reviewed",
    "review.readers": "console.ask.value.readers",
}
"""Values of selects; others are shown as they stand in the file."""
ABOUT: Final[dict[str, str]] = {
    "title": "console.about.title",
    "asks": "console.about.asks",
    "why": "console.about.why",
    "decides": "console.about.decides",
    "feedback": "console.about.feedback",
    "readers": "console.about.readers",
    "audience": "console.about.audience",
    "thanks": "console.about.thanks",
    "minutes": "console.about.minutes",
    "opens": "console.about.opens",
    "closes": "console.about.closes",
    "address": "console.about.address",
    "level": "console.about.level",
    "results": "console.about.results",
    "keywords": "console.about.keywords",
    "retention-days": "console.about.days",
    "retention-remains": "console.about.remains",
    "contact-name": "console.about.contact",
    "contact-hours": "console.about.hours",
    "contact-email": "console.about.email",
    "contact-phone": "console.about.phone",
    "contact-web": "console.about.web",
    "four_eyes": "console.about.four_eyes",
}
ABOUT_HINTS: Final[dict[str, str]] = {
    "asks": "console.about.asks_hint",
    "why": "console.about.why_hint",
    "decides": "console.about.decides_hint",
    "feedback": "console.about.feedback_hint",
    "readers": "console.about.readers_hint",
    "keywords": "console.about.keywords_hint",
}

DRAFT_LABELS: Final = {
    "field_phrases": FIELDS,
    "list_phrases": LISTS,
    "value_phrases": VALUES,
    "about_phrases": ABOUT,
    "about_hints": ABOUT_HINTS,
}
"""All of them, by the names that templates of drafts use."""
