"""Try out, go live, undo, earlier versions in the console."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.authoring import going_live, publishing
from bot.authoring.drafts import DraftAuthor, create_draft, mark_draft_published
from bot.authoring.file_check import CheckedFile
from bot.authoring.lifecycle import StepRefused
from bot.authoring.yaml_export import consultation_to_yaml
from bot.common.sources import system_now
from bot.consultations import trials
from bot.web.console import publish
from storage.core.base import to_iso
from storage.core.store import Store
from storage.tables.revisions import find_live_revision
from storage.tables.triggers import load_triggers
from tests.support.app import consultation, rows
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.test_authoring.test_states import tools

BASE = "/console/consultations/park"
ENDS = system_now().date() + timedelta(days=20)


def draft(store: Store, **more: Any) -> None:
    """A draft beside the live version."""
    definition = consultation(**more) if "closes" in more else consultation(closes=ENDS.isoformat(), **more)
    checked = CheckedFile(definition, ())
    with store.begin() as connection:
        publishing.publish_checked(connection, checked, tools(), "park.yaml", stage="draft")


def live_number(store: Store) -> int | None:
    with store.reading() as connection:
        found = find_live_revision(connection, "park")
    return found.number if found else None


@only_sqlite
async def test_a_draft_is_tried_published_hidden_and_published_again(store: Store) -> None:
    draft(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{BASE}/test")
        await browser.press("Testlink öffnen")
        assert "Der Testlink ist offen bis" in browser.text
        assert "0 Proben" in browser.text
        number = rows(store, "SELECT id FROM consultations WHERE slug = 'park'")[0][0]
        with store.reading() as connection:
            trial = trials.trial_now(connection, number, system_now())
        assert trial
        assert trial.is_open
        assert "QR-Code zum Test" in browser.page.html
        visitor = house.browser(**{"Accept-Language": "de"})
        await visitor.get(f"/c/{trial.slug}")
        assert visitor.status == 200
        await browser.press("Jetzt schließen")
        assert "Der Testlink ist geschlossen." in browser.text
        await visitor.get(f"/c/{trial.slug}")
        assert visitor.status == 410
        await browser.get(f"{BASE}/publish")
        assert "Antworten werden am" in browser.text
        await browser.press("Jetzt veröffentlichen")
        assert "Veröffentlicht." in browser.text
        assert live_number(store) == 1
        assert not rows(store, "SELECT 1 FROM trials")
        await visitor.get("/c/park")
        assert visitor.status == 200
        await browser.press("Zurücknehmen")
        assert "Niemand sieht die Befragung mehr" in browser.text
        await visitor.get("/c/park")
        assert visitor.status == 404
        assert "Diese Befragung ist gerade nicht öffentlich" in visitor.text
        assert live_number(store) is None
        with store.reading() as connection:
            assert not load_triggers(connection)
        await browser.press("Jetzt veröffentlichen")
        assert live_number(store) == 1


@only_sqlite
async def test_without_an_end_nothing_goes_live(store: Store) -> None:
    draft(store, closes=None)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{BASE}/publish")
        assert "Es ist kein Ende gesetzt" in browser.text
        assert "Jetzt veröffentlichen" not in browser.text
        fields = [it for form in browser.page.forms if form.action.endswith("/publish") for it in form.fields]
        await browser.post(f"{BASE}/publish", fields)
        assert browser.status == 409
        assert live_number(store) is None


@only_sqlite
async def test_an_earlier_version_can_return(store: Store) -> None:
    draft(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{BASE}/publish")
        await browser.press("Jetzt veröffentlichen")
        draft(store, title={"de": "Licht im ganzen Park", "en": "Light in the park"}, revision=1)
        await browser.get(f"{BASE}/publish")
        assert "Licht im ganzen Park" in browser.text
        await browser.press("Jetzt veröffentlichen")
        assert live_number(store) == 2
        await browser.press("Zurücknehmen")
        assert live_number(store) == 1
        await browser.press("Zurück zu Fassung 2")
        assert live_number(store) == 2


@only_sqlite
async def test_the_undo_ends_after_a_minute(store: Store) -> None:
    draft(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{BASE}/publish")
        await browser.press("Jetzt veröffentlichen")
        late = system_now() - timedelta(seconds=publish.UNDO_SECONDS + publish.GRACE_SECONDS + 1)
        with store.begin() as connection:
            connection.execute(text("UPDATE revision_stages SET since = :at"), {"at": to_iso(late)})
        await browser.press("Zurücknehmen")
        assert browser.status == 409
        assert "Die Minute ist vorbei." in browser.text
        assert live_number(store) == 1


@only_sqlite
async def test_what_changed_meanwhile_is_shown_before_it_is_published(store: Store) -> None:
    draft(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{BASE}/publish")
        draft(store, title={"de": "Anders", "en": "Different"})
        await browser.press("Jetzt veröffentlichen")
        assert browser.status == 409
        assert live_number(store) is None


@only_sqlite
async def test_a_broken_run_blocks_until_it_is_accepted(store: Store) -> None:
    draft(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{BASE}/preview")
        await browser.press("Telegram")
        way = [it[2] for form in browser.page.forms for it in form.buttons if it[0] == "choice"]
        await browser.press(way[0])
        await browser.press("Als Probe merken", name="Der erste Weg")
        assert "Läuft durch." in browser.text
        first = {"key": "bench", "type": "text", "text": {"de": "Welche Bank?", "en": "Which bench?"}}
        draft(store, questions=[first, *consultation().model_dump(mode="json")["questions"]])
        await browser.get(f"{BASE}/publish")
        assert "Die gemerkte Probe „Der erste Weg“ läuft nicht durch" in browser.text
        assert "Jetzt kommt: Welche Bank?" in browser.text
        assert "Jetzt veröffentlichen" not in browser.text
        with store.begin() as connection, pytest.raises(StepRefused, match="not_publishable"):
            going_live.make_consultation_live(connection, "park", tools())
        await browser.get(f"{BASE}/test")
        await browser.press("So ist es richtig Der erste Weg")
        assert "Läuft durch." in browser.text
        await browser.get(f"{BASE}/publish")
        assert "1 gemerkte Probe läuft durch" in browser.text
        await browser.press("Jetzt veröffentlichen")
        assert live_number(store) == 2


@only_sqlite
async def test_a_second_member_agrees_where_it_is_set(store: Store) -> None:
    draft(store)
    async with serving(store, publish_needs_second=True) as house:
        first, second = signed_in(house, hired(store)), signed_in(house, hired(store, "Cem"))
        await first.get(f"{BASE}/publish")
        fields = [it for form in first.page.forms if form.action.endswith("/publish") for it in form.fields]
        await first.post(f"{BASE}/publish", fields)
        assert first.status == 409
        await first.post(f"{BASE}/publish/ask", fields)
        assert "Sie haben um Zustimmung gebeten." in first.text
        await first.post(f"{BASE}/publish", fields)
        assert live_number(store) is None
        await second.get(f"{BASE}/publish")
        assert "Aylin bittet um Zustimmung." in second.text
        await second.press("Zustimmen und veröffentlichen")
        assert live_number(store) == 1


@only_sqlite
async def test_a_draft_of_the_console_goes_live(store: Store) -> None:
    file = consultation_to_yaml(consultation(closes=ENDS.isoformat()), None)
    with store.begin() as connection:
        create_draft(connection, 77, file, DraftAuthor("Aylin", system_now()))
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{BASE}/preview")
        assert browser.status == 200
        await browser.get(f"{BASE}/test")
        await browser.press("Testlink öffnen")
        assert "0 Proben" in browser.text
        await browser.get(f"{BASE}/publish")
        await browser.press("Jetzt veröffentlichen")
        assert live_number(store) == 1
        assert rows(store, "SELECT max(revision) FROM consultation_drafts") == [(1,)]


@only_sqlite
async def test_a_fault_while_marking_takes_publishing_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    file = consultation_to_yaml(consultation(closes=ENDS.isoformat()), None)
    with store.begin() as connection:
        create_draft(connection, 77, file, DraftAuthor("Aylin", system_now()))

    def broken(*given: Any) -> None:
        mark_draft_published(*given)
        raise OSError("no space left")

    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{BASE}/publish")
        with monkeypatch.context() as patched:
            patched.setattr(publish, "mark_draft_published", broken)
            await browser.press("Jetzt veröffentlichen")
        assert browser.status == 500
        assert live_number(store) is None
        assert rows(store, "SELECT max(revision) FROM consultation_drafts") == [(None,)]
        await browser.get(f"{BASE}/publish")
        await browser.press("Jetzt veröffentlichen")
        assert live_number(store) == 1
        assert rows(store, "SELECT max(revision) FROM consultation_drafts") == [(1,)]
