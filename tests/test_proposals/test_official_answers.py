"""What became of proposals: statuses, what is owed, and the figures about it."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from bot.authoring import lifecycle, state_texts
from bot.authoring.lifecycle import StepRefused
from bot.authoring.publishing import PublishContext
from bot.proposals import merge_split, moderation_decisions
from bot.proposals.moderation_decisions import ProposalWording
from bot.proposals.moderation_rules import DecisionRefused, load_items
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from bot.results.official_answer_rate import OfficialAnswerRate, official_answer_rate, unanswered_contributions
from storage.core.store import Store
from storage.tables.proposals import PUBLIC_STATUSES, Withdrawal, withdraw_proposals
from storage.tables.revisions import find_live_revision
from tests.support.ideas import NOW, chair, kinds, one, open_consultation, released, submit
from tests.support.rows import new_id

YES = OfficialAnswer("accepted", {"de": "Wird gebaut."}, "Bezirksamt", "https://example.org/bau")


def test_status_needs_reason_in_german_and_idea_language(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1, language="tr")
        for reason, missing in (({}, "de, tr"), ({"de": "Ja."}, "tr"), ({"de": " ", "tr": "Evet."}, "de")):
            with pytest.raises(DecisionRefused) as refused:
                answer_proposal(chair(connection), idea.id, YES._replace(reason=reason))
            assert (refused.value.reason, refused.value.values["languages"]) == ("reason_languages", missing)
        both = {"de": "Wird gebaut.", "tr": "Yapılacak."}
        standing = answer_proposal(chair(connection), idea.id, YES._replace(reason=both))
        assert standing.proposal.status == "accepted"
        assert (standing.steps[-1].reason, standing.steps[-1].body) == (both, "Bezirksamt")
        assert kinds(connection, [idea.id])[-1] == ("status", 1, "accepted")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//example.org", "https://", "https://[x", "x" * 600])
def test_a_link_leads_to_a_page(store: Store, link: str) -> None:
    park = open_consultation(store)
    with store.begin() as connection, pytest.raises(DecisionRefused, match="link"):
        answer_proposal(chair(connection), released(connection, park, 1).id, YES._replace(link=link))


def test_the_same_is_not_told_twice_and_received_is_no_answer(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        answer_proposal(chair(connection), idea.id, YES)
        with pytest.raises(DecisionRefused, match="same_text"):
            answer_proposal(chair(connection), idea.id, YES)
        with pytest.raises(DecisionRefused, match="status"):
            answer_proposal(chair(connection), idea.id, YES._replace(status="received"))
        answer_proposal(chair(connection), idea.id, YES._replace(status="done"))
        assert [step.status for step in load_items(connection, [idea.id])[idea.id].steps] == ["accepted", "done"]


def test_what_was_merged_shares_what_became_of_it(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first, second, third = (released(connection, park, number) for number in (1, 2, 3))
        merge_split.merge_proposals(chair(connection), second.id, first.id)
        answer_proposal(chair(connection), first.id, YES)
        merge_split.merge_proposals(chair(connection), third.id, first.id)
        assert {one(connection, idea.id).status for idea in (first, second, third)} == {"accepted"}
        told = [load_items(connection, [idea.id])[idea.id].steps[-1].tell_after for idea in (first, second, third)]
        # The second's author is told with the first; the third's came later and is told on their own.
        assert told == [0, None, 0]


def test_nothing_is_archived_while_answers_are_owed(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        answered_one, at_it = (released(connection, park, number) for number in (1, 2))
        unread, hidden, whole, gone = (submit(connection, park, number) for number in (3, 4, 5, 6))
        answer_proposal(chair(connection), answered_one.id, YES)
        answer_proposal(chair(connection), at_it.id, YES._replace(status="under_consideration"))
        moderation_decisions.hide_text(chair(connection), hidden.id, "an advertisement")
        parts = merge_split.split_proposal(
            chair(connection), whole.id, [ProposalWording(None, "One"), ProposalWording(None, "Two")]
        )
        withdraw_proposals(connection, [Withdrawal(gone.id, NOW)])
        submit(connection, park, 7, source="polis", source_id="1")
        assert [(row.code, row.is_unread) for row in unanswered_contributions(connection, park)] == [
            (at_it.code, False),
            (unread.code, True),
            *((part.proposal.code, True) for part in parts),
        ]
        tools = PublishContext(new_id, NOW, UTC)
        lifecycle.close_consultation(connection, "park", tools)
        with pytest.raises(StepRefused) as owing:
            lifecycle.archive_consultation(connection, "park", tools)
        said = state_texts.refusal_text(owing.value, str, UTC)
        assert "4 people still wait for an answer" in said
        assert f"{at_it.code} (under consideration)" in said
        for number in (at_it.id, unread.id, *(part.proposal.id for part in parts)):
            answer_proposal(chair(connection), number, YES._replace(status="rejected"))
        lifecycle.archive_consultation(connection, "park", tools)
        latest = find_live_revision(connection, "park")
        assert latest
        assert latest.state == "archived"


def test_the_public_hears_how_many_were_answered_and_how_fast(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        ideas = [released(connection, park, number) for number in range(1, 10)]
        assert official_answer_rate(connection, park, 5) == OfficialAnswerRate(9, 0, None)
        for days, idea in enumerate(ideas[:4], start=1):
            answer_proposal(chair(connection, later=days * 24 * 60), idea.id, YES)
        assert official_answer_rate(connection, park, 5) == OfficialAnswerRate(9, 4, None), (
            "too few for a figure about time"
        )
        moderation_decisions.hide_text(chair(connection, later=5 * 24 * 60), ideas[5].id, "an advertisement")
        assert official_answer_rate(connection, park, 5) == OfficialAnswerRate(9, 4, None), (
            "who is told why it is hidden has no answer"
        )
        answer_proposal(chair(connection, later=5 * 24 * 60), ideas[4].id, YES)
        # A second step changes nothing: people wait for the first.
        answer_proposal(chair(connection, later=99 * 24 * 60), ideas[0].id, YES._replace(status="done"))
        found = official_answer_rate(connection, park, 5)
        assert found == OfficialAnswerRate(9, 5, 6.0), (
            "submitted three days before noon, answered 1, 2, 3, 4, 5 days after"
        )
        assert found.share == pytest.approx(5 / 9)
        assert official_answer_rate(connection, park, 10) == OfficialAnswerRate(None, None, None)


def test_every_status_fits_the_table(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        for status in PUBLIC_STATUSES:
            by = chair(connection)._replace(now=NOW + timedelta(days=1))
            assert answer_proposal(by, idea.id, YES._replace(status=status)).proposal.status == status
