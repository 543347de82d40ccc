"""Dates: asked on a form, counted by month, exported and described."""

from __future__ import annotations

import csv

import pytest

from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from storage.core.store import Store
from tests.support.app import consultation, publish, running, say
from tests.support.browser import serving
from tests.test_web.test_journeys import answers
from tests.test_web.test_results import NOW

SINCE = {
    "key": "since",
    "type": "date",
    "text": {"de": "Seit wann?", "en": "Since when?"},
    "min": "1950-01-01",
    "max": "2027-12-31",
}
SAID = ("31.3.2019", "2019-03-01", "1. April 2020", "31. Mrz 2019", "weiß nicht", "3. Mai 21")


@pytest.fixture
def store(empty):
    return empty


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


async def test_dates_are_counted_by_month_and_exported_as_written(store, tmp_path):
    publish(store, consultation("park", [SINCE]))
    async with running(store) as (app, test):
        for number, since in enumerate(SAID * 2):
            for line in ("/start park", "Deutsch", since, "absenden"):
                await say(app, test.msg(f"p{number}", line))
    store = Store(str(store.writer.url))
    async with serving(store) as house:
        words = (await house.browser(**{"Accept-Language": "de"}).get("/results/park")).text
        assert "März 2019 6" in words
        assert words.index("März 2019") < words.index("April 2020") < words.index("Mai 2021")
        words = (await house.browser(**{"Accept-Language": "en"}).get("/results/park")).text
        assert "March 2019 6" in words
    package.write_export(store, ExportRequest("park", tmp_path / "open", "public"), NOW)
    counted = {row["code"]: row["n"] for row in read(tmp_path / "open" / "counts.csv") if row["kind"] == "option"}
    assert counted == {"2019-03": "6", "2020-04": "2", "2021-05": "2"}
    package.write_export(store, ExportRequest("park", tmp_path / "all", "analysis"), NOW)
    wide = sorted(row["since"] for row in read(tmp_path / "all" / "answers_wide.csv"))
    assert wide == sorted(["2019-03-31", "2019-03-01", "2020-04-01", "2019-03-31", "dont_know", "2021-05-03"] * 2)
    [about] = [row for row in read(tmp_path / "all" / "codebook.csv") if row["entry"] == "value"]
    assert (about["question_type"], about["label_en"]) == ("date", "Date by ISO 8601: YYYY-MM-DD")
    store.dispose()


async def test_a_form_asks_with_a_field_for_dates(store):
    publish(store, consultation("park", [SINCE]))
    async with serving(store) as house:
        page = house.browser()
        await page.get("/c/park?lang=de")
        await page.press("Los geht es")
        assert '<input class="number" type="date" id="text" name="text" value="" min="1950-01-01"' in page.page.html
        assert 'max="2027-12-31"' in page.page.html
        await page.press("Weiter", text="1949-12-31")
        assert "vom 1. Januar 1950 bis zum 31. Dezember 2027" in page.text
        await page.press("Weiter", text="2019-03-31")
        assert "31. März 2019" in page.text
        await page.press("Ändern")
        assert "31. März 2019" in page.text, "what was answered"
        assert 'type="date" id="text" name="text" value=""' in page.page.html
    assert answers(store) == {"since": '"2019-03-31"'}
