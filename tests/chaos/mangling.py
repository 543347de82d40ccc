"""Data as strangers send it: any value of a message is replaced by an unreadable one, or left out."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, Final

PLACE: Final = "@@JUNK@@"
JUNK: Final[dict[str, bytes]] = {
    "bytes": b'"\xff\xfe\xc3"',
    "half of a pair": b'"\\ud83d"',
    "NUL": b'"a\\u0000b"',
    "depth": b"[" * 3000 + b"]" * 3000,
    "depth of objects": b'{"a":' * 300 + b"1" + b"}" * 300,
    "digits": b"9" * 5000,
    "no number": b"NaN",
    "beyond": b"-1e400",
    "nothing": b"null",
    "list": b"[[]]",
    "object": b'{"a": {}}',
    "truth": b"true",
    "negative": b"-1",
    "size": b'"' + b"x" * 60_000 + b'"',
    "empty": b'""',
}
"""Each is JSON to a lenient reader, so that what stands around it stays whole."""


def _places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield (*path, key)
            yield from _places(value, (*path, key))


def mangled(data: dict[str, Any], chance: random.Random, keep: frozenset[str] = frozenset()) -> bytes:
    """A copy with one value replaced or left out, as JSON. Top-level keys in `keep` stay."""
    copied = json.loads(json.dumps(data))
    *way, last = chance.choice([path for path in _places(copied) if path[0] not in keep])
    at = copied
    for key in way:
        at = at[key]
    if chance.random() < 0.15:
        del at[last]
    else:
        at[last] = PLACE
    junk = JUNK[chance.choice(sorted(JUNK))]
    return json.dumps(copied).encode().replace(json.dumps(PLACE).encode(), junk)
