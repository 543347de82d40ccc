"""No pair of columns of the two halves joins a person to what they said: not by equality, not by neighbours, not by
order. Dozens of people, one after another, as in a quiet hour; on several channels.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pytest

from adapters.base import Refused, RetryAfter, Unreachable
from bot.broadcasts import service
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.service import BroadcastDraft
from bot.settings import PushSettings, Settings
from flows.dialogue import engine
from storage.core.store import Store
from storage.tables.broadcasts import insert_broadcasts
from tests.support.app import KEYS, Recorder, consultation, publish, rows, running, say
from tests.support.linkage import IDENTITY, PARTICIPATION, Column, Link, columns, links, people_by

PEOPLE: Final = 36
BROKEN: Final = "Das kann niemand lesen"
CHANNELS: Final = ("telegram", "matrix", "signal")
QUESTIONS: Final[list[dict[str, Any]]] = [
    {"key": "agree", "type": "consent", "text": {"de": "Dürfen wir das speichern?", "en": "May we?"}},
    {
        "key": "lamps",
        "type": "choice",
        "text": {"de": "Licht im Park?", "en": "Light?"},
        "options": [
            {"value": "yes", "label": {"de": "Ja", "en": "Yes"}},
            {"value": "no", "label": {"de": "Nein", "en": "No"}},
        ],
    },
    {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}},
    {"key": "idea", "type": "proposal", "text": {"de": "Ihre Idee?", "en": "Your idea?"}},
]

SPOKEN: Final = ("channel", "language", "spoken_language")

PASSING: Final = {
    "outbox.not_before": "the channel said when it takes the message; the row goes with it, and what cannot be said is "
    "given up after a dozen tries",
    "link_codes.expires_at": "a code is good for fifteen minutes, and its row is gone an hour later at the latest",
}
"""Moments of identity that are needed as they are, each with the reason. They tell in which order people wrote, while
they last: participation knows that order too (ids rise), but no moment to hold against.
"""


def is_allowed(link: Link) -> bool:
    """Whether a pair may tell something: both halves say how people speak (which separates no person from many), and
    what is in `PASSING` may be ordered like the rows of the other half, but never equal or near to them.
    """
    names = (link.identity.rpartition(".")[2], link.participation.rpartition(".")[2])
    if all(name in SPOKEN for name in names):
        return True
    return link.identity in PASSING and link.how in {"order", "rank"}


async def _talk(app: Any, channel: Recorder, name: str, number: int) -> None:
    """One person, from the greeting to optional commands."""
    answers = ("Ja", "Nein" if number % 2 else "Ja", f"Bänke {number}", f"Mehr {number}", "ok")
    for words in ("/start park", "Deutsch", *answers):
        await say(app, channel.msg(name, words))
    if number % 2:
        await say(app, channel.msg(name, "neuigkeiten alle"))
    if number % 3 == 0:
        await say(app, channel.msg(name, "verbinden"))
    if number % 3 == 1:
        await say(app, channel.msg(name, "verbinden 0000 0000 0000"))
    if number % 4 == 0:
        await say(app, channel.msg(name, BROKEN))
    if number % 5 == 0:
        channel.answers = [RetryAfter(40_000)]
        await say(app, channel.msg(name, "hilfe"))
    if number % 7 == 0:
        await say(app, channel.msg(name, "stopp"))


async def _filled(store: Store, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Column], list[Column]]:
    """All columns of both halves, of people who talked one after another, and the truth about them."""
    publish(store, consultation(questions=QUESTIONS), consultation("trees"))
    monkeypatch.setattr(engine, "resume", _failing(engine.resume))
    channels = {name: Recorder(name) for name in CHANNELS}
    names = {f"p{number}": CHANNELS[number % len(CHANNELS)] for number in range(PEOPLE)}
    taken: dict[str, int] = {}
    async with running(store, channels) as (app, _):
        for number, (name, at) in enumerate(names.items()):
            before = channels[at]._number
            await _talk(app, channels[at], name, number)
            for sent in range(before + 1, channels[at]._number + 1):
                taken[KEYS.message_names(at, f"m{sent}").received] = number
        _push(store)
        for channel in channels.values():
            channel.answers = [Refused("no"), Unreachable("blocked")] * 4
        app.outbox.look_for_broadcasts()
        await app.outbox.drained()
    [(consultation_id,)] = rows(store, "SELECT id FROM consultations WHERE slug = 'park'")
    lookups = {KEYS.lookup(at, name): number for number, (name, at) in enumerate(names.items())}
    contacts = {
        contact: lookups[lookup]
        for lookup, contact in people_by(store, "SELECT lookup, contact_id FROM addresses").items()
    }
    pseudonyms = {KEYS.pseudonym(contact, consultation_id): number for contact, number in contacts.items()}
    sessions = people_by(store, "SELECT id, pseudonym FROM sessions")
    ideas = people_by(store, "SELECT id, pseudonym FROM proposals")
    read = people_by(store, "SELECT id, session_id FROM moderations WHERE session_id IS NOT NULL")
    in_identity = {
        **{("lookup", lookup): number for lookup, number in lookups.items()},
        **{(key, contact): number for contact, number in contacts.items() for key in ("contact_id", "id")},
        **{("external_id", name): number for name, number in taken.items()},
    }
    in_participation = {
        **{("pseudonym", name): number for name, number in pseudonyms.items()},
        **{("session_id", one): pseudonyms[name] for one, name in sessions.items()},
        **{("proposal_id", one): pseudonyms[name] for one, name in ideas.items()},
        **{("moderation_id", one): pseudonyms[sessions[session]] for one, session in read.items()},
    }
    has_places = store.dialect == "sqlite"  # what PostgreSQL's pages tell of order stands in docs/develop/data.md
    return (
        list(columns(store, IDENTITY, in_identity, has_places=has_places)),
        list(columns(store, PARTICIPATION, in_participation, has_places=has_places)),
    )


def _failing(resume: Any) -> Any:
    def wrapped(flow: Any, session: Any, msg: Any, *more: Any, **named: Any) -> Any:
        if msg.text == BROKEN:
            raise ZeroDivisionError
        return resume(flow, session, msg, *more, **named)

    return wrapped


def _push(store: Store) -> None:
    settings = Settings(push=PushSettings(quiet_from=0, quiet_to=0))
    pushing, now = BroadcastProcessor(settings, KEYS, frozenset(CHANNELS), CHANNELS), datetime.now(UTC)
    with store.begin() as connection:
        push = service.create_draft(pushing, connection, BroadcastDraft("trees"), now)
        insert_broadcasts(connection, [push])
        service.start_broadcast(pushing, connection, push, now)
    for _ in range(3):
        with store.begin() as connection:
            pushing.work(connection, now)


async def test_no_pair_of_columns_joins_the_halves(store: Store, monkeypatch: pytest.MonkeyPatch):
    identity, participation = await _filled(store, monkeypatch)
    known = {column.name.partition(".")[0] for column in (*identity, *participation)}
    assert known >= {
        *("contacts", "addresses", "received", "dead_letters", "outbox", "opt_ins", "broadcast_recipients"),
        *("link_codes", "link_attempts", "sessions", "answers", "consents", "proposals", "moderations"),
    }
    found = [link for link in links(identity, participation) if not is_allowed(link)]
    assert found == [], "\n".join(map(str, found))


async def test_participation_knows_hours(store: Store, monkeypatch: pytest.MonkeyPatch):
    await _filled(store, monkeypatch)
    assert_participation_knows_hours(store)


OF_RESIDENTS: Final = {"proposals": "source IS NULL", "moderations": "state = 'waiting'"}
HOURS: Final = {
    "sessions": ("started_at", "updated_at", "ended_at"),
    "answers": ("answered_at",),
    "consents": ("at",),
    "attachments": ("at",),
    "proposals": ("created_at", "withdrawn_at"),
    "moderations": ("changed_at",),
    "ratings": ("rated_at",),
    "rating_events": ("at",),
}
"""Written when contacts send messages. For staff the exact time is stored."""


def assert_participation_knows_hours(store: Store) -> None:
    for table, names in HOURS.items():
        for column in names:
            only = OF_RESIDENTS.get(table, "1 = 1")
            found = {at for (at,) in rows(store, f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL AND {only}")}
            assert all(str(at).partition(":")[2].startswith("00:00") for at in found), (table, column)


@pytest.mark.parametrize(
    ("how", "theirs"),
    [
        ("equal", [f"m{number}" for number in range(24)]),
        ("order", [float(number) ** 3 for number in range(24)]),
        ("neighbour", [number * 1000 + 3 for number in range(24)]),
        ("rank", [number + (number * 7) % 5 for number in range(24)]),
    ],
)
def test_the_guesses_find_what_is_joined(how: str, theirs: list[Any]):
    """Otherwise the test above would say nothing."""
    mine = {"equal": theirs, "order": [f"{number:03}" for number in range(24)]}.get(how)
    mine = mine or [number * 1000 for number in range(24)]
    one = Column("a.one", {person: [value] for person, value in enumerate(mine)})
    other = Column("b.other", {person: [value] for person, value in enumerate(theirs)})
    assert how in {link.how for link in links([one], [other])}


def test_chance_is_no_link():
    draw = np.random.default_rng(4)
    made = [
        Column(f"t.{name}", {person: [int(value)] for person, value in enumerate(draw.integers(0, 2**40, PEOPLE))})
        for name in range(80)
    ]
    found: list[Link] = list(links(made[:40], made[40:]))
    assert found == []
