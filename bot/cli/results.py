"""`results`: counts, balance and consensus of a consultation, in the words of the result page or as JSON.

Small cells are suppressed here too, because terminal output may end up in an e-mail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import tzinfo
from typing import Any

from bot.cli.context import command_context
from bot.common.errors import CommandError, Say
from bot.common.i18n.locale import Locale, available_languages
from bot.proposals import publication
from bot.results import text_output
from bot.results.counts.counts import CONTEXTS
from bot.results.editions.renewal import renew_edition
from bot.results.published import PublishedResults
from bot.settings import Settings
from storage.core.store import Store


def print_results(
    settings: Settings, slug: str, say: Say, *, seed: int = 0, as_json: bool = False, language: str = ""
) -> None:
    """Runs the command; `language` defaults to the main language of the consultation. Raises CommandError."""
    check_language(language)
    with command_context(settings, say) as (store, _):
        found = _newest(store, slug, seed)
    tell(found, say, settings.zone(), as_json=as_json, language=language)


def check_language(tag: str) -> None:
    """Raises CommandError for a language without phrases; "" is accepted."""
    if tag and tag not in available_languages():
        raise CommandError(f"--lang {tag}: there is {', '.join(available_languages())}")


def tell(found: PublishedResults, say: Say, zone: tzinfo, *, as_json: bool, language: str) -> None:
    """Prints a result as text or JSON."""
    if as_json:
        say(json.dumps(as_data(found), ensure_ascii=False, indent=2))
        return
    for line in text_output.result_lines(found, Locale.of(language or found.subject.language), zone):
        say(line)


def _newest(store: Store, slug: str, seed: int) -> PublishedResults:
    """Returns the public figures after an update. Figures that are not public yet, or use another seed, are counted for
    this call only. They are not published, since two such counts may differ by one person, and the result says so.
    """
    if not seed:
        renew_edition(store, slug)
        with store.reading() as connection:
            if found := publication.public_figures(connection, slug):
                return found
    with store.reading() as connection:
        return publication.preview_figures(connection, slug, seed=seed)


def as_data(found: PublishedResults) -> dict[str, Any]:
    """Returns everything as one JSON object; null for a suppressed number."""
    return {
        "consultation": found.subject.newest.slug,
        "sample": found.subject.newest.sample,
        "edition": found.edition.number or None,
        "made_at": found.edition.made_at.isoformat(timespec="seconds"),
        "public": not found.is_before,
        "inner": found.subject.is_inner,
        "by_an_old_rule": found.edition.is_by_an_old_rule,
        "participations": found.participations,
        "begun": found.begun,
        "finished": found.finished,
        "balance": {name: found.balance(name) for name in CONTEXTS},
        "questions": _questions(found),
        "visible_share": found.visible_share,
        "outcomes": {key: _without_votes(as_plain_value(it)) for key, it in found.outcomes.items()},
        "ratings": as_plain_value(found.report),
        "texts": {code: proposal.title or proposal.text for code, proposal in found.proposals.items()},
        "statuses": {code: proposal.status for code, proposal in found.proposals.items()},
        "answered": {"share": found.answered.share, "median_days": found.answered.median_days},
        "open_answers": {
            key: [{"text": it.text, "language": it.language} for it in quotes]
            for key, quotes in found.texts_of_questions.items()
        },
    }


def _questions(found: PublishedResults) -> dict[str, dict[str, Any]]:
    """Maps each question to its type, the numbers of people that answered it and were asked, and its counts,
    "option.yes" or "missing.no_answer", as in the public export.
    """
    questions: dict[str, dict[str, Any]] = {}
    for row in found.rows:
        if row.table == "question":
            about: dict[str, Any] = {
                "type": row.question_type,
                "answered": row.answered,
                "asked": row.asked,
                "counts": {},
            }
            cells = questions.setdefault(row.question_key, about)["counts"]
            cells[f"{row.kind}.{row.code}" if row.code else row.kind] = row.n
    return questions


def _without_votes(outcome: Any) -> Any:
    """Removes the number of approvals of each project, which is not published."""
    for spending in outcome.get("spendings", ()):
        del spending["votes"]
    return outcome


def as_plain_value(value: Any) -> Any:
    """Converts a result for JSON: objects with names of fields instead of tuples."""
    if isinstance(value, list) or type(value) is tuple:
        return [as_plain_value(it) for it in value]
    named = _named_values(value)
    return value if named is None else {name: as_plain_value(it) for name, it in named.items()}


def _named_values(value: Any) -> Mapping[str, Any] | None:
    """Returns the fields of a dataclass or a named tuple, or the entries of a mapping; None for other values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {it.name: getattr(value, it.name) for it in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    return value if isinstance(value, Mapping) else None
