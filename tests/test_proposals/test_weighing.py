"""Ideas go in, others weigh them: through the live path, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from bot.common.erasure_log import ErasedRecord
from bot.common.ids import Ids
from bot.proposals.codes import new_proposal_code
from flows.messages import MsgOut
from storage.core.store import Store
from storage.tables.moderation import (
    ModerationChange,
    ModerationState,
    NewModeration,
    NewProposalText,
    insert_moderations,
    set_moderation_states,
    upsert_translations,
)
from storage.tables.proposals import (
    NewProposal,
    ProposalRelease,
    Withdrawal,
    insert_proposals,
    release_proposals,
    withdraw_proposals,
)
from storage.tables.revisions import find_live_revision
from tests.support.app import Recorder, consultation, publish, rows, running, say
from tests.support.sources import Clock

IDEA = {"key": "idea", "type": "proposal", "text": {"de": "Ihre Idee?", "en": "Your idea?"}}
WEIGH = {"key": "weigh", "type": "statements", "text": {"de": "Und die Ideen der anderen?", "en": "And others?"}}
IDS = Ids()
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SUBMIT = "so abgeben"


@pytest.fixture
def store(store):
    publish(store, consultation(questions=[IDEA, WEIGH]))
    return store


def add(store: Store, *texts: str, pseudonym: str | None = None, released: bool = True) -> list[int]:
    """Proposals of another person, released."""
    with store.begin() as connection:
        found = find_live_revision(connection, "park")
        assert found
        made = [
            NewProposal(
                IDS(),
                found.consultation_id,
                pseudonym,
                "idea",
                new_proposal_code(),
                None,
                said,
                "de",
                None,
                None,
                None,
                None,
                NOW,
            )
            for said in texts
        ]
        insert_proposals(connection, made)
        state: ModerationState = "released" if released else "waiting"
        insert_moderations(connection, [NewModeration(row.id, state, [], None, None, NOW) for row in made])
        release_proposals(connection, [ProposalRelease(row.id, NOW if released else None) for row in made])
    return [row.id for row in made]


def release_all(store: Store) -> None:
    with store.begin() as connection:
        waiting = [row[0] for row in connection.execute(text("SELECT id FROM proposals"))]
        release_proposals(connection, [ProposalRelease(id_, NOW) for id_ in waiting])
        set_moderation_states(connection, [ModerationChange(id_, "released", None, NOW) for id_ in waiting])


async def enter(app, channel: Recorder, address: str = "a", language: str = "Deutsch") -> None:
    await say(app, channel.msg(address, "/start park"), channel.msg(address, language))


async def tell(app, channel: Recorder, address: str, *words: str) -> MsgOut:
    for word in words:
        await say(app, channel.msg(address, word))
    return channel.last(address)


async def data_of(app, channel: Recorder, address: str) -> str:
    """What is stored about a person; the open question is repeated after it."""
    await say(app, channel.msg(address, "meine daten"))
    return channel.texts(address)[-2]


def tap(channel: Recorder, address: str, label: str) -> Any:
    """A tap on the newest message's button."""
    (token,) = [reply.token for reply in channel.last(address).quick_replies if reply.label == label]
    return channel.msg(address, choice=token)


async def test_an_idea_becomes_a_proposal_that_waits(store):
    async with running(store) as (app, channel):
        await enter(app, channel)
        await tell(app, channel, "a", "Mehr Bänke am Teich, Tel. 030 1234567", SUBMIT)
        ((code, said, question, released),) = rows(store, "SELECT code, text, question_key, released_at FROM proposals")
        assert (said, question, released) == ("Mehr Bänke am Teich, Tel. 030 1234567", "idea", None)
        assert rows(store, "SELECT state FROM moderations") == [("waiting",)]
        assert "phone" in str(rows(store, "SELECT flags FROM moderations")[0][0])
        assert code in "\n".join(channel.texts("a"))
        assert rows(store, "SELECT value FROM answers") == [(f'"{code}"',)], "the words stand in one place only"
        assert "nichts Neues" in channel.last("a").text, "nobody else has proposed anything"


async def test_statements_come_one_by_one_and_are_counted(store):
    add(store, "Licht im Park", "Kein Licht im Park")
    async with running(store) as (app, channel):
        await enter(app, channel)
        first = await tell(app, channel, "a", "überspringen")
        assert [reply.label for reply in first.quick_replies] == [
            "Stimme zu",
            "Stimme nicht zu",
            "Unentschieden",
            "Wichtig für mich",
            "Überspringen",
        ]
        second = await tell(app, channel, "a", "stimme zu")
        assert {first.title, second.title} == {"Licht im Park", "Kein Licht im Park"}
        last = await tell(app, channel, "a", "wichtig", "2")
        assert "alle Vorschläge" in last.text
        assert sorted(rows(store, "SELECT vote, important FROM ratings")) == [(-1, True), (1, False)]
        assert rows(store, "SELECT value FROM answers WHERE question_key = 'weigh'") == [("2",)]


