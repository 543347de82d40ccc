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
    moderation_queue,
    moderations_by_id,
    set_moderation_states,
    translations_of,
    upsert_translations,
)
from storage.tables.proposals import insert_proposals
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
