"""Compares every cell of every output with the ledger, and the outputs with each other."""

from __future__ import annotations

from tests.city.ledger import Ledger
from tests.city.outputs import Outputs
from tests.city.verify import books, counts, people, places, votes
from tests.city.verify.checking import Check


def verified(ledger: Ledger, outputs: Outputs) -> Check:
    """What was compared, and what was not as it must be."""
    check = Check()
    _recount(ledger, outputs)
    check.same("data packages", [], outputs.package_errors)
    people.raw(check, ledger, outputs)
    people.analysis(check, ledger, outputs)
    votes.raw(check, ledger, outputs)
    votes.public(check, ledger, outputs)
    counts.public(check, ledger, outputs)
    counts.ballots(check, ledger, outputs)
    books.workbooks(check, ledger, outputs)
    places.same_everywhere(check, ledger, outputs)
    return check


def _recount(ledger: Ledger, outputs: Outputs) -> None:
    """How many ideas a person rated depends on when it was counted, where some of them were merged, or parted again,
    meanwhile: up to this number of less or more than the ledger has is right as well. All outputs must say the same.
    """
    told = {row["place_code"]: row["weigh"] for row in outputs.raw["answers_wide.csv"]}
    for one in ledger.participations.values():
        given = one.given.get("weigh")
        if given and isinstance(given.value, int):
            merged = len({it.idea.code for it in ledger.casts if it.voter == one.place and it.idea.was_merged})
            possible = {str(number): number for number in range(max(0, given.value - merged), given.value + merged + 1)}
            one.given["weigh"] = given._replace(value=possible.get(told.get(one.place, ""), given.value))
