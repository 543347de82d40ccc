"""`archive`: puts a consultation away, once everybody was answered."""

from __future__ import annotations

from bot import stored
from bot.errors import Say
from bot.house import furnished
from bot.results.answered import Owed, owed
from bot.settings import Settings
from storage import consultations


def archive(settings: Settings, slug: str, say: Say) -> bool:
    """Archives it; where answers are owed, says which and gives False. Raises HouseError."""
    with furnished(settings, say) as (store, _), store.begin() as connection:
        revision = stored.named(connection, slug)
        waiting = owed(connection, revision.consultation_id)
        if not waiting:
            consultations.set_state(connection, revision.consultation_id, "archived")
    for one in waiting:
        say(_in_a_line(one))
    still = "1 person still waits" if len(waiting) == 1 else f"{len(waiting)} people still wait"
    say(f"{slug}: {still} for an answer." if waiting else f"{slug} is archived.")
    return not waiting


def _in_a_line(one: Owed) -> str:
    return f"{one.code}  {'nobody has read it yet' if one.is_unread else one.status.replace('_', ' ')}"
