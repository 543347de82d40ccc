"""Real input goes in as messages and comes out as the same matrix: see tests/support/real_input.py."""

from __future__ import annotations

import csv
import json

import pytest

from storage.core.store import Store
from tests.support import real_input
from tests.support.real_input import DifferenceError, Round, Study

SMALL = Study(
    {"7": "Mehr Bäume.", "9": "Mehr Bänke."},
    {"1": {"7": "agree", "9": "skipped"}, "2": {"7": "disagree", "9": "pass"}, "3": {"7": "skipped", "9": "skipped"}},
    {"1": [2000], "2": [1000, 3000], "3": [500]},
)
ROUND = Round("klimarat", False)


async def test_every_vote_of_a_real_consultation_is_found_again(real_data, database):
    store = Store(database.url)
    said: list[str] = []
    try:
        compared = await real_input.play_all(real_data, store, said.append)
    finally:
        store.dispose()
    assert compared == 2 * 1116 * 12, said


def test_the_source_is_read_as_its_readme_says(real_data):
    study = real_input.read_study(real_data)
    assert (len(study.votes), len(study.statements)) == (1116, 12)
    assert max(map(len, study.statements.values())) <= 187
    for person, votes in study.votes.items():
        cast = sum(code != "skipped" for code in votes.values())
        assert len(study.moments[person]) == max(cast, 1), person
    assert any(set(votes.values()) == {"skipped"} for votes in study.votes.values()), "also who voted on none of them"


def test_messages_are_sorted_by_time_and_follow_the_questions():
    said = list(map(json.loads, real_input.lines(SMALL, ROUND)))
    assert [line["sent_at"] for line in said] == sorted(line["sent_at"] for line in said)
    numbers: dict[str, list[int]] = {line["address"]: [] for line in said}
    for line in said:
        numbers[line["address"]].append(int(line["external_id"].rpartition("/")[2]))
    assert numbers == {address: [0, 1, 2, 3] for address in numbers}
    assert len({line["channel"] for line in said}) == 3
    assert said[0]["address"].endswith("-3"), "the one who came first"


def test_doubled_lines_keep_the_order_of_the_first_ones():
    once = list(real_input.lines(SMALL, ROUND))
    twice = list(real_input.lines(SMALL, ROUND._replace(doubled=True)))
    assert len(twice) == 2 * len(once)
    assert list(dict.fromkeys(twice)) == once
    assert twice != [line for line in once for _ in range(2)], "not simply side by side"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"s7": "pass"}, r"1 cells differ.*\n.*person 1, statement 7: 'pass' instead of 'agree'"),
        ({"s9": "interrupted"}, "1 cells differ"),
        ({"status": "waiting"}, "0 cells differ, 1 not submitted"),
        ({"response_id": "zzz"}, "3 people instead of 3"),
    ],
)
def test_a_difference_is_found(tmp_path, change, reason):
    rows = [
        {"response_id": f"r{person}", "status": "completed"} | {f"s{number}": code for number, code in votes.items()}
        for person, votes in SMALL.votes.items()
    ]
    rows[0] |= change
    exported = tmp_path / "wide.csv"
    with exported.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    names = {f"r{person}": person for person in SMALL.votes}
    if reason is None:
        assert real_input.compare(SMALL, ROUND, exported, names) == 6
        return
    with pytest.raises(DifferenceError, match=reason):
        real_input.compare(SMALL, ROUND, exported, names)
