"""Simulated residents rate real statements in chat, through the live path; the ledger must agree with what they saw."""

from __future__ import annotations

import csv
import random
from collections import Counter

from sqlalchemy import text

from storage.core.store import Store
from tests.support.app import consultation, publish, running, say
from tests.test_proposals.test_weighing import WEIGH, add

RESIDENTS = 200
VOTES = {"Stimme zu": 1, "Stimme nicht zu": -1, "Unentschieden": 0}


async def test_routing_shows_unseen_statements_and_records_votes(real_data, database):
    with (real_data / "comments.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    store = Store(database.url)
    publish(store, consultation(questions=[WEIGH]))
    shown = [row["comment-body"] for row in rows if row["moderated"] == "1"]
    add(store, *shown)
    add(store, *(row["comment-body"] for row in rows if row["moderated"] == "-1"), released=False)
    chance = random.Random(2026)
    people = [f"r{number}" for number in range(RESIDENTS)]
    seen: dict[str, list[str]] = {one: [] for one in people}
    given: Counter[tuple[str, int]] = Counter()
    async with running(store) as (app, channel):
        await say(app, *(channel.msg(one, "/start park") for one in people))
        await say(app, *(channel.msg(one, "Deutsch") for one in people))
        wanted = {one: chance.randint(1, 40) for one in people}
        while any(wanted.values()):
            last = {message.address: message.msg for message in channel.sent}
            messages = []
            for one in (one for one in people if wanted[one]):
                wanted[one] -= 1
                labels = {reply.label: reply.token for reply in last[one].quick_replies}
                if "Stimme zu" in labels:
                    vote = chance.choice(list(VOTES))
                    seen[one].append(last[one].title)
                    given[last[one].title, VOTES[vote]] += 1
                    messages.append(channel.msg(one, choice=labels[vote]))
                elif "Ja, noch mehr" in labels:
                    messages.append(channel.msg(one, "mehr"))
                else:
                    wanted[one] = 0
            await say(app, *messages)
    with store.reading() as connection:
        stored = connection.execute(
            text(
                "SELECT p.text, r.vote, count(*) FROM ratings r JOIN proposals p ON p.id = r.proposal_id GROUP BY 1, 2"
            )
        )
        counted = {(words, vote): number for words, vote, number in stored}
        ledger = connection.execute(text("SELECT count(*) FROM rating_events")).scalar_one()
    store.dispose()
    assert all(len(titles) == len(set(titles)) for titles in seen.values()), "somebody saw a statement twice"
    assert {title for titles in seen.values() for title in titles} <= set(shown), "something hidden was shown"
    assert counted == dict(given)
    assert ledger == sum(given.values()) > RESIDENTS
