"""Publishes a checked file as a revision, with its start words, seeds, recordings and images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from random import Random
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import Connection

from bot.authoring import media, publish_impact
from bot.authoring.dialogue_tests import broken_dialogues
from bot.authoring.file_check import CheckedFile, canonical_content, content_digest, read_consultation_file
from bot.authoring.publish_impact import DEFAULT_OPTIONS, PublishImpact, PublishOptions, SourceFile
from bot.authoring.published_file import keep_file
from bot.authoring.second_person import was_live
from bot.common.audit import Act, Note, unrecorded
from bot.common.errors import program_name
from bot.common.sources import SYSTEM_RANDOM
from bot.consultations import stored_revisions as stored
from bot.consultations import trials
from bot.consultations.definition_issues import DefinitionIssue
from bot.proposals import seed_statements, waves
from flows.definition import Consultation
from flows.understanding.text import fold
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables import stages
from storage.tables.consultations import ConsultationState, all_consultation_ids, find_consultation
from storage.tables.publications import Publication, set_consultation_dates, set_live_revision, store_publication
from storage.tables.revisions import (
    PublishedRevision,
    find_live_revision,
    list_live_revision_heads,
    live_revision_of,
    revision_in_stage,
)
from storage.tables.stages import Stage, StagePeriod, enter_stage, leave_stage
from storage.tables.triggers import load_triggers, replace_triggers

SAMPLES: Final = Path(__file__).parents[2] / "flows" / "consultations"
KEYWORD: Final = "keyword"


class PublishContext(NamedTuple):
    """The dependencies of publishing: id generator, time, time zone, media folder, audit note, randomness, policy."""

    new_id: Callable[[], int]
    now: datetime
    zone: tzinfo
    media: Path | None = None
    note: Note = unrecorded
    random: Random = SYSTEM_RANDOM
    needs_second: bool = False
    """Whether a version that was never live goes live only after a second member agreed."""


class PublishOutcome(NamedTuple):
    """The result of publishing. `revision` is None with errors or while a confirmation is missing (`impact.waits`);
    `new` is false for an unchanged file.
    """

    revision: PublishedRevision | None
    new: bool
    issues: tuple[DefinitionIssue, ...]
    impact: PublishImpact = PublishImpact()
    start_word: str = ""
    """Of a test: its start word, and the last part of its link."""


def publish_file(
    store: Store, path: Path, context: PublishContext, intent: PublishOptions = DEFAULT_OPTIONS, stage: Stage = "live"
) -> PublishOutcome:
    """Reads, checks and publishes a file atomically, or stores it as a draft or test. For commands; within a
    transaction use `publish_checked`.
    """
    checked = read_consultation_file(path)
    if checked.publishable is None:
        return PublishOutcome(None, False, checked.issues)
    # Before the revision that names them: an unused file is harmless, a missing one is not.
    if issues := _kept(checked, context, str(path)):
        return PublishOutcome(None, False, (*checked.issues, *issues))
    return store.run(
        lambda connection: publish_checked(connection, checked, context, str(path), intent=intent, stage=stage)
    )


def publish_checked(
    connection: Connection,
    checked: CheckedFile,
    context: PublishContext,
    name: str,
    intent: PublishOptions = DEFAULT_OPTIONS,
    stage: Stage = "live",
) -> PublishOutcome:
    """Makes a checked consultation live, unless it is live already, its start words are taken, it changes the meaning
    of answers, or it reverts published changes (`revising`). In another stage it is only stored: nothing changes for
    residents, and obstacles to going live are warnings.
    """
    consultation = checked.publishable
    if consultation is None:
        return PublishOutcome(None, False, checked.issues)
    issues = [*_missing_media(consultation, context, name), *_shut(connection, consultation.slug, stage, name)]
    issues = issues or _unfit(connection, consultation, name)
    if issues:
        return PublishOutcome(None, False, (*checked.issues, *issues))
    file = SourceFile(name, consultation, checked.lines)
    impact = publish_impact.examine_impact(connection, file, intent, context.zone)
    if stage != "live":
        kept = _kept_only(
            connection, consultation, context, name=name, stage=stage, issues=(*checked.issues, *impact.warnings())
        )
        if kept.revision is not None:
            keep_file(connection, kept.revision, checked)
        return kept
    impact = _with_top_lists(connection, impact, consultation, context, intent)
    broken = tuple(broken_dialogues(connection, consultation, name))
    if impact.is_refused or impact.waits or broken:
        return PublishOutcome(None, False, (*checked.issues, *impact.issues, *broken), impact)
    before = find_live_revision(connection, consultation.slug)
    revision = store_publication(connection, _publication(consultation, context))
    keep_file(connection, revision, checked)
    new = before is None or revision.id != before.id
    warnings = _fill(connection, revision, consultation, context, name)
    remarks = _remarks(consultation, revision, context, name)
    if new:
        _note(context, connection, "consultation.publish", revision, intent)
    return PublishOutcome(revision, new, (*checked.issues, *impact.issues, *remarks, *warnings), impact)


def _kept_only(
    connection: Connection,
    consultation: Consultation,
    context: PublishContext,
    name: str,
    stage: Literal["draft", "test"],
    issues: tuple[DefinitionIssue, ...],
) -> PublishOutcome:
    """Stores a draft or test beside the live revision."""
    before = _in_stage(connection, consultation.slug, stage)
    if stage == "draft" and (live := _same_as_live(connection, consultation)):
        return PublishOutcome(live, False, issues)
    revision = store_publication(connection, _publication(consultation, context)._replace(stage=stage))
    is_new = before is None or before.id != revision.id
    if is_new:
        act: Act = "consultation.publish_draft" if stage == "draft" else "consultation.publish_test"
        _note(context, connection, act, revision)
    if stage == "draft":
        return PublishOutcome(revision, is_new, issues)
    warnings = _try_out(connection, revision, consultation, context, name)
    word = trials.trial_slug(connection, revision.consultation_id)
    return PublishOutcome(revision, is_new, (*issues, *warnings), start_word=word)


def _note(
    context: PublishContext,
    connection: Connection,
    act: Act,
    revision: PublishedRevision,
    intent: PublishOptions = DEFAULT_OPTIONS,
) -> None:
    """Records an act on a revision, and the questions confirmed to have the same meaning."""
    about = f"{revision.slug}/{revision.number}"
    context.note(connection, act, about, "")
    for key in sorted(intent.same_meaning):
        context.note(connection, "consultation.same_meaning", about, key)


def _with_top_lists(
    connection: Connection,
    impact: PublishImpact,
    consultation: Consultation,
    context: PublishContext,
    intent: PublishOptions,
) -> PublishImpact:
    """Adds what would be taken from earlier waves, if the publisher looks first."""
    if impact.is_refused or not intent.looks_first:
        return impact
    return impact._replace(lists=tuple(waves.top_lists(connection, consultation, context.now)))


def _go_live(connection: Connection, revision: PublishedRevision, now: datetime, earlier: StagePeriod | None) -> None:
    """Enters the live stage, or returns to an earlier period of it, with the current end of the consultation."""
    found = find_consultation(connection, revision.slug)
    ends_at = found.closes_at if found else None
    if earlier is None:
        set_live_revision(connection, revision, now, ends_at=ends_at)
        return
    number = revision.consultation_id
    enter_stage(connection, number, "live", revision.id, now, ends_at=ends_at, back_to=earlier.back_to)


def publish_stored_revision(
    connection: Connection,
    revision: PublishedRevision,
    context: PublishContext,
    *,
    intent: PublishOptions = DEFAULT_OPTIONS,
    earlier: StagePeriod | None = None,
    is_chosen: bool = False,
) -> PublishImpact:
    """Makes a stored revision live. An earlier live revision keeps the current dates and is compared only with answers
    given since. `earlier`: the period to return to; `is_chosen`: the user named this revision. A draft or a test is
    compared like a file.

    Nothing is written if the impact prevents it or needs a confirmation.
    """
    name = f"{revision.slug}, revision {revision.number}"
    consultation = stored.read_revision(revision)
    if consultation is None:
        return PublishImpact((DefinitionIssue(name, 1, "this program cannot read it", "publish its file again"),))
    issues = [*_missing_media(consultation, context, name), *_unfit(connection, consultation, name)]
    if issues:
        return PublishImpact(tuple(issues))
    file = SourceFile(name, consultation)
    is_return = earlier is not None or (is_chosen and was_live(connection, revision))
    if is_return:
        impact = publish_impact.examine_return(connection, file, revision, intent)
    else:
        impact = publish_impact.examine_impact(connection, file, intent, context.zone)
    impact = _with_top_lists(connection, impact, consultation, context, intent)
    # The way back to a version that was live is never blocked.
    if not is_return and (broken := tuple(broken_dialogues(connection, consultation, name))):
        return impact._replace(issues=(*impact.issues, *broken))
    if impact.is_refused or impact.waits:
        return impact
    if not is_return:
        set_consultation_dates(connection, _publication(consultation, context))
    _go_live(connection, revision, context.now, earlier)
    _fill(connection, revision, consultation, context, name)
    _note(context, connection, "consultation.publish_back" if earlier else "consultation.go_live", revision, intent)
    return impact


def _try_out(
    connection: Connection, tested: PublishedRevision, consultation: Consultation, context: PublishContext, name: str
) -> list[DefinitionIssue]:
    """Starts the trial of a test revision and deletes the answers to another one. Returns warnings."""
    asked = trials.trial_definition(connection, tested, consultation)
    before = stages.trial_of(connection, tested.consultation_id)
    publication = _publication(asked, context)
    live = live_revision_of(connection, before) if before else None
    if before and live and live.content_hash != publication.content_hash:
        trials.empty_trial(connection, before)
    revision = store_publication(connection, publication._replace(number=tested.number))
    if before is None:
        stages.add_trial(connection, revision.consultation_id, tested.consultation_id)
    return _fill(connection, revision, asked, context, name)


def _same_as_live(connection: Connection, consultation: Consultation) -> PublishedRevision | None:
    live = find_live_revision(connection, consultation.slug)
    return live if live and live.content_hash == content_digest(canonical_content(consultation)) else None


def _in_stage(connection: Connection, slug: str, stage: Stage) -> PublishedRevision | None:
    if stage == "live":
        return find_live_revision(connection, slug)
    found = find_consultation(connection, slug)
    return revision_in_stage(connection, found.id, stage) if found else None


def _fill(
    connection: Connection, revision: PublishedRevision, consultation: Consultation, context: PublishContext, name: str
) -> list[DefinitionIssue]:
    """Stores the start words, seeds and copied proposals of a live revision. Returns warnings."""
    own, known = revision.consultation_id, load_triggers(connection)
    for waiting in ("draft", "test"):
        found = revision_in_stage(connection, own, waiting)
        if found and found.id == revision.id:
            leave_stage(connection, own, waiting, context.now)
            if waiting == "test":
                trials.end_trial(connection, own)
    others = [trigger for trigger, owner in known.items() if owner == own and trigger[0] != KEYWORD]
    wanted = ((KEYWORD, word) for word in start_words(consultation))
    replace_triggers(connection, own, [*others, *wanted])
    seed_statements.publish_seeds(
        connection, own, consultation, new_id=context.new_id, now=context.now, random=context.random
    )
    return waves.carry_over_proposals(
        connection, revision, consultation, new_id=context.new_id, now=context.now, name=name
    )


def _missing_media(consultation: Consultation, context: PublishContext, name: str) -> list[DefinitionIssue]:
    missing = [it for it in media.media_names(consultation) if not (context.media and (context.media / it).is_file())]
    reason = f"recordings or images are not in the media folder: {', '.join(missing)}"
    return [DefinitionIssue(name, 1, reason, "put them back")] if missing else []


def _unfit(connection: Connection, consultation: Consultation, name: str) -> list[DefinitionIssue]:
    """Returns why a revision cannot be live: its words start another consultation, or earlier proposals are missing."""
    found = find_consultation(connection, consultation.slug)
    own = found.id if found else 0
    known = load_triggers(connection)
    taken = [word for word in start_words(consultation) if known.get((KEYWORD, word), own) != own]
    if not taken:
        return list(waves.carry_over_errors(connection, consultation, name))
    slugs = {
        it.consultation_id: it.slug
        for it in list_live_revision_heads(connection, get_args(ConsultationState), trials=True)
    }
    return [
        DefinitionIssue(
            name, 1, f"keywords: “{word}” already starts {slugs[known[KEYWORD, word]]}", "choose another word"
        )
        for word in taken
    ]


def _shut(connection: Connection, slug: str, stage: Stage, name: str) -> list[DefinitionIssue]:
    """Returns why participation would not be possible after publishing."""
    found = find_consultation(connection, slug, lock=True)
    if found is None or found.state == "open" or (found.state == "closed" and stage != "live"):
        return []
    way = f"`{program_name()} reopen {slug} --until DATE` lets it accept answers again"
    if found.state == "archived":
        way = f"`{program_name()} unarchive {slug}` restores it"
    reason = f"{slug} is {found.state}, so participation would not be possible after publishing"
    return [DefinitionIssue(name, 1, reason, f"{way}; then publish")]


def publish_samples(store: Store, context: PublishContext) -> list[DefinitionIssue]:
    """Publishes the samples into an empty store. A broken file is reported, but does not stop the start."""
    issues: list[DefinitionIssue] = []
    try:
        with store.reading() as connection:
            if all_consultation_ids(connection):
                return []
        for path in sorted(SAMPLES.glob("*.yaml")):
            issues += publish_file(store, path, context).issues
    except StorageError as error:
        issues.append(DefinitionIssue(str(SAMPLES), 1, f"the samples could not be stored ({error})", "run `doctor`"))
    return issues


def _kept(checked: CheckedFile, context: PublishContext, name: str) -> list[DefinitionIssue]:
    """Copies recordings and images into the media folder; returns errors."""
    if not checked.media or context.media is None:
        return []
    try:
        changed = media.store_media(checked.media, context.media)
    except OSError as error:
        reason = f"recordings or images cannot be stored in {context.media} ({error.strerror})"
        return [DefinitionIssue(name, 1, reason, "check --data, its rights and the free space")]
    return [DefinitionIssue(name, 1, f"“{path}” changed while it was read", "publish again") for path in changed]


def start_words(consultation: Consultation) -> list[str]:
    """Returns the normalised words that start a consultation: its slug and keywords, each once."""
    return list(dict.fromkeys(fold(word) for word in (consultation.slug, *consultation.keywords)))


def _publication(consultation: Consultation, context: PublishContext) -> Publication:
    stored = canonical_content(consultation)
    return Publication(
        consultation_id=context.new_id(),
        revision_id=context.new_id(),
        slug=consultation.slug,
        content=stored,
        content_hash=content_digest(stored),
        published_at=context.now,
        sample=consultation.sample,
        opens_at=_midnight(consultation.opens, context.zone),
        # open until the end of its last day
        closes_at=_midnight(consultation.closes, context.zone, days=1),
    )


def _midnight(day: date | None, zone: tzinfo, days: int = 0) -> datetime | None:
    return None if day is None else datetime.combine(day + timedelta(days), time(), zone)


def _remarks(
    consultation: Consultation, revision: PublishedRevision, context: PublishContext, name: str
) -> Iterator[DefinitionIssue]:
    if consultation.closes and consultation.closes < context.now.astimezone(context.zone).date():
        reason = f"it closed on {consultation.closes}, so participation is not possible"
        yield DefinitionIssue(name, 1, reason, "correct closes unless this is intended", warning=True)
    if consultation.revision not in (None, revision.number):
        reason = f"the file states that it was made from revision {consultation.revision}"
        yield DefinitionIssue(
            name, 1, reason, f"write revision: {revision.number} before you change it again", warning=True
        )
