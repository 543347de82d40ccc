"""Which members have a draft open, as far as this process knows. In memory: nothing is stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

PRESENT_FOR: Final = timedelta(seconds=60)
MOST_DRAFTS: Final = 500


class DraftPresence:
    """Remembers for a minute who opened, saved, or still shows a page of a draft."""

    def __init__(self) -> None:
        self._seen: dict[int, dict[int, tuple[str, datetime]]] = {}

    def others(self, draft_id: int, member_id: int, name: str, now: datetime) -> list[str]:
        """Notes that a member is here, and returns the names of the others."""
        found = self._seen.pop(draft_id, {})
        found = {it: seen for it, seen in found.items() if now - seen[1] < PRESENT_FOR}
        found[member_id] = (name, now)
        self._seen[draft_id] = found  # the draft seen last stands last
        while len(self._seen) > MOST_DRAFTS:
            del self._seen[next(iter(self._seen))]
        return sorted(said for it, (said, _) in found.items() if it != member_id)


DRAFT_PRESENCE: Final = web.AppKey("draft_presence", DraftPresence)
