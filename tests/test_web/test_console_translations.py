"""Translations of texts: marked as not reviewed until a member reviews them, never in place of the author's words."""

from __future__ import annotations

from bot.proposals.moderation_decisions import ProposalWording, translate_text
from bot.proposals.moderation_rules import load_items
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.moderation import NewProposalText
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import chair, open_consultation, released, submit

READING = "/console/consultations/park/reading"


def texts(store: Store, number: int) -> dict[str, NewProposalText]:
    with store.reading() as connection:
        return dict(load_items(connection, [number])[number].texts)


@only_sqlite
async def test_a_machine_translation_is_reviewed_and_taken_back(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "Mehr Bänke")
        translate_text(
            chair(connection, None), idea.id, "en", ProposalWording(None, "More benches"), translator="machine"
        )
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        assert "von einer Maschine übersetzt nicht geprüft" in browser.text
        assert "Mehr Bänke" in browser.text
        await browser.press(f"Gut übersetzt {idea.code} English")
        assert "geprüft von Aylin" in browser.text
        assert texts(store, idea.id)["en"].translator == "machine"
        assert texts(store, idea.id)["en"].reviewed
        await browser.press("Zurücknehmen")
        assert "nicht geprüft" in browser.text
        assert not texts(store, idea.id)["en"].reviewed
        with store.reading() as connection:
            assert [(it.act, it.purpose) for it in audit_entries(connection)] == [("text.translate", "en")] * 3


@only_sqlite
async def test_a_member_translates_a_released_text(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1, text="Mehr Bänke")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{READING}?state=released")
        await browser.get(f"{READING}/{idea.code}/translations")
        reviewed = "Ich spreche diese Sprache und habe es geprüft"
        await browser.press("Übersetzung speichern English", reviewed, **{"text-en": "More benches"})
        assert "Die Übersetzung ist gespeichert: English." in browser.text
        row = texts(store, idea.id)["en"]
        assert (row.text, row.translator, row.reviewed) == ("More benches", "Aylin", True)
        await browser.press("Übersetzung löschen English")
        assert texts(store, idea.id) == {}


@only_sqlite
async def test_of_two_translators_the_second_keeps_the_words(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "Mehr Bänke")
    async with serving(store) as house:
        first, second = signed_in(house, hired(store, "Aylin")), signed_in(house, hired(store, "Cem"))
        for browser in (first, second):
            await browser.get(f"{READING}/{idea.code}/translations")
        await first.press("Übersetzung speichern English", **{"text-en": "More benches"})
        await second.press("Übersetzung speichern English", **{"text-en": "Additional benches"})
        assert second.status == 409
        assert "hat sich inzwischen geändert" in second.text
        assert "Additional benches" in second.page.html
        assert texts(store, idea.id)["en"].text == "More benches"


@only_sqlite
async def test_translations_of_other_consultations_are_hidden(store: Store) -> None:
    open_consultation(store)
    lake = open_consultation(store, "lake")
    with store.begin() as connection:
        idea = submit(connection, lake, 1, "Mehr Enten")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{READING}/{idea.code}/translations")
        assert browser.status == 404


@only_sqlite
async def test_twenty_alike_are_released_with_one_click(store: Store) -> None:
    """Two clicks from Home: read, release all."""
    park = open_consultation(store)
    with store.begin() as connection:
        ideas = [submit(connection, park, number, f"Mehr Bänke im Park, bitte {number}") for number in range(20)]
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        await browser.press(f"Alle 20 freigeben {ideas[0].code}")
        assert "20 Texte sind freigegeben." in browser.text
        assert "0 Texte zu lesen" in browser.text
        await browser.press("Zurücknehmen")
        assert "20 Texte zu lesen" in browser.text
