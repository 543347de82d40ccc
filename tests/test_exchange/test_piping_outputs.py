"""Answers in later texts on the pages of residents, and neutral placeholders in everything that is not a session."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from bot.authoring.yaml_export import consultation_to_yaml
from flows.definition import Consultation
from storage.core.store import Store
from tests.support.app import consultation, publish
from tests.support.browser import House, serving
from tests.test_exchange.test_exports import chat, content_of, export, opened

__all__ = ["opened"]

LINES = ("1", "<b>Bäume</b>", "1", "absenden")
PLACEHOLDER = "[Antwort auf ‚Licht im Park?‘]"


def piping() -> Consultation:
    options = [
        {"value": "more", "label": {"de": "{answer:lamps|Licht} und mehr", "en": "more"}},
        {"value": "less", "label": {"de": "Weniger", "en": "less"}},
    ]
    asked = [
        *consultation().model_dump(mode="json")["questions"],
        {
            "key": "then",
            "type": "choice",
            "text": {"de": "{{Plan}}: {answer:lamps|Licht} und {answer:wish|so}?", "en": "and?"},
            "hint": {"de": "Nach „{answer:lamps|Licht}“.", "en": "hint"},
            "options": options,
        },
    ]
    thanks = {"de": "Danke für {answer:lamps|alles}!", "en": "Thanks!"}
    return consultation(questions=asked, smallest_cell=2, thanks=thanks)


@pytest.mark.parametrize("profile", ["raw", "analysis", "public"])
async def test_exports_show_a_placeholder(opened, tmp_path, profile):
    publish(opened(), piping())
    await chat(opened(), *[LINES] * 12)
    export(opened(), tmp_path / "out", profile)
    files = {path.name: content_of(path) for path in Path(tmp_path / "out").rglob("*") if path.is_file()}
    assert [name for name, content in files.items() if "{answer" in content or "{{Plan" in content] == []
    assert PLACEHOLDER in files["codebook.csv"]
    assert "{Plan}" in files["codebook.csv"]


async def test_pages_for_all_show_a_placeholder(opened) -> None:
    publish(opened(), piping())
    await chat(opened(), *[LINES] * 12)
    async with serving(opened()) as house:
        for path in ("/c/park/paper", "/results/park"):
            browser = house.browser()
            await browser.get(f"{path}?in=de&lang=de")
            shown = html.unescape(browser.page.html)
            assert "{answer" not in shown, path
            assert PLACEHOLDER in shown, path
            assert "{Plan}" in shown, path
            assert "{{Plan" not in shown, path


async def at_the_last_question(house: House, view: str) -> str:
    browser = house.browser()
    await browser.get("/c/park?lang=de")
    await browser.press("Lieber ein Chat?" if view == "Chat" else "Los geht es")
    if view == "Chat":
        await browser.press("Ja")
        await browser.press("Senden", text="<b>Bäume</b>")
    else:
        await browser.press("Weiter", "Ja")
        await browser.press("Weiter", text="<b>Bäume</b>")
    return browser.page.html


@pytest.mark.parametrize("view", ["Chat", "Formular: eine Frage"])
async def test_own_words_are_escaped_on_the_web(store: Store, view: str) -> None:
    publish(store, piping())
    async with serving(store) as house:
        page = await at_the_last_question(house, view)
    assert "<b>Bäume" not in page
    assert re.search(r"\{Plan\}: Ja und \u2068&lt;b&gt;Bäume&lt;/b&gt;\u2069\?", page)
    assert "Ja und mehr" in page
    assert "Nach „Ja“." in page


def test_the_yaml_of_a_revision_keeps_its_references() -> None:
    assert "{{Plan}}: {answer:lamps|Licht} und {answer:wish|so}?" in consultation_to_yaml(piping(), 1)
