"""Participations that began in a burst of their network (``sessions.burst``)."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from storage.core.base import table_of
from storage.tables.sessions import SessionRow

_sessions = table_of(SessionRow)


class BurstCount(NamedTuple):
    """Participations that began on one channel with one entry code ("": without)."""

    channel: str
    place_code: str
    begun: int
    bursts: int


def count_bursts(connection: Connection, consultation_id: int) -> list[BurstCount]:
    """Counts the participations of a consultation, and those of bursts, by channel and entry code."""
    place = func.coalesce(_sessions.c.place_code, "")
    query = select(_sessions.c.channel, place, func.count(), func.sum(_sessions.c.burst))
    query = query.where(_sessions.c.consultation_id == consultation_id).group_by(_sessions.c.channel, place)
    return [BurstCount(channel, code, begun, int(bursts)) for channel, code, begun, bursts in connection.execute(query)]


def pseudonyms_in_bursts(connection: Connection, consultation_id: int) -> frozenset[str]:
    """Returns the pseudonyms of the participations of bursts."""
    mine = (_sessions.c.consultation_id == consultation_id) & (_sessions.c.burst == 1)
    return frozenset(connection.scalars(select(_sessions.c.pseudonym).where(mine)))
