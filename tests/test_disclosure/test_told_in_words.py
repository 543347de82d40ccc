"""The notes of pages, command and JSON on published figures: the visible part, the base of shares, the rule."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli import results
from bot.common.i18n.locale import Locale, available_languages
from bot.proposals import publication
from bot.results import published, text_output
from bot.results.edition import RULE_BEFORE_EDITIONS
from bot.results.editions.renewal import renew_edition
from bot.results.published import PublishedResults
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.editions import StoredEdition, add_edition
from storage.tables.revisions import find_live_revision
from tests.support.app import consultation, publish, running, say
from tests.support.browser import serving
from tests.test_disclosure.test_published import LAMPS

WHY = LAMPS | {
    "key": "why",
    "text": {"de": "Weshalb?", "en": "Why?"},
    "ask_if": {"equal": {"question": "lamps", "value": "yes"}},
}
FEW = LAMPS | {"key": "few", "text": {"de": "Sonst?", "en": "Else?"}}
GERMAN = Locale.of("de")


@pytest.fixture
async def park(store: Store) -> AsyncIterator[Store]:
    """24 people answered: 15 yes, of whom 10 say why; to the last question 24 + 10 + 3 answers, the 3 are too few."""
    publish(store, consultation(questions=[LAMPS, WHY, FEW]))
    said = [*["1 1 /"] * 6, *["1 2 /"] * 4, *["1 / /"] * 5]
    said += ["2 1", "2 1", "3 2", *["2 /"] * 6]
    async with running(store) as (app, test):
        for number, lines in enumerate(said):
            words = lines.replace("/", "überspringen").split()
            for line in ("/start park", "Deutsch", *words, "absenden"):
                await say(app, test.msg(f"p{number}", line))
    again = Store(str(store.writer.url))
    assert renew_edition(again, "park")
    yield again
    again.dispose()


def public(store: Store) -> PublishedResults:
    with store.reading() as connection:
        found = publication.public_figures(connection, "park")
    assert found is not None
    return found


async def page_of(store: Store) -> str:
    async with serving(store) as house:
        return (await house.browser(**{"Accept-Language": "de"}).get("/results/park")).text


async def test_visible_share_is_on_page_command_and_json(park: Store):
    found = public(park)
    assert results.as_data(found)["visible_share"] == pytest.approx(34 / 37)
    words = "91 % aller Antworten sind hier zu sehen."
    assert words in list(text_output.result_lines(found, GERMAN))
    assert words in await page_of(park)


async def test_shares_of_conditional_questions_use_those_asked(park: Store):
    found = public(park)
    about: dict[str, Any] = results.as_data(found)["questions"]
    assert [about["why"][it] for it in ("answered", "asked")] == [10, 15]
    assert [about["lamps"][it] for it in ("answered", "asked")] == [24, 24]
    lines = list(text_output.result_lines(found, GERMAN))
    at = lines.index("Weshalb?")
    assert {"15", "10"} <= set(lines[at + 1].replace(",", " ").replace(".", " ").split())
    assert lines[at + 2].startswith("  yes: 6, 40 %"), "6 of 15"
    page = await page_of(park)
    assert lines[at + 1].strip() in page
    assert "40 %" in page


async def test_figures_of_an_old_rule_are_labelled(park: Store):
    with park.begin() as connection:
        newest = find_live_revision(connection, "park")
        assert newest is not None
        connection.exec_driver_sql("DELETE FROM edition_rows")
        connection.exec_driver_sql("DELETE FROM editions")
        report = results.as_plain_value(found_report := published.preview_results(connection, "park").report)
        assert found_report.least == 5
        document = json.dumps({"report": report})
        at = datetime.now(UTC)
        add_edition(
            connection,
            StoredEdition(newest.consultation_id, 1, at, 0.0, None, "", RULE_BEFORE_EDITIONS, True, document),
            [],
        )
    found = public(park)
    assert results.as_data(found)["by_an_old_rule"] is True
    for tag in available_languages():
        assert Locale.of(tag).text("results.old_rule", n=5) in list(text_output.result_lines(found, Locale.of(tag)))
    assert "nach einer früheren Regel" in await page_of(park)


def test_preview_figures_say_that_they_are_not_public(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path}/mitsprache.db")
    heard: list[str] = []
    settings = Settings(data=tmp_path)
    with pytest.raises(Exception, match="no consultation"):
        results.print_results(settings, "park", heard.append)
    publish(store, consultation(questions=[LAMPS]))
    store.dispose()
    for seed, is_public in ((0, True), (7, False)):
        for tag in available_languages():
            heard.clear()
            results.print_results(settings, "park", heard.append, seed=seed, language=tag)
            assert (Locale.of(tag).text("results.before") in heard) is not is_public
        heard.clear()
        results.print_results(settings, "park", heard.append, seed=seed, as_json=True)
        assert json.loads(heard[-1])["public"] is is_public
