"""`results`: counts, balance and consensus of a consultation, in plain words or as JSON.

Small cells are left out here too: the lines of a terminal are soon pasted into a mail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.counting import subject
from bot.counting.counts import CONTEXTS, Counts, counted, published_rows
from bot.counting.subject import Subject
from bot.errors import Say
from bot.house import furnished
from bot.results import loading, wording
from bot.results.remaining import reported
from bot.results.report import Report
from bot.settings import Settings


def show(settings: Settings, slug: str, say: Say, *, seed: int = 0, as_json: bool = False) -> None:
    """The command. Raises HouseError."""
    with furnished(settings, say) as (store, _), store.reading() as connection:
        found = subject.find(connection, slug)
        counts = counted(connection, found)
        loaded = loading.load(connection, found.newest.consultation_id)
        result = reported(connection, found, loaded, seed)
    texts = {code: loaded.proposals[code].title or loaded.proposals[code].text for code in loaded.shown}
    if as_json:
        say(json.dumps(as_data(found, counts, result, texts), ensure_ascii=False, indent=2))
        return
    for line in lines(found, counts, result, texts):
        say(line)


def as_data(found: Subject, counts: Counts, result: Report, texts: Mapping[str, str]) -> dict[str, Any]:
    """Everything as one JSON object; null where a number may not be told."""
    least = result.least
    return {
        "consultation": found.newest.slug,
        "sample": found.newest.sample,
        "participations": counts.responses if counts.responses == 0 or counts.responses >= least else None,
        "balance": {name: counts.published(name) for name in CONTEXTS},
        "questions": _questions(counts),
        "ratings": wording.plain(result),
        "texts": dict(texts),
    }


def _questions(counts: Counts) -> dict[str, dict[str, Any]]:
    """Question → its type and its counts, "option.yes" or "missing.skipped", as the public export tells them."""
    found: dict[str, dict[str, Any]] = {}
    for row in published_rows(counts, {}):
        if row.table == "question":
            cells = found.setdefault(row.question_key, {"type": row.question_type, "counts": {}})["counts"]
            cells[f"{row.kind}.{row.code}" if row.code else row.kind] = row.n
    return found


def lines(found: Subject, counts: Counts, result: Report, texts: Mapping[str, str]) -> Iterator[str]:
    """The same in plain words."""
    data = as_data(found, counts, result, texts)
    sample = " (a sample: invented, never part of a report)" if found.newest.sample else ""
    yield f"{found.newest.slug}{sample}"
    yield f"Participations: {wording.number(data['participations'], result.least)}"
    for name in ("channel", "language", "mode"):
        yield f"  by {name}: {wording.cells(data['balance'][name])}"
    for key, question in data["questions"].items():
        told = {name.partition(".")[2] or name: n for name, n in question["counts"].items() if n != 0}
        yield f"{key} ({question['type']}): {wording.cells(told)}"
    yield from wording.ratings(result, texts)
