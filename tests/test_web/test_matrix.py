"""A matrix: one message per row, a table on the form and on paper, one column per row in exports."""

from __future__ import annotations

import csv
import re
from typing import Any

import pytest

from bot.consultations.changes import AnsweredRevision
from bot.consultations.comparison import compare
from bot.exchange.exports.package import ExportRequest, write_export
from flows.authoring.reference_checks import reference_problems
from storage.core.store import Store
from tests.support.app import consultation, publish, running, say
from tests.support.browser import serving
from tests.test_web.test_journeys import answers
from tests.test_web.test_results import NOW

PATHS: dict[str, Any] = {
    "key": "paths",
    "type": "matrix",
    "text": {"de": "Wie finden Sie die Wege?", "en": "How do you find the paths?"},
    "min_label": {"de": "schlecht", "en": "bad"},
    "max_label": {"de": "gut", "en": "good"},
    "rows": [
        {"value": "light", "label": {"de": "Licht", "en": "Light"}},
        {"value": "width", "label": {"de": "Breite", "en": "Width"}},
        {"value": "noise", "label": {"de": "Ruhe", "en": "Quiet"}},
    ],
    "exits": [{"if": {"less": {"question": "paths_noise", "than": 3}}, "to": "end"}],
}
WISH: dict[str, Any] = {
    "key": "wish",
    "type": "text",
    "text": {"de": "Was fehlt?", "en": "What is missing?"},
    "ask_if": {"greater": {"question": "paths_light", "than": 1}},
}
GIVEN = {"paths_light": "4", "paths_width": "2", "paths_noise": "5"}


@pytest.fixture
def store(empty):
    return empty


async def the_form(house):
    page = house.browser()
    await page.get("/c/park?lang=de")
    return await page.press("Los geht es")


def ticks(page, **steps: int) -> list[tuple[str, str]]:
    """The fields of the table, with these steps chosen."""
    form = page.step()
    rows = [(name, value) for name, value in form.fields]
    names = {token.split(".")[1]: token.split(".")[0] for name, token in _radios(page) if name.startswith("row-")}
    return [
        *rows,
        *((f"row-paths_{row}", f"{names[f'paths_{row}']}.paths_{row}.{step}") for row, step in steps.items()),
    ]


def _radios(page):
    return re.findall(r'type="radio" name="([^"]+)" value="([^"]+)"', page.page.html)


async def test_each_row_is_a_message_and_an_answer(store, tmp_path):
    publish(store, consultation("park", [PATHS, WISH]))
    async with running(store) as (app, test):
        for number in range(6):
            for line in ("/start park", "Deutsch", "4", "2", "gut", "Bänke", "absenden"):
                await say(app, test.msg(f"p{number}", line))
        await say(app, test.msg("left", "/start park"))
        for line in ("Deutsch", "4", "2", "1", "absenden"):
            await say(app, test.msg("left", line))
        heard = test.texts("left")
    assert any("Wie finden Sie die Wege? – Breite" in it for it in heard)
    assert not any("Was fehlt?" in it for it in heard), "the exit after the last row"
    write_export(store, ExportRequest("park", tmp_path / "all", "analysis"), NOW)
    with (tmp_path / "all" / "answers_wide.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["paths_light"], row["paths_width"], row["paths_noise"]) for row in csv.DictReader(file)]
    assert sorted(rows) == [("4", "2", "1"), *[("4", "2", "5")] * 6]
    store = Store(str(store.writer.url))
    async with serving(store) as house:
        words = (await house.browser(**{"Accept-Language": "de"}).get("/results/park")).text
        assert "Wie finden Sie die Wege? – Ruhe" in words
    store.dispose()


async def test_a_form_shows_all_rows_in_one_table(store):
    publish(store, consultation("park", [PATHS, WISH]))
    async with serving(store) as house:
        page = await the_form(house)
        assert page.heading() == "Wie finden Sie die Wege?"
        assert len(_radios(page)) == 3 * 6, "five steps, and “I do not know”"
        await page.post(page.path, ticks(page, light=4, width=2))
        assert "Bitte in jeder Zeile etwas auswählen." in page.text
        assert page.page.html.count(" checked") == 2, "what was chosen stays"
        await page.post(page.path, ticks(page, light=4, width=2, noise=5))
        assert page.heading() == "Was fehlt?"
    assert answers(store) == GIVEN


async def test_a_table_can_be_skipped_as_a_whole(store):
    publish(store, consultation("park", [PATHS, WISH]))
    async with serving(store) as house:
        page = await the_form(house)
        await page.press("Überspringen")
        assert "Fertig" in page.text
    assert answers(store) == dict.fromkeys(GIVEN, "(skipped)")


async def test_paper_shows_a_table(store):
    publish(store, consultation("park", [PATHS, WISH]))
    async with serving(store) as house:
        html = (await house.browser().get("/c/park/paper?in=de")).page.html
        assert html.count('<span class="tick">') == 15
        assert html.count("Wie finden Sie die Wege?") == 1
        assert "3. Ruhe" in html


def changes(**fields) -> list[tuple[str, str, str]]:
    """What a change of the matrix means for answers to its rows."""
    before = consultation("park", [PATHS, WISH])
    answered = AnsweredRevision(1, before, {"paths_light": 3, "paths_width": 3, "paths_noise": 3})
    found = compare(consultation("park", [PATHS | fields, WISH]), before, [answered])
    return [(change.level.value, change.kind, change.key) for change in found]


def test_an_exit_to_a_matrix_goes_to_its_first_row():
    to_it = WISH | {"key": "before", "ask_if": None, "exits": [{"to": "paths"}]}
    [problem] = reference_problems(consultation("park", [to_it, PATHS]))
    assert problem.reason == "there is no question “paths” to go to"
    assert problem.remedy == "go to its first row: paths_light"


def test_a_change_of_a_matrix_is_one_of_its_rows():
    light, width, noise = PATHS["rows"]
    quiet = noise | {"label": {"de": "Lärm", "en": "Noise"}}
    smooth = {"value": "smooth", "label": {"de": "Glatt", "en": "Smooth"}}
    assert changes() == []
    assert changes(rows=[light, width, quiet]) == [("confirm", "words", "paths_noise")]
    assert ("harmless", "question_new", "paths_smooth") in changes(rows=[light, width, noise, smooth])
    assert {it for it in changes(max=7) if it[0] == "refused"} == {
        ("refused", "fixed", f"paths_{row}") for row in ("light", "width", "noise")
    }
