"""Computes what a revision changes before it is published, and whether it reverts changes of others.

Runs in the publishing transaction on the locked consultation, so that concurrent publishers see each other's changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.authoring import change_texts
from bot.authoring.conflicts import Conflict, find_conflict
from bot.authoring.file_check import canonical_content, content_digest
from bot.common import audit
from bot.common.audit import Act
from bot.consultations import stored_revisions
from bot.consultations.changes import AnsweredRevision, ChangeLevel, RevisionChange
from bot.consultations.comparison import compare, unconfirmed
from bot.consultations.definition_issues import DefinitionIssue, line_of_path
from bot.proposals.waves import TopList
from flows.definition import Consultation
from flows.questions.base import Where
from storage.tables.answers import count_answers_by_revision
from storage.tables.consultations import find_consultation
from storage.tables.revisions import PublishedRevision, find_live_revision, revisions_once_live
from storage.tables.sessions import count_waiting_sessions_by_revision
from storage.tables.stages import stage_history


class PublishOptions(NamedTuple):
    """The options of the publisher besides the file."""

    base: int | None = None
    """The newest revision they have seen; stronger than what the file says."""
    same_meaning: frozenset[str] = frozenset()
    """Keys of questions that ask the same as before in other words."""
    looks_first: bool = False
    """What would be taken of an earlier wave as agreed with most is to be shown, and confirmed, before it is taken."""


DEFAULT_OPTIONS: Final = PublishOptions()
_MADE_LIVE: Final[tuple[Act, ...]] = ("consultation.publish", "consultation.go_live", "consultation.publish_back")


class PublishImpact(NamedTuple):
    """What publishing would do. `faults` refuse it (save warnings), `unconfirmed` waits for a person."""

    faults: tuple[DefinitionIssue, ...] = ()
    unconfirmed: tuple[RevisionChange, ...] = ()
    questions: tuple[DefinitionIssue, ...] = ()
    """What is unconfirmed, with its place in the file."""
    changes: tuple[RevisionChange, ...] = ()
    under_way: Mapping[int, int] = {}
    """Revision number → how many people are in the middle of it, and stay with it."""
    lists: tuple[TopList, ...] = ()
    """What would be taken of earlier waves, and waits for a person as well."""

    @property
    def waits(self) -> bool:
        """Whether a person has to confirm something first."""
        return bool(self.unconfirmed or self.lists)

    @property
    def is_refused(self) -> bool:
        """Whether errors prevent publishing."""
        return any(not error.warning for error in self.faults)

    def warnings(self) -> tuple[DefinitionIssue, ...]:
        """All of it as advice, for what is not to be live yet."""
        return tuple(error._replace(warning=True) for error in (*self.faults, *self.questions))


class SourceFile(NamedTuple):
    """A checked file with the lines of its parts."""

    name: str
    consultation: Consultation
    lines: Mapping[Where, int] = {}

    def error(self, where: Sequence[str], said: change_texts.ChangeText, *, warning: bool = False) -> DefinitionIssue:
        """A fault at a place named by keys and values."""
        return DefinitionIssue(self.name, line_of_path(self._indexed(where), self.lines), *said, warning=warning)

    def _indexed(self, where: Sequence[str]) -> Where:
        keys = [node.key for node in self.consultation.questions]
        if len(where) < 2 or where[0] != "questions" or where[1] not in keys:
            return tuple(where[:1] if where[:1] == ("questions",) else where)
        index = keys.index(where[1])
        options = [option.value for option in getattr(self.consultation.questions[index], "options", ())]
        rest: Where = tuple(where[2:])
        if rest[:1] == ("options",) and len(rest) > 1 and rest[1] in options:
            rest = ("options", options.index(str(rest[1])), *rest[2:])
        return ("questions", index, *rest)


def examine_impact(connection: Connection, file: SourceFile, intent: PublishOptions, zone: tzinfo) -> PublishImpact:
    """Returns the impact on the live revision and its answers. Locks the consultation."""
    consultation = file.consultation
    find_consultation(connection, consultation.slug, lock=True)
    newest = find_live_revision(connection, consultation.slug)
    if newest is None or newest.content_hash == content_digest(canonical_content(consultation)):
        return PublishImpact()
    revisions = revisions_once_live(connection, newest.consultation_id)
    periods = stage_history(connection, newest.consultation_id)
    by_id = {it.id: it for it in revisions}
    lived = [by_id[period.revision_id] for period in periods]
    base = consultation.revision if intent.base is None else intent.base
    if conflict := find_conflict(consultation, newest, lived, base):
        return PublishImpact(tuple(_refusals(file, conflict, _publisher(connection, newest), zone)))
    return _impact(connection, file, newest, revisions, intent)


def examine_return(
    connection: Connection, file: SourceFile, revision: PublishedRevision, intent: PublishOptions
) -> PublishImpact:
    """What it would do if this revision, which was live before, were live again. It may take back what others changed,
    since that is what it is for; but where answers were given meanwhile, it means the same as those.

    Where people answered it while it was live, later ones were compared with it, and a person has said what means the
    same.
    """
    newest = find_live_revision(connection, revision.slug)
    if newest is None or newest.id == revision.id:
        return PublishImpact()
    impact = _impact(connection, file, newest, revisions_once_live(connection, newest.consultation_id), intent)
    if revision.id in count_answers_by_revision(connection, revision.consultation_id):
        return impact._replace(unconfirmed=(), questions=())
    return impact


def _publisher(connection: Connection, revision: PublishedRevision) -> str:
    """Returns the publisher of a revision, or "" if not recorded."""
    about = f"{revision.slug}/{revision.number}"
    entries = [it for act in _MADE_LIVE if (it := audit.last_entries(connection, act, about))]
    return max(entries, key=lambda entry: entry.id).actor if entries else ""


def _impact(
    connection: Connection,
    file: SourceFile,
    newest: PublishedRevision,
    revisions: Sequence[PublishedRevision],
    intent: PublishOptions,
) -> PublishImpact:
    counts = count_answers_by_revision(connection, newest.consultation_id)
    read = {it.number: stored_revisions.read_revision(it) for it in revisions if it.id in counts}
    earlier = [AnsweredRevision(it.number, old, counts[it.id]) for it in revisions if (old := read.get(it.number))]
    changes = compare(file.consultation, stored_revisions.read_revision(newest), earlier)
    faults = [
        *(
            file.error(_place(it), change_texts.describe_change(it))
            for it in changes
            if it.level is ChangeLevel.REFUSED
        ),
        *(file.error((), change_texts.describe_unknown_key(key)) for key in _unknown(file.consultation, intent)),
        *(
            file.error((), change_texts.describe_unreadable(it), warning=True)
            for it, old in read.items()
            if old is None
        ),
    ]
    numbers = {it.id: it.number for it in revisions}
    waiting = count_waiting_sessions_by_revision(connection, newest.consultation_id)
    under_way = {numbers[id_]: people for id_, people in sorted(waiting.items(), key=lambda it: numbers[it[0]])}
    is_refused = any(not error.warning for error in faults)
    waits = () if is_refused else unconfirmed(changes, intent.same_meaning)
    questions = tuple(file.error(_place(it), change_texts.describe_change(it)) for it in waits)
    return PublishImpact(tuple(faults), waits, questions, changes, under_way)


def _place(change: RevisionChange) -> tuple[str, ...]:
    return ("questions", change.key) if change.key else ()


def _unknown(consultation: Consultation, intent: PublishOptions) -> list[str]:
    return sorted(intent.same_meaning - {node.key for node in consultation.questions})


def _refusals(file: SourceFile, conflict: Conflict, publisher: str, zone: tzinfo) -> Iterator[DefinitionIssue]:
    mark = ("revision",) if conflict.kind in {"base_old", "base_unknown"} else ()
    yield file.error(mark, change_texts.describe_conflict(conflict, file.consultation.slug, publisher, zone))
    for difference in conflict.lost:
        yield file.error(difference.where, change_texts.describe_lost_part(conflict, difference))
