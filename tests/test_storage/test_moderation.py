import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import event

from storage.core.store import Store
from storage.tables import moderation
from storage.tables.moderation import (
    EncryptedOriginal,
    ModerationChange,
    NewDecision,
    NewModeration,
    NewProposalText,
    insert_moderations,
    merged_into_proposals,
    moderations_by_id,
    set_moderation_states,
    translations_of,
    upsert_translations,
)
from storage.tables.proposals import insert_proposals
from storage.tables.waiting_texts import moderation_queue
from tests.support.rows import LATER, NOW, new_id, proposal, published


def test_the_queue_holds_what_waits_oldest_first(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        made = [proposal(lamps.consultation_id, at, f"P-{at}") for at in range(4)]
        insert_proposals(connection, made)
        insert_moderations(connection, [NewModeration(one.id, "waiting", ["email"], None, None, NOW) for one in made])
        set_moderation_states(connection, [ModerationChange(made[0].id, "released", None, LATER)])
        set_moderation_states(connection, [ModerationChange(made[2].id, "merged", made[0].id, LATER)])
        moderation.keep_originals(connection, [EncryptedOriginal(made[1].id, b"sealed")])
        waiting = [made[1].id, made[3].id]
        assert moderation_queue(connection, lamps.consultation_id) == waiting
        assert moderation_queue(connection, lamps.consultation_id, after_id=waiting[0]) == waiting[1:]
        assert merged_into_proposals(connection, [made[0].id]) == {made[0].id: [made[2].id]}
        found = moderations_by_id(connection, [made[1].id])[made[1].id]
        assert (found.flags, found.original, found.state) == (["email"], b"sealed", "waiting")


def test_decisions_and_translations_are_kept(store: Store) -> None:
    with store.begin() as connection:
        bench = proposal(published(connection).consultation_id, 1, "P-1")
        insert_proposals(connection, [bench])
        made = [NewDecision(new_id(), bench.id, None, kind, None, NOW) for kind in ("edit", "approve")]
        moderation.add_decisions(connection, made)
        assert [row.kind for row in moderation.decisions_of(connection, [bench.id])] == ["edit", "approve"]
        for text in ("Bank", "Eine Bank"):
            upsert_translations(connection, [NewProposalText(bench.id, "de", None, text, "machine", False, NOW)])
        (german,) = translations_of(connection, [bench.id])[bench.id].values()
        assert (german.text, german.translator, german.reviewed) == ("Eine Bank", "machine", False)


def test_the_queue_is_of_one_consultation_and_state(store: Store) -> None:
    with store.begin() as connection:
        lamps, trees = published(connection), published(connection, "trees")
        made = [
            proposal(number, at, f"P-{number}-{at}")
            for at in range(4)
            for number in (lamps.consultation_id, trees.consultation_id)
        ]
        insert_proposals(connection, made)
        insert_moderations(connection, [NewModeration(one.id, "waiting", [], None, None, NOW) for one in made])
        first, second, third, fourth = (one.id for one in made if one.consultation_id == lamps.consultation_id)
        set_moderation_states(connection, [ModerationChange(third, "hidden", None, LATER)])
        set_moderation_states(connection, [ModerationChange(fourth, "merged", None, LATER)])
        assert moderation_queue(connection, lamps.consultation_id, limit=2) == [first, second]
        assert moderation_queue(connection, lamps.consultation_id, limit=2, newest=True) == [fourth, second]
        assert moderation_queue(connection, lamps.consultation_id, "hidden", newest=True) == [third]


def test_the_queue_does_not_read_what_is_done(sqlite_template: Path, tmp_path: Path) -> None:
    opened = Store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'queue.db')}")
    sent: list[tuple[str, Any]] = []
    event.listen(opened.reader, "before_cursor_execute", lambda *sending: sent.append(sending[2:4]))
    with opened.reading() as connection:
        moderation_queue(connection, 1)
        queries = [it for it in sent if "proposal_id >" in it[0]]
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all() for query, values in queries]
    opened.dispose()
    assert ["(state=? AND proposal_id>?)" in str(plan) for plan in plans] == [True, True]
