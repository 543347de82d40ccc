import pytest
from sqlalchemy import delete, update

from storage.core.errors import BadRow, Duplicate
from storage.core.store import Store
from storage.tables.consultations import ConsultationRow, set_consultation_state
from storage.tables.publications import Publication, store_publication
from storage.tables.revisions import (
    PublishedRevision,
    RevisionRow,
    find_live_revision,
    list_live_revisions,
    revisions_by_id,
    revisions_once_live,
)
from storage.tables.triggers import load_triggers, replace_triggers
from tests.support.rows import LATER, NOW, new_id, published, stored_session


def test_publishing_the_same_again_makes_no_second_revision(store: Store) -> None:
    with store.begin() as connection:
        first = published(connection, content='{"text": "Guten Tag"}')
        second = published(connection, content='{"text": "Hallo"}')
        assert (first.number, second.number) == (1, 2)
        assert published(connection, content='{"text": "Guten Tag"}') == first
        assert find_live_revision(connection, "lamps") == first
        assert published(connection, content='{"text": "Hallo"}') == second
        assert find_live_revision(connection, "lamps") == second
        assert revisions_once_live(connection, first.consultation_id) == [first, second]
        assert revisions_by_id(connection, [first.id, 4711]) == {first.id: first}


def test_dates_and_the_sample_mark_follow_the_publication(store: Store) -> None:
    with store.begin() as connection:
        first = published(connection)
        again = store_publication(
            connection,
            Publication(new_id(), new_id(), "lamps", "{}", "hash of {}", LATER, sample=True, closes_at=LATER),
        )
        assert again == first._replace(sample=True, closes_at=LATER)
        assert again.sample is True


@pytest.mark.parametrize(
    ("state", "opens_at", "closes_at", "found"),
    [
        ("open", None, None, "open"),
        ("open", NOW, LATER, "open"),
        ("open", LATER, None, "not_yet"),
        ("open", None, NOW, "closed"),
        ("closed", LATER, None, "closed"),
        ("archived", None, LATER, "archived"),
    ],
)
def test_dates_count_for_more_than_an_open_state(state, opens_at, closes_at, found) -> None:
    one = PublishedRevision(1, 1, "lamps", False, state, opens_at, closes_at, 1, "{}", "", NOW)
    assert one.state_at(NOW) == found


def test_list_has_only_newest_revisions_of_open_consultations(store: Store) -> None:
    with store.begin() as connection:
        published(connection, "trees")
        lamps = published(connection, "lamps", "{}")
        newer = published(connection, "lamps", "[]")
        closed = published(connection, "benches")
        set_consultation_state(connection, closed.consultation_id, "closed")
        assert [(found.slug, found.number) for found in list_live_revisions(connection)] == [
            ("lamps", newer.number),
            ("trees", 1),
        ]
        assert [found.slug for found in list_live_revisions(connection, ["closed", "archived"])] == ["benches"]
        assert find_live_revision(connection, "nothing") is None
        assert lamps.number == 1


def test_a_revision_never_changes(store: Store) -> None:
    with store.begin() as connection:
        revision = published(connection)
    with pytest.raises(BadRow), store.begin() as connection:
        connection.execute(update(RevisionRow).values(content="[]"))
    with store.begin() as connection:
        assert revisions_by_id(connection, [revision.id])[revision.id] == revision


def test_a_revision_stays_while_sessions_began_with_it(store: Store) -> None:
    with store.begin() as connection:
        used, unused = published(connection, content="{}"), published(connection, content="[]")
        stored_session(connection, used, 1)
        connection.execute(delete(RevisionRow).where(RevisionRow.id == unused.id))
    with pytest.raises(BadRow), store.begin() as connection:
        connection.execute(delete(RevisionRow).where(RevisionRow.id == used.id))


def test_a_keyword_starts_one_consultation(store: Store) -> None:
    with store.begin() as connection:
        lamps, trees = published(connection, "lamps"), published(connection, "trees")
        replace_triggers(
            connection, lamps.consultation_id, [("keyword", "lamp"), ("keyword", "licht"), ("code", "P12")]
        )
        replace_triggers(connection, lamps.consultation_id, [("keyword", "lamp"), ("code", "P12")])
        replace_triggers(connection, trees.consultation_id, [("keyword", "P12")])
        assert load_triggers(connection) == {
            ("keyword", "lamp"): lamps.consultation_id,
            ("code", "P12"): lamps.consultation_id,
            ("keyword", "P12"): trees.consultation_id,
        }
    with pytest.raises(Duplicate), store.begin() as connection:
        replace_triggers(connection, trees.consultation_id, [("keyword", "lamp")])


def test_an_unknown_state_is_refused(store: Store) -> None:
    with store.begin() as connection:
        published(connection)
    with pytest.raises(BadRow), store.begin() as connection:
        connection.execute(update(ConsultationRow).values(state="paused", created_at=NOW))
