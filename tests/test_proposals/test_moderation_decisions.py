"""Decisions of people about proposals, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection

from bot.common.ids import Ids
from bot.proposals import merge_split, moderation_decisions
from bot.proposals.codes import new_proposal_code, parse_proposal_code
from bot.proposals.moderation_decisions import ProposalWording
from bot.proposals.moderation_rules import DecisionRefused, load_items
from bot.proposals.similar_proposals import find_similar_proposals
from bot.proposals.similarity import SimilarityIndex
from bot.results.counts.disclosure import UNPROTECTED
from bot.results.report import statement_report
from bot.results.vote_loader import load_votes
from storage.core.store import Store
from storage.tables.moderation import count_moderation_states, merged_into_proposals
from storage.tables.proposals import (
    NewProposal,
    Withdrawal,
    erase_proposals_of_people,
    proposals_of_consultation,
    withdraw_proposals,
)
from storage.tables.waiting_texts import moderation_queue
from tests.support.app import KEYS
from tests.support.databases import Database
from tests.support.ideas import (
    AYLIN,
    BORA,
    NOW,
    chair,
    kinds,
    one,
    open_consultation,
    rate,
    released,
    submit,
    visible,
    votes,
)
from tests.support.rows import pseudonym


def test_nothing_is_seen_before_somebody_approved_it(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "A bench")
        assert visible(connection, park) == []
        standing = moderation_decisions.approve_text(chair(connection), idea.id)
        assert (standing.state, standing.is_public) == ("released", True)
        assert visible(connection, park) == ["A bench"]
        assert kinds(connection, [idea.id]) == [("approve", AYLIN, None)]


def test_four_eyes_needs_two_approvals_of_the_same_text(store: Store) -> None:
    park = open_consultation(store, four_eyes=True)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "Call 030 12345")
        assert moderation_decisions.approve_text(chair(connection, AYLIN), idea.id).state == "waiting"
        with pytest.raises(DecisionRefused, match="twice"):
            moderation_decisions.approve_text(chair(connection, AYLIN), idea.id)
        moderation_decisions.edit_text(chair(connection, BORA), idea.id, ProposalWording(None, "Call me"), "a number")
        assert moderation_decisions.approve_text(chair(connection, BORA), idea.id).state == "waiting", (
            "what Aylin read is gone"
        )
        assert visible(connection, park) == []
        assert moderation_decisions.approve_text(chair(connection, AYLIN), idea.id).state == "released"
        moderation_decisions.edit_text(chair(connection, AYLIN), idea.id, ProposalWording(None, "Call us"), "better")
        assert visible(connection, park) == [], "new words are read anew"


def test_hiding_needs_a_reason_and_can_be_taken_back(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        with pytest.raises(DecisionRefused, match="no_reason"):
            moderation_decisions.hide_text(chair(connection), idea.id, " \n")
        standing = moderation_decisions.hide_text(chair(connection), idea.id, "an advertisement")
        assert (standing.state, standing.reason_of("hide")) == ("hidden", "an advertisement")
        assert visible(connection, park) == []
        assert merge_split.restore_text(chair(connection), idea.id).state == "waiting"
        assert visible(connection, park) == []


def test_what_was_edited_is_kept_sealed_and_its_translations_go(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1, text="Ask Erika Mustermann", title="Call")
        moderation_decisions.translate_text(
            chair(connection), idea.id, "en", ProposalWording(None, "Ask Erika"), reviewed=True
        )
        moderation_decisions.edit_text(chair(connection), idea.id, ProposalWording("Call", "Ask the office"), "a name")
        moderation_decisions.edit_text(
            chair(connection), idea.id, ProposalWording("Call", "Ask the town hall"), "clearer"
        )
        standing = load_items(connection, [idea.id])[idea.id]
        assert (standing.proposal.text, standing.texts) == ("Ask the town hall", {})
        assert moderation_decisions.decrypt_original(KEYS, standing) == ProposalWording("Call", "Ask Erika Mustermann")
        assert standing.moderation.original is not None
        assert b"Erika" not in standing.moderation.original
        assert not any("Erika" in (why or "") for _, _, why in kinds(connection, [idea.id]))
        with pytest.raises(DecisionRefused, match="same_text"):
            moderation_decisions.edit_text(
                chair(connection), idea.id, ProposalWording("Call ", "Ask the town hall"), "again"
            )


def test_a_translation_says_whose_it_is(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, language="tr")
        moderation_decisions.translate_text(
            chair(connection), idea.id, "de", ProposalWording(None, "Eine Bank"), translator="machine"
        )
        moderation_decisions.translate_text(
            chair(connection), idea.id, "de", ProposalWording(None, "Eine Parkbank"), reviewed=True
        )
        german = load_items(connection, [idea.id])[idea.id].texts["de"]
        assert (german.text, german.translator, german.reviewed) == ("Eine Parkbank", "staff 1", True)
        for language in ("tr", "xx"):
            with pytest.raises(DecisionRefused, match="language"):
                moderation_decisions.translate_text(chair(connection), idea.id, language, ProposalWording(None, "Bank"))


def test_merging_keeps_all_authors_and_ratings(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first, second, third = (released(connection, park, number) for number in (1, 2, 3))
        rate(connection, third.id, {10: 1, 11: -1, 12: 1, 1: 1})
        rate(connection, second.id, {11: 1})
        rate(connection, first.id, {12: -1})
        merge_split.merge_proposals(chair(connection), third.id, second.id)
        assert votes(connection, second.id) == {10: 1, 11: 1, 12: 1, 1: 1}
        merge_split.merge_proposals(chair(connection), second.id, first.id)
        # 12 rated the target, and 1 is its author: authors do not rate their own proposals.
        assert votes(connection, first.id) == {10: 1, 11: 1, 12: -1}
        assert merged_into_proposals(connection, [first.id]) == {first.id: [second.id, third.id]}
        assert merge_split.authors(connection, [first.id])[first.id] == {pseudonym(1), pseudonym(2), pseudonym(3)}
        assert visible(connection, park) == [first.text]


def test_latest_vote_counts_on_merged_proposals(store: Store) -> None:
    park = open_consultation(store)
    later, latest = NOW.replace(hour=13), NOW.replace(hour=14)
    with store.begin() as connection:
        first, second, third = (released(connection, park, number) for number in (1, 2, 3))
        rate(connection, first.id, {10: 1, 11: 1})
        rate(connection, second.id, {10: -1, 1: 1}, at=later)
        rate(connection, third.id, {10: 0, 2: 1}, at=latest)
        merge_split.merge_proposals(chair(connection), third.id, second.id)
        merge_split.merge_proposals(chair(connection), second.id, first.id)
        assert votes(connection, first.id) == {10: 0, 11: 1, 2: 1}, "1 wrote it; 2 wrote what is no longer there"
        assert votes(connection, second.id) == {10: -1, 1: 1}, "what came from the third one went on"
        assert public(connection, park, first) == ((2, 0, 1, 3), (3, 1, 1, 5))
        merge_split.restore_text(chair(connection), third.id)
        assert votes(connection, first.id) == {10: -1, 11: 1}
        merge_split.restore_text(chair(connection), second.id)
        assert votes(connection, first.id) == {10: 1, 11: 1}, "what they said there before stands again"
        assert public(connection, park, first) == ((2, 0, 0, 2), (2, 0, 0, 2))


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_later_vote_within_an_hour_counts_in_any_merge_order(store: Store, order: tuple[int, int]) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        ideas = [released(connection, park, number) for number in (1, 2, 3)]
        rate(connection, ideas[1].id, {10: 1})
        rate(connection, ideas[2].id, {10: -1})
        for source in order:
            merge_split.merge_proposals(chair(connection), ideas[source].id, ideas[0].id)
        assert votes(connection, ideas[0].id) == {10: -1}
        assert public(connection, park, ideas[0])[0] == (0, 1, 0, 1)


def public(connection: Connection, consultation_id: int, proposal: NewProposal) -> tuple[object, object]:
    """Agrees, disagrees, passes, votes as the core team sees them: by last vote, and by all votes."""
    loaded = load_votes(connection, consultation_id)
    found = statement_report(loaded.log, loaded.shown, {}, min_cell_size=UNPROTECTED)
    one = next(it for it in found.statements if it.name == proposal.code)
    return tuple(one.by_last_vote), tuple(one.by_vote_events)


def test_a_merge_taken_back_gives_the_ratings_back(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first, second, third = (released(connection, park, number) for number in (1, 2, 3))
        rate(connection, second.id, {10: 1, 11: 1})
        rate(connection, third.id, {10: -1, 12: 1})
        rate(connection, first.id, {20: 1}, at=NOW.replace(hour=13))
        merge_split.merge_proposals(chair(connection), second.id, first.id)
        merge_split.merge_proposals(chair(connection), third.id, first.id)
        assert votes(connection, first.id) == {10: -1, 11: 1, 12: 1, 20: 1}, "10 rated the third one later"
        merge_split.restore_text(chair(connection), second.id)
        assert votes(connection, first.id) == {10: -1, 12: 1, 20: 1}, "10 rated the other one as well"
        assert votes(connection, second.id) == {10: 1, 11: 1}


def test_circular_chained_and_foreign_merges_are_refused(store: Store) -> None:
    park, lake = open_consultation(store), open_consultation(store, "lake")
    with store.begin() as connection:
        first, second, third = (released(connection, park, number) for number in (1, 2, 3))
        elsewhere = released(connection, lake, 1)
        merge_split.merge_proposals(chair(connection), second.id, first.id)
        for source, target, reason in (
            (first, first, "itself"),
            (first, second, "merged"),
            (third, second, "merged"),
            (third, elsewhere, "elsewhere"),
            (second, third, "already"),
        ):
            with pytest.raises(DecisionRefused, match=reason):
                merge_split.merge_proposals(chair(connection), source.id, target.id)
        with pytest.raises(DecisionRefused, match="unknown"):
            merge_split.merge_proposals(chair(connection), third.id, 4711)


def test_what_was_merged_into_something_erased_waits_again(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first, second = (released(connection, park, number) for number in (1, 2))
        merge_split.merge_proposals(chair(connection), second.id, first.id)
        erase_proposals_of_people(connection, [pseudonym(1)])
        assert moderation_queue(connection, park) == [second.id]
        assert count_moderation_states(connection, park) == {"waiting": 1}
        assert moderation_decisions.approve_text(chair(connection), second.id).is_public


def test_erasing_a_merged_proposal_takes_its_ratings_along(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first, second, third = (released(connection, park, number) for number in (1, 2, 3))
        rate(connection, first.id, {10: 1})
        rate(connection, second.id, {10: 0, 11: 1})
        rate(connection, third.id, {10: -1, 11: -1, 12: 1})
        for source in (second, third):
            merge_split.merge_proposals(chair(connection), source.id, first.id)
        assert votes(connection, first.id) == {10: -1, 11: -1, 12: 1}
        merge_split.erase_proposals(connection, Ids(), [third.id])
        assert votes(connection, first.id) == {10: 0, 11: 1}
        merge_split.erase_proposals(connection, Ids(), [second.id])
        assert votes(connection, first.id) == {10: 1}


def test_splitting_keeps_the_author_and_asks_to_read_anew(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1, text="Benches, and lamps")
        other = released(connection, park, 2)
        merge_split.merge_proposals(chair(connection), other.id, idea.id)
        parts = merge_split.split_proposal(
            chair(connection), idea.id, [ProposalWording(None, "Benches"), ProposalWording(None, "Lamps")]
        )
        assert visible(connection, park) == []
        assert [part.state for part in parts] == ["waiting", "waiting"]
        assert len({idea.code, *(part.proposal.code for part in parts)}) == 3
        ids = [part.proposal.id for part in parts]
        assert set(merge_split.authors(connection, ids).values()) == {frozenset({pseudonym(1), pseudonym(2)})}
        assert load_items(connection, [idea.id])[idea.id].parts == tuple(ids)
        with pytest.raises(DecisionRefused, match="parts"):
            merge_split.split_proposal(chair(connection), ids[0], [ProposalWording(None, "One")])
        with pytest.raises(DecisionRefused, match="already"):
            merge_split.restore_text(chair(connection), idea.id)


def test_what_was_withdrawn_or_has_changed_is_not_decided_about(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1)
        seen = load_items(connection, [idea.id])[idea.id].version
        moderation_decisions.edit_text(chair(connection), idea.id, ProposalWording(None, "Other words"), "clearer")
        with pytest.raises(DecisionRefused, match="changed"):
            moderation_decisions.approve_text(chair(connection), idea.id, seen=seen)
        withdraw_proposals(connection, [Withdrawal(idea.id, NOW)])
        with pytest.raises(DecisionRefused, match="withdrawn"):
            moderation_decisions.approve_text(chair(connection), idea.id)
        assert one(connection, idea.id).released_at is None


def test_of_two_who_decide_at_once_the_second_is_told(store: Store, database: Database) -> None:
    """Two processes: no decision is lost, in either order."""
    park = open_consultation(store)
    with store.begin() as connection:
        ideas = [submit(connection, park, number) for number in range(1, 9)]
        seen = {number: standing.version for number, standing in load_items(connection, [i.id for i in ideas]).items()}
    barrier = Barrier(2)

    def decide(who: int) -> list[str]:
        other = Store(database.url, busy_seconds=10)
        said = []
        for idea in ideas:
            barrier.wait()
            try:
                with other.begin() as connection:
                    by = chair(connection, who)
                    if who == AYLIN:
                        moderation_decisions.approve_text(by, idea.id, seen=seen[idea.id])
                    else:
                        moderation_decisions.hide_text(by, idea.id, "an advertisement", seen=seen[idea.id])
                said.append("done")
            except DecisionRefused as refusal:
                said.append(refusal.reason)
        other.dispose()
        return said

    with ThreadPoolExecutor(2) as threads:
        said = list(threads.map(decide, (AYLIN, BORA)))
    assert all({one, other} == {"done", "changed"} for one, other in zip(*said, strict=True))
    with store.reading() as connection:
        assert len(kinds(connection, [idea.id for idea in ideas])) == len(ideas)


def test_two_merges_across_do_not_make_a_circle(store: Store, database: Database) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        pairs = [(released(connection, park, at), released(connection, park, at + 100)) for at in range(1, 7)]
    barrier = Barrier(2)

    def decide(turned: bool) -> int:
        other, refused = Store(database.url, busy_seconds=10), 0
        for pair in pairs:
            source, target = reversed(pair) if turned else pair
            barrier.wait()
            try:
                with other.begin() as connection:
                    merge_split.merge_proposals(chair(connection), source.id, target.id)
            except DecisionRefused:
                refused += 1
        other.dispose()
        return refused

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(decide, (False, True))) == len(pairs)


@pytest.mark.parametrize("typed", ["{}", " {} ", "#{}", "{}.", "{lower}", "{bare}", "{spaced}", "{long}"])
def test_a_code_is_recognised_however_it_is_typed(typed: str) -> None:
    code = new_proposal_code()
    forms = {
        "lower": code.lower(),
        "bare": code.replace("-", ""),
        "spaced": code.replace("-", " "),
        "long": code.replace("-", "–"),
    }
    assert parse_proposal_code(typed.format(code, **forms)) == code


@pytest.mark.parametrize(
    "text", ["", "P", "Parkbank", "P-1234", "P-7K2M-PX0Q and more", "7K2M-PX0Q", "P" * 5000, "park 1234 5678"]
)
def test_other_words_are_no_codes(text: str) -> None:
    assert parse_proposal_code(text) is None


def test_what_to_look_at_is_that_of_the_words_as_they_are_now(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first, second = submit(connection, park, 1, "A bench"), submit(connection, park, 2, "A lamp")
        standing = moderation_decisions.edit_text(
            chair(connection), first.id, ProposalWording("Call", "030 / 123 45 67"), "clearer"
        )
        assert standing.moderation.flags == ["phone"]
        standing = moderation_decisions.edit_text(
            chair(connection), first.id, ProposalWording(None, "A bench by the pond"), "no number"
        )
        assert standing.moderation.flags == []
        wordings = [ProposalWording(None, "Write to ada@example.org"), ProposalWording(None, "A lamp")]
        parts = merge_split.split_proposal(chair(connection), second.id, wordings)
        assert [part.moderation.flags for part in parts] == [["email"], []]


def test_the_team_is_shown_as_similar_what_residents_are(store: Store) -> None:
    park = open_consultation(store)
    texts = [
        "Mehr Bäume in der Müllerstraße pflanzen",
        "mehr baeume pflanzen in der Müllerstrasse!",
        "Keine Autos im Kiez",
    ]
    with store.begin() as connection:
        for number, text in enumerate(texts):
            released(connection, park, number, text=text)
        rows = proposals_of_consultation(connection, park)
        found = {
            row.text: [it.proposal.text for it in find_similar_proposals(connection, park, [row])[row.id]]
            for row in rows
        }
    index = SimilarityIndex()
    for row in rows:
        index.add(row.id, row.text)
    for row in rows:
        near = [other.text for number in index.nearest(row.text) for other in rows if other.id == number != row.id]
        assert found[row.text] == near
    assert found == {texts[0]: [texts[1]], texts[1]: [texts[0]], texts[2]: []}


def test_a_changed_text_is_compared_anew_and_others_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    park = open_consultation(store)
    added: list[str] = []
    add = SimilarityIndex.add

    def count(index: SimilarityIndex, number: int, text: str) -> None:
        added.append(text)
        add(index, number, text)

    monkeypatch.setattr(SimilarityIndex, "add", count)
    texts = ["Mehr Bänke am Teich", "Ein Brunnen am Eingang"]
    with store.begin() as connection:
        _, second = (released(connection, park, number, text=text) for number, text in enumerate(texts))
        [first, _] = proposals_of_consultation(connection, park)
        for _ in range(2):
            assert find_similar_proposals(connection, park, [first])[first.id] == []
        words = ProposalWording(None, "Mehr Bänke an dem Teich")
        moderation_decisions.edit_text(chair(connection, later=5), second.id, words, "a name")
        [found] = find_similar_proposals(connection, park, [first])[first.id]
    assert found.proposal.id == second.id
    assert added == [*texts, words.text], "what is known is not added again"
