"""Results in words: the command and the result page say the same, each figure with the people behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.cli import results
from bot.common.i18n.locale import Locale, available_languages
from bot.results import figures, opinions, published, text_output
from bot.results.ballots import PairwiseOutcome
from bot.results.published import PublishedResults
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.moderation import NewModeration, insert_moderations
from storage.tables.proposals import ProposalRelease, insert_proposals, release_proposals
from storage.tables.ratings import NewRatingEvent, store_votes
from storage.tables.revisions import find_live_revision
from tests.support import rows
from tests.support.app import consultation, publish, running, say
from tests.support.browser import serving
from tests.test_results.test_ballots import FIRST, MONEY, OPTIONS
from tests.test_results.test_groups import planted

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
GERMAN = Locale.of("de")


def rated_by_two_camps(store: Store) -> None:
    """Twenty ideas that 240 people rated; two thirds think otherwise than the rest about six of them."""
    matrix, _ = planted(240)
    with store.begin() as connection:
        found = find_live_revision(connection, "park")
        assert found is not None
        ideas = [
            rows.proposal(found.consultation_id, 1000 + number, f"P-{number:04}", text=f"Idee {number}")
            for number in range(len(matrix.statements))
        ]
        insert_proposals(connection, ideas)
        insert_moderations(connection, [NewModeration(it.id, "released", [], None, None, NOW) for it in ideas])
        release_proposals(connection, [ProposalRelease(it.id, NOW) for it in ideas])
        store_votes(
            connection,
            [
                NewRatingEvent(rows.new_id(), ideas[column].id, rows.pseudonym(row), int(vote), False, NOW)  # type: ignore[arg-type]
                for row, line in enumerate(matrix.votes)
                for column, vote in enumerate(line)
                if matrix.voted[row, column]
            ],
        )


def end(store: Store) -> None:
    """No more answers are taken."""
    with store.begin() as connection:
        found = find_live_revision(connection, "park")
        assert found is not None
        set_consultation_state(connection, found.consultation_id, "closed")


def read(store: Store) -> PublishedResults:
    with store.reading() as connection:
        return published.preview_results(connection, "park")


async def test_page_and_command_tell_of_groups_and_of_what_they_share(store):
    publish(store, consultation("park"))
    rated_by_two_camps(store)
    end(store)
    found = read(store)
    ideas = opinions.rated_proposals(found, GERMAN)
    groups, common = (
        opinions.described_groups(found, ideas, GERMAN),
        opinions.statements_in_common(found, ideas, GERMAN),
    )
    assert [group.name for group in groups] == ["Gruppe 1", "Gruppe 2"]
    assert sum(group.people for group in groups) == 240
    assert len(common) == 5
    for it in common:
        assert [row.name for row in it.rows] == ["Gruppe 1", "Gruppe 2"]
    first = groups[0].stands[0]
    assert [row.name for row in first.rows] == ["Gruppe 1", "alle"], "beside everybody, to compare"
    said = "\n".join(text_output.result_lines(found, GERMAN))
    assert "Menschen, die bewertet haben: 240." in said
    assert f"Gruppe 1 (Menschen: {groups[0].people}): Was sie von den anderen unterscheidet" in said
    assert f"{first.side}: {first.idea.code} „{first.idea.text}“" in said
    assert "Weitere Vorschläge: 10" in said
    async with serving(store) as house:
        page = (await house.browser(**{"Accept-Language": "de"}).get("/results/park")).text
    for words in ("Worin sich diese Gruppen einig sind", "Was sie von den anderen unterscheidet", "Gruppe 2"):
        assert words in page
    row = next(it.rows[0] for group in groups for it in group.stands if it.rows[0].agrees is not None)
    assert f"{row.name} {row.seen} {row.agrees} {row.share} ({row.chance})" in page


async def test_orders_and_budgets_say_how_sure_they_are(store):
    publish(store, consultation("park", [FIRST, MONEY]))
    async with running(store) as (app, test):
        for number in range(24):
            ranked, wanted = ("2 1 3", "Park, Brücke") if number < 14 else ("1 2 3", "Schule")
            for line in ("/start park", "Deutsch", ranked, wanted, "fertig", "absenden"):
                await say(app, test.msg(f"p{number}", line))
    again = Store(str(store.writer.url))
    found = read(again)
    again.dispose()
    order, money = figures.outcome_figures(found, GERMAN)
    # Of 72 comparisons those of ten people between park and school do not fit.
    assert "Zu ihr passen 86 % der einzelnen Vergleiche." in order.notes
    park = next(bar for bar in money.rows if bar.label == "Park")
    assert park.share == pytest.approx(0.35)
    # 14 times 60 and ten times 0 of 100: the mean has a standard error of √(913.0 / 24) = 6.168.
    assert park.chance == pytest.approx((0.35 - 1.96 * 0.06168, 0.35 + 1.96 * 0.06168), abs=1e-4)
    said = "\n".join(text_output.result_lines(found, GERMAN))
    assert "  1. Schule\n  2. Park\n  3. Brücke" in said
    assert "weggelassen" not in said
    assert "(Equal Shares) für: " in said
    assert "votes" not in str(results.as_data(found)["outcomes"]["money"]), "who approved may be few"


async def test_comparisons_of_few_unanimous_people_are_hidden(store):
    rather = {"key": "rather", "type": "pairwise", "text": {"de": "Was eher?", "en": "Which?"}}
    publish(store, consultation("park", [rather | {"options": OPTIONS, "min": 3, "max": 3}]))
    async with running(store) as (app, test):
        for number in range(10):
            who, likes = f"p{number}", ("Park", "Brücke" if number < 2 else "Schule")
            await say(app, test.msg(who, "/start park"), test.msg(who, "Deutsch"))
            for _ in range(3):
                offered = {reply.label for reply in test.last(who).quick_replies}
                await say(app, test.msg(who, next(it for it in likes if it in offered)))
            await say(app, test.msg(who, "absenden"))
    again = Store(str(store.writer.url))
    found = read(again)
    with again.reading() as connection:
        inner = published.preview_results(connection, "park", is_inner=True)
    again.dispose()
    assert found.outcomes == {}, "all ten prefer the park to both"
    (outcome,) = inner.outcomes.values()
    assert isinstance(outcome, PairwiseOutcome)
    assert {outcome.options[it.option]: it.wins for it in outcome.strengths} == {"park": 20, "school": 8, "bridge": 2}
    (weighed,) = figures.outcome_figures(inner, GERMAN)
    assert [(bar.label, bar.number) for bar in weighed.rows] == [("Park", 20), ("Schule", 8), ("Brücke", 2)]


@pytest.mark.parametrize("language", available_languages())
def test_every_language_has_the_words(store, language):
    publish(store, consultation("park"))
    rated_by_two_camps(store)
    end(store)
    said = list(text_output.result_lines(read(store), Locale.of(language)))
    assert len(said) > 100
    assert not any("results." in line for line in said)
