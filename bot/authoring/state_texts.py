"""Describes the states of consultations and refused steps, each with a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from typing import Final

from bot.authoring import top_list_texts
from bot.authoring.lifecycle import Archiving, Reason, Step, StepRefused
from bot.authoring.publish_impact import PublishImpact
from bot.common.errors import program_call
from bot.results.official_answer_rate import UnansweredContribution
from storage.tables.revisions import PublishedRevision

Remedy = Callable[[Step], str]
"""Formats a step for the reader: as a command, or as an operation of the API."""
MOST_CODES: Final = 20

_SENTENCES: Final[dict[Reason, str]] = {
    "unknown": "there is no such consultation",
    "not_live": "{slug} is only a {state}; it was never live",
    "nothing_left": "{slug} was never live, and its draft or test was withdrawn",
    "is_open": "{slug} is live{until}",
    "is_closed": "{slug} is closed{since}",
    "is_archived": "{slug} is archived{since}",
    "not_archived": "{slug} is not archived",
    "owed": "{slug}: {count} for an answer: {codes}",
    "end_over": "{slug} has its end on {end}, which has passed, so it needs a new end",
    "end_past": "{end} has passed; the new end must be in the future",
    "undo_over": "{slug} could be restored until {end}; the retention of its answers has ended",
    "answers_gone": "the answers to {slug} were deleted as promised, and its last figures are final",
    "nothing_waits": "{slug} has no {stages}",
    "no_revision": "{slug} has no revision {number}",
    "is_live": "revision {number} of {slug} is live already",
    "nothing_before": "revision {number} of {slug} is the first live one; there is no earlier one",
    "not_publishable": "{slug} cannot go live: {issues}",
    "unconfirmed": "confirm that these questions of {slug} keep their meaning: {keys}",
    "not_looked_at": "confirm the proposals that {slug} would take: {lists}",
}
_REMEDIES: Final[dict[Reason, str]] = {
    "not_live": "{step} makes it live",
    "nothing_left": "{step} creates it again",
    "is_open": "{step} ends it now",
    "is_closed": "{step} lets it accept answers again",
    "is_archived": "{step} restores it",
    "not_archived": "first {step}",
    "end_over": "{step} with a date reopens it until then",
    "end_past": "{step} with a later date",
    "nothing_waits": "{step} stores a test, `--draft` a draft",
    "is_live": "{step} replaces it",
    "nothing_before": "{step} replaces it",
    "owed": "answer each of them (a status with a reason), or hide it with a reason; then archive it",
    "undo_over": "publish it under a new name",
    "answers_gone": "publish the next round under a new name",
    "no_revision": "give an existing one",
    "unconfirmed": "send their keys as `same_meaning`",
    "not_looked_at": "send `confirm`: true to take these",
}


def format_moment(moment: datetime, zone: tzinfo) -> str:
    """Formats a moment for staff."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def next_step_text(revision: PublishedRevision, now: datetime, zone: tzinfo) -> str:
    """Returns what to do next with a live revision: how to try it, or why participation is not possible."""
    state = revision.state_at(now)
    if state == "not_yet" and revision.opens_at:
        return f"people can take part from {format_moment(revision.opens_at, zone)}"
    if state != "open":
        ended = f" since {format_moment(revision.closes_at, zone)}" if revision.closes_at and state == "closed" else ""
        return f"participation is not possible, it is {state}{ended}; {_again(revision)}"
    return f"try it: {program_call()} play {revision.slug}"


def _again(revision: PublishedRevision) -> str:
    """Returns the command that lets a consultation accept answers again after its end."""
    if revision.state == "archived":
        return f"`{program_call()} unarchive {revision.slug}` restores it"
    return f"`{program_call()} reopen {revision.slug} --until DATE` lets it accept answers again"


def refusal_text(refused: StepRefused, remedy: Remedy, zone: tzinfo) -> str:
    """Explains why a step is refused, with a remedy."""
    values = {name: _value(name, value, zone) for name, value in refused.values.items()}
    if waiting := refused.values.get("owed"):
        values |= _owed(waiting)
    if isinstance(impact := refused.values.get("impact"), PublishImpact):
        values["keys"] = ", ".join(dict.fromkeys(change.key for change in impact.unconfirmed))
        values["lists"] = " ".join(
            " ".join(line.split()) for it in impact.lists for line in top_list_texts.describe_top_list(it)
        )
    reason = _SENTENCES[refused.reason].format_map({"slug": refused.slug, "since": "", "until": ""} | values)
    step = remedy(refused.remedy) if refused.remedy else ""
    way_on = _REMEDIES.get(refused.reason, "").format(step=step)
    return f"{reason}; {way_on}" if way_on else reason


def _value(name: str, value: object, zone: tzinfo) -> str:
    if value is None:
        return ""
    if not isinstance(value, datetime):
        return str(value)
    before = {"since": " since ", "until": " until "}.get(name, "")
    return before + format_moment(value, zone)


def _owed(waiting: object) -> dict[str, str]:
    assert isinstance(waiting, list)  # noqa: S101 - for the type checker: `lifecycle` always gives it
    codes = ", ".join(owed_answer_text(one) for one in waiting[:MOST_CODES])
    return {"count": waiting_people_text(len(waiting)), "codes": codes}


def waiting_people_text(number: int) -> str:
    """Returns how many people wait for an official answer."""
    return "1 person still waits" if number == 1 else f"{number} people still wait"


def owed_answer_text(one: UnansweredContribution) -> str:
    """Returns a contribution that waits for an official answer, with its status."""
    return f"{one.code} ({'not read yet' if one.is_unread else one.status.replace('_', ' ')})"


def describe_archiving(found: Archiving, zone: tzinfo) -> Iterator[str]:
    """Yields the consequences of archiving, one line each."""
    if found.under_way:
        yield f"{_people(found.under_way)} under way and cannot finish; their answers stay"
    yield f"its pages, links and QR codes state that it is over: /c/{found.revision.slug}"
    if found.words:
        yield f"these keywords no longer start it: {', '.join(found.words)}"
    if found.places:
        yield f"posters and links with these codes lead to a page that states this: {', '.join(found.places)}"
    if found.undo_until is None:
        yield "it cannot be restored: the retention of its answers has ended"
    else:
        until = format_moment(found.undo_until, zone)
        yield f"it can be restored until {until}; data is deleted at the promised times only"


def _people(number: int) -> str:
    return "1 person is" if number == 1 else f"{number:,} people are"
