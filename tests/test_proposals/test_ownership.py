"""Own proposals and ratings in chat: seen, withdrawn, deleted, without access to those of others; counts follow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from bot.common.i18n import phrase_catalogues
from bot.proposals import moderation_decisions
from bot.proposals.merge_split import merge_proposals, restore_text
from bot.results.vote_loader import load_votes
from flows.commands.words import Command, CommandMatcher, ParsedCommand
from flows.understanding.text import fold
from storage.core.store import Store
from storage.tables.contacts import find_addresses
from storage.tables.proposals import list_released_proposals, proposals_of_consultation, proposals_of_people
from storage.tables.ratings import NewRatingEvent, Vote, count_ratings, rating_events_of, ratings_of_people, store_votes
from tests.support.app import KEYS, Recorder, running, say
from tests.support.ideas import NOW, chair, open_consultation, rate, released
from tests.support.rows import new_id


async def a_person(app, channel: Recorder, who: str) -> int:
    """A person who has chosen German; gives the contact."""
    await say(app, channel.msg(who, "Deutsch"))
    with app.store.reading() as connection:
        found = find_addresses(connection, [KEYS.lookup("test", who)])
    contact_id = found[KEYS.lookup("test", who)].contact_id
    assert contact_id
    return contact_id


async def test_what_is_mine_can_be_seen_withdrawn_and_deleted(store: Store) -> None:
    number = open_consultation(store)
    async with running(store) as (app, channel):
        aylin, bora = [KEYS.pseudonym(await a_person(app, channel, who), number) for who in ("aylin", "bora")]
        with store.begin() as connection:
            first = released(connection, number, 1, pseudonym=aylin, text="Mehr Bänke am Fluss")
            second = released(connection, number, 2, pseudonym=aylin, text="Ein Brunnen")
            rate(connection, first.id, {7: 1, 8: -1})
        await say(app, channel.msg("aylin", "meine Vorschläge"))
        shown = channel.last("aylin")
        assert "Mehr Bänke am Fluss" in shown.text
        assert "für alle zu sehen" in shown.text
        await say(app, channel.msg("bora", f"vorschlag löschen {first.code}"), channel.msg("bora", "meine ideen"))
        texts = channel.texts("bora")
        assert "keinen eigenen Vorschlag" in texts[-2]
        assert "noch keine eigenen" in texts[-1]
        button = next(it for it in shown.quick_replies if it.label == f"Zurückziehen {first.code}")
        await say(app, channel.msg("aylin", choice=button.token))
        assert "Niemand sieht den Vorschlag mehr" in channel.last("aylin").text
        with store.reading() as connection:
            assert load_votes(connection, number).shown == (second.code,)
        slip = next(it for it in shown.quick_replies if it.label == f"Vorschlag löschen {second.code}")
        await say(app, channel.msg("aylin", choice=slip.token))
        assert f"{second.code} wirklich löschen" in channel.last("aylin").text
        with store.reading() as connection:
            assert len(proposals_of_people(connection, [aylin])) == 2, "a tap only asks"
        await say(app, channel.msg("aylin", f"Vorschlag löschen {second.code.lower().replace('-', ' ')}"))
        assert "gelöscht" in channel.last("aylin").text
    with store.reading() as connection:
        assert [row.code for row in proposals_of_people(connection, [aylin])] == [first.code]
        assert proposals_of_people(connection, [bora]) == []


async def test_ratings_of_mine_are_deleted_and_do_not_count(store: Store) -> None:
    number = open_consultation(store)
    async with running(store) as (app, channel):
        aylin = KEYS.pseudonym(await a_person(app, channel, "aylin"), number)
        with store.begin() as connection:
            idea = released(connection, number, 5)
            rate(connection, idea.id, {1: 1, 2: 1})
            rows = [row._replace(pseudonym=aylin) for row in rating_events_of(connection, number)][:1]
            store_votes(connection, [row._replace(id=new_id()) for row in rows])
        await say(app, channel.msg("aylin", "meine bewertungen"))
        shown = channel.last("aylin")
        assert "1 Bewertung von Vorschlägen anderer" in shown.text
        assert [it.label for it in shown.quick_replies] == [
            f"Bewertung löschen {idea.code}",
            "Alle Bewertungen löschen",
        ]
        await say(app, channel.msg("aylin", choice=shown.quick_replies[-1].token))
        asked = channel.last("aylin")
        assert ("holt niemand zurück" in asked.text, asked.quick_replies[0].label) == (True, "Behalten")
        await say(app, channel.msg("aylin", choice=asked.quick_replies[0].token))
        assert "1 Bewertung von Vorschlägen anderer" in channel.last("aylin").text
        await say(app, channel.msg("aylin", choice=asked.quick_replies[1].token))
        assert "zählen nicht mehr" in channel.last("aylin").text
    with store.reading() as connection:
        assert ratings_of_people(connection, [aylin]) == []
        assert {row.pseudonym for row in rating_events_of(connection, number)}.isdisjoint({aylin})
        assert count_ratings(connection, [idea.id])[idea.id].agree == 2


def vote(connection: Connection, proposal_id: int, pseudonym: str, vote: Vote, later: int) -> None:
    at = NOW + timedelta(minutes=later)
    store_votes(connection, [NewRatingEvent(new_id(), proposal_id, pseudonym, vote, later == 1, at)])


async def test_one_rating_is_deleted_by_its_code_and_the_others_stay(store: Store) -> None:
    number = open_consultation(store)
    async with running(store) as (app, channel):
        aylin, bora = [KEYS.pseudonym(await a_person(app, channel, who), number) for who in ("aylin", "bora")]
        with store.begin() as connection:
            ideas = [released(connection, number, 5, text=f"Idee {n}") for n in range(7)]
            for n, idea in enumerate(ideas):
                vote(connection, idea.id, aylin, 1, n)
                vote(connection, idea.id, bora, -1, n)
            vote(connection, ideas[6].id, aylin, -1, 9)
            moderation_decisions.hide_text(chair(connection), ideas[5].id, "off topic")
        await say(app, channel.msg("aylin", "meine Bewertungen"))
        first = channel.last("aylin")
        assert "7 Bewertungen von Vorschlägen anderer" in first.text
        assert f"{ideas[6].code}: Stimme nicht zu\nIdee 6" in first.text
        assert f"{ideas[5].code}: Stimme zu\n(nicht mehr zu sehen)" in first.text
        assert "Idee 1" not in first.text
        await say(app, channel.msg("aylin", "meine bewertungen 2"))
        second = channel.last("aylin")
        assert f"{ideas[1].code}: Stimme zu und Wichtig für mich\nIdee 1" in second.text
        assert first.quick_replies[-2].label == "Meine Bewertungen 2"
        await say(app, channel.msg("aylin", choice=first.quick_replies[-2].token))
        assert channel.last("aylin").text == second.text
        await say(app, channel.msg("aylin", f"Bewertung löschen {ideas[6].code}"))
        assert f"Die Bewertung zu {ideas[6].code} ist gelöscht" in channel.last("aylin").text
        button = next(it for it in second.quick_replies if it.label == f"Bewertung löschen {ideas[0].code}")
        await say(app, channel.msg("aylin", choice=button.token))
        for code in (ideas[6].code, "P-7K2M-PX0Q"):
            await say(app, channel.msg("aylin", f"bewertung löschen {code}"))
            assert "keine eigene Bewertung" in channel.last("aylin").text
        await say(app, channel.msg("aylin", "bewertung löschen"))
        assert "5 Bewertungen" in channel.last("aylin").text
    with store.reading() as connection:
        left = {ideas[n].id for n in (1, 2, 3, 4, 5)}
        assert {row.proposal_id for row in ratings_of_people(connection, [aylin])} == left
        assert {row.proposal_id for row in rating_events_of(connection, number) if row.pseudonym == aylin} == left
        assert len(ratings_of_people(connection, [bora])) == 7
        assert count_ratings(connection, [ideas[6].id])[ideas[6].id].disagree == 1


async def test_a_rating_goes_where_its_proposal_was_merged_into(store: Store) -> None:
    number = open_consultation(store)
    async with running(store) as (app, channel):
        aylin = KEYS.pseudonym(await a_person(app, channel, "aylin"), number)
        with store.begin() as connection:
            target, source = (released(connection, number, 5, text=text) for text in ("Licht", "Mehr Licht"))
            vote(connection, source.id, aylin, 1, 0)
            merge_proposals(chair(connection), source.id, target.id)
        await say(app, channel.msg("aylin", "meine Bewertungen"))
        assert "1 Bewertung von Vorschlägen anderer" in channel.last("aylin").text
        assert source.code not in channel.last("aylin").text
        await say(app, channel.msg("aylin", f"Bewertung zurücknehmen {target.code}"))
    with store.begin() as connection:
        assert ratings_of_people(connection, [aylin]) == []
        restore_text(chair(connection), source.id)
        assert count_ratings(connection, [target.id, source.id]) == {}, "it does not come back with the source"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("meine Vorschläge", ParsedCommand(Command.MINE)),
        ("zurückziehen P-7K2M-PX0Q", ParsedCommand(Command.MINE, "withdraw.p 7k2m px0q")),
        ("Vorschlag löschen p7k2mpx0q", ParsedCommand(Command.MINE, "delete.p7k2mpx0q")),
        ("Bewertung löschen P-7K2M-PX0Q", ParsedCommand(Command.MINE, "unrate.p 7k2m px0q")),
        ("meine Bewertungen 3", ParsedCommand(Command.MINE, "more.3")),
        ("zurückziehen", None),
        ("das Gesetz zurückziehen", None),
    ],
)
def test_what_people_type(typed: str, meant: ParsedCommand | None) -> None:
    assert CommandMatcher([phrase_catalogues.load_phrases("de")]).find(fold(typed)) == meant


IDEA = {"key": "idea", "type": "proposal", "text": {"de": "Welche Idee?", "en": "Which idea?"}, "similar": False}
WEIGH = {"key": "weigh", "type": "statements", "text": {"de": "Und die anderen?", "en": "And others?"}, "block": 1}


async def test_skipping_does_not_withdraw_kept_proposals(store: Store) -> None:
    number = open_consultation(store, questions=[IDEA])
    async with running(store) as (app, channel):
        for line in ("/start park", "Deutsch", "Mehr Bänke am Fluss", "So abgeben"):
            await say(app, channel.msg("aylin", line))
        with store.begin() as connection:
            [row] = proposals_of_consultation(connection, number)
            moderation_decisions.approve_text(chair(connection), row.id)
        for line in ("/start park", "neu beginnen", "überspringen"):
            await say(app, channel.msg("aylin", line))
        assert f"{row.code} bleibt" in " ".join(channel.texts("aylin"))
        assert visible(store, number) == ["Mehr Bänke am Fluss"]
        for line in ("/start park", "neu beginnen", "Ein Brunnen", "ok", "ändern 1", "weiß nicht"):
            await say(app, channel.msg("aylin", line))
        assert visible(store, number) == ["Mehr Bänke am Fluss"], "the fountain was taken back, not the bench"
        with store.reading() as connection:
            assert [it.text for it in proposals_of_consultation(connection, number) if it.withdrawn_at] == [
                "Ein Brunnen"
            ]


def visible(store: Store, number: int) -> list[str]:
    with store.reading() as connection:
        return [it.text for it in list_released_proposals(connection, number)]


async def test_a_rating_that_counts_for_two_is_one_that_was_given(store: Store) -> None:
    number = open_consultation(store, questions=[WEIGH])
    with store.begin() as connection:
        target, source, _ = (released(connection, number, it, text=f"Idee {it}") for it in (5, 6, 7))
    async with running(store) as (app, channel):
        for line in ("/start park", "Deutsch", "1", "1", "1"):
            await say(app, channel.msg("aylin", line))
        assert "Bewertet: 2" in channel.last("aylin").text
        aylin = KEYS.pseudonym(await a_person(app, channel, "aylin"), number)
        with store.begin() as connection:
            [left] = {it.id for it in list_released_proposals(connection, number)} - {
                row.proposal_id for row in ratings_of_people(connection, [aylin])
            }
            rated = next(it.id for it in (target, source) if it.id != left)
            merge_proposals(chair(connection), rated, left)
            assert len(ratings_of_people(connection, [aylin])) == 3
        await say(app, channel.msg("aylin", "1"), channel.msg("aylin", "fertig"))
        with store.reading() as connection:
            answers = connection.exec_driver_sql("SELECT value FROM answers WHERE question_key = 'weigh'").all()
        assert [tuple(it) for it in answers] == [("2",)]
