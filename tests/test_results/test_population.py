"""Population figures: the table of Berlin, a city's own, and the comparison under the rule of small cells."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.population import (
    MOST_BYTES,
    PopulationRefused,
    PopulationTable,
    compare_reach,
    parse_population,
    population_in_force,
)

HEAD = "kind,group,people,as_of,source\n"
ROW = "district,01,400,2024-12-31,Amt\n"


def test_berlin_is_in_force_without_a_table_of_the_city(tmp_path):
    tables = population_in_force(tmp_path)
    assert sum(tables["district"].people.values()) == 3_897_145
    assert tables["age_band"].as_of == date(2024, 12, 31)
    assert "Amt für Statistik" in tables["age_band"].source
    (tmp_path / "population.csv").write_text(HEAD + ROW, encoding="utf-8")
    assert population_in_force(tmp_path) == {"district": PopulationTable({"01": 400}, date(2024, 12, 31), "Amt")}


def test_a_table_from_a_spreadsheet_is_read():
    text = "\ufeff" + (HEAD + ROW).replace(",", ";").replace("\n", "\r\n") + ";;;;\r\n"
    assert parse_population(text.encode())["district"].people == {"01": 400}


@pytest.mark.parametrize(
    ("text", "fault", "line"),
    [
        ("", "columns", 1),
        (HEAD, "empty", 0),
        ("a,b\n", "columns", 1),
        (HEAD + "district,01,400\n", "columns", 2),
        (HEAD + ROW + "income,01,400,2024-12-31,Amt\n", "kind", 3),
        (HEAD + "district,13,400,2024-12-31,Amt\n", "group", 2),
        (HEAD + "district,01,-4,2024-12-31,Amt\n", "people", 2),
        (HEAD + "district,01,4.5,2024-12-31,Amt\n", "people", 2),
        (HEAD + "district,01,0,2024-12-31,Amt\n", "people", 2),
        (HEAD + f"district,01,{'9' * 5000},2024-12-31,Amt\n", "people", 2),
        (HEAD + "district,01,400,31.12.2024,Amt\n", "as_of", 2),
        (HEAD + "district,01,400,2024-12-31,\n", "source", 2),
        (HEAD + ROW + ROW, "twice", 3),
        ("x" * (MOST_BYTES + 1), "large", 0),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(text, fault, line):
    with pytest.raises(PopulationRefused) as refused:
        parse_population(text.encode())
    assert (refused.value.fault, refused.value.line) == (fault, line)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused(content):
    for start in (b"", HEAD.encode()):
        try:
            assert parse_population(start + content)
        except PopulationRefused:
            continue


TABLE = PopulationTable({"a": 300, "b": 100, "c": 1}, date(2024, 12, 31), "Amt")


def test_who_falls_short_most_stands_first():
    found = compare_reach({"a": 58, "b": 4, "other": 99}, TABLE, 5)
    assert [(it.group, it.answered, it.expected, it.is_missing) for it in found] == [
        ("b", 0, 15, True),
        ("c", 0, 0, False),
        ("a", 55, 45, False),
    ]
    assert compare_reach({"a": 19}, TABLE, 5) == [], "too few to tell"
    assert [it.group for it in compare_reach({"a": 58, "b": 4}, TABLE, 5, only=["b"])] == []


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 200)), st.integers(2, 12), st.sampled_from("abc"))
def test_one_more_answer_changes_a_row_only_at_a_full_cell(answered, least, group):
    """What a viewer sees of a group is a function of its number of full cells."""
    more = {**answered, group: answered.get(group, 0) + 1}
    before = {it.group: it.answered for it in compare_reach(answered, TABLE, least)}
    after = {it.group: it.answered for it in compare_reach(more, TABLE, least)}
    if before and after:
        changed = {it for it in before if before[it] != after[it]}
        assert changed == ({group} if more[group] % least == 0 else set())
