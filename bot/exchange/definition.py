"""Makes the definition of the consultation into which a file is imported."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any, Final

from bot.authoring.file_check import CheckedFile, check_parsed_file
from bot.authoring.yaml_source import ParsedFile
from bot.exchange.bundle import BudgetVote
from flows.authoring.sizes import NARROWEST, ChannelLimits
from flows.questions.points import MOST
from flows.slugs import MAX_SLUG_LENGTH

_RETENTION_DAYS: Final = 3650
_TEXTS: Final[dict[str, dict[str, str]]] = {
    "asks": {
        "de": "die Stelle, von der diese Beiträge übernommen wurden.",
        "en": "the body these contributions came from.",
    },
    "why": {
        "de": "Diese Beiträge stammen aus einem anderen Programm und stehen hier zum Lesen und Bewerten.",
        "en": "These contributions come from another program and can be read and rated here.",
    },
    "readers": {"de": "alle, die die Ergebnisse lesen.", "en": "everybody who reads the results."},
    "decides": {"de": "Über die Beiträge entscheidet, wer gefragt hat.", "en": "Whoever asked decides about them."},
    "feedback": {
        "de": "Die Ergebnisse stehen auf der Ergebnisseite.",
        "en": "The results stand on the page of results.",
    },
    "audience": {"de": "Alle, die mitmachen möchten.", "en": "Everybody who would like to take part."},
    "remains": {"de": "die Beiträge und die Zahlen.", "en": "the contributions and the counts."},
    "name": {
        "de": "die Seite, von der diese Beiträge stammen",
        "en": "the page these contributions came from",
    },
    "hours": {"de": "jederzeit", "en": "at any time"},
    "budget": {"de": "Wofür soll das Geld ausgegeben werden?", "en": "What should the money be spent on?"},
    "statements": {"de": "Was halten Sie von diesen Beiträgen?", "en": "What do you think of these contributions?"},
}
STATEMENTS: Final = "statements"
_UNSENT: Final = ChannelLimits(text=1_000_000, options=MOST)
"""The limits of a question that is not sent."""
BUDGET: Final = "budget"


def slug_from_title(title: str) -> str:
    """Returns a slug made from a title.

    >>> slug_from_title("Produktion & Konsum: Maßnahmen für 2040")
    'produktion-konsum-massnahmen-fur-2040'
    >>> slug_from_title("15 Euro!"), slug_from_title("2040")
    ('15-euro', 'import-2040')
    """
    plain = unicodedata.normalize("NFKD", title.replace("ß", "ss").lower()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not re.search("[a-z]", words[:MAX_SLUG_LENGTH]):
        words = f"import-{words}"
    return words[:MAX_SLUG_LENGTH].strip("-")


def import_definition(
    slug: str,
    title: str,
    language: str,
    home: str,
    budgeting: BudgetVote | None = None,
    *,
    is_open: bool = False,
    until: date | None = None,
) -> CheckedFile:
    """Returns a consultation with one question: rating the statements, or spending the budget. Its texts are marked as
    not reviewed. A question that is closed may be longer than a message. `until`: its last day.
    """
    known = "de" if language.partition("-")[0] == "de" else "en"
    languages: list[dict[str, str]] = [{"tag": language, "review": "unreviewed"}]
    if language != known:
        languages = [
            {"tag": language, "review": "unreviewed", "fallback": known},
            {"tag": known, "review": "unreviewed"},
        ]
    texts = {name: {known: by_language[known]} for name, by_language in _TEXTS.items()}
    # also in the language of the borrowed texts: a title is a name
    titles = dict.fromkeys((language, known), title)
    data: dict[str, Any] = {
        "slug": slug,
        "languages": languages,
        "title": titles,
        "level": "consultation",
        "minutes": 3,
        "retention": {"days": _RETENTION_DAYS, "remains": texts["remains"]},
        "contact": {"name": texts["name"], "hours": texts["hours"], "web": home},
        "questions": [_spending(budgeting, texts[BUDGET], known) if budgeting else _question(texts[STATEMENTS])],
    }
    data |= {"closes": until} if until else {}
    data |= {name: texts[name] for name in ("asks", "why", "readers", "decides", "feedback", "audience")}
    return check_parsed_file(ParsedFile(data, {}, ()), slug, limits=NARROWEST if is_open else _UNSENT)


def _question(text: dict[str, str]) -> dict[str, Any]:
    return {"key": STATEMENTS, "type": "statements", "text": text}


def _spending(budgeting: BudgetVote, text: dict[str, str], language: str) -> dict[str, Any]:
    options = [{"value": it.code, "label": {language: it.label}, "cost": it.cost} for it in budgeting.projects]
    return {"key": BUDGET, "type": "points", "budget": budgeting.amount, "text": text, "options": options}
