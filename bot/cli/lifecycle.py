"""`close`, `reopen`, `archive`, `unarchive`, `go-live` and `publish --back` from a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from bot.authoring import confirmation, going_live, lifecycle, state_texts, top_list_texts
from bot.authoring.confirmation import Ask
from bot.authoring.file_check import read_consultation_file
from bot.authoring.going_live import WentLive
from bot.authoring.lifecycle import Step, StepRefused
from bot.authoring.publish_impact import DEFAULT_OPTIONS, PublishImpact, PublishOptions
from bot.authoring.publishing import PublishContext
from bot.broadcasts.service import PushError, parse_time
from bot.cli.context import command_context, publish_context, waits_for_second
from bot.common import audit
from bot.common.audit import Auditor
from bot.common.errors import CommandError, Say, program_call
from bot.consultations import stored_revisions
from bot.proposals import waves
from bot.settings import Settings
from storage.tables.stages import Stage


def run_close(settings: Settings, slug: str, say: Say) -> None:
    """Closes a consultation now. Raises CommandError."""
    with _writing(settings, say) as (connection, tools):
        found = lifecycle.close_consultation(connection, slug, tools)
    say(f"{slug} is closed. It accepts no more answers; stored answers stay.")
    if found.under_way:
        say(f"Under way: {found.under_way:,}. They are told that it is closed when they write.")
    say(f"To undo:  {program_call()} reopen {slug}")


def run_reopen(settings: Settings, slug: str, until: str, say: Say) -> None:
    """Reopens a consultation. Raises CommandError."""
    zone = settings.zone()
    end = _end_of(until, zone) if until else None
    with _writing(settings, say) as (connection, tools):
        found = lifecycle.reopen_consultation(connection, slug, tools, until=end)
    ends = found.revision.closes_at
    say(f"{slug} is live again{f' until {state_texts.format_moment(ends, zone)}' if ends else ''}.")
    if found.before_until:
        say(
            f"Answers of the {found.before:,} earlier participants are deleted as promised to them, "
            f"on {state_texts.format_moment(found.before_until, zone)}; those of later ones after the new end."
        )
    say(f"To undo:  {program_call()} close {slug}")


def run_archive(settings: Settings, slug: str, say: Say, *, yes: bool = False, ask: Ask | None = None) -> bool:
    """Archives a consultation after confirmation; `ask` is None without a terminal. Raises CommandError.

    Returns False without confirmation, after printing the consequences.
    """
    zone = settings.zone()
    with _writing(settings, say) as (connection, tools):
        found = lifecycle.preview_archiving(connection, slug, tools)
    if not yes:
        say(f"To archive {slug} means:")
        for line in state_texts.describe_archiving(found, zone):
            say(f"  {line}")
        if ask is None or not ask(f"Archive {slug}?"):
            say(f"Nothing was changed. To continue: {program_call()} archive {slug} --yes")
            return False
    with _writing(settings, say) as (connection, tools):
        found = lifecycle.archive_consultation(connection, slug, tools)
    say(f"{slug} is archived. Nothing was deleted.")
    if found.undo_until:
        say(f"Until {state_texts.format_moment(found.undo_until, zone)}, undo with {program_call()} unarchive {slug}")
    return True


def run_archive_samples(settings: Settings, say: Say) -> None:
    """Archives all samples, open or not."""
    with _writing(settings, say) as (connection, tools):
        slugs = lifecycle.archive_samples(connection, tools)
    if not slugs:
        say("There is no sample that is not archived yet.")
        return
    say(f"Archived samples: {', '.join(slugs)}. They are on no page and in no chat any more. Nothing was deleted.")
    say(f"To undo:  {program_call()} unarchive {slugs[0]}")


def run_unarchive(settings: Settings, slug: str, say: Say) -> None:
    """Restores an archived consultation. Raises CommandError."""
    with _writing(settings, say) as (connection, tools):
        lifecycle.unarchive_consultation(connection, slug, tools)
    say(f"{slug} is restored as closed. To accept answers again: {program_call()} reopen {slug} --until DATE")


def run_go_live(
    settings: Settings,
    slug: str,
    say: Say,
    intent: PublishOptions = DEFAULT_OPTIONS,
    ask: Ask | None = None,
    *,
    stage: Literal["test", "draft"] | None = None,
    number: int | None = None,
    takes: bool = False,
) -> None:
    """Makes the test or draft revision the live one. Raises CommandError; Unconfirmed if the operator did not confirm
    that a question keeps its meaning, or what is taken from an earlier wave.
    """
    step = partial(going_live.make_consultation_live, stage=stage, number=number)
    found = _agreed(settings, slug, say=say, step=step, intent=intent, ask=ask, takes=takes)
    if found.is_asked:
        say(f"{slug}: revision {found.revision.number} {waits_for_second(settings, slug)}")
        return
    _tell_live(found, settings.zone(), say)


def _agreed(
    settings: Settings,
    slug: str,
    say: Say,
    step: Callable[..., WentLive],
    intent: PublishOptions,
    ask: Ask | None,
    *,
    takes: bool,
) -> WentLive:
    """Takes a step, and repeats it with the confirmation if one is required. Raises CommandError, Unconfirmed."""
    try:
        with _writing(settings, say) as (connection, tools):
            return step(connection, slug, tools, intent=intent._replace(looks_first=True))
    except ToConfirm as waits:
        same = confirmation.confirm(waits.impact, say, ask, takes=takes)
    agreed = intent._replace(same_meaning=intent.same_meaning | same)
    with _writing(settings, say) as (connection, tools):
        return step(connection, slug, tools, intent=agreed)


def print_top_proposals(settings: Settings, slug: str, say: Say, count: int) -> None:
    """Prints the proposals with most agreement, in the order in which a wave takes them. Raises CommandError."""
    with command_context(settings, say) as (store, _), store.reading() as connection:
        found = waves.rank_proposals(connection, stored_revisions.live_revision(connection, slug))
    for line in top_list_texts.describe_order(found[:count]):
        say(line)
    if not found:
        say(f"{slug} has no released proposals.")


def slug_in_file(named: Path) -> str:
    """Returns the name of a consultation, given directly or as a file. Raises CommandError."""
    if not named.is_file():
        return named.name
    consultation = read_consultation_file(named).consultation
    if consultation is None:
        raise CommandError(f"{named} cannot be read; give the name of the consultation instead")
    return consultation.slug


def restore_previous_revision(
    settings: Settings,
    slug: str,
    say: Say,
    stage: Stage = "live",
    intent: PublishOptions = DEFAULT_OPTIONS,
    ask: Ask | None = None,
    *,
    takes: bool = False,
) -> None:
    """Makes the previous revision live again, or withdraws a draft or test. Raises CommandError, Unconfirmed."""
    if stage != "live":
        with _writing(settings, say) as (connection, tools):
            dropped = going_live.withdraw_stage(connection, slug, tools, stage=stage)
        say(f"{slug} has no {stage} any more. To undo: {program_call()} publish FILE --{stage}")
        if dropped:
            say(f"Deleted participations of its test: {dropped:,}.")
        return
    _tell_live(
        _agreed(
            settings, slug, say=say, step=going_live.return_to_previous_revision, intent=intent, ask=ask, takes=takes
        ),
        settings.zone(),
        say,
    )


def _tell_live(found: WentLive, zone: tzinfo, say: Say) -> None:
    slug, number = found.revision.slug, found.revision.number
    say(f"{slug}: revision {number} is live; {state_texts.next_step_text(found.revision, datetime.now(UTC), zone)}")
    if found.dropped:
        say(f"Deleted participations of its test: {found.dropped:,}.")
    if found.before and found.under_way:
        say(f"Under way: {found.under_way:,}. They continue in the revision in which they began.")
    if found.before:
        before = found.before.number
        way = f"publish {slug} --back" if before < number else f"go-live {slug} --revision {before}"
        say(f"To undo:  {program_call()} {way}")


class ToConfirm(Exception):
    """A step needs confirmation: that questions keep their meaning, or what is taken from an earlier wave."""

    def __init__(self, impact: PublishImpact) -> None:
        super().__init__("a confirmation is missing")
        self.impact = impact


@contextmanager
def _writing(settings: Settings, say: Say) -> Iterator[tuple[Connection, PublishContext]]:
    """Opens a transaction for one step and yields its context. Raises CommandError if the step is refused, ToConfirm if
    it needs confirmation.
    """
    try:
        with command_context(settings, say) as (store, keys), store.begin() as connection:
            try:
                yield connection, publish_context(settings, Auditor(keys, audit.operator()))
            except StepRefused as refused:
                if refused.reason == "unknown":
                    stored_revisions.live_revision(connection, refused.slug)
                raise
    except StepRefused as refused:
        if isinstance(impact := refused.values.get("impact"), PublishImpact):
            raise ToConfirm(impact) from None
        raise CommandError(state_texts.refusal_text(refused, _command(refused.slug), settings.zone())) from None


def _command(slug: str) -> Callable[[Step], str]:
    """Returns the command line of a step."""
    forms = {
        "reopen": f"reopen {slug} --until DATE",
        "publish": "publish FILE",
        "publish --test": "publish FILE --test",
        "publish --back": f"publish {slug} --back",
    }
    return lambda step: f"`{program_call()} {forms.get(step, f'{step} {slug}')}`"


def _end_of(text: str, zone: tzinfo) -> datetime:
    """Parses the end of a day, or a moment: "2026-12-31", "31.12.2026", "2026-12-31 18:00". Raises CommandError."""
    try:
        moment = parse_time(text, zone)
    except PushError:
        raise CommandError(f"--until {text[:40]}: not a date; write it like 2026-12-31, or 2026-12-31 18:00") from None
    is_day = not {" ", "T"} & set(text.strip())
    return moment + timedelta(days=1) if is_day else moment
