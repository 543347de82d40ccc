"""Own proposals and ratings in chat: seen, withdrawn, deleted; nobody else's; and the counts follow."""

from __future__ import annotations

import pytest

from bot import phrases
from bot.results.loading import load
from flows.commands import Command, Commands, Spoken
from flows.text import fold
from storage import contacts, proposals, ratings
from storage.store import Store
from tests.house import KEYS, Recorder, running, say
from tests.test_proposals.ideas import open_consultation, rate, released
from tests.test_storage.rows import new_id


async def a_person(app, channel: Recorder, who: str) -> int:
    """Somebody who has chosen German; gives the contact."""
    await say(app, channel.msg(who, "Deutsch"))
    with app.store.reading() as connection:
        found = contacts.find(connection, [KEYS.lookup("test", who)])
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
            assert load(connection, number).shown == (second.code,)
        await say(app, channel.msg("aylin", f"Vorschlag löschen {second.code.lower().replace('-', ' ')}"))
        assert "gelöscht" in channel.last("aylin").text
    with store.reading() as connection:
        assert [row.code for row in proposals.of_people(connection, [aylin])] == [first.code]
        assert proposals.of_people(connection, [bora]) == []


async def test_ratings_of_mine_are_deleted_and_do_not_count(store: Store) -> None:
    number = open_consultation(store)
    async with running(store) as (app, channel):
        aylin = KEYS.pseudonym(await a_person(app, channel, "aylin"), number)
        with store.begin() as connection:
            idea = released(connection, number, 5)
            rate(connection, idea.id, {1: 1, 2: 1})
            rows = [row._replace(pseudonym=aylin) for row in ratings.events_of(connection, number)][:1]
            ratings.rate(connection, [row._replace(id=new_id()) for row in rows])
        await say(app, channel.msg("aylin", "meine bewertungen"))
        shown = channel.last("aylin")
        assert "1 Bewertung von Vorschlägen anderer" in shown.text
        await say(app, channel.msg("aylin", choice=shown.quick_replies[-1].token))
        assert "zählen nicht mehr" in channel.last("aylin").text
    with store.reading() as connection:
        assert ratings.of_people(connection, [aylin]) == []
        assert {row.pseudonym for row in ratings.events_of(connection, number)}.isdisjoint({aylin})
        assert ratings.count(connection, [idea.id])[idea.id].agree == 2


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("meine Vorschläge", Spoken(Command.MINE)),
        ("zurückziehen P-7K2M-PX0Q", Spoken(Command.MINE, "withdraw.p 7k2m px0q")),
        ("Vorschlag löschen p7k2mpx0q", Spoken(Command.MINE, "delete.p7k2mpx0q")),
        ("zurückziehen", None),
        ("das Gesetz zurückziehen", None),
    ],
)
def test_what_people_type(typed: str, meant: Spoken | None) -> None:
    assert Commands([phrases.load("de")]).find(fold(typed)) == meant
