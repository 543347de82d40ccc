"""The sheets of proposals and ratings, for the profiles that have rows of participations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from sqlalchemy import Connection

from bot.exchange.exports.sheets import Row, Sheet, static_sheet
from bot.exchange.exports.tables import Chunk, ProfileView
from bot.proposals.moderation_rules import ModerationItem, load_items
from bot.results.counts.answer_dataset import AnswerDataset
from storage.tables.proposals import proposals_of_consultation
from storage.tables.ratings import NewRating, RatingCount, count_ratings, ratings_of_people

IDEA_FILES: Final = ("proposals.csv", "ratings_long.csv")
PROPOSALS: Final = (
    *("code", "state", "title", "text", "withheld", "language", "district", "topic", "place", "latitude", "longitude"),
    *("status", "agrees", "disagrees", "passes", "important", "merged_into", "split_from", "source", "source_id"),
    *("created_at", "released_at"),
)
RATINGS: Final = ("response_id", "code", "vote", "important", "rated_at")
VOTES: Final = {1: "agree", 0: "pass", -1: "disagree"}


def proposal_sheets(connection: Connection, found: AnswerDataset, view: ProfileView) -> list[Sheet]:
    """Returns the sheets of proposals and of ratings by participation; empty if the consultation has neither."""
    rows = proposals_of_consultation(connection, found.newest.consultation_id)
    standings = load_items(connection, [row.id for row in rows if row.withdrawn_at is None])
    if not standings and not asks_for_ideas(found):
        return []
    counts = count_ratings(connection, list(standings))
    codes = {number: one.proposal.code for number, one in standings.items() if one.is_public}
    return [
        static_sheet(IDEA_FILES[0], PROPOSALS, _proposals(standings, counts, view)),
        Sheet(IDEA_FILES[1], RATINGS, partial(_ratings, connection, codes, view)),
    ]


def _ratings(connection: Connection, codes: Mapping[int, str], view: ProfileView, portion: Chunk) -> Iterator[Row]:
    """Returns the ratings of public proposals by these participations."""
    given: dict[str, list[NewRating]] = {}
    for row in ratings_of_people(connection, [it.response.session.pseudonym for it in portion]) if codes else ():
        if row.proposal_id in codes:
            given.setdefault(row.pseudonym, []).append(row)
    for response, name in portion:
        for row in sorted(given.get(response.session.pseudonym, ()), key=lambda row: row.proposal_id):
            yield name, codes[row.proposal_id], VOTES[row.vote], int(row.important), view.moment(row.rated_at)


def asks_for_ideas(found: AnswerDataset) -> bool:
    """Whether the consultation collects or rates proposals."""
    return any(variable.question.carries for variable in found.variables)


def _code_of(item: tuple[int, ModerationItem]) -> str:
    return item[1].proposal.code


def _proposals(
    standings: Mapping[int, ModerationItem], counts: Mapping[int, RatingCount], view: ProfileView
) -> Iterator[Row]:
    """Returns one row per proposal. Proposals that are not released lack text and location.

    If times are coarse, rows are sorted by code, which is random: the order of submission would disclose times.
    """
    for number, standing in standings.items() if view.shows_text else sorted(standings.items(), key=_code_of):
        about = standing.proposal
        shows = standing.is_public or view.shows_text
        words = (about.title, about.text) if shows else (None, None)
        place = (about.place, about.latitude, about.longitude) if shows else (None, None, None)
        count = _counted(number, standing, counts)
        kin = _kin(standing, standings)
        released = view.moment(about.released_at) if about.released_at else None
        yield (
            *(about.code, standing.state, *words, int(not shows), about.language, about.district, about.topic, *place),
            *(about.status, *count, *kin, about.source, about.source_id, view.moment(about.created_at), released),
        )


def _counted(number: int, standing: ModerationItem, counts: Mapping[int, RatingCount]) -> Row:
    """Returns the four counts of a proposal. Ratings of merged proposals are counted at the target."""
    if standing.moderation.merged_into is not None and standing.state == "merged":
        return (None,) * 4
    return counts.get(number, RatingCount(proposal_id=number, agree=0, disagree=0, pass_=0, important=0))[1:]


def _kin(standing: ModerationItem, standings: Mapping[int, ModerationItem]) -> list[str | None]:
    """Returns the codes of the proposals into which this one was merged, and from which it was split."""
    state = standing.moderation
    related = (standings.get(it or 0) for it in (state.merged_into, state.split_from))
    return [it.proposal.code if it else None for it in related]
