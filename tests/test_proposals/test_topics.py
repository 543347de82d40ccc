"""Topic and district of an idea are codes of a list, never free text, because they are public."""

from __future__ import annotations

from storage import migrate
from storage.core.store import Store
from tests.support.app import consultation, publish, rows, running, say
from tests.support.ideas import open_consultation, submit
from tests.test_exchange.test_exports import options, text

BEFORE = "20261130_audit"


async def test_what_somebody_wrote_is_no_topic(store: Store) -> None:
    wish = {"key": "wish", "type": "text", "text": text("Was?")}
    about = {"key": "about", "type": "choice", "text": text("Worum?"), "options": options("park", "strasse")}
    ideas = [
        {"key": f"idea_{key}", "type": "proposal", "similar": False, "text": text("Idee?"), "topic_from": key}
        for key in ("wish", "about")
    ]
    publish(store, consultation(questions=[wish, about, *ideas]))
    async with running(store) as (app, channel):
        ideas_said = ("Mehr Bänke hier", "ok", "Mehr Bäume dort", "ok")
        for line in ("/start park", "Deutsch", "Ich bin Erika", "1", *ideas_said, "absenden"):
            await say(app, channel.msg("erika", line))
    assert rows(store, "SELECT question_key, topic FROM proposals ORDER BY question_key") == [
        ("idea_about", "park"),
        ("idea_wish", None),
    ]


def test_an_upgrade_takes_words_away(store: Store) -> None:
    about = {"key": "about", "type": "choice", "text": text("Worum?"), "options": options("park", "strasse")}
    publish(store, consultation("other", questions=[about]))
    park = open_consultation(store)
    with store.begin() as connection:
        for number, (topic, district, source) in enumerate(
            (
                ("Ich bin Erika", "bei Erika", None),
                ("park", "01", None),
                ("Ich bin Erika", "outside", "wave"),
                ("Verkehr", "Pankow", "decidim:example.org"),
            ),
            start=1,
        ):
            submit(connection, park, number, topic=topic, district=district, source=source, source_id=str(number))
    migrate.downgrade(store, BEFORE)
    migrate.upgrade(store)
    assert rows(store, "SELECT topic, district FROM proposals ORDER BY id") == [
        (None, None),
        ("park", "01"),
        (None, "outside"),
        ("Verkehr", "Pankow"),
    ]
