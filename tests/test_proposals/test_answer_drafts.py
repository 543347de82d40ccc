"""Drafts of official answers: saved by several people, held back for a minute, taken back, and published once."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bot.broadcasts.outcome_audience import audiences
from bot.common.audit import Actor
from bot.proposals import answer_drafts, merge_split
from bot.proposals.answer_drafts import HELD, DraftConflict, DraftKey, publish_next
from bot.proposals.contribution_status import newest_first
from bot.proposals.moderation_decisions import ModerationContext
from bot.proposals.moderation_rules import DecisionRefused, load_items
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from bot.results.official_answer_rate import official_answer_rate
from storage.core.store import Store
from storage.tables.answer_drafts import answer_drafts_of, held_sendings, next_held_until
from storage.tables.audit import audit_entries
from storage.tables.moderation import count_moderation_states
from storage.tables.owed_answers import count_by_answer, proposals_by_answer
from storage.tables.proposals import Withdrawal, has_unnotified_status, withdraw_proposals
from storage.tables.waiting_texts import count_waiting
from tests.support.app import KEYS
from tests.support.ideas import NOW, chair, one, open_consultation, released, submit
from tests.support.rows import new_id
from tests.test_proposals.test_outcome_notifications import Person, notices, tell_all

YES = OfficialAnswer("accepted", {"de": "Wird gebaut.", "tr": "Yapılacak."}, "Bezirksamt")
AFTER = NOW + HELD
ROOT = Path(__file__).parents[2]


def later(context: ModerationContext, by: timedelta) -> ModerationContext:
    return context._replace(now=NOW + by)


def publish_due(store: Store, now: object = AFTER) -> int:
    """How many answers are published."""
    number = 0
    while store.run(lambda connection: publish_next(connection, KEYS, new_id, now)):  # type: ignore[arg-type]
        number += 1
    return number


def drafted(connection: Connection, *ids: int, outcome: OfficialAnswer = YES) -> list[DraftKey]:
    """Drafts for these proposals, as an editor sees them."""
    saved = [answer_drafts.save_draft(chair(connection), DraftKey(number, 0), outcome) for number in ids]
    return [DraftKey(it.proposal_id, it.version) for it in saved]


def test_a_draft_and_a_held_answer_are_in_no_public_place(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        author = Person(connection, "author", "tr")
        idea = released(connection, park, 1, pseudonym=author.in_(park))
        sent = answer_drafts.hold_drafts(chair(connection), park, drafted(connection, idea.id))
    assert (sent.sent, sent.refused, sent.publish_at) == ((idea.id,), {}, AFTER)
    assert publish_due(store, AFTER - timedelta(seconds=1)) == 0
    with store.reading() as connection:
        assert load_items(connection, [idea.id])[idea.id].steps == ()
        assert one(connection, idea.id).status == "received"
        assert not has_unnotified_status(connection, NOW)
        assert connection.execute(text("SELECT count(*) FROM v_status")).scalar() == 0
        assert official_answer_rate(connection, park, 1).answered == 0
    assert tell_all(store) == []
    assert publish_due(store) == 1
    assert tell_all(store) == [1]
    assert "Gerekçe: Yapılacak." in notices(store)["author"][0]
    with store.reading() as connection:
        assert answer_drafts_of(connection, [idea.id]) == {}
        assert one(connection, idea.id).status == "accepted"
    assert publish_due(store) == 0


def test_a_sending_is_taken_back_within_its_minute_only(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        ids = [released(connection, park, number).id for number in (1, 2)]
        sent = answer_drafts.hold_drafts(chair(connection), park, drafted(connection, *ids))
        assert [it.number for it in held_sendings(connection, park)] == [2]
        late = later(chair(connection), HELD)
        assert answer_drafts.take_back(late, park, sent.sending_id) == 0
        assert answer_drafts.take_back(chair(connection), park + 1, sent.sending_id) == 0
        soon = later(chair(connection), HELD - timedelta(seconds=1))
        assert answer_drafts.take_back(soon, park, sent.sending_id) == 2
        assert next_held_until(connection) is None
    assert publish_due(store) == 0
    with store.reading() as connection:
        acts = [row.act for row in audit_entries(connection)]
        assert {it.publish_at for it in answer_drafts_of(connection, ids).values()} == {None}
    assert acts[-4:] == ["answer.send", "answer.send", "answer.undo", "answer.undo"]


def test_the_second_of_two_editors_is_told_and_writes_nothing(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        (key,) = drafted(connection, idea.id)
        other = chair(connection, staff_id=2)._replace(actor=Actor("Cem", "facilitator", "page"))
        answer_drafts.save_draft(other, key, YES._replace(status="rejected"))
        for act in (
            lambda: answer_drafts.save_draft(chair(connection), key, YES._replace(status="done")),
            lambda: answer_drafts.save_draft(chair(connection), DraftKey(idea.id, 0), YES),
            lambda: answer_drafts.drop_draft(chair(connection), key),
        ):
            with pytest.raises(DraftConflict) as conflict:
                act()
            assert conflict.value.stored
            assert conflict.value.stored.staff_name == "Cem"
        assert answer_drafts.hold_drafts(chair(connection), park, [key]).refused == {idea.id: "changed"}
        assert answer_drafts_of(connection, [idea.id])[idea.id].status == "rejected"


@pytest.mark.parametrize("between", ["withdrawn", "merged"])
def test_what_changes_during_the_minute_is_not_answered(store: Store, between: str) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea, other = released(connection, park, 1), released(connection, park, 2)
        answer_drafts.hold_drafts(chair(connection), park, drafted(connection, idea.id, other.id))
        if between == "withdrawn":
            withdraw_proposals(connection, [Withdrawal(idea.id, NOW)])
        else:
            merge_split.merge_proposals(chair(connection), idea.id, other.id)
    assert publish_due(store) == 2
    with store.reading() as connection:
        draft = answer_drafts_of(connection, [idea.id, other.id])
        assert draft.keys() == {idea.id}
        assert draft[idea.id].problem == ("withdrawn" if between == "withdrawn" else "already")
        assert draft[idea.id].publish_at is None
        assert one(connection, other.id).status == "accepted"


def test_incomplete_and_foreign_drafts_are_not_sent(store: Store) -> None:
    park, lake = open_consultation(store), open_consultation(store, "lake")
    with store.begin() as connection:
        turkish = released(connection, park, 1, language="tr")
        waiting, foreign = submit(connection, park, 2), released(connection, lake, 3)
        keys = drafted(connection, turkish.id, outcome=YES._replace(reason={"de": "Ja."}))
        keys += drafted(connection, waiting.id, foreign.id)
        sent = answer_drafts.hold_drafts(chair(connection), park, [*keys, DraftKey(12345, 1)])
    assert sent.sent == ()
    assert sent.refused == {
        turkish.id: "reason_languages",
        waiting.id: "not_public",
        foreign.id: "unknown",
        12345: "unknown",
    }


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (YES._replace(reason={"de": "x" * 2001}), "too_long"),
        (YES._replace(body="x" * 201), "too_long"),
        (YES._replace(link="https://example.org/" + "x" * 500), "too_long"),
        (YES._replace(link="javascript:alert(1)"), "link"),
        (YES._replace(status="received"), "status"),
        (YES._replace(reason={"xx": "?"}), "reason_languages"),
    ],
)
def test_unusable_parts_are_refused_when_saving(store: Store, outcome: OfficialAnswer, reason: str) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        with pytest.raises(DecisionRefused, match=reason):
            answer_drafts.save_draft(chair(connection), DraftKey(idea.id, 0), outcome)


def test_a_correction_is_a_step_of_its_own_below_the_old_one(store: Store) -> None:
    park = open_consultation(store)
    right = YES._replace(reason={"de": "Wird 2027 gebaut.", "tr": "2027'de."}, is_correction=True)
    with store.begin() as connection:
        author = Person(connection, "author", "de")
        idea = released(connection, park, 1, pseudonym=author.in_(park))
        with pytest.raises(DecisionRefused, match="nothing_to_correct"):
            answer_proposal(chair(connection), idea.id, right)
        answer_proposal(chair(connection), idea.id, YES._replace(status="under_consideration"))
        answer_proposal(chair(connection, later=1), idea.id, YES)
        answer_drafts.hold_drafts(chair(connection), park, drafted(connection, idea.id, outcome=right))
    tell_all(store)
    assert publish_due(store) == 1
    tell_all(store)
    (told,) = (text for text in notices(store)["author"] if "2027" in text)
    assert told.splitlines()[1:4] == [
        "Berichtigung der letzten Antwort",
        "Stand: angenommen",
        "Begründung: Wird 2027 gebaut.",
    ]
    with store.reading() as connection:
        steps = load_items(connection, [idea.id])[idea.id].steps
        acts = [row.act for row in audit_entries(connection)]
    shown = newest_first(sorted(steps, key=lambda step: step.id))
    assert [(step.status, step.is_correction) for step in shown] == [
        ("accepted", False),
        ("accepted", True),
        ("under_consideration", False),
    ]
    assert acts[-1] == "text.correct"


def test_people_of_several_answers_are_counted_once(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        author, rater = Person(connection, "author", "tr"), Person(connection, "rater", "en")
        Person(connection, "elsewhere")
        first = released(connection, park, 1, pseudonym=author.in_(park))
        second = released(connection, park, 2)
        for idea in (first, second):
            rater.rates(connection, park, idea.id)
        found, everyone = audiences(connection, list(load_items(connection, [first.id, second.id]).values()), KEYS)
    assert {number: it.by_language() for number, it in found.items()} == {
        first.id: {"tr": 1, "en": 1},
        second.id: {"en": 1},
    }
    assert (everyone.total, everyone.by_channel()) == (2, {"test": 2})


def test_lists_by_answer_are_pages_without_others(store: Store) -> None:
    park, lake = open_consultation(store), open_consultation(store, "lake")
    with store.begin() as connection:
        ids = [released(connection, park, number).id for number in range(3)]
        submit(connection, park, 4)
        released(connection, lake, 5)
        gone = released(connection, park, 6)
        withdraw_proposals(connection, [Withdrawal(gone.id, NOW)])
        answer_proposal(chair(connection), ids[0], YES._replace(status="under_consideration"))
        answer_proposal(chair(connection), ids[1], YES)
        assert proposals_by_answer(connection, park, "owed", limit=9) == [ids[0], ids[2]]
        assert proposals_by_answer(connection, park, "owed", after_id=ids[0], limit=1) == [ids[2]]
        assert proposals_by_answer(connection, park, "answered", limit=9) == ids[:2]
        assert proposals_by_answer(connection, park, "all", limit=9) == ids
        assert count_waiting(connection)[park] == count_moderation_states(connection, park)["waiting"] == 1
        assert (count_by_answer(connection, park, "owed"), count_by_answer(connection, park, "answered")) == (2, 2)


def test_an_answer_from_elsewhere_does_not_replace_a_draft(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea, other = released(connection, park, 1), released(connection, park, 2)
        drafted(connection, idea.id)
        with pytest.raises(DecisionRefused, match="drafted"):
            answer_drafts.hold_answer(chair(connection, staff_id=2), idea.id, YES)
        answer_drafts.hold_answer(chair(connection), other.id, YES)
        with pytest.raises(DecisionRefused, match="held"):
            answer_drafts.hold_answer(chair(connection), other.id, YES)
    assert publish_due(store) == 1


@pytest.mark.parametrize("moment", ["before", "within", "after"])
def test_a_process_killed_while_publishing_publishes_once(store: Store, moment: str) -> None:
    """The next process publishes what was not committed; people are told once."""
    park = open_consultation(store)
    with store.begin() as connection:
        author = Person(connection, "author")
        ids = [released(connection, park, number, pseudonym=author.in_(park)).id for number in (1, 2, 3)]
        answer_drafts.hold_drafts(chair(connection), park, drafted(connection, *ids))
    command = [sys.executable, "-m", "tests.support.killed_publication", moment]
    url = store.writer.url.render_as_string(hide_password=False)
    killed = subprocess.run([*command, url, AFTER.isoformat()], cwd=ROOT, check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    publish_due(store)
    tell_all(store)
    with store.reading() as connection:
        items = load_items(connection, ids)
    assert [len(items[number].steps) for number in ids] == [1, 1, 1]
    assert len(notices(store)["author"]) == 3
