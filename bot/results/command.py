"""`results`: counts, balance and consensus of a consultation, in the words of the result page or as JSON.

Small cells are left out here too: the lines of a terminal are soon pasted into a mail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from bot.counting.counts import CONTEXTS
from bot.errors import HouseError, Say
from bot.house import furnished
from bot.results import published, wording
from bot.results.published import Published
from bot.settings import Settings
from bot.tongues import Tongue, spoken


def show(settings: Settings, slug: str, say: Say, *, seed: int = 0, as_json: bool = False, language: str = "") -> None:
    """The command; without `language` it speaks the main language of the consultation. Raises HouseError."""
    if language and language not in spoken():
        raise HouseError(f"--lang {language}: there is {', '.join(spoken())}")
    with furnished(settings, say) as (store, _), store.reading() as connection:
        found = published.read(connection, slug, seed=seed)
    if as_json:
        say(json.dumps(as_data(found), ensure_ascii=False, indent=2))
        return
    for line in wording.lines(found, Tongue.of(language or found.subject.language)):
        say(line)


def as_data(found: Published) -> dict[str, Any]:
    """Everything as one JSON object; null where a number may not be told."""
    return {
        "consultation": found.subject.newest.slug,
        "sample": found.subject.newest.sample,
        "participations": found.participations,
        "balance": {name: found.counts.published(name) for name in CONTEXTS},
        "questions": _questions(found),
        "outcomes": {key: _without_few(plain(it), found.subject.least) for key, it in found.outcomes.items()},
        "ratings": plain(found.report),
        "texts": {code: proposal.title or proposal.text for code, proposal in found.proposals.items()},
        "statuses": {code: proposal.status for code, proposal in found.proposals.items()},
        "answered": {"share": found.answered.share, "median_days": found.answered.median_days},
    }


def _questions(found: Published) -> dict[str, dict[str, Any]]:
    """Question → its type and its counts, "option.yes" or "missing.skipped", as the public export tells them."""
    questions: dict[str, dict[str, Any]] = {}
    for row in found.rows:
        if row.table == "question":
            cells = questions.setdefault(row.question_key, {"type": row.question_type, "counts": {}})["counts"]
            cells[f"{row.kind}.{row.code}" if row.code else row.kind] = row.n
    return questions


def _without_few(outcome: Any, least: int) -> Any:
    """Without how many approved of each project, and without few comparisons won or lost: these are people."""
    for spending in outcome.get("spendings", ()):
        del spending["votes"]
    for strength in outcome.get("strengths", ()):
        strength.update(dict.fromkeys(name for name in ("wins", "losses") if 0 < strength[name] < least))
    return outcome


def plain(value: Any) -> Any:
    """A result as JSON takes it: names of fields instead of places."""
    if is_dataclass(value) and not isinstance(value, type):
        return {it.name: plain(getattr(value, it.name)) for it in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(it) for name, it in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: plain(it) for name, it in value.items()}
    return [plain(it) for it in value] if isinstance(value, list | tuple) else value
