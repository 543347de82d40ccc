"""Refuses files of other programs while the figures of a consultation are hidden (`results: at_close`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bot.common.errors import CommandError
from bot.consultations import stored_revisions
from bot.consultations.visibility import figures_are_public


def check_figures_shown(connection: Connection, slug: str, now: datetime) -> None:
    """Raises CommandError if the figures are hidden now: other programs show the votes that are in their files."""
    live = stored_revisions.live_revision(connection, slug)
    consultation = stored_revisions.read_revision(live)
    if consultation and not figures_are_public(consultation, live, now):
        raise CommandError(
            f"the figures of {slug} are hidden until it is closed (`results: at_close` in its file), and other "
            "programs show them; use --profile raw internally, or wait"
        )
