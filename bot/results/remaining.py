"""The result of rated statements from the votes while they are there, and afterwards as it was kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Connection

from bot.counting import subject
from bot.counting.subject import Subject
from bot.results import loading
from bot.results.loading import Loaded
from bot.results.report import Report, report
from storage import remains
from storage.consultations import PublishedRevision

_form: Final = TypeAdapter(Report)


def reported(connection: Connection, found: Subject, loaded: Loaded, seed: int = 0) -> Report:
    """The result. When the votes are deleted it is the kept one, without what has been hidden since; then the seed no
    longer matters.
    """
    kept = remains.kept(connection, found.newest.consultation_id)
    if kept is None:
        return report(loaded.log, loaded.shown, loading.sectors(connection, found), least=found.least, seed=seed)
    whole, shown = _form.validate_json(kept), frozenset(loaded.shown)
    return replace(
        whole,
        statements=tuple(it for it in whole.statements if it.name in shown),
        highlights=tuple(it for it in whole.highlights if it.name in shown),
    )


def to_keep(connection: Connection, over: PublishedRevision) -> str | None:
    """The figures of a consultation, as they are kept when its votes are deleted; None where there is nothing to keep.

    Reads every vote. Call it before the answers are deleted: they say who belongs to which sector.
    """
    if not is_to_keep(connection, over.consultation_id):
        return None
    found, loaded = subject.find(connection, over.slug), loading.load(connection, over.consultation_id)
    return _form.dump_json(reported(connection, found, loaded)).decode()


def is_to_keep(connection: Connection, consultation_id: int) -> bool:
    """Whether there are votes whose figures are not kept yet."""
    return remains.is_anything_rated(connection, consultation_id) and remains.kept(connection, consultation_id) is None
