"""A Bot API of our own, as strict as Telegram's is and stricter: `async with botapi.running() as api`.

It keeps what it knows in memory: who wrote what (`api.resident()` gives a person to chat with), what was handed out and
confirmed, what the bot sent, what was refused. Its ledger decides what was lost or doubled, not the bot.
"""

from tests.botapi.faults import Fault
from tests.botapi.limits import Rates
from tests.botapi.resident import Resident
from tests.botapi.server import BotApi, running

__all__ = ["BotApi", "Fault", "Rates", "Resident", "running"]
