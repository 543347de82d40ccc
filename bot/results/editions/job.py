"""Makes editions in a process of its own: `python -m bot.results.editions.job`, which `bot.results.editions.service`
starts.

What to do comes as JSON on standard input, since it holds the address of the database; a line of JSON for each
consultation goes to standard output.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any, Final

from bot.common.logs import error_place
from bot.results.editions.renewal import renew_edition
from storage.core.store import Store

NICENESS: Final = 10
"""Conversations come first, wherever both want the same processor."""


def main() -> None:
    """Makes one edition after another; a fault with one leaves the others alone."""
    with suppress(OSError):
        os.nice(NICENESS)
    wanted = json.load(sys.stdin)
    store = Store(wanted["url"], readers=1)
    store.belongs_to = wanted["belongs_to"]
    try:
        for slug in wanted["slugs"]:
            print(json.dumps({"slug": slug, **_made(store, slug)}), flush=True)  # noqa: T201 - this is the answer
    finally:
        store.dispose()


def _made(store: Store, slug: str) -> dict[str, Any]:
    try:
        edition = renew_edition(store, slug)
    except Exception as fault:  # noqa: BLE001 - whatever it is, others wait for theirs
        return {"fault": error_place(fault)}
    return {} if edition is None else {"number": edition.number, "seconds": round(edition.seconds, 3)}


if __name__ == "__main__":
    main()
