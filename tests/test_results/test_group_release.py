"""Opinion groups are published once: no difference of two editions tells how single people voted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.common.i18n.locale import Locale
from bot.results import published, text_output
from bot.results.edition import ResultsEdition
from bot.results.editions.renewal import renew_edition
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.proposals import proposals_of_consultation
from storage.tables.ratings import NewRatingEvent, store_votes
from storage.tables.revisions import find_live_revision
from tests.support import rows
from tests.support.app import consultation, publish
from tests.support.browser import serving
from tests.test_results.test_wording import NOW, rated_by_two_camps


@pytest.fixture
def park(store: Store) -> Store:
    publish(store, consultation("park"))
    rated_by_two_camps(store)
    return store


def put(store: Store, state: str) -> None:
    with store.begin() as connection:
        found = find_live_revision(connection, "park")
        assert found is not None
        set_consultation_state(connection, found.consultation_id, state)  # type: ignore[arg-type]


def rate_more(store: Store) -> None:
    """Sixty more people who agree with everything."""
    with store.begin() as connection:
        found = find_live_revision(connection, "park")
        assert found is not None
        ideas = [row.id for row in proposals_of_consultation(connection, found.consultation_id)]
        votes = [
            NewRatingEvent(rows.new_id(), idea, rows.pseudonym(5000 + number), 1, False, NOW)
            for number in range(60)
            for idea in ideas
        ]
        store_votes(connection, votes)


def renewed(store: Store, days: int) -> ResultsEdition:
    made = renew_edition(store, "park", NOW + timedelta(days=days))
    assert made is not None
    return made


def groups_of(edition: ResultsEdition) -> object:
    report = edition.document.report
    cells = {it.name: (it.groups, it.group_informed) for it in report.statements}
    return report.group_sizes, cells, [it for it in report.highlights if it.group is not None]


def test_groups_are_published_after_the_end_only(park: Store):
    first = renewed(park, 1)
    assert first.document.report.group_sizes == ()
    assert all(not it.groups.cells and it.group_informed is None for it in first.document.report.statements)
    assert all(it.group is None for it in first.document.report.highlights)
    put(park, "closed")
    assert len(renewed(park, 2).document.report.group_sizes) == 2, "though no figure changed"


def test_groups_stay_as_they_were_published(park: Store):
    put(park, "closed")
    first = renewed(park, 1)
    assert len(first.document.report.group_sizes) == 2
    put(park, "open")
    rate_more(park)
    second = renewed(park, 2)
    assert second.document.report.people != first.document.report.people
    assert groups_of(second) == groups_of(first)
    put(park, "closed")
    rate_more(park)
    assert groups_of(renewed(park, 3)) == groups_of(first)


async def test_page_and_command_say_that_groups_come_later(park: Store):
    with park.reading() as connection:
        said = "\n".join(text_output.result_lines(published.preview_results(connection, "park"), Locale.of("de")))
    words = "Gruppen ähnlicher Meinung stehen hier, wenn die Beteiligung zu Ende ist."
    assert words in said
    async with serving(park) as house:
        page = await house.browser(**{"Accept-Language": "de"}).get("/results/park")
    assert words in page.text
