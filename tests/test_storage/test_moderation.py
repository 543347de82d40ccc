from storage.core.store import Store
from storage.tables import moderation, proposals
from storage.tables.moderation import EncryptedOriginal, ModerationChange, NewDecision, NewModeration, NewProposalText
from tests.test_storage.rows import LATER, NOW, new_id, proposal, published


def test_the_queue_holds_what_waits_oldest_first(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        made = [proposal(lamps.consultation_id, at, f"P-{at}") for at in range(4)]
        proposals.insert(connection, made)
        moderation.insert(connection, [NewModeration(one.id, "waiting", ["email"], None, None, NOW) for one in made])
        moderation.set_states(connection, [ModerationChange(made[0].id, "released", None, LATER)])
        moderation.set_states(connection, [ModerationChange(made[2].id, "merged", made[0].id, LATER)])
        moderation.keep_originals(connection, [EncryptedOriginal(made[1].id, b"sealed")])
        waiting = [made[1].id, made[3].id]
        assert moderation.queue(connection, lamps.consultation_id) == waiting
        assert moderation.queue(connection, lamps.consultation_id, after_id=waiting[0]) == waiting[1:]
        assert moderation.merged_into(connection, [made[0].id]) == {made[0].id: [made[2].id]}
        found = moderation.of_proposals(connection, [made[1].id])[made[1].id]
        assert (found.flags, found.original, found.state) == (["email"], b"sealed", "waiting")


def test_decisions_and_translations_are_kept(store: Store) -> None:
    with store.begin() as connection:
        bench = proposal(published(connection).consultation_id, 1, "P-1")
        proposals.insert(connection, [bench])
        made = [NewDecision(new_id(), bench.id, None, kind, None, NOW) for kind in ("edit", "approve")]
        moderation.add_decisions(connection, made)
        assert [row.kind for row in moderation.decisions_of(connection, [bench.id])] == ["edit", "approve"]
        for text in ("Bank", "Eine Bank"):
            moderation.set_texts(connection, [NewProposalText(bench.id, "de", None, text, "machine", False, NOW)])
        (german,) = moderation.texts_of(connection, [bench.id])[bench.id].values()
        assert (german.text, german.translator, german.reviewed) == ("Eine Bank", "machine", False)
