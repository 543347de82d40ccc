"""A published revision as a file again."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.authoring import yaml_source
from bot.authoring.file_check import canonical_content, check_parsed_file, read_consultation_file
from bot.authoring.publishing import SAMPLES
from bot.authoring.yaml_export import consultation_to_yaml
from flows.definition import Consultation
from tests.support.app import consultation

FILES = [*sorted(SAMPLES.glob("*.yaml")), *sorted((Path(__file__).parents[1] / "consultations").glob("*.yaml"))]


def again(shown: str) -> Consultation:
    checked = check_parsed_file(yaml_source.parse_yaml(shown, "shown.yaml"), "shown.yaml")
    assert checked.consultation is not None, checked.issues
    return checked.consultation


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shown_file_is_the_same_content_and_as_faultless(path: Path):
    published = read_consultation_file(path).consultation
    assert published is not None
    shown = consultation_to_yaml(published, 3)
    assert canonical_content(again(shown)) == canonical_content(published)
    assert again(shown).revision == 3
    assert "\nformat: 1\n" in shown
    faults = check_parsed_file(yaml_source.parse_yaml(shown, "shown.yaml"), "shown.yaml").issues
    assert [it.reason for it in faults if not it.warning] == []


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_every_text_comes_back_as_it_was(text: str):
    published = consultation(title={"de": text, "en": "Park"}, thanks={"de": "x", "en": text})
    assert again(consultation_to_yaml(published, 1)) == published.model_copy(update={"revision": 1})


LOOKS_LIKE_A_VALUE = ["no", "Yes", "12", "1.5", "1e3", "null", "~", "true", "2027-03-31"]
LOOKS_LIKE_YAML = ["a: b", "a #b", "- a", "[a]", "{a", "*a", "'", '"', "#", "%", "@", "`", "!a", "? a", "|", "--- a"]
SEVERAL_LINES = ["zwei\nZeilen", "zwei\n\n  Zeilen\n- drei", "am Ende \neine Lücke ", "\tx\ny"]
STRANGE = [" \u2028x", "\x07", "x" * 900]


@pytest.mark.parametrize("text", [*LOOKS_LIKE_A_VALUE, *LOOKS_LIKE_YAML, *SEVERAL_LINES, *STRANGE])
def test_texts_that_could_be_read_as_something_else(text: str):
    published = consultation(title={"de": text, "en": "Park"})
    assert again(consultation_to_yaml(published, 1)).title == published.title


def test_defaults_are_omitted_and_texts_are_on_one_line():
    shown = consultation_to_yaml(consultation(), 2)
    assert "review" not in shown.replace("revision", "")
    assert "  - de\n  - en\n" in shown
    assert "    text:\n      de: Licht im Park?\n" in shown
    assert '      - value: "yes"\n' in shown


def test_the_number_is_no_part_of_what_is_published():
    one = consultation()
    assert canonical_content(one.model_copy(update={"revision": 3})) == canonical_content(one)
