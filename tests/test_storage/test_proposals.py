import pytest
from sqlalchemy import select

from storage import proposals
from storage.errors import BadRow, Duplicate
from storage.proposals import NewRating, NewStatus, ProposalStatus, Rating, Release
from storage.store import Store
from tests.test_storage.rows import LATER, NOW, new_id, proposal, pseudonym, published


def test_a_proposal_is_known_by_its_code(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        bench = proposal(lamps.consultation_id, 1, "P-1")
        proposals.insert(connection, [bench])
        proposals.release(connection, [Release(bench.id, LATER)])
        found = proposals.by_codes(connection, ["P-1", "P-2"])
        assert found.keys() == {"P-1"}
        assert (found["P-1"].status, found["P-1"].released_at, found["P-1"].text) == ("received", LATER, bench.text)


def test_taking_over_twice_changes_nothing(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        outside = {"source": "meinberlin", "source_id": "2022-14348", "pseudonym": None}
        proposals.insert(connection, [proposal(lamps.consultation_id, 1, "P-1", **outside)])
        proposals.insert(connection, [proposal(lamps.consultation_id, 1, f"P-{at}") for at in (2, 3)])  # without source
    with pytest.raises(Duplicate), store.begin() as connection:
        proposals.insert(connection, [proposal(lamps.consultation_id, 1, "P-4", **outside)])


def test_a_later_rating_replaces_the_earlier(store: Store) -> None:
    with store.begin() as connection:
        bench = proposal(published(connection).consultation_id, 1, "P-1")
        proposals.insert(connection, [bench])
        proposals.rate(connection, [NewRating(bench.id, pseudonym(at), 1, False, NOW) for at in range(3)])
        proposals.rate(connection, [NewRating(bench.id, pseudonym(2), -1, True, LATER)])
        rows = connection.execute(select(Rating.vote, Rating.important).order_by(Rating.pseudonym))
        assert [tuple(row) for row in rows] == [(1, False), (1, False), (-1, True)]
    with pytest.raises(BadRow), store.begin() as connection:
        proposals.rate(connection, [NewRating(bench.id, pseudonym(4), 2, False, NOW)])  # type: ignore[arg-type]


def test_every_status_is_kept_with_its_reason(store: Store) -> None:
    with store.begin() as connection:
        bench = proposal(published(connection).consultation_id, 1, "P-1")
        proposals.insert(connection, [bench])
        reason = {"de": "Passt, „sofort“.", "ar": "نعم"}
        proposals.add_statuses(
            connection,
            [
                NewStatus(new_id(), bench.id, "under_consideration", {"de": "Wird geprüft."}, None, None, NOW),
                NewStatus(new_id(), bench.id, "accepted", reason, "Strategieboard", None, LATER),
            ],
        )
        assert proposals.by_codes(connection, ["P-1"])["P-1"].status == "accepted"
        history = connection.execute(select(ProposalStatus.reason).order_by(ProposalStatus.id)).scalars().all()
        assert history == [{"de": "Wird geprüft."}, reason]


def test_erasing_takes_proposals_and_ratings(store: Store) -> None:
    with store.begin() as connection:
        lamps = published(connection)
        mine, others = (proposal(lamps.consultation_id, at, f"P-{at}") for at in (1, 2))
        proposals.insert(connection, [mine, others])
        proposals.rate(connection, [NewRating(others.id, pseudonym(1), 1, False, NOW)])
        proposals.rate(connection, [NewRating(mine.id, pseudonym(2), 1, False, NOW)])
        assert proposals.erase(connection, [pseudonym(1)]) == 2
        assert proposals.by_codes(connection, ["P-1", "P-2"]).keys() == {"P-2"}
        assert connection.execute(select(Rating.proposal_id)).all() == []
