"""XLSForms become consultation files in the part that both can say; the rest is named with row, reason and remedy."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from bot.authoring.drafts import read_draft_consultation
from bot.authoring.starting_points import begin_with
from bot.authoring.yaml_edit import plain_data
from bot.common.i18n.locale import Locale
from bot.exchange.xlsform import convert, sheets
from bot.exchange.xlsform.convert import ImportedForm, convert_form
from bot.exchange.xlsform.expressions import Unmapped, parse_expression
from bot.exchange.xlsform.logic import TakenQuestion, condition_of, limits_of
from bot.exchange.xlsform.notes import NOTE_PHRASES, UnusableForm, note_lines
from bot.exchange.xlsx_reader import SheetLimits
from flows.authoring.check import check_consultation
from flows.definition import Consultation
from tests.support.workbooks import Rows, workbook

HEAD = ["type", "name", "label::Deutsch (de)", "label::Türkçe (tr)", "hint", "required", "relevant", "constraint"]
CHOICES: Rows = [
    ["list_name", "name", "label::Deutsch (de)", "label::Türkçe (tr)"],
    ["yes_no", "yes", "Ja", "Evet"],
    ["yes_no", "no", "Nein", "Hayır"],
    ["ways", 1, "Bus", "Otobüs"],
    ["ways", 2, "Rad", "Bisiklet"],
    ["ways", "none", "Nichts davon", "Hiçbiri"],
]
SETTINGS: Rows = [["form_title", "form_id", "default_language"], ["Unser Park", "our_park", "Deutsch (de)"]]


def imported(*rows: Sequence[Any], choices: Rows = CHOICES, head: Sequence[str] = HEAD) -> ImportedForm:
    return convert_form(workbook(survey=[head, *rows], choices=choices, settings=SETTINGS), "form.xlsx", "de")


def questions(form: ImportedForm) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = plain_data(form.text)["questions"]
    return found


def codes(form: ImportedForm) -> list[tuple[str, int, str]]:
    return [(it.sheet, it.row, it.code) for it in form.notes.listed]


EVERY = (
    ["select_one yes_no", "lamps", "Sollen die Lampen brennen?", "Lambalar yansın mı?", "Nachts", "yes"],
    ["integer", "age", "Wie alt sind Sie?", "Kaç yaşındasınız?", "", "", "${lamps} = 'no'", ". >= 0 and . <= 120"],
    ["decimal", "distance", "Wie weit ist es?", "Ne kadar uzak?", "", "", "", ".<= 20.5"],
    ["begin_group", "way", "Ihr Weg", "Yolunuz", "", "", "not(selected(${lamps}, 'yes'))"],
    [
        *("select_multiple ways", "used", "Womit kommen Sie?", "Neyle?", "", "", "${age} >= 18 or ${age} = ''"),
        "count-selected(.) <= 2 and not(selected(., 'none') and count-selected(.) > 1)",
    ],
    ["end_group"],
    ["rank yes_no", "order", "Was zuerst?", "Önce?"],
    ["date", "since", "Seit wann?", "Ne zaman?", "", "", "selected(${used}, '1')", ". > date('1999-12-31')"],
    ["text", "wish", "Was noch, {gerne}?", "Başka?", "", "", "", "string-length(.) <= 300"],
    ["note", "thanks", "Danke für ${age}.", "Teşekkürler"],
)


def test_what_both_can_say_is_taken_over_one_to_one() -> None:
    form = imported(*EVERY)
    lamps, age, distance, way, used, order, since, wish, thanks = questions(form)
    assert (lamps["type"], lamps["skip"], lamps["hint"]) == ("choice", False, {"de": "Nachts"})
    assert lamps["options"][0] == {"value": "yes", "label": {"de": "Ja", "tr": "Evet"}}
    assert age["ask_if"] == {"equal": {"question": "lamps", "value": "no"}}
    assert (age["type"], age["min"], age["max"], "skip" in age) == ("number", 0, 120, False)
    assert (distance["decimals"], distance["max"]) == (2, 20.5)
    in_group = {"not": {"equal": {"question": "lamps", "value": "yes"}}}
    assert (way["type"], way["text"]["de"], way["ask_if"]) == ("note", "Ihr Weg", in_group)
    adult = {"any": [{"greater": {"question": "age", "than": 18}}, {"equal": {"question": "age", "value": 18}}]}
    assert used["ask_if"] == {"all": [in_group, {"any": [adult, {"not": {"answered": "age"}}]}]}
    assert (used["type"], used["max"], used["exclusive"]) == ("choices", 2, "none")
    assert [it["value"] for it in used["options"]] == ["v1", "v2", "none"]
    assert order["type"] == "rank"
    assert (since["min"], since["ask_if"]) == ("2000-01-01", {"equal": {"question": "used", "value": "v1"}})
    assert (wish["text"]["de"], wish["max_length"]) == ("Was noch, {{gerne}}?", 300)
    assert thanks["text"]["de"] == "Danke für {answer:age|…}."
    assert codes(form) == [("survey", 4, "decimals"), ("choices", 4, "values_renamed")]
    assert (form.title, form.name) == ("Unser Park", "our_park")


def test_the_draft_lacks_only_what_a_form_cannot_say() -> None:
    text = begin_with(imported(*EVERY).text, "our-park")
    missing = {it.where[-1] for it in read_draft_consultation(text).issues if not it.warning}
    assert missing == {"asks", "why", "readers", "decides", "feedback", "audience", "contact", "remains"}
    data = plain_data(text)
    words = {"de": "Text."}
    data |= dict.fromkeys(("asks", "why", "readers", "decides", "feedback", "audience"), words)
    data["retention"]["remains"] = words
    data["contact"] = {"name": words, "hours": words, "email": "a@example.org"}
    problems = check_consultation(Consultation.model_validate(data), {})
    assert [it for it in problems if not it.warning and it.where[:1] == ("questions",)] == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (["geopoint", "place", "Wo?"], "type"),
        (["calculate", "sum", "", "", "", "", "", ""], "computed"),
        (["start", "start"], "unrecorded"),
        (["text", "Ihr Wunsch", "Was?"], "renamed"),
        (["text", "x", "Was?", "", "", "", "pulldata('a', 'b')"], "condition"),
        (["text", "x", "Was?", "", "", "", "${later} = 'yes'"], "condition"),
        (["text", "x", "Was?", "", "", "", "", "regex(., '[a-z]+')"], "constraint"),
        (["select_one missing", "x", "Was?"], "no_list"),
        (["end_group"], "group"),
        (["text", "x", "Bei ${nobody}?"], "reference"),
        (["text", "x", "Ganz **wichtig**?"], "markup"),
    ],
)
def test_what_does_not_map_is_named_with_its_row(row: list[str], code: str) -> None:
    form = imported(["note", "first", "Hallo"], row)
    assert codes(form) == [("survey", 3, code)]
    for tag, begin in (("de", "Blatt survey, Zeile 3: "), ("en", "Sheet survey, row 3: ")):
        (line,) = note_lines(form.notes, Locale.of(tag))
        assert line.startswith(begin)
        assert "{" not in line.replace("${", "")


def test_a_repeat_is_left_out_with_all_its_rows() -> None:
    inside = (["begin_group", "g", "Innen"], ["text", "name", "Name?"], ["end_group"])
    form = imported(["begin repeat", "kids", "Kinder"], *inside, ["end repeat"], ["text", "x", "Was?"])
    assert [it["key"] for it in questions(form)] == ["x"]
    assert codes(form) == [("survey", 2, "repeat")]


def test_columns_and_languages_without_a_counterpart_are_named() -> None:
    head = ["type", "name", "label::French (fr)", "label", "default", "appearance", "media::image"]
    form = imported(["text", "x", "Quoi ?", "Was?", "nichts", "multiline", "a.png"], head=head)
    assert [(it.code, it.said) for it in form.notes.listed] == [
        ("language", "French (fr)"),
        ("column", "default"),
        ("column", "media::image"),
    ]
    assert questions(form)[0]["text"] == {"de": "Was?"}


def test_a_list_of_ten_thousand_options_is_cut_and_named() -> None:
    rows = [["towns", f"t{number}", f"Ort {number}"] for number in range(10_000)]
    form = imported(["select_one towns", "town", "Wo?"], choices=[["list_name", "name", "label"], *rows])
    assert len(questions(form)[0]["options"]) == 20
    assert [(it.code, it.more) for it in form.notes.listed] == [("long_list", "10000 / 20")]


def test_names_that_stand_twice_are_told_apart() -> None:
    form = imported(["text", "x", "Eins?"], ["text", "x", "Zwei?"], ["text", "end", "Drei?"])
    assert [it["key"] for it in questions(form)] == ["x", "x_2", "end_2"]
    assert [it[2] for it in codes(form)] == ["renamed"] * 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable"),
        (b"PK\x03\x04 broken", "unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old_format"),
        (workbook(questions=[HEAD]), "no_survey"),
        (workbook(survey=[["name", "label"], ["x", "Was?"]]), "no_type"),
        (workbook(survey=[["type", "name"], ["geopoint", "x"]]), "no_questions"),
        (workbook(survey=[HEAD, *[["text", f"q{it}", "Was?"] for it in range(301)]]), "many"),
    ],
)
def test_a_workbook_of_which_nothing_can_be_made(content: bytes, code: str) -> None:
    with pytest.raises(UnusableForm) as caught:
        convert_form(content, "form.xlsx", "de")
    assert caught.value.code == code


def test_a_large_part_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(survey=[HEAD, *[["text", f"q{it}", "Was?"] for it in range(50)]])
    monkeypatch.setattr(sheets, "LIMITS", SheetLimits(cells=200, bytes=1 << 20))
    with pytest.raises(UnusableForm, match="more than 200 cells"):
        convert_form(content, "form.xlsx", "de")
    monkeypatch.setattr(sheets, "LIMITS", SheetLimits(cells=100_000, bytes=1_000))
    with pytest.raises(UnusableForm, match="more than 0 MB"):
        convert_form(content, "form.xlsx", "de")


def test_a_declared_entity_is_refused() -> None:
    source, changed = zipfile.ZipFile(BytesIO(workbook(survey=[HEAD]))), BytesIO()
    with zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, b'<!DOCTYPE x [<!ENTITY a "b">]>' + part if name == "xl/workbook.xml" else part)
    with pytest.raises(UnusableForm, match="entities"):
        convert_form(changed.getvalue(), "form.xlsx", "de")


def test_stored_values_of_formulas_count() -> None:
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("survey")
        sheet.write_row(0, 0, ["type", "name", "label"])
        sheet.write_row(1, 0, ["text", "x"])
        sheet.write_formula(1, 2, '="Was"&"?"', None, "Was?")
    assert questions(convert_form(file.getvalue(), "form.xlsx", "de"))[0]["text"] == {"de": "Was?"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(",
        "${a}",
        "${a} = ",
        "not ${a} = 1",
        "${a} = 'x' ${b}",
        "(" * 100 + "${a} = 1",
        "a" * 3_000,
        "1 = 1",
        "${a} < 'x'",
    ],
)
def test_an_expression_that_cannot_be_said_is_refused(text: str) -> None:
    with pytest.raises(Unmapped):
        condition_of(text, {"a": TakenQuestion("a", "number")})


def test_limits_that_contradict_or_mean_another_type_are_refused() -> None:
    number = TakenQuestion("a", "number")
    assert limits_of("5 < . and 10 > .", number) == {"min": 6, "max": 9}
    for text in (". > 1 and . > 2", ". > 1 or . < 0", "count-selected(.) > 1", ". != 3", "${b} > 1"):
        with pytest.raises(Unmapped):
            limits_of(text, number)
    with pytest.raises(Unmapped):
        limits_of(". > 0.5", TakenQuestion("a", "number", is_whole=False))
    with pytest.raises(Unmapped):
        condition_of("${a} = 'v'", {"a": TakenQuestion("a", "choices", {"v": "v"})})
    assert parse_expression("-1 <= ${a}") == parse_expression("${a} >= -1")


def test_every_note_has_a_phrase_in_both_languages() -> None:
    for phrase in NOTE_PHRASES.values():
        for tag in ("de", "en"):
            assert "X" in Locale.of(tag).text(phrase, said="X", more="Y")
    assert convert.MOST_QUESTIONS == 300