async def test_nobody_rates_their_own_idea_or_one_that_waits(store):
    add(store, "Noch nicht gelesen", released=False)
    clock = Clock()
    async with running(store, sources=clock.sources) as (app, channel):
        await enter(app, channel)
        await tell(app, channel, "a", "Ein Brunnen", SUBMIT)
        release_all(store)
        with store.begin() as connection:
            connection.execute(text("UPDATE proposals SET released_at = NULL WHERE text = 'Noch nicht gelesen'"))
        clock.let_look()
        assert "nichts Neues" in (await tell(app, channel, "a", "zurück", "weiter")).text
        await enter(app, channel, "b")
        assert (await tell(app, channel, "b", "überspringen")).title == "Ein Brunnen"


async def test_vote_on_a_withdrawn_proposal_does_not_count(store):
    (lamp,) = add(store, "Licht im Park")
    clock = Clock()
    async with running(store, sources=clock.sources) as (app, channel):
        await enter(app, channel)
        await tell(app, channel, "a", "überspringen")
        with store.begin() as connection:
            withdraw_proposals(connection, [Withdrawal(lamp, NOW)])
        add(store, "Ein Brunnen")
        clock.let_look()
        after = await tell(app, channel, "a", "ja")
        assert "nicht mehr zur Bewertung" in after.text
        assert after.title == "Ein Brunnen"
        assert rows(store, "SELECT count(*) FROM ratings") == [(0,)]


async def test_double_taps_count_once_and_another_answer_replaces(store):
    add(store, "Licht im Park", "Ein Brunnen", "Mehr Bänke")
    async with running(store) as (app, channel):
        await enter(app, channel)
        await tell(app, channel, "a", "überspringen")
        yes, no = (tap(channel, "a", label) for label in ("Stimme zu", "Stimme nicht zu"))
        await say(app, yes, yes._replace(external_id="again"), yes)
        assert rows(store, "SELECT vote FROM rating_events") == [(1,)]
        assert "Schon notiert: Stimme zu" in channel.last("a").text
        await say(app, no)
        assert "Geändert: Stimme nicht zu" in channel.last("a").text
        assert rows(store, "SELECT vote FROM ratings") == [(-1,)]
        assert len(rows(store, "SELECT vote FROM rating_events")) == 2


async def test_after_five_people_are_asked_whether_they_want_more(store):
    add(store, *(f"Vorschlag {number}" for number in range(9)))
    async with running(store) as (app, channel):
        await enter(app, channel)
        asked = await tell(app, channel, "a", "überspringen", "1", "2", "3", "1", "1")
        assert "Bewertet: 5" in asked.text
        assert (await tell(app, channel, "a", "ja")).title.startswith("Vorschlag")
        assert "Bewertete Vorschläge: 6" in (await tell(app, channel, "a", "1", "fertig")).text
        assert len(rows(store, "SELECT * FROM ratings")) == 6


async def test_people_see_which_statement_of_how_many_they_rate(store):
    add(store, *(f"Idee {number}" for number in range(7)))
    async with running(store) as (app, channel):
        await enter(app, channel)
        said = [(await tell(app, channel, "a", words)).text for words in ("überspringen", "1", "wichtig", "2", "hilfe")]
        places = (1, 2, 2, 3, 3)
        assert all(f"Vorschlag {place} von 5\nIdee" in text for place, text in zip(places, said, strict=True))
        await tell(app, channel, "a", "1", "1")
        said = [(await tell(app, channel, "a", words)).text for words in ("1", "ja", "1")]
        assert ["Vorschlag 1 von 2\nIdee" in said[1], "Vorschlag 2 von 2\nIdee" in said[2]] == [True, True]
        one = await tell(app, channel, "a", "1", "ändern 2")
        assert "Vorschlag" not in one.text, "all are rated"


async def test_a_similar_proposal_can_be_supported_instead(store):
    (tree,) = add(store, "Mehr Bäume in der Müllerstraße pflanzen")
    async with running(store) as (app, channel):
        await enter(app, channel)
        asked = await tell(app, channel, "a", "mehr bäume pflanzen in der Müllerstrasse")
        assert "Mehr Bäume in der Müllerstraße pflanzen" in asked.text
        await tell(app, channel, "a", "1")
        assert rows(store, "SELECT proposal_id, vote FROM ratings") == [(tree, 1)]
        assert "nichts Neues" in channel.last("a").text, "what was supported a moment ago is not shown again"
        assert len(rows(store, "SELECT * FROM proposals")) == 1
        await enter(app, channel, "b")
        await tell(app, channel, "b", "mehr bäume pflanzen in der Müllerstrasse", "meiner ist anders", SUBMIT)
        assert len(rows(store, "SELECT * FROM proposals")) == 2


