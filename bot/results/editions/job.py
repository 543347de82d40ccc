"""Makes editions in a separate process: `python -m bot.results.editions.job`, started by
`bot.results.editions.service`.

Reads its task as JSON from standard input, because the task holds the database URL. Writes one line of JSON per
consultation to standard output.
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
"""Conversations have priority on the same processor."""


def main() -> None:
    """Makes one edition after another; an error in one does not affect the others."""
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
    except Exception as fault:  # noqa: BLE001 - other consultations still get their edition
        return {"fault": error_place(fault)}
    return {} if edition is None else {"number": edition.number, "seconds": round(edition.seconds, 3)}


if __name__ == "__main__":
    main()
