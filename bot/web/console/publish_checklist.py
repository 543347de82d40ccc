"""The consequences of going live, in words with numbers, for the page that publishes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple

from bot.authoring.dialogue_tests import END, DialogueResult, dialogue_issues
from bot.authoring.publishing import PublishOutcome
from bot.common.i18n.locale import Locale
from bot.consultations.definition_issues import DefinitionIssue
from bot.web.console.versions import ConsultationVersion, definition_of
from flows.definition import Consultation
from flows.languages import language_name
from flows.wording import Review

ChecklistLevel = Literal["stop", "warn", "note", "good"]
LEVEL_PHRASES: Final[dict[ChecklistLevel, str]] = {
    "stop": "console.publish.stop",
    "warn": "console.publish.warn",
    "note": "console.publish.note",
    "good": "console.publish.good",
}


class ChecklistItem(NamedTuple):
    """One consequence: its sentence, why it matters, and the page that helps (below that of the consultation)."""

    level: ChecklistLevel
    text: str
    why: str = ""
    page: str = ""


class PublishPlan(NamedTuple):
    """What is known about going live now. `today` is the day of the city."""

    version: ConsultationVersion
    outcome: PublishOutcome
    today: date
    tried: int
    """Participations in the test, which are deleted."""
    dialogues: Sequence[DialogueResult]
    """How the version passes the recorded runs."""
    channels: Sequence[str]
    """The messengers in which it can be seen, besides the web."""

    @property
    def broken(self) -> list[DefinitionIssue]:
        """What the check says about broken runs, which the list says in other words."""
        return list(dialogue_issues(self.dialogues, self.version.name))


def publish_checklist(plan: PublishPlan, locale: Locale) -> list[ChecklistItem]:
    """Returns all consequences: what prevents going live first, then warnings, facts, and what is in order."""
    definition = definition_of(plan.version)
    found = [
        *_from_check(plan, locale),
        *_from_impact(plan, locale),
        *_from_dialogues(definition, plan, locale),
        *_of_time(definition, plan, locale),
        *_of_languages(definition, locale),
        *_of_people(definition, plan, locale),
    ]
    order = tuple(LEVEL_PHRASES)
    return sorted(found, key=lambda it: order.index(it.level))


def _item(level: ChecklistLevel, locale: Locale, phrase: str, why: str = "", page: str = "", **values: Any) -> Any:
    return ChecklistItem(level, locale.text(phrase, **values), locale.text(why, **values) if why else "", page)


def _from_check(plan: PublishPlan, locale: Locale) -> Iterator[ChecklistItem]:
    impact = plan.outcome.impact
    own = {str(issue) for issue in (*impact.issues, *impact.questions, *plan.broken)}
    issues = [it for it in plan.outcome.issues if str(it) not in own]
    errors = [it for it in issues if not it.warning]
    for issue in errors:
        yield ChecklistItem(
            "stop", locale.text("console.publish.error", n=issue.line), f"{issue.reason}; {issue.remedy}"
        )
    if warnings := len(issues) - len(errors):
        yield _item("warn", locale, "console.publish.warnings", "console.publish.warnings_why", n=warnings)
    if not errors:
        yield _item("good", locale, "console.publish.checked")


def _from_impact(plan: PublishPlan, locale: Locale) -> Iterator[ChecklistItem]:
    impact = plan.outcome.impact
    for issue in impact.issues:
        level: ChecklistLevel = "warn" if issue.warning else "stop"
        yield ChecklistItem(level, locale.text("console.publish.meaning"), f"{issue.reason}; {issue.remedy}")
    if people := sum(impact.under_way.values()):
        yield _item("note", locale, "console.publish.under_way", "console.publish.under_way_why", n=people)


def _from_dialogues(definition: Consultation, plan: PublishPlan, locale: Locale) -> Iterator[ChecklistItem]:
    broken = [it for it in plan.dialogues if it.number is not None]
    for it in broken:
        yield ChecklistItem(
            "stop",
            locale.text("console.dialogue.broken", name=it.test.name),
            describe_dialogue(it, definition, locale),
            "/test#dialogues",
        )
    if plan.dialogues and not broken:
        yield _item("good", locale, "console.dialogue.all_pass", n=len(plan.dialogues))


def describe_dialogue(result: DialogueResult, definition: Consultation, locale: Locale) -> str:
    """Returns how a version passes a recorded run: which question was expected, and which one is asked."""
    if result.number is None:
        return locale.text("console.dialogue.passes")
    return locale.text(
        "console.dialogue.differs",
        said=result.said or locale.text("console.dialogue.beginning"),
        expected=_place(result.expected, definition, locale),
        found=_place(result.found, definition, locale),
    )


def _place(key: str, definition: Consultation, locale: Locale) -> str:
    """Returns the question in the language of the reader, or in the main language; its key if it does not exist."""
    if key in ("", END):
        return locale.text("console.dialogue.end" if key else "console.dialogue.summary")
    text = next((node.text for node in definition.nodes() if node.key == key), None)
    if text is None:
        return key
    tag = locale.tag if locale.tag in text.languages() else definition.main_language
    return text.in_language(tag, definition.fallbacks)


def _of_time(definition: Consultation, plan: PublishPlan, locale: Locale) -> Iterator[ChecklistItem]:
    closes = definition.closes
    if closes is None:
        yield _item("stop", locale, "console.publish.no_end", "console.publish.no_end_why", "/file")
        return
    if closes < plan.today:
        yield _item("stop", locale, "console.publish.end_over", "console.publish.end_over_why", day=locale.day(closes))
        return
    days = definition.retention.days
    gone = locale.day(closes + timedelta(days=days))
    yield _item("note", locale, "console.publish.retention", "console.publish.retention_why", n=days, day=gone)


def _of_languages(definition: Consultation, locale: Locale) -> Iterator[ChecklistItem]:
    texts = [text for _, text in definition.texts()]
    for tag, offer in definition.languages.items():
        name = language_name(tag)
        if missing := sum(tag not in text.languages() for text in texts):
            # Without another language to show, the check reports each of them as an error.
            yield _item("warn", locale, "console.publish.missing", "console.publish.missing_why", n=missing, name=name)
        if offer.review is Review.UNREVIEWED:
            yield _item("warn", locale, "console.publish.unreviewed", "console.publish.unreviewed_why", name=name)


def _of_people(definition: Consultation, plan: PublishPlan, locale: Locale) -> Iterator[ChecklistItem]:
    names = ", ".join(language_name(tag) for tag in definition.languages)
    places = ", ".join((locale.text("console.publish.web"), *plan.channels))
    yield _item("note", locale, "console.publish.seen", "console.publish.seen_why", places=places, languages=names)
    yield _item("note", locale, "console.publish.fixed", "console.publish.fixed_why")
    if plan.tried:
        yield _item("note", locale, "console.publish.tried", "console.publish.tried_why", "/test", n=plan.tried)
