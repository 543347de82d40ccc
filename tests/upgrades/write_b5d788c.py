"""Writes the data folder in `tests/upgrades/b5d788c`: run it in a checkout of commit b5d788c.

    python write_house.py FOLDER

Everything is written by the program of that commit, through its own live path; only staff rows are inserted by hand.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot.broadcasts.starting import Wish
from bot.consultations.publishing import Desk
from bot.consultations.reading import content
from bot.ids import Ids
from sqlalchemy import text as sql

from adapters.base import RetryAfter
from bot import codes, housekeeping
from bot.broadcasts import starting
from bot.broadcasts.sending import Pushing
from bot.consultations import publishing
from bot.settings import PushSettings, Settings
from flows.definition import Consultation
from storage import migrate
from storage.core.store import Store
from storage.tables import consultations
from storage.tables.broadcasts import insert_broadcasts
from storage.tables.consultations import set_consultation_state
from storage.tables.revisions import find_live_revision
from storage.tables.staff import StaffMember, insert_staff
from tests.house import KEYS, Recorder, consultation, running, say
from tests.phone import PICTURE, Phone
from tests.test_bot.browser import serving

MARKER = "Marke-4711"
"""Stands in every text of a resident, and may stand in nothing that is public."""
YES_NO = [
    {"value": "yes", "label": {"de": "Ja", "en": "Yes"}},
    {"value": "no", "label": {"de": "Nein", "en": "No"}},
]


def text(key: str, words: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "text", "text": {"de": words, "en": words}} | more


def choice(key: str, words: str, type_: str = "choice", **labels: str) -> dict[str, Any]:
    options = [{"value": value, "label": {"de": label, "en": label}} for value, label in labels.items()]
    return {"key": key, "type": type_, "text": {"de": words, "en": words}, "options": options}


def scale(key: str, words: str, **more: Any) -> dict[str, Any]:
    ends = {"min_label": {"de": "schlecht", "en": "bad"}, "max_label": {"de": "gut", "en": "good"}}
    return {"key": key, "type": "scale", "text": {"de": words, "en": words}} | ends | more


def first() -> list[dict[str, Any]]:
    consent = {"key": "ok", "type": "consent", "text": {"de": "Nach der Gesundheit fragen?", "en": "Ask?"}}
    health = {
        "key": "health", "type": "choice", "sensitive": True, "text": {"de": "Behinderung?", "en": "Disability?"},
        "options": YES_NO, "ask_if": {"equal": {"question": "ok", "value": True}},
    }  # fmt: skip
    return [
        text("frage", "Was stört Sie?"),
        choice("wahl", "Womit fahren Sie?", bus="Bus", rad="Rad", auto="Auto"),
        scale("note", "Wie gut?"),
        choice("farbe", "Welche Farbe?", a="Rot", b="Blau"),
        text("sorge", "Welche Sorge?"),
        text("zahl", "Wie viele?"),
        consent,
        health,
        choice("last", "Noch etwas?", good="Alles gut", more="Bitte mehr"),
    ]


def second() -> list[dict[str, Any]]:
    number = {"key": "zahl", "type": "number", "text": {"de": "Wie viele?", "en": "How many?"}, "min": 0, "max": 50}
    return [
        scale("frage", "Wie sicher?"),
        choice("wahl", "Womit fahren Sie?", "choices", bus="Bus", rad="Rad", auto="Auto"),
        scale("note", "Wie gut?", min=0, max=10),
        choice("farbe", "Welche Farbe?", a="Blau", b="Rot"),
        choice("sorge", "Welche Sorge?", laerm="Lärm", dreck="Dreck"),
        number,
        *first()[6:],
    ]


def ideas() -> list[dict[str, Any]]:
    return [
        {"key": "idee", "type": "proposal", "text": {"de": "Ihr Vorschlag?", "en": "Your idea?"}, "similar": False},
        {
            "key": "weigh", "type": "statements", "block": 5, "text": {"de": "Was halten Sie davon?", "en": "Rate"},
            "seeds": [{"de": "Mehr Licht im Park.", "en": "More light."}, {"de": "Mehr Bänke.", "en": "Benches."}],
        },
        choice("rang", "Was zuerst?", "rank", baum="Bäume", bank="Bänke", weg="Wege"),
        {
            "key": "geld", "type": "points", "budget": 100, "unit": {"de": "Tausend", "en": "thousand"},
            "text": {"de": "Wofür Geld?", "en": "Money for?"},
            "options": [
                {"value": "road", "label": {"de": "Weg", "en": "Road"}, "cost": 60},
                {"value": "tree", "label": {"de": "Baum", "en": "Tree"}, "cost": 40},
            ],
        },
        text("warum", "Warum?"),
    ]  # fmt: skip


def put(store: Store, desk: Desk, *published: Consultation) -> None:
    """Publishes as the command does, with seeds and key words."""
    for one in published:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{one.slug}.json"
            path.write_text(content(one), encoding="utf-8")
            done = publishing.publish(store, path, desk)
            assert done.revision is not None, done.faults


def member(store: Store, name: str, role: Any) -> str:
    code = codes.new_code()
    row = StaffMember(Ids()(), name, role, codes.code_hash(KEYS, code), datetime.now(UTC))
    store.run(partial(insert_staff, members=[row]))
    return code


async def residents(app: Any, channel: Recorder, names: list[str], *words: str) -> None:
    for name in names:
        for word in words:
            await say(app, channel.msg(name, word.format(name=name)))
        print(name, "|", channel.texts(name)[-1][:70].replace("\n", " "))


async def on_telegram(store: Store, settings: Settings, facts: dict[str, Any], desk: Desk) -> None:
    phone = Phone()
    phone.name = "telegram"
    phone.files["f"] = PICTURE
    team = facts["staff"]["Aylin"]
    async with running(store, {"telegram": phone}, settings) as (app, _):
        walk = ("/start stadt", "Deutsch", f"{MARKER} von {{name}}", "1", "5", "Rot", f"{MARKER} Sorge {{name}}")
        first_six = [f"r{number}" for number in range(6)]
        await residents(app, phone, first_six, *walk, f"{MARKER} viele", "ja", "Ja", "1", "absenden")
        put(store, desk, consultation("stadt", second()))
        await asyncio.sleep(3)  # until the running program has looked at what is published
        late = [f"s{number}" for number in range(6)]
        await residents(app, phone, late, "/start stadt", "Deutsch", "4", "1 2", "fertig", "8", "Blau", "Lärm", "7",
                        "ja", "Nein", "2", "absenden")  # fmt: skip
        # Consent taken back with the sensitive answer left behind; one still walks, one stopped.
        back = ("/start stadt", "Deutsch", "4", "1 2", "fertig", "8", "Blau", "Lärm", "7", "ja", "Ja")
        await residents(app, phone, ["c0", "c1"], *back, "/ändern 7", "nein")
        await residents(app, phone, ["c1"], "/stop")
        await residents(app, phone, ["open0"], *walk[:2], "4")
        for name in ("i0", "i1", "i2", "i3", "i4", "i5"):
            await residents(app, phone, [name], "/start ideen", "Deutsch", f"{MARKER} Idee von {{name}}")
            await residents(app, phone, [name], "Stimme zu", "Stimme zu", "1 2 3", "1", "fertig",
                            f"{MARKER} weil {name}", "absenden")  # fmt: skip
            print([text[:60] for text in phone.texts(name)[-7:]])
        await residents(app, phone, ["news0", "news1"], "/start", "news alle")
        await residents(app, phone, ["picture"], "/start bild", "Deutsch")
        await say(app, phone.msg("picture", f"{MARKER} Bild", media="picture", media_ref="f"))
        await asyncio.sleep(1)
        await residents(app, phone, ["old0", "old1", "old2", "old3", "old4", "old5"], "/start vorbei", "Deutsch",
                        f"{MARKER} alt", "Stimme zu", "Stimme zu", "absenden")  # fmt: skip
        await say(app, phone.msg("team", f"/team {team}"))
        await say(app, phone.msg("team", "/queue"))
        print(phone.texts("team")[-1][:300])
        facts["queue_buttons"] = [[it.label, it.token] for it in phone.last("team").quick_replies]
        facts["open_buttons"] = [[it.label, it.token] for it in phone.last("open0").quick_replies]
        # From here on the channel is away: what is said waits in the outbox.
        phone.answers = [RetryAfter(20, "later", is_overall=True)] * 50
        await app.conversations.receive([phone.msg("wait0", "/start stadt"), phone.msg("open0", "/hilfe")])
        await asyncio.sleep(1)


async def on_the_web(store: Store, facts: dict[str, Any]) -> None:
    async with serving(store) as house:
        kiosk = house.browser(**{"Accept-Language": "de"})
        await kiosk.get("/kiosk/stadt?at=kiez-7")
        await kiosk.press("Deutsch Los geht es")
        await kiosk.press("Weiter", "4")
        lead = house.browser(**{"Accept-Language": "de"})
        await lead.get("/help-out")
        await lead.press("Anmelden", code=facts["staff"]["Mira"])
        form = next(form for form in lead.page.forms if form.action == "/help-out/stadt/room")
        await lead.post(form.action, form.fields)
        room = lead.path.rpartition("/")[2]
        await lead.press("Erste Frage öffnen")
        people = []
        for number in range(6):
            person = house.browser(**{"Accept-Language": "de"})
            await person.get(f"/room?code={room[:3]} {room[3:].lower()}")
            await person.press("Mitmachen", "Deutsch")
            await person.get(f"/c/stadt/room/{room}")
            await person.press("Weiter", "4" if number else "2")
            people.append(person)
        alone = house.browser(**{"Accept-Language": "de"})
        await alone.get("/c/stadt")
        await alone.press("Los geht es")
        print(alone.path, alone.heading(), [f.buttons for f in alone.page.forms], [f.options for f in alone.page.forms])
        cookies = {}
        for name, browser in (("kiosk", kiosk), ("lead", lead), ("person", people[0]), ("alone", alone)):
            jar = browser.http.cookie_jar
            cookies[name] = {cookie.key: cookie.value for cookie in jar}
        facts["web"] = {"room": room, "cookies": cookies}


def main(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "secret.key").write_text("00" * 32 + "\n")
    store = Store(f"sqlite:///{folder / 'mitsprache.db'}")
    migrate.upgrade(store)
    settings = Settings(data=folder, push=PushSettings(quiet_from=0, quiet_to=0))
    desk = Desk(Ids(), datetime.now(UTC), settings.zone(), folder / "media")
    publishing.publish_samples(store, desk)
    facts: dict[str, Any] = {"marker": MARKER, "staff": {}}
    for name, role in (("Aylin", "facilitator"), ("Mira", "facilitator"), ("Kim", "kernteam"), ("Ole", "helper")):
        facts["staff"][name] = member(store, name, role)
    gone = [text("wort", "Ein Wort?"), *ideas()[1:2]]
    put(store, desk, consultation("stadt", first()), consultation("ideen", ideas()))
    put(store, desk, consultation("bild", [text("wish", "Was fehlt?", media=["voice", "picture"])]))
    put(store, desk, consultation("vorbei", gone), consultation("weg", first()))
    asyncio.run(on_telegram(store, settings, facts, desk))
    store.dispose()
    store = Store(f"sqlite:///{folder / 'mitsprache.db'}")
    asyncio.run(on_the_web(store, facts))
    store.dispose()
    store = Store(f"sqlite:///{folder / 'mitsprache.db'}")
    with store.begin() as connection:
        old = datetime.now(UTC) - timedelta(days=60)
        found = find_live_revision(connection, "vorbei")
        assert found is not None
        connection.execute(
            consultations._consultations.update()
            .where(consultations._consultations.c.slug == "vorbei")
            .values(closes_at=old)
        )
        weg = find_live_revision(connection, "weg")
        assert weg is not None
        set_consultation_state(connection, weg.consultation_id, "archived")
    now = datetime.now(UTC)
    with store.reading() as connection:
        kept = housekeeping.figures(connection, now)
    print("kept", {slug: len(it) for slug, it in kept.items()})
    with store.begin() as connection:
        print(housekeeping.tidy(connection, now, kept))
    work = Pushing(settings, KEYS, frozenset({"telegram"}), ("telegram", "web"))
    with store.begin() as connection:
        push = starting.check(work, connection, Wish("stadt", "everybody"), now)
        insert_broadcasts(connection, [push])
        starting.begin(work, connection, push, now)
        work.work(connection, now)
    with store.reading() as connection:
        for table in ("sessions", "answers", "outbox", "broadcast_recipients", "proposals", "ratings", "kept_reports",
                      "opt_ins", "rooms", "attachments", "staff_chats", "dead_letters", "consents"):  # fmt: skip
            print(table, connection.execute(sql(f"SELECT count(*) FROM {table}")).scalar())
        facts["codes"] = [row[0] for row in connection.execute(sql("SELECT code FROM proposals ORDER BY id"))]
        facts["receipts"] = [list(row) for row in connection.execute(sql("SELECT receipt, status FROM sessions"))]
    store.dispose()
    with closing(sqlite3.connect(folder / "mitsprache.db")) as database:
        (folder / "mitsprache.sql").write_text("\n".join(database.iterdump()) + "\n")
    for suffix in ("", "-wal", "-shm"):
        (folder / f"mitsprache.db{suffix}").unlink(missing_ok=True)
    (folder / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
