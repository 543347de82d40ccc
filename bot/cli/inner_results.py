"""`results --inner`: all figures including small ones, for the core team; recorded in the audit log."""

from __future__ import annotations

from bot.cli import results
from bot.cli.context import command_context
from bot.cli.purpose import recorded_purpose
from bot.common import audit
from bot.common.errors import Say
from bot.consultations import stored_revisions
from bot.results import published
from bot.settings import Settings


def print_inner_results(
    settings: Settings,
    slug: str,
    say: Say,
    complain: Say,
    purpose: str,
    *,
    seed: int = 0,
    as_json: bool = False,
    language: str = "",
) -> None:
    """Runs the command; recorded before counting. Raises CommandError."""
    results.check_language(language)
    purpose = recorded_purpose(settings, purpose)
    with command_context(settings, complain) as (store, keys):
        with store.begin() as connection:
            slug = stored_revisions.live_revision(connection, slug).slug
            audit.record_entry(connection, keys, audit.operator().did("results.inner", slug, purpose))
        with store.reading() as connection:
            found = published.preview_results(connection, slug, seed=seed, is_inner=True)
    results.tell(found, say, settings.zone(), as_json=as_json, language=language)
