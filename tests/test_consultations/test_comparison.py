"""What a new revision changes for those who answered earlier ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from bot.authoring import change_texts
from bot.authoring.file_check import read_consultation_file
from bot.authoring.publishing import SAMPLES
from bot.consultations.changes import AnsweredRevision, ChangeKind, ChangeLevel, RevisionChange
from bot.consultations.comparison import compare, unconfirmed
from flows.definition import Consultation
from flows.meaning import Meaning, meanings, meanings_of
from flows.questions.base import Question, question, registry
from flows.questions.option import Option
from flows.questions.points import PricedOption
from tests.support.app import consultation

TEXT = {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}}
SCALE = {
    "key": "sc",
    "type": "scale",
    "text": {"de": "Wie gut?"},
    "min_label": {"de": "schlecht"},
    "max_label": {"de": "gut"},
}
NUMBER = {"key": "far", "type": "number", "text": {"de": "Wie weit?"}, "min": 0, "max": 20, "unit": {"de": "km"}}
CONSENT = {"key": "ok", "type": "consent", "text": {"de": "Dürfen wir speichern?"}}
STATEMENTS = {
    "key": "weigh",
    "type": "statements",
    "text": {"de": "Was halten Sie davon?"},
    "seeds": [{"de": "Mehr Licht.", "en": "More light."}, {"de": "Mehr Bänke.", "en": "More benches."}],
}


def options(*labels: tuple[str, str], **more: Any) -> list[dict[str, Any]]:
    return [{"value": value, "label": {"de": label}} | more for value, label in labels]


def colour(*labels: tuple[str, str], **more: Any) -> dict[str, Any]:
    node = {"key": "colour", "type": "choice", "text": {"de": "Welche Farbe?"}, "options": options(*labels)}
    return node | more


RED_BLUE = colour(("a", "Rot"), ("b", "Blau"))
POINTS = {
    "key": "fund",
    "type": "points",
    "text": {"de": "Wofür?"},
    "budget": 10,
    "options": options(("park", "Park"), ("tree", "Bäume"), cost=6),
}


def asks(*questions: dict[str, Any], **more: Any) -> Consultation:
    return consultation(questions=list(questions), **more)


def history(*revisions: Consultation, people: int = 3) -> tuple[RevisionChange, ...]:
    """The changes of the last one, where `people` answered every question of every earlier one."""
    *before, new = revisions
    earlier = [AnsweredRevision(number, it, answered_all(it, people)) for number, it in enumerate(before, start=1)]
    return compare(new, before[-1], earlier)


def answered_all(one: Consultation, people: int) -> Mapping[str, int]:
    return {node.key: people for node in one.asked()}


def found(changes: tuple[RevisionChange, ...], level: ChangeLevel) -> list[tuple[str, str]]:
    return [(change.kind, change.key) for change in changes if change.level is level]


def refused(*revisions: Consultation) -> list[tuple[str, str]]:
    return found(history(*revisions), ChangeLevel.REFUSED)


def to_confirm(*revisions: Consultation) -> list[tuple[str, str]]:
    changes = history(*revisions)
    assert found(changes, ChangeLevel.REFUSED) == []
    return found(changes, ChangeLevel.CONFIRM)


def passes(*revisions: Consultation) -> list[str]:
    changes = history(*revisions)
    assert {change.level for change in changes} <= {ChangeLevel.HARMLESS}
    return [change.kind for change in changes]


OTHER_QUESTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("choice, choices", RED_BLUE, RED_BLUE | {"type": "choices"}),
    ("text, scale", TEXT | {"key": "sc"}, SCALE),
    ("scale, number", SCALE, NUMBER | {"key": "sc"}),
    ("range of a scale", SCALE, SCALE | {"min": 0, "max": 10}),
    ("range of a number", NUMBER, NUMBER | {"max": 100}),
    ("a number loses its limit", NUMBER, NUMBER | {"max": None}),
    ("decimals of a number", NUMBER, NUMBER | {"decimals": 1}),
    ("ends turned round", SCALE, SCALE | {"min_label": {"de": "gut"}, "max_label": {"de": "schlecht"}}),
    ("budget", POINTS, POINTS | {"budget": 11}),
    ("cost", POINTS, POINTS | {"options": options(("park", "Park"), ("tree", "Bäume"), cost=7)}),
    ("costs taken away", POINTS, POINTS | {"options": options(("park", "Park"), ("tree", "Bäume"))}),
    ("text of a consent", CONSENT, CONSENT | {"text": {"de": "Dürfen wir veröffentlichen?"}}),
    ("text of a consent in another language", CONSENT, CONSENT | {"text": {"en": "May we publish?"}}),
    ("second line of a consent", CONSENT, CONSENT | {"hint": {"de": "Auch Ihren Namen."}}),
    ("labels swapped", RED_BLUE, colour(("a", "Blau"), ("b", "Rot"))),
    ("label given on", RED_BLUE, colour(("a", "Grün"), ("b", "ROT!"))),
    ("another value, the same label", RED_BLUE, colour(("red", "Rot"), ("b", "Blau"))),
    ("label of a new value", RED_BLUE, colour(("a", "Rosa"), ("b", "Blau"), ("c", "Rot"))),
]


@pytest.mark.parametrize(("old", "new"), [it[1:] for it in OTHER_QUESTIONS], ids=[it[0] for it in OTHER_QUESTIONS])
def test_changed_question_is_refused_and_a_free_key_suggested(old, new):
    changes = [it for it in history(asks(old), asks(new)) if it.level is ChangeLevel.REFUSED]
    assert changes
    for change in changes:
        assert (change.key, change.revisions, change.people) == (old["key"], (1,), 3)
        assert f"e.g. {old['key']}_2" in change_texts.describe_change(change).remedy


OTHER_WORDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("text", RED_BLUE, RED_BLUE | {"text": {"de": "Welcher Farbton?"}}),
    ("label", RED_BLUE, colour(("a", "Dunkelrot"), ("b", "Blau"))),
    ("accent", RED_BLUE, RED_BLUE | {"text": {"de": "Wélche Farbe?"}}),
    ("sign", colour(("a", "< 18"), ("b", "18")), colour(("a", "> 18"), ("b", "18"))),
    ("emoji", colour(("a", "😀"), ("b", "😐")), colour(("a", "😡"), ("b", "😐"))),
    ("minus", colour(("a", "5"), ("b", "0")), colour(("a", "-5"), ("b", "0"))),
    ("end of a scale", SCALE, SCALE | {"max_label": {"de": "sehr gut"}}),
    ("label in the middle of a scale", SCALE, SCALE | {"middle_label": {"de": "teils"}}),
    ("hint that is added", RED_BLUE, RED_BLUE | {"hint": {"de": "1 heißt: gar nicht."}}),
    ("unit", NUMBER, NUMBER | {"unit": {"de": "m"}}),
    ("unit taken away", NUMBER, NUMBER | {"unit": None}),
    ("unit of points", POINTS, POINTS | {"unit": {"de": "Euro"}}),
    ("only in another language", RED_BLUE, RED_BLUE | {"text": {"en": "Which colour?"}}),
    (
        "translation of a statement",
        STATEMENTS,
        STATEMENTS | {"seeds": [{"de": "Mehr Licht.", "en": "Less light."}, STATEMENTS["seeds"][1]]},  # type: ignore[index]
    ),
]


@pytest.mark.parametrize(("old", "new"), [it[1:] for it in OTHER_WORDS], ids=[it[0] for it in OTHER_WORDS])
def test_new_wording_needs_a_confirmation_of_same_meaning(old, new):
    key = old["key"]
    assert {it[1] for it in to_confirm(asks(old), asks(new))} == {key}
    changes = history(asks(old), asks(new))
    assert all(f"--same-meaning {key}" in change_texts.describe_change(it).remedy for it in unconfirmed(changes, []))
    assert unconfirmed(changes, ["other"]) == unconfirmed(changes, [])
    assert unconfirmed(changes, [key]) == ()


SAME: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("nothing", RED_BLUE, RED_BLUE, []),
    ("white space, case, punctuation", RED_BLUE, RED_BLUE | {"text": {"de": "welche  FARBE …"}}, ["spelling"]),
    ("in a label", RED_BLUE, colour(("a", "rot."), ("b", "Blau")), ["spelling"]),
    ("in a consent", CONSENT, CONSENT | {"text": {"de": "Dürfen wir speichern"}}, ["spelling"]),
    ("new language", RED_BLUE, RED_BLUE | {"text": {"de": "Welche Farbe?", "en": "Which colour?"}}, []),
    ("new option", RED_BLUE, colour(("a", "Rot"), ("b", "Blau"), ("c", "Grün")), ["option_new"]),
    ("removed option", colour(("a", "Rot"), ("b", "Blau"), ("c", "Grün")), RED_BLUE, ["option_gone"]),
    ("other order", RED_BLUE, colour(("b", "Blau"), ("a", "Rot")), []),
    ("skip", RED_BLUE, RED_BLUE | {"skip": False}, ["setting"]),
    (
        "synonyms",
        RED_BLUE,
        RED_BLUE | {"options": options(("a", "Rot"), ("b", "Blau"), synonyms={"de": ["x"]})},
        ["setting"] * 2,
    ),
    ("picks", RED_BLUE | {"type": "choices"}, RED_BLUE | {"type": "choices", "max": 2}, ["setting"]),
    ("length", TEXT, TEXT | {"max_length": 50}, ["setting"]),
    ("step of points", POINTS, POINTS | {"step": 2}, ["setting"]),
    ("condition", RED_BLUE, RED_BLUE | {"exits": [{"to": "end"}]}, ["path"]),
    ("whom a consent lets go", CONSENT, CONSENT | {"required": True}, ["path"]),
    (
        "statements",
        STATEMENTS,
        STATEMENTS | {"seeds": [{"de": "Viel Licht.", "en": "More light."}, STATEMENTS["seeds"][1]]},  # type: ignore[index]
        ["statement_new", "statement_gone"],
    ),
]


@pytest.mark.parametrize(("old", "new", "kinds"), [it[1:] for it in SAME], ids=[it[0] for it in SAME])
def test_what_keeps_the_meaning_passes_with_a_line(old, new, kinds):
    assert passes(asks(old), asks(new)) == kinds
    for change in history(asks(old), asks(new)):
        assert change_texts.describe_change(change).reason
        assert change_texts.describe_change(change).remedy == ""


def test_the_whole_consultation_is_compared_too():
    old = asks(RED_BLUE, TEXT, {"key": "n", "type": "note", "text": {"de": "Gut."}})
    new = asks(
        SCALE, TEXT, RED_BLUE, {"key": "n", "type": "note", "text": {"de": "Schön."}}, minutes=9, languages=["de", "tr"]
    )
    assert sorted(passes(old, new)) == ["language_gone", "language_new", "note", "order", "question_new", "told"]
    gone = [change for change in history(new, asks(RED_BLUE)) if change.kind == "question_gone"]
    assert [(it.key, it.people) for it in gone] == [("sc", 3), ("wish", 3), ("n", 0)]
    assert change_texts.describe_change(gone[0]).reason == (
        "question sc: is no longer asked; 3 people answered it under revision 1, and their answers stay"
    )


def test_without_answers_nothing_is_refused():
    new = asks(RED_BLUE | {"type": "choices"})
    assert compare(new, asks(RED_BLUE), []) == ()
    assert compare(new, None, []) == ()


def test_a_revision_without_the_question_says_nothing_about_it():
    assert passes(asks(TEXT), asks(TEXT, SCALE)) == ["question_new"]


class TestThreeRevisions:
    def test_label_of_an_older_revision_keeps_its_value(self):
        first, second = asks(RED_BLUE), asks(colour(("a", "Dunkelrot"), ("b", "Blau")))
        third = asks(colour(("a", "Dunkelrot"), ("b", "Rot")))
        assert refused(first, second, third) == [("swap", "colour")]
        gone = asks(colour(("b", "Blau"), ("c", "Grün")))
        assert refused(first, gone, asks(colour(("b", "Blau"), ("c", "Rot")))) == [("swap", "colour")]

    def test_key_of_a_removed_question_cannot_change_type(self):
        changes = history(asks(RED_BLUE, TEXT), asks(TEXT), asks(SCALE | {"key": "colour"}, TEXT))
        assert [(it.kind, it.revisions) for it in changes if it.level is ChangeLevel.REFUSED] == [("type", (1,))]

    def test_restored_languages_are_compared_with_older_revisions(self):
        def labels(first: str, second: str) -> Consultation:
            node = colour(("a", "Rot"), ("b", "Blau"))
            for option, label in zip(node["options"], (first, second), strict=True):
                option["label"] = option["label"] | ({"en": label} if label else {})
            return asks(node)

        assert refused(labels("Red", "Blue"), labels("", ""), labels("Blue", "Red")) == [("swap", "colour")] * 2

    def test_confirmation_holds_until_the_wording_changes_again(self):
        first, second = asks(RED_BLUE), asks(colour(("a", "Dunkelrot"), ("b", "Blau")))
        assert to_confirm(first, second, asks(colour(("a", "Dunkelrot"), ("b", "Blau")), minutes=9)) == []
        third = asks(colour(("a", "Hellrot"), ("b", "Blau")))
        changes = [it for it in history(first, second, third) if it.level is ChangeLevel.CONFIRM]
        assert [(it.wordings[0].old, it.revisions, it.people) for it in changes] == [
            ("Rot", (1,), 3),
            ("Dunkelrot", (2,), 3),
        ]

    def test_same_change_to_several_revisions_is_reported_once(self):
        changes = history(asks(RED_BLUE), asks(RED_BLUE, minutes=9), asks(RED_BLUE | {"type": "rank"}))
        assert [(it.revisions, it.people) for it in changes if it.level is ChangeLevel.REFUSED] == [((1, 2), 6)]

    def test_old_invalid_change_does_not_block_other_corrections(self):
        first, second = asks(RED_BLUE), asks(RED_BLUE | {"type": "choices"})
        assert passes(first, second, asks(RED_BLUE | {"type": "choices"}, minutes=9)) == ["told"]

    def test_the_key_to_take_is_free_in_all_of_them(self):
        taken = asks(RED_BLUE, TEXT | {"key": "colour_2"})
        changes = history(taken, asks(RED_BLUE), asks(RED_BLUE | {"type": "rank"}))
        assert changes[0].new_key == "colour_3"

    def test_suggested_key_stays_within_the_maximum_length(self):
        long = "a" * 24
        changes = history(asks(RED_BLUE | {"key": long}), asks(RED_BLUE | {"key": long, "type": "rank"}))
        assert changes[0].new_key == "a" * 22 + "_2"


class TestMeanings:
    @pytest.mark.parametrize("cls", [*registry().values(), Option, PricedOption], ids=lambda cls: cls.__name__)
    def test_every_field_of_every_type_says_what_its_change_means(self, cls):
        assert cls.model_fields.keys() == meanings_of(cls).keys()

    def test_a_type_that_does_not_say_it_is_refused(self):
        with pytest.raises(TypeError, match="Forgetful does not say what a change of steps means"):

            @question
            class Forgetful(Question):
                type: str = "forgetful"
                steps: int = 3

        assert "forgetful" not in registry()

    def test_what_is_declared_as_labels_is_named_by_the_type(self):
        for cls in registry().values():
            has_labels = {Meaning.LABELS, Meaning.ENTRIES} & set(meanings_of(cls).values())
            names = cls.labels is not Question.labels or cls.listed_options is not Question.listed_options
            assert bool(has_labels) == names, cls

    def test_names_are_split(self):
        assert meanings(free="a b") == {"a": Meaning.FREE, "b": Meaning.FREE}


def test_changed_consent_is_shown_in_each_common_language():
    old = CONSENT | {"text": {"de": "Dürfen wir das?", "en": "May we?"}}
    new = CONSENT | {"text": {"de": "Dürfen wir alles?", "en": "May we!", "tr": "?"}}
    [change] = [it for it in history(asks(old), asks(new)) if it.level is ChangeLevel.REFUSED]
    assert change_texts.describe_change(change).reason == (
        "question ok: participants agreed to another text (de: “Dürfen wir das?” | “Dürfen wir alles?”); "
        "3 people answered it under revision 1"
    )


FILES = sorted(SAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("old", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("new", FILES, ids=lambda path: path.stem)
def test_any_two_consultations_compare_and_changes_have_text(old: Path, new: Path):
    before, after = read_consultation_file(old).consultation, read_consultation_file(new).consultation
    assert before is not None
    assert after is not None
    changes = history(before, after)
    assert (changes == ()) == (old == new)
    assert all(change_texts.describe_change(change).reason for change in changes)


def test_every_kind_of_change_has_words():
    assert set(get_args(ChangeKind)) == change_texts.KINDS
