"""What people proposed and how each of them weighed it, in the profiles that have rows of participations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from bot.counting.responses import AT_ONCE, Response
from bot.counting.subject import Subject
from bot.exports.tables import Row, Table, View
from bot.proposals.standing import Standing, find
from storage import proposals, ratings
from storage.ratings import Count, NewRating

FILES: Final = ("proposals.csv", "ratings_long.csv")
PROPOSALS: Final = (
    *("code", "state", "title", "text", "withheld", "language", "district", "topic", "place", "latitude", "longitude"),
    *("status", "agrees", "disagrees", "passes", "important", "merged_into", "split_from", "source", "source_id"),
    *("created_at", "released_at"),
)
RATINGS: Final = ("response_id", "code", "vote", "important", "rated_at")
VOTES: Final = {1: "agree", 0: "pass", -1: "disagree"}


class Ideas:
    """Writes `proposals.csv` at once and `ratings_long.csv` participation by participation, a thousand at a time."""

    def __init__(self, connection: Connection, found: Subject, view: View, folder: Path, closing: ExitStack) -> None:
        self._connection = connection
        self._view = view
        rows = proposals.of_consultation(connection, found.newest.consultation_id)
        standings = find(connection, [row.id for row in rows if row.withdrawn_at is None])
        self._codes = {number: one.proposal.code for number, one in standings.items() if one.is_public}
        self._waiting: dict[str, str] = {}
        self.files = FILES if standings or asks_for_ideas(found) else ()
        if self.files:
            counts = ratings.count(connection, list(standings))
            Table(folder / FILES[0], PROPOSALS, closing).write(_proposals(standings, counts, view))
            self._ratings = Table(folder / FILES[1], RATINGS, closing)

    def add(self, response: Response, name: str) -> None:
        """Notes a participation that is called `name` in this export."""
        if self._codes:
            self._waiting[response.session.pseudonym] = name
            if len(self._waiting) >= AT_ONCE:
                self.close()

    def close(self) -> None:
        """Writes the ratings of the participations noted so far."""
        given: dict[str, list[NewRating]] = {}
        for row in ratings.of_people(self._connection, list(self._waiting)):
            if row.proposal_id in self._codes:
                given.setdefault(row.pseudonym, []).append(row)
        for pseudonym, name in self._waiting.items():
            self._ratings.write(self._rows(name, given.get(pseudonym, [])))
        self._waiting.clear()

    def _rows(self, name: str, given: Sequence[NewRating]) -> Iterator[Row]:
        for row in sorted(given, key=lambda row: row.proposal_id):
            moment = self._view.moment(row.rated_at)
            yield name, self._codes[row.proposal_id], VOTES[row.vote], int(row.important), moment


def asks_for_ideas(found: Subject) -> bool:
    """Whether people propose or weigh anything in this consultation."""
    return any(variable.question.type in {"proposal", "statements"} for variable in found.variables)


def _code_of(item: tuple[int, Standing]) -> str:
    return item[1].proposal.code


def _proposals(standings: Mapping[int, Standing], counts: Mapping[int, Count], view: View) -> Iterator[Row]:
    """One row each. What nobody released is there without its words and its place.

    Where times are coarse the order is that of the codes, which is none: that of age would tell who came when.
    """
    for number, standing in standings.items() if view.shows_text else sorted(standings.items(), key=_code_of):
        about, state = standing.proposal, standing.moderation
        shows = standing.is_public or view.shows_text
        words = (about.title, about.text) if shows else (None, None)
        place = (about.place, about.latitude, about.longitude) if shows else (None, None, None)
        count = counts.get(number, Count(number, 0, 0, 0, 0))
        kin = [
            standings[it].proposal.code if it in standings else None
            for it in (state.merged_into or 0, state.split_from or 0)
        ]
        released = view.moment(about.released_at) if about.released_at else None
        yield (
            *(about.code, standing.state, *words, int(not shows), about.language, about.district, about.topic, *place),
            *(about.status, *count[1:], *kin, about.source, about.source_id, view.moment(about.created_at), released),
        )
