"""Makes editions in a separate process: `python -m bot.results.editions.job`, started by
`bot.results.editions.service`.

Reads its task as JSON from standard input, because the task holds the database URL. Writes one line of JSON per
consultation to standard output.
"""

from __future__ import annotations

from typing import Any

from bot.common.child_process import read_task, report
from bot.common.logs import error_place
from bot.results.editions.renewal import renew_edition
from storage.core.store import Store


def make_editions() -> None:
    """Makes one edition after another; an error in one does not affect the others."""
    wanted = read_task()
    store = Store(wanted["url"], readers=1)
    store.belongs_to = wanted["belongs_to"]
    try:
        for slug in wanted["slugs"]:
            report(slug=slug, **_made(store, slug))
    finally:
        store.dispose()


def _made(store: Store, slug: str) -> dict[str, Any]:
    try:
        edition = renew_edition(store, slug)
    except Exception as error:  # noqa: BLE001 - other consultations still get their edition
        return {"fault": error_place(error)}
    return {} if edition is None else {"number": edition.number, "seconds": round(edition.seconds, 3)}


if __name__ == "__main__":
    make_editions()
