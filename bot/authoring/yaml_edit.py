"""Changes single values of a consultation file; comments, quotes and the order of everything else are kept. Pure.

The result is read again and compared with the same change of plain data, so that no other part of the file changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from io import StringIO
from itertools import pairwise
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from bot.authoring.yaml_export import WIDTH, is_plain_text
from bot.authoring.yaml_source import LARGEST, parse_yaml
from flows.questions.base import Where

NAME: Final = "draft"
_FIRST: Final = {"slug": 1, "key": 2, "value": 1}
"""Where new names of a consultation, a question and an option are added: near their beginning, never last, because the
blank line to the next entry belongs to the last one.
"""


class EditRefused(Exception):
    """The file cannot be changed part by part: it is no YAML mapping, the place is missing, or it becomes too large."""


def plain_data(text: str) -> dict[str, Any]:
    """Returns the content of a file. Raises EditRefused for a file that cannot be read."""
    found = parse_yaml(text, NAME)
    if not isinstance(found.data, dict) or any(not issue.warning for issue in found.issues):
        raise EditRefused
    return found.data


def set_values(text: str, changes: Mapping[Where, Any]) -> str:
    """Returns the file with other values at these paths; None removes one. Missing names are added, missing list
    entries are not.

    >>> set_values("title:\\n  de: Park  # short\\n", {("title", "de"): "Platz"})
    'title:\\n  de: Platz # short\\n'
    """
    wanted = plain_data(text)

    def change(data: Any) -> None:
        for where, value in changes.items():
            _put(data, where, value)

    for where, value in changes.items():
        _put_plain(wanted, where, value)
    return _changed(text, change, wanted)


def insert_entry(text: str, where: Where, index: int, value: Mapping[str, Any]) -> str:
    """Returns the file with a new entry in a list, before the one with this index."""
    wanted = plain_data(text)
    _list_at(wanted, where).insert(index, value)

    def change(data: Any) -> None:
        entries = _list_at(data, where)
        entries.append(_styled(value, in_flow=_in_flow(entries)))

    count = len(_list_at(plain_data(text), where))
    kept = plain_data(text)
    _list_at(kept, where).append(value)
    order = [*range(index), count, *range(index, count)]
    return arrange(_changed(text, change, kept), where, order)


def arrange(text: str, where: Where, order: Sequence[int]) -> str:
    """Returns the file with the entries of a list in another order, given by their present indexes. An index that is
    missing removes the entry, one that stands twice copies it. The comment above an entry moves with it.
    """
    wanted = plain_data(text)
    before = list(_list_at(wanted, where))
    if order == range(len(before)) or list(order) == list(range(len(before))):
        return text
    _list_at(wanted, where)[:] = [before[index] for index in order]
    tidy = _changed(text, lambda data: _list_at(data, where).fa.set_block_style(), plain_data(text))
    moved = _with_lines_moved(tidy, where, order)
    if moved is not None and parse_yaml(moved, NAME).data == wanted:
        return moved

    def change(data: Any) -> None:
        entries = _list_at(data, where)
        entries[:] = [deepcopy(entries[index]) for index in order]

    return _changed(text, change, wanted)


def _with_lines_moved(text: str, where: Where, order: Sequence[int]) -> str | None:
    """Moves the lines of the entries; None if they do not begin on lines of their own."""
    lines = (text if text.endswith("\n") else f"{text}\n").splitlines(keepends=True)
    starts = _entry_lines(text, where)
    if not starts or not all(lines[it].lstrip().startswith("- ") for it in starts):
        return None
    column = len(lines[starts[0]]) - len(lines[starts[0]].lstrip())
    end = next((it for it in range(starts[-1] + 1, len(lines)) if _is_outside(lines[it], column)), len(lines))
    bounds = [_comment_start(lines, it, column) for it in (*starts, end)]
    if bounds != sorted(set(bounds)):
        return None  # several entries on one line
    chunks = [lines[begin:stop] for begin, stop in pairwise(bounds)]
    inside = [line for index in order for line in chunks[index]]
    return "".join((*lines[: bounds[0]], *inside, *lines[bounds[-1] :]))


def _entry_lines(text: str, where: Where) -> list[int]:
    """Returns the indexes of the lines where the entries of a list begin."""
    known = parse_yaml(text, NAME).lines
    count = sum(len(it) == len(where) + 1 and it[:-1] == where and isinstance(it[-1], int) for it in known)
    return [known[*where, index] - 1 for index in range(count)]


def _is_outside(line: str, column: int) -> bool:
    """Whether a line belongs to what follows a list whose dashes are in this column."""
    said = line.strip()
    indent = len(line) - len(line.lstrip())
    return bool(said) and not said.startswith("#") and (indent < column or (indent == column and said[:1] != "-"))


def _comment_start(lines: Sequence[str], begin: int, column: int) -> int:
    """Returns the first line of the comment directly above an entry. Deeper lines may be text of the entry before."""
    while begin > 0:
        above = lines[begin - 1]
        if not above.lstrip().startswith("#") or len(above) - len(above.lstrip()) > column:
            break
        begin -= 1
    return begin


def _changed(text: str, change: Callable[[Any], None], wanted: Any) -> str:
    """Applies a change and checks the result. Raises EditRefused."""
    yaml = _yaml()
    try:
        data = yaml.load(text)
        change(data)
        written = StringIO()
        yaml.dump(data, written)
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise EditRefused from error
    result = written.getvalue()
    if len(result.encode()) > LARGEST or parse_yaml(result, NAME).data != wanted:
        raise EditRefused
    return result


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = WIDTH
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _list_at(data: Any, where: Where) -> Any:
    for part in where:
        data = data[part]
    if not isinstance(data, list):
        raise EditRefused
    return data


def _put(data: Any, where: Where, value: Any) -> None:
    """Sets one value in round-trip data."""
    for index, part in enumerate(where[:-1]):
        if isinstance(data, CommentedMap) and part not in data:
            if value is None:
                return
            _add(data, part, CommentedMap())
            if index:  # in a question a short text on one line is easier to read
                data[part].fa.set_flow_style()
        data = data[part]
    name = where[-1]
    if value is None:
        _remove(data, name)
    elif isinstance(data, CommentedMap) and name not in data:
        _add(data, name, _styled(value, in_flow=_in_flow(data)))
    else:
        # The comment below a single value must not end up within the mapping that takes its place.
        is_single = isinstance(value, Mapping) and not isinstance(data[name], CommentedMap | CommentedSeq)
        data[name] = _styled(value, in_flow=is_single or _in_flow(data))


def _put_plain(whole: Any, where: Where, value: Any) -> None:
    """Sets one value in plain data. Raises EditRefused for a place that does not exist."""
    data: Any = whole
    for part in where[:-1]:
        if isinstance(data, dict) and part not in data:
            if value is None:
                return
            data[part] = {}
        try:
            data = data[part]
        except (LookupError, TypeError) as error:
            raise EditRefused from error
    is_entry = isinstance(data, list) and where[-1] in range(len(data))
    if not is_entry and not isinstance(data, dict):
        raise EditRefused
    if value is not None:
        data[where[-1]] = value
    elif not is_entry:
        data.pop(where[-1], None)


def _add(data: CommentedMap, name: Any, value: Any) -> None:
    for first, position in _FIRST.items():
        if first in data:
            data.insert(min(position, len(data)), name, value)
            return
    last = next(reversed(data), None)
    data[name] = value
    _move_blank_lines(data, last, name)


def _move_blank_lines(data: CommentedMap, last: Any, name: Any) -> None:
    """Moves the comment lines below the former last entry below the new one; a comment beside it stays."""
    tokens = data.ca.items.get(last)
    if not tokens or len(tokens) < 3 or tokens[2] is None:
        return
    token = tokens[2]
    beside, newline, below = token.value.partition("\n")
    if not below:
        return
    token.value = beside + newline
    data.ca.items.setdefault(name, [None, None, None, None])
    space = "" if isinstance(data[name], LiteralScalarString) else newline
    data.ca.items[name][2] = type(token)(space + below, token.start_mark, None)


def _remove(data: Any, name: Any) -> None:
    """Removes an entry; blank and comment lines below the last one of a mapping stay."""
    if not isinstance(data, CommentedMap) or name not in data:
        return
    names = list(data)
    below = data.ca.items.get(name)
    del data[name]
    if below and names[-1] == name and len(names) > 1 and names[-2] not in data.ca.items:
        data.ca.items[names[-2]] = [None, None, below[2], None]


def _in_flow(data: Any) -> bool:
    return isinstance(data, CommentedMap | CommentedSeq) and bool(data.fa.flow_style())


def _styled(value: Any, *, in_flow: bool = False) -> Any:
    """Returns a value as it is written: texts in quotes where they need them, several lines as a block."""
    if isinstance(value, str):
        return _styled_text(value, in_flow=in_flow)
    made: Any
    if isinstance(value, Mapping):
        made = CommentedMap((name, _styled(it, in_flow=in_flow)) for name, it in value.items())
    elif isinstance(value, Sequence):
        made = CommentedSeq(_styled(it, in_flow=in_flow) for it in value)
    else:
        return value
    if in_flow:
        made.fa.set_flow_style()
    return made


def _styled_text(text: str, *, in_flow: bool) -> Any:
    if "\n" in text and not in_flow and text[0].isalnum() and text.replace("\n", "").isprintable():
        return LiteralScalarString(text)
    return text if is_plain_text(text) and not (in_flow and "," in text) else DoubleQuotedScalarString(text)
