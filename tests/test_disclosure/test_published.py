"""What the rule does to the published table, to editions that follow each other, and to the view of the core team."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli import inner_results
from bot.results import published
from bot.results.comparison_basis import ComparisonBasis
from bot.results.counts.rows import CountRow
from bot.results.edition import ResultsEdition, load_newest_edition
from bot.results.editions.renewal import renew_edition
from bot.settings import Settings
from flows.values import Value
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.consultations import ConsultationState, set_consultation_state
from storage.tables.revisions import find_live_revision
from tests.support.app import consultation, publish
from tests.support.revision_history import store_answers
from tests.test_disclosure import city
from tests.test_disclosure.city import Person

LAMPS = {
    "key": "lamps",
    "type": "choice",
    "text": {"de": "Licht?", "en": "Light?"},
    "options": [{"value": it, "label": {"de": it, "en": it}} for it in ("yes", "no", "some")],
}
ILL = LAMPS | {"key": "ill", "sensitive": True, "web_only": True}
CONSENT = {"key": "ok", "type": "consent", "text": {"de": "Dürfen wir fragen?", "en": "May we ask?"}}
ASKED = ILL | {"ask_if": {"equal": {"question": "ok", "value": True}}}


def said(store: Store, *values: str, key: str = "lamps") -> None:
    store_answers(store, consultation(questions=[LAMPS]), [{key: it} for it in values])


def newest(store: Store) -> ResultsEdition:
    with store.reading() as connection:
        live = find_live_revision(connection, "park")
        assert live is not None
        found = load_newest_edition(connection, live)
    assert found is not None
    return found


def told(rows: tuple[CountRow, ...], key: str = "lamps") -> dict[str, int | None]:
    return {row.code or row.kind: row.n for row in rows if row.question_key == key}


@pytest.fixture
def park(store: Store) -> Store:
    publish(store, consultation(questions=[LAMPS]))
    said(store, *["yes"] * 12, *["no"] * 9, "some")
    return store


def test_single_answers_are_published_and_no_answers_merged(park: Store):
    assert renew_edition(park, "park")
    rows = newest(park).rows
    assert told(rows) == {"yes": 12, "no": 9, "some": 1, "no_answer": 0, "not_asked": 0}
    assert {(row.reason, row.answered, row.asked) for row in rows if row.question_key == "lamps"} == {("", 22, 22)}


def test_a_live_edition_waits_for_enough_people(park: Store):
    assert renew_edition(park, "park")
    said(park, "yes")
    assert renew_edition(park, "park") is None, "one person's answer"
    said(park, "yes", "yes", "yes", "yes")
    assert renew_edition(park, "park") is None, "five of one mind"
    said(park, "no", "no")
    assert renew_edition(park, "park")
    assert told(newest(park).rows)["yes"] == 17


def test_the_last_edition_tells_no_more_of_one_person(park: Store):
    assert renew_edition(park, "park")
    said(park, "some")
    with park.begin() as connection:
        live = find_live_revision(connection, "park")
        assert live is not None
        set_consultation_state(connection, live.consultation_id, "closed")
    renew_edition(park, "park")
    found = newest(park)
    assert told(found.rows)["some"] == 1, "as it was told last"
    assert next(row.n for row in found.rows if row.table == "participations") == 22


def asked_at_the_end(store: Store, before: list[bool], after: list[bool]) -> list[int | None]:
    """How many were asked the sensitive question, in a live edition and in the last one: who consents is."""
    asked = consultation(questions=[LAMPS, CONSENT, ASKED])
    publish(store, asked)
    found: list[int | None] = []
    states: tuple[tuple[ConsultationState, list[bool]], ...] = (("open", before), ("closed", after))
    for state, people in states:
        for n, consents in enumerate(people):
            code = "yes" if n % 2 else "no"
            given: dict[str, Value] = {"lamps": code, "ok": consents}
            store_answers(store, asked, [given | {"ill": code} if consents else given])
        with store.begin() as connection:
            live = find_live_revision(connection, "park")
            assert live is not None
            set_consultation_state(connection, live.consultation_id, state)
        renew_edition(store, "park")
        found.append(next(row.asked for row in newest(store).rows if row.question_key == "ill"))
    return found


def test_asked_count_waits_even_if_the_question_is_hidden(store: Store):
    """All four who came consented: the consent stays as it was told, and so does who was asked because of it."""
    assert asked_at_the_end(store, [True] * 4 + [False] * 5, [True] * 4) == [5, 5]


def test_how_many_were_asked_goes_on_with_enough_people(store: Store):
    assert asked_at_the_end(store, [True] * 6 + [False] * 9, [True] * 9 + [False] * 7) == [5, 15]


def test_sensitive_answers_are_rounded(store: Store):
    publish(store, consultation(questions=[CONSENT, ASKED]))
    asked = consultation(questions=[CONSENT, ASKED])
    store_answers(store, asked, [{"ok": True, "ill": it} for it in (*["yes"] * 13, *["no"] * 7, "some")])
    store_answers(store, asked, [{"ok": False}] * 9)
    with store.reading() as connection:
        rows = published.preview_results(connection, "park").rows
    found = told(rows, "ill")
    assert [found[it] for it in ("yes", "no", "some")] == [15, 5, 0]
    assert {row.rounded for row in rows if row.question_key == "ill"} == {1}
    assert told(rows, "ok")["true"] == 21


def test_the_core_team_sees_all_and_that_is_recorded(tmp_path: Path):
    settings = Settings(data=tmp_path)
    heard: list[str] = []
    with pytest.raises(Exception, match="no consultation"):
        inner_results.print_inner_results(settings, "park", heard.append, heard.append, "a report")
    store = Store(f"sqlite:///{tmp_path}/mitsprache.db")
    publish(store, consultation(questions=[LAMPS]))
    said(store, "yes", "yes", "yes")
    heard.clear()
    inner_results.print_inner_results(settings, "park", heard.append, heard.append, "a report", as_json=True)
    found = json.loads(heard[-1])
    assert (found["inner"], found["participations"]) == (True, 3)
    assert found["questions"]["lamps"]["counts"]["option.yes"] == 3
    with store.reading() as connection:
        (entry,) = [it for it in audit_entries(connection) if it.act == "results.inner"]
    assert (entry.object, entry.purpose) == ("park", "a report")
    with store.reading() as connection:
        assert published.preview_results(connection, "park").participations is None
    store.dispose()
    with pytest.raises(Exception, match="raw_needs_purpose"):
        inner_results.print_inner_results(
            Settings(data=tmp_path, raw_needs_purpose=True), "park", heard.append, heard.append, " "
        )


def rating(store: Store, first: int, agree: int = 0, against: int = 0, sector: str = "") -> None:
    """People with these numbers and later ones rate the first statement."""
    said: dict[str, Value] = {"way": "bike", **({"sector": [sector]} if sector else {})}
    people = [Person(first + n, frozenset(), 0, said, {0: 1 if n < agree else -1}) for n in range(agree + against)]
    city.joined(store, people)


def test_a_statement_goes_on_while_one_of_its_sectors_waits(store: Store):
    city.opened(store)
    rating(store, 0, agree=5, against=4, sector="business")
    rating(store, 20, agree=20, against=25)
    assert renew_edition(store, "park")
    rating(store, 100, agree=1, sector="business")
    rating(store, 110, agree=18, against=19)
    assert renew_edition(store, "park")
    statement = newest(store).document.report.statements[0]
    business = next(it for it in statement.sectors.cells if it.sector == "business")
    assert (statement.by_last_vote.votes, statement.by_last_vote.agrees) == (92, 44)
    assert (business.seen, business.agrees) == (9, 5), "one person's vote, as it was told last"
    rating(store, 200, agree=3, against=2, sector="business")
    rating(store, 210, agree=3, against=3)
    assert renew_edition(store, "park")
    statement = newest(store).document.report.statements[0]
    business = next(it for it in statement.sectors.cells if it.sector == "business")
    assert (statement.by_last_vote.votes, business.seen, business.agrees) == (103, 15, 9)
    rating(store, 300, agree=1)
    assert renew_edition(store, "park") is None


def test_stored_comparison_of_the_first_version_can_be_read():
    table = '[[[], 30, {"agrees": 14, "others": 16}], [["business"], 8, {"agrees": 4, "others": 4}]]'
    votes = '[[[], 38, {"agrees": 18, "disagrees": 10, "passes": 10}]]'
    found = ComparisonBasis.from_json(f'[5, ["ill"], {{"agreement:P-1": {table}, "votes:P-1": {votes}}}]')
    assert found is not None
    assert set(found.tables) == {"votes:P-1"}
    assert found.moments["P-1"][0].lines == {frozenset(), frozenset({"business"})}
    assert ComparisonBasis.from_json(found.to_json()) == found
