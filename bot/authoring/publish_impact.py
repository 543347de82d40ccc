"""Computes what a revision changes before it is published, and whether it reverts changes of others.

Runs in the publishing transaction on the locked consultation, so that concurrent publishers see each other's changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """The newest revision the publisher saw; overrides the one named in the file."""
    same_meaning: frozenset[str] = frozenset()
    """Keys of questions whose meaning stays the same although their wording changed."""
    looks_first: bool = False
    """Whether the proposals to take from an earlier wave (those agreed with most) are shown and confirmed first."""


DEFAULT_OPTIONS: Final = PublishOptions()
_MADE_LIVE: Final[tuple[Act, ...]] = ("consultation.publish", "consultation.go_live", "consultation.publish_back")


class PublishImpact(NamedTuple):
    """The consequences of publishing. `issues` prevent it (except warnings), `unconfirmed` needs a confirmation."""

    issues: tuple[DefinitionIssue, ...] = ()
    unconfirmed: tuple[RevisionChange, ...] = ()
    questions: tuple[DefinitionIssue, ...] = ()
    """The unconfirmed changes, with their places in the file."""
    changes: tuple[RevisionChange, ...] = ()
    under_way: Mapping[int, int] = {}
    """Revision number → number of unfinished participations, which stay on it."""
    lists: tuple[TopList, ...] = ()
    """The proposals to take from earlier waves, which also need a confirmation."""
    conflict: Conflict | None = None
    """The changes of others that would be lost; `issues` describes it."""

    @property
    def waits(self) -> bool:
        """Whether a confirmation is missing."""
        return bool(self.unconfirmed or self.lists)

    @property
    def is_refused(self) -> bool:
        """Whether errors prevent publishing."""
        return any(not error.warning for error in self.issues)

    def warnings(self) -> tuple[DefinitionIssue, ...]:
        """Returns all findings as warnings, for a revision that does not go live."""
        return tuple(error._replace(warning=True) for error in (*self.issues, *self.questions))


class SourceFile(NamedTuple):
    """A checked file with the lines of its parts."""

    name: str
    consultation: Consultation
    lines: Mapping[Where, int] = {}

    def error(self, where: Sequence[str], said: change_texts.ChangeText, *, warning: bool = False) -> DefinitionIssue:
        """Returns an error at a place given by keys and values."""
        return DefinitionIssue(self.name, line_of_path(self._indexed(where), self.lines), *said, warning=warning)

    def _indexed(self, where: Sequence[str]) -> Where:
        places = {node.key: index for index, node in self.consultation.placed_nodes()}
        if len(where) < 2 or where[0] != "questions" or where[1] not in places:
            return tuple(where[:1] if where[:1] == ("questions",) else where)
        index = places[where[1]]
        options = [option.value for option in self.consultation.questions[index].listed_options()]
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
        return PublishImpact(tuple(_refusals(file, conflict, _publisher(connection, newest), zone)), conflict=conflict)
    return _impact(connection, file, newest, revisions, intent)


def examine_return(
    connection: Connection, file: SourceFile, revision: PublishedRevision, intent: PublishOptions
) -> PublishImpact:
    """Returns the impact of making an earlier live revision live again. It may revert changes of others, since that is
    its purpose; but it must have the meaning of the answers given meanwhile.

    Answers given while it was live need no comparison: later revisions were compared with it, and a person confirmed
    which changes keep the meaning.
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
    unreadable = [number for number, old in read.items() if old is None]
    issues = [*_refused(file, changes, intent), *_unreadable(file, unreadable)]
    is_refused = any(not error.warning for error in issues)
    waits = () if is_refused else unconfirmed(changes, intent.same_meaning)
    under_way = _under_way(connection, newest.consultation_id, revisions)
    return PublishImpact(tuple(issues), waits, tuple(_described(file, waits)), changes, under_way)


def _refused(file: SourceFile, changes: Iterable[RevisionChange], intent: PublishOptions) -> Iterator[DefinitionIssue]:
    yield from _described(file, [it for it in changes if it.level is ChangeLevel.REFUSED])
    yield from (file.error((), change_texts.describe_unknown_key(key)) for key in _unknown(file.consultation, intent))


def _unreadable(file: SourceFile, numbers: Iterable[int]) -> Iterator[DefinitionIssue]:
    return (file.error((), change_texts.describe_unreadable(it), warning=True) for it in numbers)


def _described(file: SourceFile, changes: Iterable[RevisionChange]) -> Iterator[DefinitionIssue]:
    return (file.error(_place(it), change_texts.describe_change(it)) for it in changes)


def _under_way(connection: Connection, consultation_id: int, revisions: Iterable[PublishedRevision]) -> dict[int, int]:
    """Returns how many sessions wait, by number of the revision."""
    waiting = count_waiting_sessions_by_revision(connection, consultation_id)
    return {it.number: waiting[it.id] for it in sorted(revisions, key=lambda it: it.number) if it.id in waiting}


def _place(change: RevisionChange) -> tuple[str, ...]:
    return ("questions", change.key) if change.key else ()


def _unknown(consultation: Consultation, intent: PublishOptions) -> list[str]:
    return sorted(intent.same_meaning - {node.key for node in consultation.nodes()})


def _refusals(file: SourceFile, conflict: Conflict, publisher: str, zone: tzinfo) -> Iterator[DefinitionIssue]:
    mark = ("revision",) if conflict.kind in {"base_old", "base_unknown"} else ()
    yield file.error(mark, change_texts.describe_conflict(conflict, file.consultation.slug, publisher, zone))
    for difference in conflict.lost:
        yield file.error(difference.where, change_texts.describe_lost_part(conflict, difference))
