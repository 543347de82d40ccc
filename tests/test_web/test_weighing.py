"""Orders and budgets on pages without JavaScript: in the form, in the chat, and from a sheet of paper."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import unescape
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import text

from bot.authoring.publishing import PublishContext, publish_file
from bot.common.ids import Ids
from storage.core.store import Store
from tests.support.app import consultation
from tests.support.app import publish as publish_one
from tests.support.browser import Browser, House, serving
from tests.support.shared_devices import signed_in
from tests.support.transcript_player import CONSULTATIONS

VALUES = {"Park": "park", "Schule": "school", "Brücke": "bridge", "Brunnen": "well"}


@pytest.fixture
def store(empty):
    publish_file(empty, CONSULTATIONS / "weighing.yaml", PublishContext(Ids(), datetime.now(UTC), UTC))
    return empty


def answers(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        rows = connection.execute(text("SELECT question_key, value, missing FROM answers"))
        return {key: value if missing is None else f"({missing})" for key, value, missing in rows}


async def begin(house: House, view: str) -> Browser:
    browser = house.browser()
    await browser.get("/c/weighing?lang=de")
    return await browser.press("Lieber ein Chat?" if view == "Chat" else "Los geht es")


def numbers(page: Browser, *written: str) -> dict[str, str]:
    """What to write into the fields beside the options, in their order."""
    fields = [name for name, _ in page.step().fields if name.startswith("number-")]
    return dict(zip(fields, written, strict=True))


def shown(page: Browser) -> list[str]:
    return [value for name, value in page.step().fields if name.startswith("number-")]


async def test_the_form_takes_orders_and_amounts(store: Store) -> None:
    async with serving(store) as house:
        page = await begin(house, "Formular")
        assert "1 für das Wichtigste" in page.text
        assert "Die Nummern der Reihe nach schreiben" not in page.text, "that is for who has no fields"
        await page.press("Weiter", **numbers(page, "2", "3", "1"))
        assert page.heading() == "Wer bekommt wie viele Punkte?"
        assert "+1" not in page.text
        await page.press("Weiter", **numbers(page, "", "7", "٣"))
        assert page.heading() == "Wofür reicht das Geld?"
        assert page.step().types == ["checkbox"] * 3
        await page.press("Weiter", "Lampen (12 000 Euro)", "Brunnen (15 000 Euro)")
        assert page.heading() == "Antworten prüfen"
        await page.press("Fertig")
    assert answers(store) == {
        "first": '["bridge","park","school"]',
        "fund": '{"school":7,"bridge":3}',
        "money": '{"lamps":12000,"well":15000}',
    }


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (("1", "1", ""), "Zwei Antworten haben denselben Platz"),
        (("eins", "2", ""), "nur ganze Zahlen"),
        (("", "", ""), "Bitte eine Antwort eingeben."),
        (("0", "", "-1"), "nur ganze Zahlen"),
    ],
)
async def test_what_is_no_order_is_said_and_stays_to_be_corrected(store: Store, written: Any, problem: str) -> None:
    async with serving(store) as house:
        page = await begin(house, "Formular")
        await page.press("Weiter", **numbers(page, *written))
        assert page.status == 422
        assert problem in page.text
        assert shown(page) == list(written)
    assert answers(store) == {}


async def test_the_form_shows_what_is_ordered_already_and_changes_it(store: Store) -> None:
    async with serving(store) as house:
        page = await begin(house, "Formular")
        await page.press("Weiter", **numbers(page, "", "1", ""))
        assert page.heading() == "Was soll zuerst gebaut werden?"
        assert "Es fehlt noch 1." in page.text
        assert shown(page) == ["", "1", ""]
        assert "(Platz 1)" not in page.text
        await page.press("Weiter", **numbers(page, "5", "9", ""))
        assert page.heading() == "Wer bekommt wie viele Punkte?"
        await page.press("Zurück")
        assert shown(page) == ["1", "2", ""]
        await page.press("Weiter", **numbers(page, "2", "1", ""))
        await page.press("Weiter", **numbers(page, "6", "6", ""))
        assert "um 2 Punkte zu viel" in page.text
        await page.press("Weiter", **numbers(page, "6", "", "1"))
        await page.press("Zurück")
        assert shown(page) == ["6", "", "1"]
        await page.press("Weiter", **numbers(page, "3", "4", "3"))
        await page.press("Zurück")
        assert shown(page) == ["3", "4", "3"], "also when nothing is left to give"
        await page.press("Weiter", **numbers(page, "", "", "1"))
    assert answers(store) == {"first": '["school","park"]', "fund": '{"bridge":1}'}


async def test_the_chat_without_javascript_takes_taps(store: Store) -> None:
    async with serving(store) as house:
        page = await begin(house, "Chat")
        for label in ("Die Brücke", "Der Park", "Fertig", "+1 Der Park", "+1 Der Park", "−1 Der Park", "Fertig"):
            await page.press(label)
        for label in ("☐ Lampen (12 000 Euro)", "☐ Brunnen (15 000 Euro)", "Fertig", "Fertig"):
            await page.press(label)
    assert answers(store) == {
        "first": '["bridge","park"]',
        "fund": '{"park":1}',
        "money": '{"lamps":12000,"well":15000}',
    }


async def test_a_sheet_of_paper_is_typed_in(store: Store) -> None:
    async with serving(store) as house:
        page = await house.browser().get("/c/weighing/paper?in=de")
        assert "1 · Der Park" in page.text
        page = await signed_in(house, store, "Aylin")
        await page.get("/assist/weighing/sheet?in=de")
        too_much = {"text-first": "3 1", "text-fund": "1: 11"}
        await page.press("Bogen speichern", "Lampen (12 000 Euro)", at="", **too_much)
        assert page.status == 422
        assert 'id="fault-fund"' in page.page.html
        assert 'id="fault-first"' not in page.page.html
        await page.press("Bogen speichern", at="", **{"text-first": "3 1", "text-fund": "1: 4, 3: 2"})
        assert "Der Bogen ist gespeichert" in page.text
    assert answers(store) == {
        "first": '["bridge","park"]',
        "fund": '{"park":4,"bridge":2}',
        "money": '{"lamps":12000}',
    }


async def test_the_form_asks_pair_after_pair_until_it_is_enough(store: Store) -> None:
    publish_file(store, CONSULTATIONS / "pairs.yaml", PublishContext(Ids(), datetime.now(UTC), UTC))
    async with serving(store) as house:
        page = await house.browser().get("/c/pairs?lang=de")
        await page.press("Los geht es")
        for number in (1, 2):
            assert page.heading() == "Was ist wichtiger?"
            assert f"Vergleich {number} von 4" in page.text
            assert "Fertig" not in [label for _, _, label in page.step().buttons]
            await page.press("Weiter", "Kann mich nicht entscheiden")
        await page.press("Fertig")
        assert page.heading() == "Was noch?"
    decided = json.loads(answers(store)["rather"])
    assert len(decided) == 2
    assert all("=" in one for one in decided)


async def test_pairs_on_a_sheet_of_paper_are_stored_as_in_chat(store: Store) -> None:
    publish_file(store, CONSULTATIONS / "pairs.yaml", PublishContext(Ids(), datetime.now(UTC), UTC))
    async with serving(store) as house:
        page = await house.browser().get("/c/pairs/paper?in=de")
        assert "mindestens 2 brauchen ein Kreuz" in page.text
        printed = re.findall(r"<bdi>(\w+)</bdi></li><li><bdi>(\w+)</bdi></li><li><bdi>Kann mich nicht", page.page.html)
        assert {frozenset(pair) for pair in printed} == {
            frozenset(pair) for pair in combinations(("Park", "Schule", "Brücke", "Brunnen"), 2)
        }
        page = await signed_in(house, store, "Aylin")
        await page.get("/assist/pairs/sheet?in=de")
        form = next(form for form in page.page.forms if "sheet" in dict(form.fields))
        rows = [
            re.findall(r'name="(tick-rather-\d)" value="(\w+[>=]\w+)"', unescape(page.page.html))[at : at + 3]
            for at in range(0, 18, 3)
        ]
        assert [{row[0][1].partition(">")[0], row[1][1].partition(">")[0]} for row in rows] == [
            {VALUES[left], VALUES[right]} for left, right in printed
        ], "the form has the rows of the sheet"
        for ticked, status in ((rows[0][:1], 422), ([rows[0][0], rows[3][2]], 200), (rows[1][:2] + rows[2][:1], 422)):
            await page.get("/assist/pairs/sheet?in=de")
            form = next(form for form in page.page.forms if "sheet" in dict(form.fields))
            await page.post("/assist/pairs/sheet", [*dict(form.fields).items(), *ticked, ("text-wish", "Bänke")])
            assert page.status == status
            assert ('id="fault-rather"' in page.page.html) == (status == 422)
    assert answers(store) == {
        "rather": json.dumps([rows[0][0][1], rows[3][2][1]], separators=(",", ":")),
        "wish": '"Bänke"',
    }


async def test_too_many_pairs_for_paper_are_said_to_be(store: Store) -> None:
    """Also for a last question, and with any question after it; the sheet itself can be typed in."""
    options = [{"value": f"o{n}", "label": {"de": f"Nr. {n}", "en": f"No. {n}"}} for n in range(7)]
    many = {"key": "rather", "type": "pairwise", "text": {"de": "Was eher?", "en": "Which?"}, "options": options}
    others = {"key": "weigh", "type": "statements", "skip": False, "text": {"de": "Und die anderen?", "en": "Others?"}}
    wish = {"key": "wish", "type": "text", "text": {"de": "Was noch?", "en": "What else?"}}
    publish_one(store, consultation("viele", [others, wish, many]))
    async with serving(store) as house:
        page = await house.browser().get("/c/viele/paper?in=de")
        assert page.text.index("Was eher?") < page.text.rindex("Diese Frage passt nicht auf Papier.")
        assert "/c/viele" in page.text
        page = await signed_in(house, store, "Aylin")
        await page.get("/assist/viele/sheet?in=de")
        assert page.text.count("Diese Frage passt nicht auf Papier.") == 2
        await page.press("Bogen speichern", at="", **{"text-wish": "Bänke"})
        assert "Der Bogen ist gespeichert" in page.text
    assert answers(store) == {"weigh": "(not_asked)", "rather": "(not_asked)", "wish": '"Bänke"'}
