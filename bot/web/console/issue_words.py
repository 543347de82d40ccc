"""What the check says about a file, in the language of the member."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from bot.common.i18n.locale import Locale
from bot.consultations.definition_issues import DefinitionIssue
from bot.web.console.draft_labels import ABOUT
from bot.web.console.issue_reasons import REASONS, VALUES
from bot.web.console.issue_remedies import REMEDIES
from flows.languages import language_name
from flows.questions.base import Where

_PHRASES: Final = (
    (re.compile(r"the text is missing in “(?P<tag>[\w-]+)”"), "console.issue.language_missing"),
    (re.compile(r"“(?P<name>\w+)” is missing$"), "console.issue.missing"),
    (re.compile(r"has too few entries$"), "console.issue.few"),
    (re.compile(r"has too many entries$"), "console.issue.many"),
    (re.compile(r"the name '(?P<name>.*)' stands twice$"), "console.issue.twice"),
    (re.compile(r"must be a (whole )?number$"), "console.issue.number"),
    (re.compile(r"is too (large|small)$"), "console.issue.size"),
    (re.compile(r"there is no way to contact this person$"), "console.issue.contact"),
    (re.compile(r"the label has (?P<n>\d+) characters"), "console.issue.long_label"),
    (re.compile(r"the closing date is missing"), "console.issue.no_end"),
    (re.compile(r"(?P<n>\d+) questions are many"), "console.issue.many_questions"),
    (re.compile(r"^languages, (?P<tag>[\w-]+): texts without a review: (?P<n>\d+)"), "console.issue.unreviewed"),
)
"""Reasons that members meet often, with their phrases."""


class ToldIssue(NamedTuple):
    """An issue in words: its place and line in the file, and the language of its text."""

    where: Where
    text: str
    tag: str
    warning: bool
    line: int = 1


def told_issue(issue: DefinitionIssue, locale: Locale) -> ToldIssue:
    """Returns an issue in words."""
    for pattern, phrase in _PHRASES:
        if found := pattern.search(issue.reason):
            values = found.groupdict()
            tag = values.pop("tag", None)
            more = {"language": language_name(tag)} if tag else {}
            numbers = {name: int(it) if name == "n" else _label(it, locale) for name, it in values.items()}
            return ToldIssue(issue.where, locale.text(phrase, **numbers, **more), locale.tag, issue.warning, issue.line)
    if locale.tag == "de" and (reason := in_german(issue.reason)):
        return ToldIssue(
            issue.where, f"{reason} {in_german(issue.remedy) or ''}".strip(), "de", issue.warning, issue.line
        )
    return ToldIssue(issue.where, f"{issue.reason}; {issue.remedy}", "en", issue.warning, issue.line)


def in_german(sentence: str) -> str | None:
    """Returns a reason or a remedy of the check in German; None if it has no German words.

    >>> in_german("question lamps: the key “lamps” is used twice")
    'Zwei Fragen heißen in den Tabellen „lamps“.'
    """
    for pattern, german in _sentences() if len(sentence) <= LONGEST else ():
        if found := pattern.fullmatch(sentence):
            return _filled(german, found.groups())
    return None


def _filled(german: str, values: Sequence[str]) -> str:
    """Returns a German sentence with its values; `{0*}` is itself a sentence of the check."""

    def value(place: re.Match[str]) -> str:
        said = values[int(place[1])]
        return (place[2] and in_german(said)) or VALUES.get(said, said)

    return _NUMBERED.sub(value, german)


LONGEST: Final = 2_000
"""Characters of a sentence that is translated."""
_NUMBERED: Final = re.compile(r"\{(\d)(\*?)\}")


@cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    """Returns all sentences with their German ones: those with more words of their own first, since the values of
    another may contain them. The place within the file stands before a reason.
    """
    known = {**REASONS, **REMEDIES}
    longest_first = sorted(known, key=lambda it: -len(it.replace("{}", "")))
    return [
        (re.compile(f"(?:[^“”]*: )?{re.escape(it).replace(_VALUE, '(.*)')}", re.DOTALL), known[it])
        for it in longest_first
    ]


_VALUE: Final = re.escape("{}")


def _label(name: str, locale: Locale) -> str:
    """Returns the name of a part as the forms show it; one that no form has stays as it is in the file."""
    phrase = ABOUT.get(name) or next((it for known, it in ABOUT.items() if known.endswith(f"-{name}")), None)
    return locale.text(phrase) if phrase else name
