"""A person has all tables, but not the secret key: order, neighbours and times must not tell them who said what."""

from __future__ import annotations

import pytest

from tests.support.app import KEYS, consultation, publish, rows, running, say

PEOPLE = 40


async def _answered(store, at_once):
    """All people answer, several in a batch; returns contact → session."""
    publish(store, consultation())
    async with running(store) as (app, channel):
        for start in range(0, PEOPLE, at_once):
            names = [f"p{number}" for number in range(start, start + at_once)]
            for words in ("/start park", "Deutsch", "Ja"):
                await say(app, *(channel.msg(name, words) for name in names))
        await say(app, channel.msg("p0", "stop"))
    [(consultation_id,)] = rows(store, "SELECT id FROM consultations")
    people = [number for (number,) in rows(store, "SELECT id FROM contacts")]
    owners = dict(rows(store, "SELECT pseudonym, id FROM sessions"))
    return {number: owners[KEYS.pseudonym(number, consultation_id)] for number in people}


@pytest.mark.parametrize("at_once", [1, 20])
async def test_ids_join_nobody_to_what_they_said(store, at_once):
    truth = await _answered(store, at_once)
    assert len(truth) == PEOPLE
    people, sessions = sorted(truth), sorted(truth.values())
    by_rank = dict(zip(people, sessions, strict=True))
    by_neighbour = {number: min(sessions, key=lambda id_: abs(id_ - number)) for number in people}
    for guess in (by_rank, by_neighbour):
        hits = sum(truth[number] == guessed for number, guessed in guess.items())
        assert hits < PEOPLE / 4, "one or two by chance, not more"


async def test_identity_knows_days_only(store):
    await _answered(store, 1)
    for column, table in (("created_at", "contacts"), ("created_at", "addresses"), ("stopped_at", "contacts")):
        moments = {row[0] for row in rows(store, f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")}
        assert moments, table
        assert all("00:00:00" in str(moment) for moment in moments), (table, column)
