"""Rows of participations: the long and the wide files, for the core team and for analysts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.city.ledger import Ledger, Participation, code_of
from tests.city.outputs import Outputs, Row, Rows
from tests.city.survey import KEYS, QUESTIONS, SLUG, Question, Value
from tests.city.verify.checking import Check

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
_TIMES = {"response_id", "started_at", "ended_at"}
"""Columns that are not in the ledger."""


def raw(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    wide = outputs.raw["answers_wide.csv"]
    excel = {row["place_code"]: row for row in outputs.raw["answers_wide_excel.csv"]}
    check.same("wide rows", sorted(ledger.participations), sorted(row["place_code"] for row in wide))
    places = {row["response_id"]: row["place_code"] for row in wide}
    for row in wide:
        one = ledger.participations.get(row["place_code"])
        if one is None:
            continue
        expected = dict(wide_row(ledger, one, is_raw=True))
        check.same_row(f"wide {one.place}", expected, _ordered(without(row, _TIMES)))
        for_excel = {column: _for_excel(column, cell) for column, cell in row.items()}
        check.same_row(f"excel {one.place}", for_excel, excel[one.place])
    found: dict[tuple[str, str], Rows] = {}
    for row in outputs.raw["answers_long.csv"]:
        found.setdefault((places[row["response_id"]], row["question_key"]), []).append(row)
    check.same("long keys", {(place, key) for place in ledger.participations for key in KEYS}, set(found))
    for one in ledger.participations.values():
        for question in QUESTIONS:
            _long(check, one, question, found.get((one.place, question.key), []))


def without(row: Row, columns: set[str]) -> Row:
    return {column: cell for column, cell in row.items() if column not in columns}


def wide_row(ledger: Ledger, one: Participation, *, is_raw: bool) -> Iterator[tuple[str, str]]:
    """The cells of a participation in `answers_wide.csv`."""
    yield from (("consultation", SLUG), ("revision", str(one.revision)), ("status", one.status))
    yield from (("channel", one.channel), ("language", one.language), ("mode", one.mode), ("place_code", one.place))
    answers = one.answers
    yield "answered", str(int(one in ledger.answered()))
    for question in QUESTIONS:
        key, reason = question.key, one.reason(question.key)
        if reason is not None:
            yield key, reason
            yield from ((f"{key}.{code}", "") for code in ledger.codes(question) if question.is_several)
        else:
            yield from _answered(
                question, ledger.codes(question), answers[key], is_raw=is_raw, is_released=key in one.released
            )
        if question.type == "text":
            is_withheld = reason is None and not is_raw and key not in one.released
            yield from ((f"{key}.missing", reason or ""), (f"{key}.withheld", str(int(is_withheld))))


def _answered(
    question: Question, codes: tuple[str, ...], value: Value, *, is_raw: bool, is_released: bool
) -> Iterator[tuple[str, str]]:
    key = question.key
    if isinstance(value, dict):
        yield key, " ".join(sorted(f"{code}={amount}" for code, amount in value.items()))
        yield from ((f"{key}.{code}", str(value.get(code, 0))) for code in codes)
    elif question.type == "rank" and isinstance(value, list):
        yield key, " ".join(value)
        yield from ((f"{key}.{code}", str(value.index(code) + 1) if code in value else "") for code in codes)
    elif isinstance(value, list):
        yield key, " ".join(sorted(value))
        yield from ((f"{key}.{code}", str(int(code in value))) for code in codes if question.is_several)
    elif question.type == "text":
        yield key, str(value) if is_raw or is_released else ""
    elif question.type == "proposal":
        yield key, str(value) if is_raw else "proposed"
    else:
        yield key, code_of(value)


def _ordered(row: Row) -> Row:
    """Codes of several choices, amounts and decisions in one order: theirs is that in which they were given."""
    sets = {question.key for question in QUESTIONS if question.type in _UNORDERED}
    return {column: " ".join(sorted(cell.split())) if column in sets else cell for column, cell in row.items()}


_UNORDERED = {"choices", "sectors", "traits", "points", "pairwise"}


def _for_excel(column: str, cell: str) -> str:
    if column == "distance":
        return cell.replace(".", ",")
    has_zero = len(cell) > 1 and cell.startswith("0") and cell.isdecimal()  # a district: Excel drops its zero
    return f"'{cell}" if has_zero or cell.startswith(FORMULAS) else cell


def _long(check: Check, one: Participation, question: Question, rows: Rows) -> None:
    where, reason = f"long {one.place} {question.key}", one.reason(question.key)
    shown = sorted((row["option_code"], row["value"], row["text"], row["missing"], row["withheld"]) for row in rows)
    check.same(where, sorted(_contents(question, one.answers.get(question.key), reason or "")), shown)
    given = one.given.get(question.key)
    for row in rows:
        check.same(f"{where} type", (question.type, str(one.revision)), (row["question_type"], row["revision"]))
        if given is not None:
            said = (given.channel, given.language, given.mode)
            check.same(f"{where} said", said, (row["channel"], row["language"], row["mode"]))
            check.same(f"{where} at", True, row["answered_at"] in given.at)
        if row["option_code"] in question.options and reason is None and question.type != "pairwise":
            check.same(f"{where} label", question.options[row["option_code"]]["de"], row["option_label"])


def _contents(question: Question, value: Value | None, reason: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Code, number, text, reason, withheld of each row."""
    if value is None:
        yield "", "", "", reason, "0"
    elif question.type == "rank" and isinstance(value, list):
        yield from ((code, str(place), "", "", "0") for place, code in enumerate(value, start=1))
    elif isinstance(value, list):
        yield from ((code, "", "", "", "0") for code in value)
    elif isinstance(value, dict):
        yield from ((code, str(amount), "", "", "0") for code, amount in value.items())
    elif question.type == "text":
        yield "", "", str(value), "", "0"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield "", code_of(value), "", "", "0"
    else:
        yield code_of(value), "", "", "", "0"


def analysis(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    """Analysts get the same rows without unreleased texts, and cannot tell whose row is whose."""
    dropped = {*_TIMES, "place_code"}
    expected = Counter(
        tuple(sorted(without(dict(wide_row(ledger, one, is_raw=False)), dropped).items()))
        for one in ledger.participations.values()
    )
    found = Counter(
        tuple(sorted(without(_ordered(row), dropped).items())) for row in outputs.analysis["answers_wide.csv"]
    )
    check.same("analysis rows", sorted((expected - found).elements()), sorted((found - expected).elements()))
    texts = Counter(words for one in ledger.participations.values() for words in one.released.values())
    long = Counter(row["text"] for row in outputs.analysis["answers_long.csv"] if row["text"])
    check.same("analysis texts", texts, long)
