"""Checks ideas and their ratings: each vote in the raw files, sums and shares in the public ones."""

from __future__ import annotations

from collections import Counter

from tests.city.ledger import Idea, Ledger, Tally, tally
from tests.city.outputs import Outputs
from tests.city.survey import SECTORS
from tests.city.verify.checking import Check
from tests.city.verify.people import FORMULAS

_VOTES = {1: "agree", 0: "pass", -1: "disagree"}


def raw(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    ideas, tallies = {it.code: it for it in ledger.ideas}, ledger.tallies()
    rows = {row["code"]: row for row in outputs.raw["proposals.csv"]}
    check.same("ideas codes", sorted(ideas), sorted(rows))
    for code in ideas.keys() & rows.keys():
        idea, row = ideas[code], rows[code]
        about = (idea.state, idea.text, idea.language, idea.district or "", idea.into.code if idea.into else "")
        found = tuple(row[name] for name in ("state", "text", "language", "district", "merged_into"))
        check.same(f"ideas {code}", about, found)
        counts = tuple(row[name] for name in ("agrees", "disagrees", "passes", "important"))
        votes = tuple(map(str, tallies[code])) if idea.state != "merged" else ("",) * 4  # they count once
        check.same(f"ideas {code} votes", votes, counts)
    places = {row["response_id"]: row["place_code"] for row in outputs.raw["answers_wide.csv"]}
    expected = {
        (voter, code): (_VOTES[cast.vote], str(int(cast.important)))
        for (voter, code), cast in ledger.last_votes().items()
        if ideas[code].is_public
    }
    given = {
        (places[row["response_id"]], row["code"]): (row["vote"], row["important"])
        for row in outputs.raw["ratings_long.csv"]
    }
    check.same("ratings keys", [], sorted(expected.keys() ^ given.keys()))
    for key in expected.keys() & given.keys():
        check.same(f"ratings {key}", expected[key], given[key])


def guarded(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULAS) else text


def public(check: Check, ledger: Ledger, outputs: Outputs) -> None:
    released = {it.code: it for it in ledger.released()}
    rows = {row["code"]: row["text"] for row in outputs.public["proposals.csv"]}
    check.same("open-ideas", {code: guarded(it.text) for code, it in released.items()}, rows)
    check.same(
        "api-ideas",
        {c: it.text for c, it in released.items()},
        {i["code"]: i["text"] for i in outputs.api["proposals"]},
    )
    last, events = ledger.tallies(), ledger.event_tallies()
    for row in outputs.public["ratings.csv"]:
        _sums(check, f"open-ratings {row['code']}", last[row["code"]], row, "")
        _sums(check, f"open-ratings {row['code']} events", events[row["code"]], row, "_by_events")
        check.told(f"open-ratings {row['code']} important", str(last[row["code"]].important), row["important"])
    for item in outputs.api["ratings"]:
        expected, where = last[item["code"]], f"api-ratings {item['code']}"
        for name, n in zip(("agree", "disagree", "passed", "important"), expected, strict=True):
            check.told(f"{where} {name}", n, item[name])
        check.told(f"{where} people", expected.votes, item["people"])
        check.same(f"{where} reason", item["agree"] is None, bool(item["reason"]))
    _by_sector(check, ledger, released, outputs)
    texts = Counter(("wish", guarded(text)) for one in ledger.participations.values() for text in one.released.values())
    found = Counter((row["question_key"], row["text"]) for row in outputs.public.get("texts.csv", []))
    check.same("open-texts", texts, found)
    api = Counter((item["question_key"], guarded(item["text"])) for item in outputs.api["texts"])
    check.same("api-texts", texts, api)


def _sums(check: Check, where: str, expected: Tally, row: dict[str, str], suffix: str) -> None:
    for name in ("agrees", "disagrees", "passes", "votes"):
        check.told(f"{where} {name}", str(getattr(expected, name)), row[name + suffix])


def _by_sector(check: Check, ledger: Ledger, released: dict[str, Idea], outputs: Outputs) -> None:
    """Who declared which sector, and how these people voted."""
    members = {
        sector: {it.place for it in ledger.participations.values() if sector in list(it.answers.get("sector", []))}  # type: ignore[arg-type]
        for sector in SECTORS
    }
    votes: dict[tuple[str, str], Tally] = {
        (code, sector): tally(
            [cast for (voter, of), cast in ledger.last_votes().items() if of == code and voter in people]
        )
        for code in released
        for sector, people in members.items()
    }
    merged: dict[str, set[str]] = {code: set() for code in released}
    for row in outputs.public["agreement.csv"]:
        if row["reason"] == "merged" and row["code"] in merged:
            merged[row["code"]].add(row["sector"])
    for code, small in merged.items():
        people = set().union(*(members[it] for it in small))
        votes[code, "other"] = tally(
            [cast for (voter, of), cast in ledger.last_votes().items() if of == code and voter in people]
        )
    for row in outputs.public["agreement.csv"]:
        if (row["code"], row["sector"]) not in votes:
            continue
        expected, where = votes[row["code"], row["sector"]], f"agreement {row['code']} {row['sector']}"
        check.told(f"{where} seen", str(expected.votes), row["seen"])
        check.told(f"{where} agrees", str(expected.agrees), row["agrees"])
        if row["smoothed_low"]:
            share = (expected.agrees + 1) / (expected.votes + 2)
            is_within = float(row["smoothed_low"]) - 1e-9 <= share <= float(row["smoothed_high"]) + 1e-9
            check.same(f"{where} smoothed", True, is_within)