async def test_a_change_goes_back_to_be_read_and_skipping_takes_back(store):
    async with running(store) as (app, channel):
        await enter(app, channel)
        await tell(app, channel, "a", "Ein Brunnen", SUBMIT)
        before = rows(store, "SELECT code FROM proposals")
        release_all(store)
        assert "Ein Brunnen" in (await tell(app, channel, "a", "zurück")).text
        await tell(app, channel, "a", "Ein Brunnen aus Stein", SUBMIT)
        assert rows(store, "SELECT code, text, released_at FROM proposals") == [
            (*before[0], "Ein Brunnen aus Stein", None)
        ]
        assert rows(store, "SELECT state FROM moderations") == [("waiting",)]
        await tell(app, channel, "a", "zurück", "weiß nicht")
        assert rows(store, "SELECT count(*) FROM proposals WHERE withdrawn_at IS NOT NULL") == [(1,)]
        assert app.erasure_log.read().records == [ErasedRecord("withdrawn", before[0][0])], (
            "also after an old backup was brought back"
        )
        await tell(app, channel, "a", "zurück", "Doch lieber eine Pumpe", SUBMIT)
        assert len(rows(store, "SELECT code FROM proposals")) == 2, "what was taken back stays so"


async def test_own_language_first_and_the_original_one_tap_away(store):
    (fountain,) = add(store, "Ein Brunnen")
    with store.begin() as connection:
        upsert_translations(connection, [NewProposalText(fountain, "en", None, "A fountain", "Ada", True, NOW)])
    async with running(store) as (app, channel):
        await enter(app, channel, language="English")
        asked = await tell(app, channel, "a", "skip")
        assert asked.title == "A fountain"
        assert "Deutsch" in asked.text
        await say(app, tap(channel, "a", "Show the original"))
        assert channel.last("a").title == "Ein Brunnen"
        await tell(app, channel, "a", "agree")
        assert rows(store, "SELECT vote FROM ratings") == [(1,)]


async def test_repeated_clicks_of_many_people_count_once_each(store):
    add(store, "Licht im Park", "Ein Brunnen")
    async with running(store) as (app, channel):
        people = [f"p{number}" for number in range(500)]
        await say(app, *(channel.msg(one, "/start park") for one in people))
        await say(app, *(channel.msg(one, "Deutsch") for one in people))
        await say(app, *(channel.msg(one, "überspringen") for one in people))
        last = {message.address: message.msg for message in channel.sent}
        clicks = [channel.msg(one, choice=last[one].quick_replies[0].token) for one in people for _ in range(4)]
        await asyncio.gather(*(app.conversations.receive([click]) for click in clicks))
        await app.outbox.drained()
        assert rows(store, "SELECT count(*), count(DISTINCT pseudonym), sum(vote) FROM ratings") == [(500, 500, 500)]
        assert rows(store, "SELECT count(*) FROM rating_events") == [(500,)]


async def test_people_see_what_they_brought_in_and_can_have_it_erased(store):
    [number] = add(store, "Licht im Park")
    async with running(store) as (app, channel):
        await enter(app, channel)
        await tell(app, channel, "a", "Ein Brunnen", SUBMIT, "ja")
        shown = await data_of(app, channel, "a")
        ((code,),) = rows(store, "SELECT code FROM proposals WHERE text = 'Ein Brunnen'")
        assert f"Vorschlag {code} (wird noch gelesen): Ein Brunnen" in shown
        assert "Bewertungen fremder Vorschläge: 1" in shown
        ((about,),) = rows(store, "SELECT code FROM proposals WHERE text = 'Licht im Park'")
        assert f"{about} Licht im Park\n   → Stimme zu" in shown, "the data itself, not only how much there is"
        with store.begin() as connection:
            release_proposals(connection, [ProposalRelease(number, None)])
        hidden = await data_of(app, channel, "a")
        assert f"{about}\n   → Stimme zu" in hidden, "what was hidden since is not shown again"
        await tell(app, channel, "a", "löschen", "alles löschen")
        assert rows(store, "SELECT text FROM proposals") == [("Licht im Park",)]
        assert (
            rows(store, "SELECT count(*) FROM ratings") == rows(store, "SELECT count(*) FROM rating_events") == [(0,)]
        )
