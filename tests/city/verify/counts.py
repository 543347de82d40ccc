"""Published counts: every cell is the ledger's number, or withheld."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Literal

from tests.city.ledger import REASONS, Ledger
from tests.city.outputs import Outputs, Row
from tests.city.survey import BY_KEY, QUESTIONS, Question
from tests.city.verify.checking import Check

CONTEXTS: tuple[Literal["status", "channel", "language", "mode", "revision"], ...] = (
    "status", "channel", "language", "mode", "revision",
)  # fmt: skip


def public(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    """counts.csv holds each cell once, and each is right."""
    totals = {"participations": len(ledger.answered()), "begun": ledger.begun(), "finished": ledger.finished()}
    expected = {(name, "total", ""): n for name, n in totals.items()}
    for name in CONTEXTS:
        expected |= {(name, name, code): n for code, n in ledger.context(name).items()}
    for question in QUESTIONS:
        expected |= {(question.key, *cell): n for cell, n in cells(ledger, question).items()}
    found = {_name(row): row for row in outputs.public["counts.csv"]}
    for name in CONTEXTS:  # small groups are counted together
        merged = [cell[2] for cell, row in found.items() if row["table"] == name and row["reason"] == "merged"]
        if merged:
            expected[name, name, "other"] = sum(expected[name, name, code] for code in merged)
    check.same("counts rows", len(outputs.public["counts.csv"]), len(found))
    check.same("counts cells", [], sorted(expected.keys() ^ found.keys()))
    for cell in expected.keys() & found.keys():
        row = found[cell]
        n = (expected[cell] + 2) // 5 * 5 if row["rounded"] == "1" else expected[cell]
        check.told(f"counts {' '.join(cell)}", str(n), row["n"])
        check.same(f"counts {' '.join(cell)} suppressed", str(int(row["n"] == "")), row["suppressed"])


def _name(row: Row) -> tuple[str, str, str]:
    return row["question_key"] or row["table"], row["kind"], row["code"]


def cells(ledger: Ledger, question: Question) -> Mapping[tuple[str, str], int]:
    """Each cell of a question by kind and code."""
    values, reasons = ledger.values(question.key), ledger.reasons(question.key)
    people = ledger.people_per_code(question.key)
    silent = sum(reasons[reason] for reason in REASONS if reason != "not_asked")
    found: dict[tuple[str, str], int] = {
        ("missing", "no_answer"): silent,
        ("missing", "not_asked"): reasons["not_asked"],
    }
    if question.is_several:
        found["answered", ""] = len(values)
        found |= {("chosen", code): people[code] for code in ledger.codes(question)}
    elif question.offered:
        found |= {("option", code): people[code] for code in ledger.codes(question) if question.type != "pairwise"}
        if question.type == "pairwise":
            found["answered", ""] = len(values)
    else:
        found["answered", ""] = len(values)
    return found


def ballots(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    """Orders, amounts and comparisons are recomputed by hand."""
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in outputs.public["ballots.csv"]:
        rows.setdefault((row["question_key"], row["method"]), []).append(row)
    for key, method in rows:
        values = ledger.values(key)
        for row in rows[key, method]:
            check.same(f"ballots {key} people", str(len(values)), row["people"])
        if BY_KEY[key].type == "rank":
            order = [row["option"] for row in rows[key, method]]
            check.same(f"ballots {key} order", True, _is_best(order, [v for v in values if isinstance(v, list)]))
        elif method == "mean":
            for row in rows[key, method]:
                given = [v.get(row["option"], 0) for v in values if isinstance(v, dict)]
                if row["figure"]:
                    mean = sum(given) / len(given)
                    check.same(f"ballots {key} {row['option']}", f"{mean:.9f}", f"{float(row['figure']):.9f}")
                else:
                    check.told(f"ballots {key} {row['option']}", None, "")
    for key in ("rather",):
        _comparisons(check, ledger, outputs, key)


def _is_best(order: list[str], ballots: list[list[str]]) -> bool:
    """Whether no other order fits more of what people preferred (Kemeny); who is not ranked comes last."""
    prefer = {
        (a, b): sum(a in ballot and (b not in ballot or ballot.index(a) < ballot.index(b)) for ballot in ballots)
        for a in order
        for b in order
        if a != b
    }

    def fits(one: list[str] | tuple[str, ...]) -> int:
        return sum(prefer[a, b] for place, a in enumerate(one) for b in one[place + 1 :])

    return fits(order) == max(map(fits, permutations(order)))


def _comparisons(check: Check, ledger: Ledger, outputs: Outputs, key: str) -> None:
    wins = dict.fromkeys(BY_KEY[key].offered, 0)
    losses = dict(wins)
    for value in ledger.values(key):
        for decision in value if isinstance(value, list) else []:
            winner, mark, loser = decision.partition(">")
            if mark:
                wins[winner] += 1
                losses[loser] += 1
    outcome = outputs.results["outcomes"].get(key)
    for strength in outcome["strengths"] if outcome else []:
        option = outcome["options"][strength["option"]]
        check.told(f"json-outcomes {key} {option} wins", wins[option], strength["wins"])
        check.told(f"json-outcomes {key} {option} losses", losses[option], strength["losses"])
