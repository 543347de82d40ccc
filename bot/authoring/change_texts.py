"""Describes changes between revisions for the command line."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final, NamedTuple

from bot.authoring.conflicts import Conflict
from bot.authoring.differences import Difference, describe_place
from bot.common.errors import program_name
from bot.consultations.changes import ChangeKind, RevisionChange, WordingChange

_NEW_KEY: Final = "it is another question now: give it a key of its own, e.g. {new_key}"
_SAME: Final = "if it still means the same, add --same-meaning {key}; if not, give it a key of its own, e.g. {new_key}"
_ENGLISH: Final[dict[ChangeKind, tuple[str, str]]] = {
    "type": ("its type was {old} and would be {new}; {answered}", _NEW_KEY),
    "fixed": ("“{name}” was {old} and would be {new}; {answered}", _NEW_KEY),
    "agreed_text": ("participants agreed to another text ({wordings}); {answered}", _NEW_KEY),
    "swap": (
        "the label of {name} ({wordings}) stood for {other} before; {answered}",
        "leave each label with its value, or give the question a key of its own, e.g. {new_key}",
    ),
    "words": ("the {name} has other words ({wordings}); {answered}", _SAME),
    "measure": (
        "the {name} has other words ({wordings}), so figures separate earlier and later answers; {answered}",
        "if it still asks the same, add --same-meaning {key}; if not, give it a key of its own, e.g. {new_key}",
    ),
    "label": ("the label of {name} has other words ({wordings}); {answered}", _SAME),
    "spelling": ("only written differently ({wordings}); all answers count together", ""),
    "option_new": ("“{new}” ({name}) can be chosen from now on; earlier participants could not choose it", ""),
    "option_gone": ("“{old}” ({name}) is no longer offered; earlier choices are counted under this name", ""),
    "statement_new": ("the statement “{new}” is shown from now on", ""),
    "statement_gone": ("the statement “{old}” is withdrawn; its ratings stay stored", ""),
    "path": ("the question is asked under other conditions (ask_if, exits); answers given before stay", ""),
    "setting": ("“{name}” changes from now on{change}; answers given before stay as they are", ""),
    "note": ("the text that is said here changes; nobody answers it", ""),
    "question_new": ("is asked from now on; participants who have begun or finished are not asked", ""),
    "question_gone": ("is no longer asked; {answered}, and their answers stay", ""),
    "order": ("the order of the questions changes from now on; answers stay", ""),
    "language_new": ("{name} is offered from now on", ""),
    "language_gone": ("{name} is no longer offered; participants who began in it continue in it", ""),
    "told": ("general information or settings change from now on: {name}", ""),
}
KINDS: Final = frozenset(_ENGLISH)
APART: Final = "Does the question {key} still ask the same? Old and new answers are kept apart under one key."
QUESTION: Final = "Does the question {key} still mean the same, so that old and new answers may be counted together?"
NOT_PUBLISHED: Final = "Nothing was published."
SHOWN: Final = 120
"""Characters of a text that are shown."""


class ChangeText(NamedTuple):
    """A change and its remedy; the remedy is "" for a harmless change."""

    reason: str
    remedy: str


def describe_change(change: RevisionChange) -> ChangeText:
    """Describes a change."""
    reason, remedy = _ENGLISH[change.kind]
    values = {
        "key": change.key,
        "name": change.name,
        "old": shortened(change.old),
        "new": shortened(change.new),
        "other": change.other,
        "new_key": change.new_key,
        "wordings": "; ".join(map(_wording, change.wordings)),
        "answered": describe_answers(change.people, change.revisions),
        "change": f" ({change.old} → {change.new})" if change.old or change.new else "",
    }
    prefix = f"question {change.key}: " if change.key else ""
    return ChangeText(prefix + reason.format_map(values), remedy.format_map(values))


def describe_answers(people: int, revisions: tuple[int, ...]) -> str:
    """Returns how many people answered, under which revisions."""
    if not people:
        return f"it was asked under {_revisions(revisions)}" if revisions else "it has no answers"
    return f"{count_people(people)} answered it under {_revisions(revisions)}"


def count_people(people: int) -> str:
    """Returns a number of people with its noun."""
    return "1 person" if people == 1 else f"{people} people"


def shortened(text: str) -> str:
    """Returns a text in one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _wording(wording: WordingChange) -> str:
    old, new = (f"“{shortened(text)}”" if text else "nothing" for text in (wording.old, wording.new))
    return f"{wording.language}: {old} | {new}"


def _revisions(numbers: tuple[int, ...]) -> str:
    named = [str(number) for number in numbers]
    return f"revision {named[0]}" if len(named) == 1 else f"revisions {', '.join(named[:-1])} and {named[-1]}"


_CONFLICTS: Final[dict[str, str]] = {
    "base_unknown": "it says that it was made from revision {base}, and the newest is revision {newest}",
    "base_old": "it was made from revision {base}, and revision {newest} was published{by} at {at} since",
    "takes_back": "it would take back what revision {newest} changed, which was published{by} at {at}",
    "earlier_again": "it is revision {base} again word for word, and revision {newest} was published{by} at {at} since",
}


def describe_conflict(conflict: Conflict, slug: str, publisher: str, zone: tzinfo) -> ChangeText:
    """Describes why a file is not published over a newer revision."""
    at = f"{conflict.published_at.astimezone(zone):%H:%M on %Y-%m-%d}"
    by = f" by {publisher}" if publisher else ""
    reason = _CONFLICTS[conflict.kind].format(base=conflict.base, newest=conflict.newest, by=by, at=at)
    show = f"take `{program_name()} show {slug}` and make your change in it"
    return ChangeText(
        reason, f"{show}, or add --base {conflict.newest} if you know that revision and want to replace it"
    )


def describe_lost_part(conflict: Conflict, lost: Difference) -> ChangeText:
    """Describes one part that would be lost."""
    at = describe_place(lost.where)
    remedy = f"copy it from revision {conflict.newest}"
    if lost.is_entry:
        gone = "would be gone" if lost.old else "would be back"
        return ChangeText(f"{at}: {gone}", remedy)
    old, new = (f"“{shortened(text)}”" if text else "nothing" for text in (lost.old, lost.new))
    return ChangeText(f"{at}: {old} in revision {conflict.newest} would be {new}", remedy)


def describe_unknown_key(key: str) -> ChangeText:
    """Describes a key of `--same-meaning` that no question has."""
    return ChangeText(f"--same-meaning {key}: there is no question of this key", "correct the key")


def describe_unreadable(number: int) -> ChangeText:
    """Describes an earlier revision that cannot be compared."""
    reason = f"this program cannot read revision {number}, which has answers, so the file was not compared with it"
    return ChangeText(reason, "change no question of it")


def describe_under_way(people: int, number: int) -> str:
    """Describes how many participations stay on their revision."""
    are, stay = ("is", "stays") if people == 1 else ("are", "stay")
    return f"{count_people(people)} {are} in the middle of revision {number} and {stay} with it"
