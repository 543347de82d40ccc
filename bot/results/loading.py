"""From the store to the log: every vote of a consultation, the statements it has, and who declared which sector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection

from bot.counting.subject import Subject
from bot.results.matrix import Log
from storage import answers, moderation, proposals, ratings
from storage.proposals import StoredProposal

SECTORS: Final = "sectors"


class Loaded(NamedTuple):
    """Everything results are computed from. Statements are named by their public codes."""

    log: Log
    proposals: Mapping[str, StoredProposal]
    """By code, oldest first; merged ones are not there."""
    shown: tuple[str, ...]
    """Codes of those which are released and not withdrawn."""


def load(connection: Connection, consultation_id: int) -> Loaded:
    """One moment of a consultation. Votes on a merged proposal count for the one it was merged into."""
    every = {row.id: row for row in proposals.of_consultation(connection, consultation_id)}
    states = moderation.of_proposals(connection, list(every))
    target = {number: _final(number, states) for number in every}
    kept = {row.code: row for number, row in every.items() if target[number] == number}
    codes = {number: every.get(into, every[number]).code for number, into in target.items()}
    log = Log.of_columns(_columns(connection, consultation_id, codes), statements=tuple(kept))
    shown = tuple(code for code, row in kept.items() if row.released_at and not row.withdrawn_at)
    return Loaded(log, kept, shown)


def _final(number: int, states: Mapping[int, moderation.NewModeration]) -> int:
    """Where a chain of merges ends."""
    for _ in range(len(states)):
        state = states.get(number)
        if state is None or state.merged_into is None:
            break
        number = state.merged_into
    return number


def _columns(
    connection: Connection, consultation_id: int, codes: Mapping[int, str]
) -> Iterator[Sequence[Sequence[object]]]:
    """The votes as `Log.of_columns` takes them; `at` is the place of each among all, in the order they were given."""
    start = 0
    for rows in ratings.votes_of(connection, consultation_id):
        people, proposal_ids, *others = zip(*rows, strict=True)
        yield people, [codes[it] for it in proposal_ids], *others, range(start, start := start + len(rows))


def sectors(connection: Connection, found: Subject) -> dict[str, frozenset[str]]:
    """Sector → the pseudonyms of those who see themselves in it, by the answers to questions of the type `sectors`.

    Empty where nobody was asked; a sector nobody declared is there, since it is missing from every result.
    """
    declared: dict[str, set[str]] = {}
    for variable in found.variables:
        if variable.question.type == SECTORS:
            values = variable.question.values()
            for code in sorted(map(str, values)) if isinstance(values, frozenset) else ():
                declared.setdefault(code, set())
            said = answers.of_question(connection, found.newest.consultation_id, variable.key)
            for pseudonym, value in said.items():
                for code in from_json(value):
                    declared.setdefault(code, set()).add(pseudonym)
    return {code: frozenset(people) for code, people in declared.items()}
