"""What every command needs before it begins: an open database, the secret key, the samples; and how it says no."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.app import open_house
from bot.consultations.faults import Fault
from bot.consultations.publishing import Desk, publish_samples
from bot.ids import Ids
from bot.keys import Keys
from bot.settings import Settings
from storage.store import Store


class HouseError(Exception):
    """A command cannot do what was asked. The text says what is wrong, where, and what to do about it."""


def furnish(settings: Settings) -> tuple[Store, Keys, list[Fault]]:
    """Opens the house; what is empty is filled: data folder, database, secret key, sample consultations.

    Raises `HouseError`, `SecretError` and the classes of `storage.errors`.
    """
    try:
        store, keys = open_house(settings)
    except OSError as fault:
        raise HouseError(f"{fault.filename}: {fault.strerror}; check --data, its rights and the free space") from fault
    except ValueError as fault:
        raise HouseError(str(fault)) from fault
    faults = publish_samples(store, desk(settings)) if settings.samples else []
    return store, keys, [fault for fault in faults if not fault.warning]


def desk(settings: Settings) -> Desk:
    """What publishing needs from outside."""
    return Desk(Ids(), datetime.now(UTC), settings.zone())


def program() -> str:
    """How this program was called, for sentences that say what to type next."""
    name = Path(sys.argv[0]).name
    return "python3 -m bot" if name in {"__main__.py", "-m", "-c"} else name
