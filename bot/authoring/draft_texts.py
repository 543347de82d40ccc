"""The texts of a draft in one language beside the main one, and the review of a language. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any, Final, NamedTuple

from bot.authoring.draft_fields import DraftField, field_name, index_path, shown_value, value_at
from bot.authoring.yaml_edit import EditRefused, insert_entry, plain_data, set_values
from flows.languages import LANGUAGES
from flows.questions.base import Where

UNREVIEWED: Final = "unreviewed"
REVIEWED: Final = "reviewed"
READERS: Final = "readers"
_APART: Final = frozenset({"languages", "audio", "synonyms"})
"""Names whose values are listed by language, but are no texts."""


class TextPair(NamedTuple):
    """One text: in the main language, and its field in another one."""

    field: DraftField
    original: str
    question: str
    """The key of its question; "" for other texts."""


def text_pairs(data: dict[str, Any], main: str, tag: str) -> list[TextPair]:
    """Returns every text of a file in the order of the file."""
    pairs = []
    for where in _text_paths(data, ()):
        original = shown_value(DraftField("", (*where, main)), data)
        field = DraftField(field_name((*where, tag)), (*where, tag), "long")
        pairs.append(TextPair(field, original, str(where[1]) if where[0] == "questions" else ""))
    return pairs


def count_missing(data: dict[str, Any], main: str, tag: str) -> int:
    """Returns how many texts have no wording in this language."""
    return sum(bool(it.original) and not shown_value(it.field, data) for it in text_pairs(data, main, tag))


def review_of(data: dict[str, Any], tag: str) -> str:
    """Returns the review of a language as a whole: "unreviewed" if one of its texts changed after the review."""
    return UNREVIEWED if texts_to_review(data, tag) else _review_of_language(data, tag)


def texts_to_review(data: dict[str, Any], tag: str) -> list[Where]:
    """Returns the paths of the texts in this language that are marked as unreviewed one by one."""
    paths = ((*where, tag) for where in _text_paths(data, ()))
    return [it for it in paths if value_at(data, (*it, "review")) == UNREVIEWED]


def mark_reviewed(text: str, names: Container[str], tag: str) -> str:
    """Returns the file with these texts reviewed, given by the names of their fields. Raises EditRefused."""
    data = plain_data(text)
    chosen = [it for it in texts_to_review(data, tag) if field_name(it) in names]
    return _with_reviews(text, data, chosen, REVIEWED)


def mark_changed(before: str, after: str, main: str) -> str:
    """Returns a changed file in which new and changed texts are unreviewed, and the translations of changed texts in
    the main language, too. A text keeps its review if the same text with the same original was reviewed before; so
    moved and copied ones do. Raises EditRefused.
    """
    if before == after:
        return after
    data = plain_data(after)
    known = {(original, tag, said) for _, original, tag, said in _reviewed_texts(plain_data(before), main)}
    changed = [where for where, *said in _reviewed_texts(data, main) if tuple(said) not in known]
    return _with_reviews(after, data, changed, UNREVIEWED)


def with_review(text: str, tag: str, review: str, reviewer: str) -> str:
    """Returns the file with another review of a language and of each of its texts, and who reviewed it. Raises
    EditRefused.
    """
    data = plain_data(text)
    paths = [(*it, tag) for it in _text_paths(data, ())]
    own = [it for it in paths if (value_at(data, (*it, "review")) or review) not in (review, READERS)]
    text = _with_reviews(text, data, own, review)
    where = _language_path(data, tag)
    found = value_at(data, where)
    by = reviewer if review != "unreviewed" else None
    if isinstance(found, dict):
        return set_values(text, {(*where, "review"): review, (*where, "reviewed_by"): by})
    said = {"review": review} | ({"reviewed_by": by} if by else {})
    return set_values(text, {where: said if isinstance(data["languages"], dict) else {"tag": tag} | said})


def with_language(text: str, tag: str, main: str) -> str:
    """Returns the file with one language more, whose missing texts are shown in the main one. Raises EditRefused."""
    data = plain_data(text)
    said = {"review": "unreviewed", "fallback": main}
    offered = data.get("languages")
    if isinstance(offered, dict):
        return text if tag in offered else set_values(text, {("languages", tag): said})
    if not isinstance(offered, list):
        raise EditRefused
    return insert_entry(text, ("languages",), len(offered), {"tag": tag} | said)


def _review_of_language(data: dict[str, Any], tag: str) -> str:
    found = value_at(data, _language_path(data, tag))
    said = found.get("review") if isinstance(found, dict) else None
    return said if isinstance(said, str) else UNREVIEWED


def _reviewed_texts(data: dict[str, Any], main: str) -> Iterator[tuple[Where, str, str, str]]:
    """Yields path, original, language and text of each reviewed text."""
    reviews = {tag: _review_of_language(data, tag) for tag in LANGUAGES}
    for where in _text_paths(data, ()):
        original = shown_value(DraftField("", (*where, main)), data)
        for tag in value_at(data, where):
            said = shown_value(DraftField("", (*where, tag)), data)
            if said and (value_at(data, (*where, tag, "review")) or reviews[tag]) != UNREVIEWED:
                yield (*where, tag), original, tag, said


def _with_reviews(text: str, data: dict[str, Any], wheres: Iterable[Where], review: str) -> str:
    """Returns the file with this review at each of these texts."""
    changes: dict[Where, Any] = {}
    for where in wheres:
        found, path = value_at(data, where), index_path(data, where)
        if path is not None and isinstance(found, dict):
            changes[*path, "review"] = review
        elif path is not None:
            changes[path] = {"text": found, "review": review}
    return set_values(text, changes) if changes else text


def _language_path(data: dict[str, Any], tag: str) -> Where:
    offered = data.get("languages")
    if isinstance(offered, list):
        tags = [it.get("tag") if isinstance(it, dict) else it for it in offered]
        return ("languages", tags.index(tag)) if tag in tags else ("languages", len(tags))
    return ("languages", tag)


def _text_paths(data: Any, where: Where) -> Iterator[Where]:
    """Yields the paths of texts; a question is named by its key."""
    if isinstance(data, dict):
        if where and data and data.keys() <= LANGUAGES.keys():
            yield where
            return
        for name, value in data.items():
            if name not in _APART:
                yield from _text_paths(value, (*where, name))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            key = value.get("key") if isinstance(value, dict) and where == ("questions",) else None
            yield from _text_paths(value, (*where, key if isinstance(key, str) else index))
