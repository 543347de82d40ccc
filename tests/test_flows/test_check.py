"""What is checked before publishing, piece by piece. Whole broken files: tests/test_authoring/test_consultations.py."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.authoring import logic
from flows.authoring.check import check_consultation
from flows.authoring.readability import sentences, simple_hints, words
from flows.authoring.sizes import LONGEST_CODE, ChannelLimits
from flows.commands.words import Command
from flows.definition import Consultation
from flows.phrases import Phrases
from flows.questions.base import END, LEAVE, Problem


class AnyPhrases(Phrases):
    """Phrases that say their own names, and know two chat words."""

    def __init__(self, language: str) -> None:
        super().__init__(language, {}, lambda n: 0, {})

    def text(self, phrase: str, form: str, /, **values: object) -> str:
        if phrase == "date.months":
            return ", ".join([f"[{phrase}]"] * 12)
        return f"[{phrase}]" + "".join(str(value) for value in values.values())

    def words(self, phrase: str) -> list[str]:
        known = {f"words.{Command.HELP}": ["hilfe"], f"words.{Command.STOP}": ["stopp"]}
        return known.get(phrase, [f"{phrase}!"] * (12 if phrase.endswith("months") else 1))


CATALOGUES: Mapping[str, Phrases] = {tag: AnyPhrases(tag) for tag in ("de", "de-simple", "en")}


def text(words: str) -> dict[str, str]:
    return {"de": words}


NUMBER = re.compile(r"has (\d+) characters")


def consultation(*questions: dict[str, Any], **changes: Any) -> Consultation:
    """A sound consultation in German with these questions."""
    data: dict[str, Any] = {
        "slug": "park",
        "languages": {"de": {"review": "reviewed"}},
        "title": text("Park"),
        "asks": text("das Amt."),
        "why": text("Wir planen."),
        "readers": text("zwei Menschen."),
        "level": "consultation",
        "decides": text("Der Bezirk."),
        "feedback": text("Im Mai."),
        "audience": text("Alle."),
        "retention": {"days": 30, "remains": text("Zahlen.")},
        "contact": {"name": text("Amt"), "hours": text("montags"), "email": "a@example.org"},
        "minutes": 1,
        "closes": "2027-03-31",
        "questions": list(questions) or [free("wish")],
    }
    return Consultation.model_validate(data | changes)


def free(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "text", "text": text("Was fehlt?"), **more}


def choice(key: str, *values: str, **more: Any) -> dict[str, Any]:
    options = [{"value": value, "label": text(f"Wort {value}")} for value in values]
    return {"key": key, "type": "choice", "text": text("Was?"), "options": options, **more}


def choices(key: str, *values: str, **more: Any) -> dict[str, Any]:
    return choice(key, *values, **more) | {"type": "choices"}


def number(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "number", "text": text("Wie viele?"), **more}


def equal(question: str, value: object) -> dict[str, Any]:
    return {"equal": {"question": question, "value": value}}


def found(it: Consultation, limits: ChannelLimits | None = None) -> list[Problem]:
    return check_consultation(it, CATALOGUES, limits) if limits else check_consultation(it, CATALOGUES)


def reasons(it: Consultation, limits: ChannelLimits | None = None) -> list[str]:
    return [problem.reason for problem in found(it, limits)]


def test_a_sound_consultation_has_no_problem():
    assert found(consultation()) == []


def test_every_problem_has_a_place_a_reason_and_a_remedy():
    broken = consultation(
        free("end"), languages={"xx": {}}, minutes=60, slug="hilfe", closes="2020-01-01", opens="2021-01-01"
    )
    problems = found(broken)
    assert len(problems) > 5
    assert all(problem.where and problem.reason and problem.remedy for problem in problems)


class TestReach:
    """Which questions a person comes to."""

    def unreached(self, *questions: dict[str, Any]) -> set[str]:
        it = consultation(*questions)
        walks = logic.explore(it)
        assert walks is not None
        return {node.key for index, node in enumerate(it.questions) if index not in walks.asked}

    def test_a_condition_on_a_skipped_question_never_holds(self):
        # A contact at `more` was not asked `lamps`, because only "yes" leads there.
        assert self.unreached(
            choice(
                "first", "yes", "no", exits=[{"if": equal("first", "yes"), "to": "more"}], skip=False, dont_know=False
            ),
            choice("lamps", "on", "off", exits=[{"to": "end"}]),
            free("more", ask_if={"answered": "lamps"}),
        ) == {"more"}

    def test_both_answers_of_one_choice_never_hold_together(self):
        both = {"all": [equal("lamps", "yes"), equal("lamps", "no")]}
        assert self.unreached(choice("lamps", "yes", "no"), free("why", ask_if=both)) == {"why"}

    def test_several_choices_can_hold_together(self):
        both = {"all": [equal("lamps", "yes"), equal("lamps", "no")]}
        assert self.unreached(choices("lamps", "yes", "no"), free("why", ask_if=both)) == set()

    def test_none_chosen_is_an_answer_where_that_is_allowed(self):
        none = {"all": [{"answered": "it"}, {"not": {"one_of": {"question": "it", "values": ["a", "b"]}}}]}
        assert self.unreached(choices("it", "a", "b"), free("why", ask_if=none)) == {"why"}
        assert self.unreached(choices("it", "a", "b", min=0), free("why", ask_if=none)) == set()

    def test_skipping_is_an_answer_only_where_it_is_allowed(self):
        nothing = {"not": {"answered": "lamps"}}
        assert self.unreached(choice("lamps", "a", "b"), free("why", ask_if=nothing)) == set()
        assert self.unreached(choice("lamps", "a", "b", skip=False, dont_know=False), free("why", ask_if=nothing)) == {
            "why"
        }

    def test_between_two_whole_numbers_there_is_none(self):
        between = {"all": [{"greater": {"question": "n", "than": 2}}, {"less": {"question": "n", "than": 3}}]}
        assert self.unreached(number("n"), free("why", ask_if=between)) == {"why"}
        assert self.unreached(number("n", decimals=1), free("why", ask_if=between)) == set()

    def test_numbers_stay_within_their_limits(self):
        high = {"greater": {"question": "n", "than": 10}}
        assert self.unreached(number("n", max=10), free("why", ask_if=high)) == {"why"}
        assert self.unreached(number("n", max=11), free("why", ask_if=high)) == set()

    def test_any_text_may_differ_from_the_one_compared_with(self):
        other = {"all": [{"answered": "name"}, {"not": equal("name", "x")}]}
        assert self.unreached(free("name"), free("why", ask_if=other)) == set()

    def test_refused_consent_leaves(self):
        required = {"key": "ok", "type": "consent", "text": text("Ja?"), "required": True}
        walks = logic.explore(consultation(required, free("wish")))
        assert walks is not None
        assert walks.ends == {END, LEAVE}
        assert self.unreached(required, free("why", ask_if=equal("ok", False))) == {"why"}

    def test_gives_up_where_there_are_too_many_ways(self):
        keys = [f"k{n}" for n in range(16)]
        last = {"all": [{"any": [equal(key, "a"), equal(key, "b")]} for key in keys]}
        many = consultation(*(choice(key, "a", "b") for key in keys), free("last", ask_if=last))
        assert logic.explore(many) is None
        assert [it for it in found(many) if not it.warning] == []

    def test_a_long_chain_is_walked_quickly(self):
        # Each condition looks one question back: what lies further behind is forgotten.
        links = [choice("k0", "a", "b")]
        links += [choice(f"k{n}", "a", "b", ask_if=equal(f"k{n - 1}", "a")) for n in range(1, 60)]
        walks = logic.explore(consultation(*links))
        assert walks is not None
        assert len(walks.asked) == 60


@settings(max_examples=60)
@given(st.data())
def test_walking_finds_what_trying_all_answers_finds(data: st.DataObject):
    # Five questions with two values each, random conditions and exits; every combination of answers is tried.
    keys = [f"k{n}" for n in range(5)]
    questions = []
    for index, key in enumerate(keys):
        lacking: bool = data.draw(st.booleans())
        more: dict[str, Any] = {"skip": False, "dont_know": lacking}
        earlier = [equal(other, value) for other in keys[:index] for value in ("a", "b")]
        if earlier:
            more["ask_if"] = data.draw(st.sampled_from([None, *earlier, {"not": earlier[0]}, {"all": earlier[-2:]}]))
        if data.draw(st.booleans()):
            to = data.draw(st.sampled_from([*keys[index + 1 :], "end", "leave"]))
            more["exits"] = [{"if": equal(key, data.draw(st.sampled_from("ab"))), "to": to}]
        questions.append(choice(key, "a", "b", **more))
    it = consultation(*questions)
    walks = logic.explore(it)
    assert walks is not None
    assert walks.asked == set().union(*(path_of(it, answers) for answers in combinations_of(it)))


def combinations_of(it: Consultation) -> list[dict[str, str | None]]:
    ways: list[dict[str, str | None]] = [{}]
    for node in it.asked():
        values = ["a", "b", *([None] if getattr(node, "dont_know", False) else [])]
        ways = [{**way, node.key: value} for way in ways for value in values]
    return ways


def path_of(it: Consultation, answers: dict[str, str | None]) -> set[int]:
    """The plain walk: one set of answers, one step after the other."""
    asked: set[int] = set()
    given_so_far: dict[str, str] = {}
    index = 0
    while index < len(it.questions):
        node = it.questions[index]
        if node.ask_if and not node.ask_if.compile()(given_so_far):
            index += 1
            continue
        asked.add(index)
        if (value := answers[node.key]) is not None:
            given_so_far[node.key] = value
        for way in node.exits:
            if way.condition is None or way.condition.compile()(given_so_far):
                if way.to in {END, LEAVE}:
                    return asked
                index = [other.key for other in it.questions].index(way.to)
                break
        else:
            index += 1
    return asked


class TestValues:
    def compared(self, question: dict[str, Any], condition: dict[str, Any]) -> list[str]:
        return [it.reason for it in found(consultation(question, free("why", ask_if=condition))) if not it.warning]

    @pytest.mark.parametrize("value", [1, 5])
    def test_steps_of_a_scale_are_numbers(self, value: int):
        scale = {
            "key": "s",
            "type": "scale",
            "text": text("Wie?"),
            "min_label": text("schlecht"),
            "max_label": text("gut"),
        }
        assert self.compared(scale, equal("s", value)) == []
        assert self.compared(scale, {"less": {"question": "s", "than": 3}}) == []
        assert self.compared(scale, equal("s", str(value))) == [f"“s” can never have the value “{value}”"]

    def test_dates_are_compared_with_dates(self):
        since = {"key": "d", "type": "date", "text": text("Seit?"), "min": "2000-01-01", "max": "2027-12-31"}

        def later(key: str, than: object) -> dict[str, Any]:
            return {"greater": {"question": key, "than": than}}

        assert self.compared(since, later("d", "2020-01-01")) == []
        assert self.compared(since, equal("d", "2020-01-01")) == []
        assert self.compared(since, later("d", 3)) == ["“d” has a date as its answer"]
        assert self.compared(number("n"), later("n", "2020-01-01")) == ["“n” has no date as its answer"]
        assert self.compared(since, equal("d", "soon")) == ["“soon” is compared with “d”, whose answer is a date"]
        assert self.compared(since, later("d", "2027-12-31")) == ["no path leads to this question"]

    def test_an_option_or_key_that_other_adds_is_taken(self):
        asked = choice("c", "a", "b") | {"other": True}
        assert self.compared(asked, equal("c", "other")) == []
        taken = found(consultation(asked, free("c_other")))
        assert "“c_other” is also the key of a part of “c”" in [it.reason for it in taken if not it.warning]
        twice = found(consultation(choice("c", "a", "other") | {"other": True}))
        assert [it.reason for it in twice if not it.warning] == [
            "'other' is the value of the option that `other: true` adds"
        ]

    def test_one_is_not_true(self):
        consent = {"key": "ok", "type": "consent", "text": text("Ja?")}
        assert self.compared(consent, equal("ok", True)) == []
        assert self.compared(consent, equal("ok", 1)) == ["“1” is compared with “ok”, whose answer is true or false"]
        assert self.compared(number("n"), equal("n", True)) == [
            "“True” is compared with “n”, whose answer is a whole number"
        ]

    def test_several_values_are_each_looked_at(self):
        condition = {"one_of": {"question": "c", "values": ["a", "x", "y"]}}
        assert self.compared(choice("c", "a", "b"), condition) == [
            "“c” can never have the value “x”",
            "“c” can never have the value “y”",
        ]


class TestLengths:
    def test_counts_what_the_channel_counts(self):
        # An emoji counts as two for Telegram and JavaScript.
        trees = consultation(free("wish", text=text("🌳" * 1990)))
        assert reasons(trees) == []
        assert "the limit of a channel is 3900" in reasons(trees, ChannelLimits(text=3900))[0]

    def test_counts_the_options_as_a_list(self):
        long = choice("c", *"abcdefgh")
        for option in long["options"]:
            option["label"] = text(f"{option['value']} {'x' * 60}")
        it = consultation(long)
        assert reasons(it) == []
        assert [problem.where for problem in found(it, ChannelLimits(text=500))] == [("questions", 0)]

    def test_counts_the_greeting(self):
        it = consultation(why=text("Wir planen. " * 400), minutes=9)
        assert [problem.where for problem in found(it)] == [("why",)]

    def test_a_button_holds_64_bytes(self):
        it = consultation(choice("k" * 24, "v" * 24, "w"))
        assert reasons(it) == []
        assert "longer than 60 bytes" in reasons(it, ChannelLimits(token=60))[0]

    def test_a_channel_shows_so_many_answers(self):
        it = consultation(choice("c", *"abcdefghij"))
        assert reasons(it) == []
        assert reasons(it, ChannelLimits(options=5)) == ["more than 5 answers are offered"]

    def test_what_just_fits_is_no_problem(self):
        it = consultation(choice("k" * 24, "v" * 24, *"bcdefghij"))
        longest = max(int(length) for reason in reasons(it, ChannelLimits(text=1)) for length in NUMBER.findall(reason))
        token = len(f"{LONGEST_CODE}.{'k' * 24}.{'v' * 24}")
        # Ten answers and "don't know": two more than the options may be numbered.
        assert reasons(it, ChannelLimits(longest, 9, token)) == []
        assert f"has {longest} characters" in reasons(it, ChannelLimits(longest - 1, 9, token))[0]
        assert reasons(it, ChannelLimits(longest, 8, token)) == ["more than 8 answers are offered"]
        assert f"longer than {token - 1} bytes" in reasons(it, ChannelLimits(longest, 9, token - 1))[0]

    def test_the_narrowest_channel_is_telegram(self):
        assert ChannelLimits() == (4096, 20, 64)


class TestLanguages:
    def test_checked_by_readers_it_may_be_called_leichte_sprache(self):
        def both(it: Any) -> Any:
            if isinstance(it, dict) and set(it) == {"de"} and isinstance(it["de"], str):
                return {"de": it["de"], "de-simple": it["de"]}
            if isinstance(it, dict):
                return {key: both(value) for key, value in it.items()}
            return [both(value) for value in it] if isinstance(it, list) else it

        data = both(consultation(title=text("In Leichter Sprache")).model_dump(mode="json", exclude_defaults=True))
        data["questions"] = [{**free("wish"), "text": {"de": "Was fehlt?", "de-simple": "Was fehlt?"}}]
        for name in ("title", "asks", "why", "readers", "decides", "feedback", "audience"):
            words = getattr(consultation(title=text("In Leichter Sprache")), name).root["de"].text
            data[name] = {"de": words, "de-simple": words}
        data["retention"]["remains"] = {"de": "Zahlen.", "de-simple": "Zahlen."}
        data["contact"] |= {name: {"de": "Amt", "de-simple": "Amt"} for name in ("name", "hours")}
        for review, allowed in (("readers", True), ("reviewed", False)):
            data["languages"] = {"de": {"review": "reviewed"}, "de-simple": {"review": review}}
            it = Consultation.model_validate(data)
            assert ("Leichte Sprache" in it.language_name("de-simple")) is allowed
            assert (not any("Leichte Sprache" in problem.reason for problem in found(it))) is allowed

    def test_a_fallback_of_a_fallback_will_do(self):
        offer = {"de": {"review": "reviewed"}, "en": {"fallback": "de"}, "de-simple": {"fallback": "en"}}
        problems = found(consultation(languages=offer))
        assert [problem.warning for problem in problems] == [True, True]
        assert all("texts missing" in problem.reason for problem in problems)

    def test_circles_among_other_languages_end(self):
        offer = {"de": {"fallback": "en"}, "en": {"fallback": "de-simple"}, "de-simple": {"fallback": "en"}}
        assert any("circle" in reason for reason in reasons(consultation(languages=offer)))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("Was fehlt?", 1),
        ("Was fehlt? Und warum?", 2),
        ("Was fehlt am 3. Mai, z. B. in der Str. Nr. 5?", 1),
        ("Was fehlt (usw.)? Das ist alles …", 2),
        ("Das ist 1.000 Euro wert, d.h. viel.", 1),
        ("What is missing, e.g. benches? Why?", 2),
        ("ماذا ينقص؟ ولماذا؟", 2),
        ("کیا کمی ہے۔ کیوں؟", 2),
        ("Mahallende ne eksik, örn. park? Neden?", 2),
        ("Eine Zeile\nund noch eine", 2),
        ("", 0),
        ("🌳!", 0),
    ],
)
def test_counts_sentences(words: str, count: int):
    assert len(sentences(words)) == count


def test_counts_words_with_hyphens_and_colons_as_one():
    assert words("Die Bürger:innen im Bürger-Büro sagen's 3 Mal") == [
        "Die",
        "Bürger:innen",
        "im",
        "Bürger-Büro",
        "sagen's",
        "Mal",
    ]


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        ("Wir fragen Sie. Sie antworten.", []),
        ("Straßenverkehrsordnung", ["more than 20 letters"]),
        ("Straßen-Verkehrs-Ordnung", []),
        ("Straßen·verkehrs·ordnung", []),
        ("Wir möchten gerne von Ihnen wissen, was in Ihrem Kiez noch alles fehlt.", ["a sentence has 13 words"]),
        ("Der Park wird neu geplant.", ["looks like the passive"]),
        ("Die Lampen wurden repariert.", ["looks like the passive"]),
        ("Wir werden bald gehen.", []),
        ("Es wird dunkel.", []),
        ("Die Bänke des Parks sind alt.", ["looks like a genitive"]),
        ("Die Meinung eines jungen Menschens", ["looks like a genitive"]),
        ("Das Haus steht im Park.", []),
    ],
)
def test_hints_at_what_is_hard_to_read(words: str, hints: list[str]):
    found_hints = [reason for reason, _ in simple_hints(words)]
    assert len(found_hints) == len(hints), found_hints
    assert all(hint in reason for hint, reason in zip(hints, found_hints, strict=True))


@given(st.text(max_size=300))
def test_reading_hints_never_fail(words: str):
    list(simple_hints(words))
    assert len(sentences(words)) <= len(words)


def own_consent(key: str, consent: str | None = "ok", **more: Any) -> dict[str, Any]:
    asked_of = {"ask_if": {"equal": {"question": consent, "value": True}}} if consent else {}
    return {"key": key, "type": "sectors", "text": text("Wo?"), **asked_of, **more}


OK = {"key": "ok", "type": "consent", "text": text("Dürfen wir das fragen?")}


@pytest.mark.parametrize(
    ("questions", "reasons"),
    [
        ([OK, own_consent("sector", None)], ["“sector” is asked without a consent of its own"]),
        ([{**OK, "required": True}, own_consent("sector")], ["“sector” is asked without a consent of its own"]),
        (
            [OK, own_consent("sector", ask_if={"equal": {"question": "ok", "value": False}})],
            ["“sector” is asked without a consent of its own", "no path leads to this question"],
        ),
        (
            [
                OK,
                own_consent(
                    "sector", ask_if={"any": [{"answered": "ok"}, {"equal": {"question": "ok", "value": True}}]}
                ),
            ],
            ["“sector” is asked without a consent of its own"],
        ),
        (
            [OK, own_consent("sector"), {**own_consent("about_me"), "type": "traits"}],
            ["“sector” and “about_me” share one consent"],
        ),
    ],
)
def test_personal_questions_need_their_own_consent(questions: list[dict[str, Any]], reasons: list[str]) -> None:
    found = [it for it in check_consultation(consultation(free("wish"), *questions), CATALOGUES) if not it.warning]
    assert [it.reason for it in found] == reasons


def test_a_consent_each_is_enough() -> None:
    second = {**OK, "key": "ok_too"}
    asked = consultation(
        free("wish"), OK, own_consent("sector"), second, {**own_consent("about_me", "ok_too"), "type": "traits"}
    )
    assert [it for it in check_consultation(asked, CATALOGUES) if not it.warning] == []


@pytest.mark.parametrize("field", [{"skip": False}, {"refuse": False}, {"sensitive": False}, {"options": []}])
def test_nobody_must_say_who_they_are(field: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(field))):
        consultation(free("wish"), OK, own_consent("sector", **field))
