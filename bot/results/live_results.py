"""The results on the wall of a live meeting: a picture that is replaced only if the difference may be published.

A room is a group of all participants, and people in it see each other answer. So three rules apply: a picture must be
publishable after the previous one (`differencing.may_publish_after`); the time of an update depends on no answer; and
the people outside all pictures in the published figures are none or enough (docs/reference/results.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import from_json
from sqlalchemy import Connection

from bot.consultations.live_meetings import entry_code_of
from bot.results.comparison_basis import ComparisonBasis
from bot.results.counts import disclosure, one_way
from bot.results.counts.answer_dataset import revisions_with_same_meaning
from bot.results.counts.counts import ParticipationCounts
from bot.results.counts.differencing import may_publish_after
from bot.results.counts.disclosure import (
    SENSITIVE_MIN_CELL_SIZE,
    WHOLE,
    DisclosureRule,
    FrequencyRow,
    Reason,
    group_row,
)
from flows.flow import Flow
from flows.questions.base import Question
from storage.tables.editions import find_newest_edition
from storage.tables.revisions import PublishedRevision
from storage.tables.rooms import (
    AnswerCount,
    StoredRoom,
    StoredRoomResult,
    count_people_in_room,
    count_room_answers,
    lock_rooms,
    room_results,
    upsert_room_results,
)

_form: Final = TypeAdapter(tuple[int, dict[str, int]])


class MeetingQuestion(NamedTuple):
    """A room at its current question."""

    room: StoredRoom
    newest: PublishedRevision
    flow: Flow
    codes: Mapping[str, Sequence[str]]
    """The possible answers by question key; empty for free text and for questions that the wall does not show."""
    min_cell_size: int
    """`smallest_cell` of the consultation."""

    @property
    def leads(self) -> frozenset[str]:
        """Returns the questions on whose answers the current question depends."""
        return all_condition_questions(self.flow, self.room.at)

    def rule(self, min_cell_size: int) -> DisclosureRule:
        """Returns the rule of the current question; condition questions of a sensitive one have the same rule."""
        asked = [self.flow.nodes.get(key) for key in (self.room.at, *self.leads)]
        return DisclosureRule(min_cell_size, any(isinstance(it, Question) and it.sensitive for it in asked))

    @property
    def threshold(self) -> int:
        """Returns the threshold. It is higher than elsewhere, because the people in a room can be named."""
        return max(self.min_cell_size, SENSITIVE_MIN_CELL_SIZE)


def all_condition_questions(flow: Flow, key: str) -> frozenset[str]:
    """Returns the questions on whose answers this one depends, directly or indirectly."""
    found, new = frozenset[str](), {key}
    while new:
        new = {lead for it in new for lead in flow.condition_questions.get(it, ())} - found - {key}
        found |= new
    return found


class LiveResult(NamedTuple):
    """The public view of the answers to the current question."""

    at_least: int | None
    """The number that reached the question, rounded down to a multiple of the threshold. None if the question depends
    on answers, because the number is then withheld.
    """
    values: Mapping[str, int | None]
    """By code; suppressed counts are None. Empty for free text."""
    answered: int
    """The base of shares; 0 if all is suppressed."""
    reason: Reason
    """The reason for suppression."""
    number: int
    """Increases with each new picture; 0 before the first."""
    is_due: bool
    """Whether an update is due (`renew_live_result`)."""


def load_live_result(connection: Connection, meeting: MeetingQuestion) -> LiveResult:
    """Returns the current picture. Writes nothing."""
    given = sum(it.number for it in _counts(connection, meeting, meeting.room.at))
    stored = room_results(connection, meeting.room.consultation_id)
    return _picture(meeting, given, _come(connection, meeting, meeting.room.at, given), stored)


def renew_live_result(connection: Connection, meeting: MeetingQuestion) -> LiveResult:
    """Returns the picture after an update, if one is due. Stores the picture and the attempt."""
    room, threshold = meeting.room, meeting.threshold
    lock_rooms(connection, room.consultation_id)
    stored = room_results(connection, room.consultation_id)
    counts = {key: _summed(connection, meeting, key) for key in _group(meeting)}
    given = counts[room.at][0]
    come = {key: _come(connection, meeting, key, n) for key, (n, _) in counts.items()}
    picture = _picture(meeting, given, come[room.at], stored)
    if not picture.is_due:
        return picture
    kept = {it.question_key: it for it in stored if it.room_id == room.id}
    shown = {key: _row(it) for key, it in kept.items() if it.shown}
    rows = {key: row for key, (_, row) in counts.items()}
    may_replace = (
        all(map(meeting.codes.get, rows))
        and may_replace_rows(shown, rows, meeting.rule(threshold))
        and _may_stand_beside_the_whole(connection, meeting, rows, stored)
    )
    news = [
        StoredRoomResult(
            room_id=room.id,
            question_key=key,
            tried=come[key],
            number=_number(kept, key) + (shown.get(key) != row),
            shown=_text(row),
        )
        for key, row in rows.items()
    ]
    upsert_room_results(connection, news if may_replace else [_attempt(kept, room, come[room.at])])
    return _picture(meeting, given, come[room.at], room_results(connection, room.consultation_id))


def is_renewal_due(come: int, tried: int | None, threshold: int) -> bool:
    """Whether an update is due, given the number of arrivals now (`come`) and at the last attempt (`tried`). Pure.

    It depends on no answer. With an attempt after each answer, the first publishable moment would disclose the answer
    that made it publishable.

    >>> [is_renewal_due(come, tried, 10) for come, tried in [(9, None), (12, None), (21, 12), (22, 12)]]
    [False, True, False, True]
    """
    return come >= threshold and (tried is None or abs(come - tried) >= threshold)


def may_replace_rows(shown: Mapping[str, FrequencyRow], rows: Mapping[str, FrequencyRow], rule: DisclosureRule) -> bool:
    """Whether these rows may be shown after the last shown ones: all of them, or none. Pure.

    >>> old, new = {"q": FrequencyRow(12, {"yes": 7, "no": 5})}, {"q": FrequencyRow(13, {"yes": 7, "no": 6})}
    >>> may_replace_rows({}, old, DisclosureRule(10)), may_replace_rows(old, new, DisclosureRule(10))
    (True, False)
    """
    return all(
        row.base > 0
        and not disclosure.suppression_reason(row, rule)
        and (key not in shown or shown[key] == row or may_publish_after(shown[key], row, rule))
        for key, row in rows.items()
    )


def are_publishable_together(pictures: Sequence[FrequencyRow], everybody: FrequencyRow, rule: DisclosureRule) -> bool:
    """Whether the overall figures, counted later than these pictures of rooms, leave none or enough people outside.

    Rooms are disjoint: the people outside all of them are the smallest part that a reader can compute. These people
    must not be like-minded, regardless of their number; else the part of a room in each edition would follow. Pure.

    >>> room, rule = FrequencyRow(12, {"yes": 7, "no": 5}), DisclosureRule()
    >>> [are_publishable_together([room], FrequencyRow(12 + yes + no, {"yes": 7 + yes, "no": 5 + no}), rule)
    ...  for yes, no in [(0, 0), (1, 1), (3, 3), (40, 0)]]
    [True, False, True, False]
    """
    if rule.min_cell_size == disclosure.UNPROTECTED:
        return True
    for row in (*pictures, sum_rows(pictures)):
        rest = everybody.base - row.base
        n = [everybody.n.get(it, 0) - row.n.get(it, 0) for it in {**everybody.n, **row.n}]
        if (rest or any(n)) and (rest < rule.threshold or not all(0 <= it <= rest - 2 for it in n)):
            return False
    return True


def sum_rows(rows: Iterable[FrequencyRow]) -> FrequencyRow:
    """Returns the sum of these rows."""
    return group_row({frozenset({str(at)}): row for at, row in enumerate(rows)}, WHOLE)


def withheld_beside_rooms(connection: Connection, counts: ParticipationCounts) -> frozenset[str]:
    """Returns the variables whose figures, together with the pictures of rooms, would disclose single answers."""
    tables, rules = one_way.tables_by_name(counts), one_way.rules_by_name(counts.subject)
    pictures: dict[str, list[FrequencyRow]] = {}
    for it in room_results(connection, counts.subject.newest.consultation_id):
        if it.shown and it.question_key in tables:
            pictures.setdefault(it.question_key, []).append(_row(it))
    return frozenset(
        key
        for key, rows in pictures.items()
        if not are_publishable_together(rows, group_row(tables[key], WHOLE), rules[key])
    )


def live_results_version(connection: Connection, consultation_id: int) -> int:
    """Returns a number that increases with each new picture of a room."""
    return sum(it.number for it in room_results(connection, consultation_id))


def sum_answer_counts(counts: Iterable[AnswerCount], codes: Iterable[str]) -> tuple[int, FrequencyRow]:
    """Returns the number of people that reached a question, and the row of their answers.

    >>> counts = [AnswerCount('"yes"', None, 9), AnswerCount('"no"', None, 2), AnswerCount(None, "skipped", 1)]
    >>> sum_answer_counts(counts, ["yes"])
    (12, FrequencyRow(base=11, n={'yes': 9}))
    """
    cells = dict.fromkeys(codes, 0)
    given = answered = 0
    for count in counts:
        given += count.number
        if count.value is None:
            continue
        value = from_json(count.value)
        answered += count.number
        for one in value if isinstance(value, list) else [value]:
            code = str(one).lower() if isinstance(one, bool) else str(one)
            if code in cells:
                cells[code] += count.number
    return given, FrequencyRow(answered, cells)


def _come(connection: Connection, meeting: MeetingQuestion, key: str, given: int) -> int:
    """Returns the number that schedules updates: the people that reached the question, which depends on no answer. If
    the question depends on answers: the people that joined.
    """
    room = meeting.room
    return (
        count_people_in_room(connection, room.consultation_id, entry_code_of(room))
        if all_condition_questions(meeting.flow, key)
        else given
    )


def _is_due(meeting: MeetingQuestion, come: int, old: StoredRoomResult | None) -> bool:
    """Whether enough people came since the last attempt; only questions with options have a picture."""
    if not meeting.room.shows_results or not meeting.codes.get(meeting.room.at, ()):
        return False
    return is_renewal_due(come, old.tried if old else None, meeting.threshold)


def _picture(meeting: MeetingQuestion, given: int, come: int, stored: Iterable[StoredRoomResult]) -> LiveResult:
    room, threshold, codes = meeting.room, meeting.threshold, meeting.codes.get(meeting.room.at, ())
    old = next((it for it in stored if (it.room_id, it.question_key) == (room.id, room.at)), None)
    is_due = _is_due(meeting, come, old)
    at_least = None if meeting.leads else given - given % threshold
    if old is None or not old.shown:
        why: Reason = "protected" if old or meeting.leads else "few"
        return LiveResult(
            at_least=at_least, values=dict.fromkeys(codes), answered=0, reason=why, number=0, is_due=is_due
        )
    row, round_count = _row(old), disclosure.rounded_count if meeting.rule(threshold).is_sensitive else int
    return LiveResult(
        at_least=at_least,
        values={it: round_count(row.n.get(it, 0)) for it in codes},
        answered=round_count(row.base),
        reason="",
        number=old.number,
        is_due=is_due,
    )


def _may_stand_beside_the_whole(
    connection: Connection,
    meeting: MeetingQuestion,
    rows: Mapping[str, FrequencyRow],
    stored: Iterable[StoredRoomResult],
) -> bool:
    """Whether these rows and the published edition, if there is one, together disclose no single answer."""
    edition = find_newest_edition(connection, meeting.room.consultation_id)
    published = ComparisonBasis.from_json(edition.compared) if edition else None
    rule = meeting.rule(meeting.min_cell_size)
    for key, row in rows.items():
        table = published.tables.get(key) if published else None
        if not table or not group_row(table, WHOLE).base:
            continue
        others = [_row(it) for it in stored if it.shown and it.question_key == key and it.room_id != meeting.room.id]
        _, everybody = _summed(connection, meeting, key, is_whole=True)
        if not _may_stand_beside(group_row(table, WHOLE), everybody, row, others, rule):
            return False
    return True


def _may_stand_beside(
    published: FrequencyRow,
    everybody: FrequencyRow,
    row: FrequencyRow,
    others: Sequence[FrequencyRow],
    rule: DisclosureRule,
) -> bool:
    """Whether the row of a room may be shown beside those of other rooms and the published row of all."""
    if not are_publishable_together((row, *others), everybody, rule):
        return False
    together = sum_rows((row, *others))
    if together.base == everybody.base:
        # Without people outside, the difference is the people added since the edition.
        return may_publish_after(published, together, rule)
    return not _is_like_minded(row, rule)


def _is_like_minded(row: FrequencyRow, rule: DisclosureRule) -> bool:
    """Whether a room would disclose the distribution of the others at the time of the edition."""
    strict = rule._replace(is_sensitive=True)
    return any(strict.is_like_minded(n, row.base) for n in row.n.values())


def _group(meeting: MeetingQuestion) -> tuple[str, ...]:
    return (meeting.room.at, *sorted(meeting.leads))


def _counts(connection: Connection, meeting: MeetingQuestion, key: str, *, is_whole: bool = False) -> list[AnswerCount]:
    room = meeting.room
    place = None if is_whole else entry_code_of(room)
    revisions = revisions_with_same_meaning(connection, meeting.newest, key)
    return count_room_answers(connection, room.consultation_id, place, key, revisions)


def _summed(
    connection: Connection, meeting: MeetingQuestion, key: str, *, is_whole: bool = False
) -> tuple[int, FrequencyRow]:
    """Returns the number of answers to a question, and the row of those with a code: of the room, or of all people."""
    return sum_answer_counts(_counts(connection, meeting, key, is_whole=is_whole), meeting.codes.get(key, ()))


def _row(stored: StoredRoomResult) -> FrequencyRow:
    return FrequencyRow(*_form.validate_json(stored.shown))


def _text(row: FrequencyRow) -> str:
    return _form.dump_json((row.base, dict(row.n))).decode()


def _attempt(kept: Mapping[str, StoredRoomResult], room: StoredRoom, come: int) -> StoredRoomResult:
    """Returns the old result of the current question, with the number of people at the attempt to renew it."""
    old = kept.get(room.at)
    return StoredRoomResult(
        room_id=room.id,
        question_key=room.at,
        tried=come,
        number=old.number if old else 0,
        shown=old.shown if old else "",
    )


def _number(kept: Mapping[str, StoredRoomResult], key: str) -> int:
    return kept[key].number if key in kept else 0
