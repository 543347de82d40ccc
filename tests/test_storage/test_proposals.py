import pytest
from sqlalchemy import select

from storage.core.errors import Duplicate
from storage.core.store import Store
from storage.tables import proposals
from storage.tables.proposals import (
    NewProposalStatus,
    ProposalRelease,
    ProposalRewording,
    ProposalStatusRow,
    Withdrawal,
    erase_proposals_of_people,
    insert_proposals,
    list_released_proposals,
    proposals_by_code,
    proposals_by_id,
    proposals_of_people,
    release_proposals,
    reword_proposals,
    withdraw_proposals,
)
from tests.support.rows import LATER, NOW, new_id, proposal, pseudonym, published


def test_a_proposal_is_known_by_its_code(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        bench = proposal(lamps.consultation_id, 1, "P-1")
        insert_proposals(connection, [bench])
        release_proposals(connection, [ProposalRelease(bench.id, LATER)])
        found = proposals_by_code(connection, ["P-1", "P-2"])
        assert found.keys() == {"P-1"}
        assert (found["P-1"].status, found["P-1"].released_at, found["P-1"].text) == ("received", LATER, bench.text)


def test_taking_over_twice_changes_nothing(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        outside = {"source": "meinberlin", "source_id": "2022-14348", "pseudonym": None}
        insert_proposals(connection, [proposal(lamps.consultation_id, 1, "P-1", **outside)])
        insert_proposals(connection, [proposal(lamps.consultation_id, 1, f"P-{at}") for at in (2, 3)])  # without source
    with pytest.raises(Duplicate), store.begin() as connection:
        insert_proposals(connection, [proposal(lamps.consultation_id, 1, "P-4", **outside)])


def test_every_status_is_kept_with_its_reason(store: Store) -> None:
    with store.begin() as connection:
        bench = proposal(published(connection).consultation_id, 1, "P-1")
        insert_proposals(connection, [bench])
        reason = {"de": "Passt, „sofort“.", "ar": "نعم"}
        proposals.add_statuses(
            connection,
            [
                NewProposalStatus(new_id(), bench.id, "under_consideration", {"de": "Wird geprüft."}, None, None, NOW),
                NewProposalStatus(new_id(), bench.id, "accepted", reason, "Strategieboard", None, LATER),
            ],
        )
        assert proposals_by_code(connection, ["P-1"])["P-1"].status == "accepted"
        history = connection.execute(select(ProposalStatusRow.reason).order_by(ProposalStatusRow.id)).scalars().all()
        assert history == [{"de": "Wird geprüft."}, reason]


def test_only_what_is_let_out_and_not_taken_back_is_released(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        made = [proposal(lamps.consultation_id, at, f"P-{at}", latitude=52.52, place="Alex") for at in range(3)]
        insert_proposals(connection, made)
        release_proposals(connection, [ProposalRelease(made[0].id, LATER), ProposalRelease(made[1].id, LATER)])
        withdraw_proposals(connection, [Withdrawal(made[1].id, LATER)])
        reword_proposals(connection, [ProposalRewording(made[0].id, "Bench", "A bench")])
        (found,) = list_released_proposals(connection, lamps.consultation_id)
        assert (found.code, found.title, found.text, found.latitude, found.place) == (
            "P-0", "Bench", "A bench", 52.52, "Alex"
        )  # fmt: skip
        assert [row.code for row in proposals_of_people(connection, [pseudonym(1), pseudonym(2)])] == ["P-1", "P-2"]
        assert proposals_by_id(connection, [made[1].id])[made[1].id].withdrawn_at == LATER


def test_erasing_takes_the_proposals_of_these_people_only(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        mine, others = (proposal(lamps.consultation_id, at, f"P-{at}") for at in (1, 2))
        insert_proposals(connection, [mine, others])
        assert erase_proposals_of_people(connection, [pseudonym(1)]) == 1
        assert proposals_by_code(connection, ["P-1", "P-2"]).keys() == {"P-2"}
