"""Counts the inner figures of a consultation, including small numbers, in a process of its own:
`python -m bot.results.editions.inner`, started by `count_inner_figures`.

Counting reads every answer, which must not delay conversations.
"""

from __future__ import annotations

import asyncio
import weakref
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog
from pydantic import TypeAdapter

from bot.common.child_process import read_task, report, run_module
from bot.common.errors import CommandError
from bot.consultations import stored_revisions
from bot.results.edition import ResultsEdition, load_newest_edition, make_edition
from bot.results.published import PublishedResults, inner_results_of
from storage.core.store import Store

log = structlog.get_logger()

JOB: Final = "bot.results.editions.inner"
LONGEST_SECONDS: Final = 300.0
_form: Final = TypeAdapter(ResultsEdition)
_turns: Final[weakref.WeakKeyDictionary[Store, asyncio.Lock]] = weakref.WeakKeyDictionary()
"""One count at a time per database."""


class CountFailed(Exception):
    """The figures could not be counted, or others are being counted for too long."""


async def count_inner_figures(store: Store, slug: str, *, is_without_bursts: bool = False) -> PublishedResults:
    """Returns the inner figures of this moment, with or without the bursts. The caller records the purpose before.
    Raises CountFailed.
    """
    task = {"url": store.url, "belongs_to": store.belongs_to, "slug": slug, "is_without_bursts": is_without_bursts}
    last: dict[str, Any] = {}

    async def take(line: dict[str, Any]) -> None:
        last.update(line)

    try:
        async with asyncio.timeout(LONGEST_SECONDS), _turns.setdefault(store, asyncio.Lock()):
            status = await run_module(JOB, task, take, LONGEST_SECONDS)
    except TimeoutError as error:
        raise CountFailed from error
    if status or "edition" not in last:
        log.error("inner_figures_failed", status=status)
        raise CountFailed
    return await store.read(partial(inner_results_of, edition=_form.validate_json(last["edition"])))


def print_edition() -> None:
    """Counts for the task and prints the figures."""
    task = read_task()
    store = Store(task["url"], readers=1)
    store.belongs_to = task["belongs_to"]
    try:
        with store.reading() as connection:
            slug = task["slug"]
            previous = load_newest_edition(connection, stored_revisions.live_revision(connection, slug))
            edition = make_edition(
                connection,
                slug,
                datetime.now(UTC),
                previous=previous,
                is_inner=True,
                is_without_bursts=task["is_without_bursts"],
            )
        report(edition=_form.dump_json(edition._replace(compared=None)).decode())
    except CommandError:
        report(refused=True)
    finally:
        store.dispose()


if __name__ == "__main__":
    print_edition()
