"""Postal codes that the file lists by district."""

from __future__ import annotations

from typing import Any

import pytest

from flows.questions.outcomes import Interpreted, Invalid, Reply
from tests.test_flows.golden_files import ask, node_of

CODES: dict[str, Any] = {
    "key": "district",
    "type": "district",
    "text": {"de": "In welchem Bezirk?"},
    "postal_codes": {"02": ["10999"], "08": ["10999", "12043"]},
}


def parsed(words: str) -> Any:
    return ask(CODES, "de").parse(Reply(words, words, ""), None)


def test_a_code_of_one_district_is_an_answer():
    assert parsed("12043") == Interpreted("08")


def test_a_code_of_two_districts_leads_to_a_question():
    answer = parsed("10999")
    assert isinstance(answer, Invalid)
    assert answer.hint == "Welcher Bezirk ist es: Friedrichshain-Kreuzberg oder Neukölln?"


def test_an_unknown_code_is_no_answer():
    assert isinstance(parsed("10115"), Invalid)


def test_codes_of_an_unknown_district_are_a_problem():
    (problem,) = node_of(CODES | {"postal_codes": {"13": ["10999"]}}).problems()
    assert problem.where == ("postal_codes", "13")


@pytest.mark.parametrize("code", ["1099", "D-10999", "109990"])
def test_only_five_digits_are_a_code(code: str):
    with pytest.raises(ValueError, match="postal_codes"):
        node_of(CODES | {"postal_codes": {"02": [code]}})
