"""A published revision as a file again."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.authoring import yaml_source
from bot.authoring.file_check import content, judge, read
from bot.authoring.publishing import SAMPLES
from bot.authoring.yaml_export import as_file
from flows.definition import Consultation
from tests.house import consultation

FILES = [*sorted(SAMPLES.glob("*.yaml")), *sorted((Path(__file__).parents[1] / "consultations").glob("*.yaml"))]


def again(shown: str) -> Consultation:
    checked = judge(yaml_source.parse(shown, "shown.yaml"), "shown.yaml")
    assert checked.consultation is not None, checked.faults
    return checked.consultation


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shown_file_is_the_same_content_and_as_faultless(path: Path):
    published = read(path).consultation
    assert published is not None
    shown = as_file(published, 3)
    assert content(again(shown)) == content(published)
    assert again(shown).revision == 3
    faults = judge(yaml_source.parse(shown, "shown.yaml"), "shown.yaml").faults
    assert [it.reason for it in faults if not it.warning] == []


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_every_text_comes_back_as_it_was(text: str):
    published = consultation(title={"de": text, "en": "Park"}, thanks={"de": "x", "en": text})
    assert again(as_file(published, 1)) == published.model_copy(update={"revision": 1})


LOOKS_LIKE_A_VALUE = ["no", "Yes", "12", "1.5", "1e3", "null", "~", "true", "2027-03-31"]
LOOKS_LIKE_YAML = ["a: b", "a #b", "- a", "[a]", "{a", "*a", "'", '"', "#", "%", "@", "`", "!a", "? a", "|", "--- a"]
SEVERAL_LINES = ["zwei\nZeilen", "zwei\n\n  Zeilen\n- drei", "am Ende \neine Lücke ", "\tx\ny"]
STRANGE = [" \u2028x", "\x07", "x" * 900]


@pytest.mark.parametrize("text", [*LOOKS_LIKE_A_VALUE, *LOOKS_LIKE_YAML, *SEVERAL_LINES, *STRANGE])
def test_texts_that_could_be_read_as_something_else(text: str):
    published = consultation(title={"de": text, "en": "Park"})
    assert again(as_file(published, 1)).title == published.title


def test_defaults_are_omitted_and_texts_are_on_one_line():
    shown = as_file(consultation(), 2)
    assert "review" not in shown.replace("revision", "")
    assert "  - de\n  - en\n" in shown
    assert "    text:\n      de: Licht im Park?\n" in shown
    assert '      - value: "yes"\n' in shown


def test_the_number_is_no_part_of_what_is_published():
    one = consultation()
    assert content(one.model_copy(update={"revision": 3})) == content(one)
