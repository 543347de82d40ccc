"""Compares consultations part by part, and finds parts that a third version reverts.

Pure functions. Questions are identified by key, options by value, statements by text, so that insertions do not shift
other parts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

from flows.definition import Consultation
from flows.languages import LANGUAGES
from flows.understanding.text import fold

Path = tuple[str, ...]
"""("questions", "lamps", "options", "yes", "label", "de"): names, keys and values."""

_NAMED_BY: Final = {"questions": "key", "options": "value", "languages": "tag"}
_WHOLE: Final = frozenset({"ask_if", "exits", "from"})
_WORDS: Final = re.compile(r"\w+|\s+|[^\w\s]")


class Difference(NamedTuple):
    """One part that differs; "" stands for a missing one."""

    where: Path
    old: str
    new: str
    is_entry: bool = False
    """Whether the part is a whole question, option, statement or language, of which only the name is given."""


class _Parts(NamedTuple):
    """The parts of a consultation: texts by path, the entries of lists, and their order."""

    texts: Mapping[Path, str]
    entries: frozenset[Path]
    orders: Mapping[Path, tuple[str, ...]]


def differences(old: Consultation, new: Consultation) -> list[Difference]:
    """Returns all differences, in the order of the file."""
    return _between(_parts(old), _parts(new))


def reverted_changes(before: Consultation, newest: Consultation, new: Consultation) -> list[Difference]:
    """Returns the changes from `before` to `newest` that `new` reverts, as differences from `newest` to `new`.

    Texts changed by both are compared word by word, so that a reverted correction is found even if the rest of the
    sentence is new.
    """
    was, now, will = _parts(before), _parts(newest), _parts(new)
    changed = {difference.where for difference in _between(was, now)}
    return [it for it in _between(now, will) if it.where in changed and _is_back(it.where, was, now, will)]


def overwritten_changes(base: Consultation, newest: Consultation, new: Consultation) -> list[Difference]:
    """Returns the changes from `base` to `newest` that `new` lacks, as differences from `newest` to `new`."""
    now, will = _parts(newest), _parts(new)
    changed = [it.where for it in _between(_parts(base), now)]
    return [it for it in _between(now, will) if any(_overlap(it.where, where) for where in changed)]


def _between(old: _Parts, new: _Parts) -> list[Difference]:
    found: dict[Path, Difference] = {}
    for where in (*new.texts, *old.texts):
        before, after = old.texts.get(where, ""), new.texts.get(where, "")
        if before == after:
            continue
        entry = next((it for it in _entries(where) if (it in old.entries) != (it in new.entries)), None)
        if entry is None:
            found.setdefault(where, Difference(where, before, after))
        else:
            names = ("", entry[-1]) if entry in new.entries else (entry[-1], "")
            found.setdefault(entry, Difference(entry, *names, is_entry=True))
    for where in (*new.orders, *old.orders):
        before_, after_ = _common(old, new, where), _common(new, old, where)
        if before_ != after_:
            found.setdefault(where, Difference(where, ", ".join(before_), ", ".join(after_)))
    return list(found.values())


def _is_back(where: Path, was: _Parts, now: _Parts, will: _Parts) -> bool:
    if where in now.orders or where in was.orders:
        return _common(was, will, where) == _common(will, was, where)
    if where in was.entries | now.entries:
        # A question of another type is not the deleted question with the same key.
        types = (parts.texts.get((*where, "type")) for parts in (was, will))
        return (where in was.entries) == (where in will.entries) and len(set(types)) == 1
    before, newest, new = (parts.texts.get(where, "") for parts in (was, now, will))
    return before == new or (where in was.texts and where in will.texts and _keeps_old_words(before, newest, new))


def _keeps_old_words(before: str, newest: str, new: str) -> bool:
    """Whether words that `newest` changed are unchanged in `new`."""
    old, changed, other = (_WORDS.findall(text) for text in (before, newest, new))
    # Both ends are kept, so that every word has neighbours.
    kept = {-1: -1, len(old): len(other)}
    for block in SequenceMatcher(None, old, other, autojunk=False).get_matching_blocks():
        kept |= {block.a + step: block.b + step for step in range(block.size)}
    for kind, start, end, *_ in SequenceMatcher(None, old, changed, autojunk=False).get_opcodes():
        if kind == "insert" and _is_adjacent(kept, start):
            return True
        if kind in {"replace", "delete"} and "".join(old[start:end]).strip() and kept.keys() >= {*range(start, end)}:
            return True
    return False


def _is_adjacent(kept: Mapping[int, int], at: int) -> bool:
    """Whether the words around a place are neighbours in the new text too, which then lacks what was inserted there."""
    left = kept.get(at - 1)
    return left is not None and kept.get(at) == left + 1


def _overlap(one: Path, other: Path) -> bool:
    return one[: len(other)] == other[: len(one)]


def _common(of: _Parts, other: _Parts, where: Path) -> tuple[str, ...]:
    """Returns the entries of one list, in its order, that the other list contains too."""
    there = frozenset(other.orders.get(where, ()))
    return tuple(name for name in of.orders.get(where, ()) if name in there)


def _entries(where: Path) -> Iterator[Path]:
    """Yields the list entries that contain a path, the outermost first."""
    for end in range(2, len(where) + 1):
        if where[end - 2] in {*_NAMED_BY, "seeds"} and end % 2 == 0:
            yield where[:end]


def _parts(consultation: Consultation) -> _Parts:
    texts: dict[Path, str] = {}
    entries: set[Path] = set()
    orders: dict[Path, tuple[str, ...]] = {}
    languages = list(consultation.languages)

    def take(data: Any, where: Path) -> None:
        name = where[-1] if where else ""
        if isinstance(data, dict) and data.keys() == {"text", "review"}:
            take(data["text"], where)
            take(data["review"], (*where, "review"))
        elif isinstance(data, dict) and name not in _WHOLE:
            for part, value in data.items():
                take(value, (*where, part))
        elif isinstance(data, list) and name in {*_NAMED_BY, "seeds"}:
            named = {_name_of(name, item, languages): item for item in data}
            if name != "seeds":
                orders[where] = tuple(named)
            entries.update((*where, it) for it in named)
            for it, item in named.items():
                take(item, (*where, it))
        elif data is not None:
            texts[where] = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)

    take(consultation.model_dump(mode="json"), ())
    return _Parts(texts, frozenset(entries), orders)


def _name_of(name: str, item: Mapping[str, Any], languages: Sequence[str]) -> str:
    if name == "seeds":
        return fold(next(item[tag] for tag in (*languages, *item) if tag in item)["text"])
    return str(item[_NAMED_BY[name]])


def describe_place(where: Sequence[str]) -> str:
    """Describes a path.

    >>> describe_place(("questions", "lamps", "options", "yes", "label", "de"))
    'question lamps, option yes, label (de)'
    """
    words: list[str] = []
    parts = iter(where)
    for part in parts:
        single = {"questions": "question", "options": "option", "seeds": "statement", "languages": "language"}.get(part)
        name = next(parts, None) if single else None
        if single and name is None:
            words.append(f"order of {part}")
        elif single:
            words.append(f"{single} {name}")
        elif part in LANGUAGES and words:
            words[-1] += f" ({part})"
        else:
            words.append(part)
    return ", ".join(words)
