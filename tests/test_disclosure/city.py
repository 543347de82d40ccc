"""Drawn consultations: people with groups, answers that hang together, breaks-off, ratings; stored as they would be.

One seed, one consultation. People are written at the storage, since a chat with thousands takes minutes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_json

from flows.session import Session
from flows.values import Value
from storage.core.store import Store
from storage.tables.answers import NewAnswer, upsert_answers
from storage.tables.proposals import NewProposal, ProposalRelease, insert_proposals, release_proposals
from storage.tables.ratings import NewRatingEvent, Vote, erase_ratings, store_votes
from storage.tables.revisions import find_live_revision
from storage.tables.sessions import StoredSession, erase_sessions, insert_sessions
from tests.support.app import consultation, publish

BEGAN = datetime(2026, 11, 1, 9, tzinfo=UTC)
SECTORS = ("administration", "business", "science", "civil_society", "residents")
SIZES = (8, 9, 12, 16, 20, 30, 45, 50, 60, 80, 120, 200, 220, 300, 500)
LARGE_SIZES = (1000, 2000)


def text(german: str) -> dict[str, str]:
    return {"de": german, "en": f"{german} (en)"}


def options(*codes: str) -> list[dict[str, Any]]:
    return [{"value": code, "label": text(code.title())} for code in codes]


ENDS = {"min_label": text("schlecht"), "max_label": text("gut")}
QUESTIONS: list[dict[str, Any]] = [
    {"key": "way", "type": "choice", "text": text("Wie?"), "options": options("foot", "bike", "car", "bus")},
    {
        "key": "why",
        "type": "choice",
        "text": text("Warum?"),
        "options": options("far", "fast", "kids"),
        "ask_if": {"equal": {"question": "way", "value": "car"}},
    },
    {"key": "want", "type": "choices", "text": text("Was?"), "options": options("trees", "benches", "light", "quiet")},
    {"key": "good", "type": "scale", "text": text("Wie gut?"), "min": 1, "max": 5, **ENDS},
    {"key": "ok", "type": "consent", "text": text("Dürfen wir nach Ihrer Gesundheit fragen?")},
    {
        "key": "ill",
        "type": "choice",
        "text": text("Krank?"),
        "options": options("often", "seldom", "never"),
        "sensitive": True,
        "web_only": True,
        "ask_if": {"equal": {"question": "ok", "value": True}},
    },
    {"key": "sector", "type": "sectors", "text": text("Wo sehen Sie sich?")},
]
ONE_CHOICE = ("way", "why", "good", "ill")
OPTIONS = {
    "way": ("foot", "bike", "car", "bus"),
    "why": ("far", "fast", "kids"),
    "want": ("trees", "benches", "light", "quiet"),
    "good": ("1", "2", "3", "4", "5"),
    "ill": ("often", "seldom", "never"),
}
STATEMENTS = 4


@dataclass
class Person:
    """Who takes part: what others know of them, and what they answered."""

    number: int
    sectors: frozenset[str]
    edition: int
    """In which edition they are there first."""
    said: dict[str, Value] = field(default_factory=dict)
    votes: dict[int, Vote] = field(default_factory=dict)
    channel: str = "web"
    language: str = "de"
    is_gone: bool = False
    """Whether they deleted everything after the first edition."""


def drawn(chance: random.Random, *came: int) -> list[Person]:
    """People of one consultation, and how many of them came before each edition."""
    first, last = came[0], [sum(came[: place + 1]) for place in range(len(came))]
    sectors = chance.sample(SECTORS, chance.randint(1, 5))
    weights = [chance.random() ** 2 + 0.03 for _ in sectors]
    minded = chance.choice((0.0, 0.5, 0.9, 1.0))
    leaning = {it: chance.random() for it in sectors}
    of_statement = [{it: chance.choice((0.0, 0.1, 0.5, 0.9, 1.0)) for it in ("", *sectors)} for _ in range(STATEMENTS)]
    break_off, most = chance.choice((0.0, 0.01, 0.05, 0.15)), chance.choice((1, 1, 2))
    taste = {key: [chance.random() ** chance.choice((1, 4)) + 0.001 for _ in it] for key, it in OPTIONS.items()}
    found = []
    for number in range(last[-1]):
        mine = frozenset(chance.choices(sectors, weights, k=chance.randint(0, most)))
        person = Person(number, mine, sum(number >= it for it in last))
        person.channel = chance.choices(("web", "telegram", "matrix"), (0.9, 0.09, 0.01))[0]
        person.language = chance.choices(("de", "en"), (0.95, 0.05))[0]
        pull = max((leaning[it] for it in mine), default=0.5)
        for question in QUESTIONS:
            if chance.random() < break_off:
                break
            _answer(chance, person, question["key"], taste, pull)
        for place in range(STATEMENTS):
            if chance.random() < 0.85:
                share = of_statement[place][chance.choice(sorted(mine) or [""])]
                share = 0.6 + minded * (share - 0.6)
                person.votes[place] = 1 if chance.random() < share else chance.choice((-1, -1, 0))
        if "sector" not in person.said:
            person.sectors = frozenset()
        found.append(person)
    for person in found[:first]:
        person.is_gone = last[-1] > first and chance.random() < 0.02
    return found


def _answer(chance: random.Random, person: Person, key: str, taste: dict[str, list[float]], pull: float) -> None:
    if key == "why" and person.said.get("way") != "car":
        return
    if key == "ill" and not person.said.get("ok"):
        return
    if key == "sector":
        if person.sectors:
            person.said[key] = sorted(person.sectors)
    elif key == "ok":
        person.said[key] = chance.random() < 0.6
    elif chance.random() < 0.97:  # the others skip it
        codes = OPTIONS[key]
        one = codes[0] if chance.random() < pull**3 else chance.choices(codes, taste[key])[0]
        if key == "want":
            person.said[key] = sorted({one, *chance.sample(codes, chance.randint(0, 1))})
        else:
            person.said[key] = int(one) if key == "good" else one


def opened(store: Store, **more: Any) -> int:
    """Publishes the consultation and its statements; gives its id."""
    publish(store, consultation("park", QUESTIONS, **more))
    with store.begin() as connection:
        newest = find_live_revision(connection, "park")
        assert newest is not None
        ideas = [
            NewProposal(
                number,
                newest.consultation_id,
                None,
                None,
                f"P-{number}",
                None,
                "x",
                "de",
                None,
                None,
                None,
                None,
                BEGAN,
            )
            for number in range(1, STATEMENTS + 1)
        ]
        insert_proposals(connection, ideas)
        release_proposals(connection, [ProposalRelease(it.id, BEGAN) for it in ideas])
        return newest.consultation_id


def joined(store: Store, people: Sequence[Person]) -> None:
    """Stores what these people said."""
    with store.begin() as connection:
        newest = find_live_revision(connection, "park")
        assert newest is not None
        rows = [_session(newest.id, newest.consultation_id, it) for it in people]
        insert_sessions(connection, rows)
        given = [
            NewAnswer(
                row.id,
                key,
                row.consultation_id,
                row.revision_id,
                to_json(value).decode(),
                None,
                False,
                row.started_at,
                row.channel,
                row.language,
                row.mode,
            )
            for row, it in zip(rows, people, strict=True)
            for key, value in it.said.items()
        ]
        upsert_answers(connection, given)
        votes = [
            NewRatingEvent(10 * it.number + place + 1000, place + 1, row.pseudonym, vote, False, row.started_at)
            for row, it in zip(rows, people, strict=True)
            for place, vote in it.votes.items()
        ]
        store_votes(connection, votes)


def left(store: Store, people: Sequence[Person]) -> None:
    """Deletes all of these people."""
    with store.begin() as connection:
        names = [pseudonym(it) for it in people]
        erase_ratings(connection, names)
        erase_sessions(connection, names)


def pseudonym(person: Person) -> str:
    return f"{person.number + 1:032x}"


def _session(revision_id: int, consultation_id: int, person: Person) -> StoredSession:
    number, at = person.number + 1, BEGAN + timedelta(minutes=person.number)
    state = Session("ABCDEF", "de", f"{number:010}", answers=dict(person.said), status="completed", submitted=True)
    return StoredSession(
        id=number,
        consultation_id=consultation_id,
        revision_id=revision_id,
        pseudonym=pseudonym(person),
        waiting_key=None,
        state=state.to_json(),
        status="completed",
        channel=person.channel,
        language=person.language,
        mode="self",
        receipt=f"{number:010}",
        place_code=None,
        started_at=at,
        updated_at=at,
        ended_at=at,
    )
