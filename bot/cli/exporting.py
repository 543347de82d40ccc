"""`export`: writes a package; reading raw data is recorded first."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.cli.context import command_context
from bot.cli.purpose import recorded_purpose
from bot.common import audit
from bot.common.errors import Say
from bot.consultations import stored_revisions
from bot.exchange.exports.package import ExportRequest, known_profile, write_export, write_public
from bot.exchange.exports.staging import check_target
from bot.results.editions.renewal import renew_edition
from bot.results.published import PublishedResults
from bot.settings import Settings


def export_answers(settings: Settings, wish: ExportRequest, say: Say, complain: Say) -> None:
    """Runs the command; records it before reading raw data. Raises CommandError."""
    check_target(wish.out)
    purpose = recorded_purpose(settings, wish.purpose) if known_profile(wish.profile) == "raw" else ""
    with command_context(settings, complain) as (store, keys):
        if purpose:
            with store.begin() as connection:
                slug = stored_revisions.live_revision(connection, wish.slug, trials=True).slug
                audit.record_entry(connection, keys, audit.operator().did("export.raw", slug, purpose))
        wish, now = wish._replace(zone=settings.zone()), datetime.now(UTC)
        if wish.profile == "public":
            renew_edition(store, wish.slug)
            say(f"{wish.out}: {_in_words(write_public(store, wish, now))}, profile public")
            return
        number = write_export(store, wish, now)
    say(f"{wish.out}: {number} participation{'' if number == 1 else 's'}, profile {wish.profile}")


def _in_words(found: PublishedResults) -> str:
    number = found.participations
    people = "few participations" if number is None else f"{number} participation{'' if number == 1 else 's'}"
    return f"edition {found.edition.number}, {people}"
