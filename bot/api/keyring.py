"""Keys of other programs: made, shown once, recognised, taken away.

A key looks like `mitsprache_7K2MPX0Q_…`: a label by which people speak of it, then 130 random bits. The table holds a
keyed hash of the whole. Each belongs to somebody who works here, and is worth nothing once that person is let in no
more.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot import stored
from bot.api.policy import ROLES, SCOPES, Scope
from bot.errors import HouseError, Say, program
from bot.house import furnished
from bot.ids import Ids
from bot.keys import Keys
from bot.letters import random_letters
from bot.settings import Settings
from bot.staff import in_use
from storage import api_keys, staff
from storage.api_keys import StoredKey
from storage.staff import StaffMember

PREFIX: Final = "mitsprache"
LONGEST: Final = 100
_USE_NOTED: Final = timedelta(hours=1)


class Bearer(NamedTuple):
    """Who asks, and with which key."""

    key: StoredKey
    member: StaffMember

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the key is good for today: what was given to it, within what its owner's role allows."""
        return frozenset(scope for scope in SCOPES if scope in self.key.scopes) & ROLES[self.member.role]

    def is_idle(self, now: datetime) -> bool:
        """Whether its use is to be noted: once an hour is enough to see what is in use."""
        return self.key.used_at is None or now - self.key.used_at > _USE_NOTED


def digest(keys: Keys, key: str) -> bytes:
    """What the table knows of a key."""
    return hmac.digest(keys.staff, b"api/" + key[:LONGEST].encode("utf-8", "replace"), "sha256")


def bearer(connection: Connection, wanted: bytes) -> Bearer | None:
    """Who holds the key with this hash; None for unknown and revoked ones, and those of people let in no more.

    The key itself is never compared, only its keyed hash: how long that takes tells nothing about keys.
    """
    key = api_keys.by_hash(connection, wanted)
    known = key.key_hash if key else bytes(len(wanted))
    if not hmac.compare_digest(known, wanted) or key is None or key.revoked_at is not None:
        return None
    member = staff.by_id(connection, key.staff_id)
    return None if member is None or member.revoked_at is not None else Bearer(key, member)


def make(
    keys: Keys, member: StaffMember, scopes: Iterable[Scope], slug: str | None, now: datetime
) -> tuple[str, StoredKey]:
    """A new key for somebody: as it is shown, and as it is stored."""
    label = random_letters(8)
    key = f"{PREFIX}_{label}_{random_letters(26)}"
    return key, StoredKey(Ids()(), label, member.id, digest(keys, key), sorted(scopes), slug, now)


def add(settings: Settings, name: str, scopes: list[str], slug: str, say: Say) -> None:
    """Makes a key for somebody who works here; prints it once. Raises HouseError."""
    wanted = _known(scopes)
    with furnished(settings, say) as (store, keys):
        with store.reading() as connection:
            member = _member(connection, name)
            if slug:
                stored.named(connection, slug)
        if too_much := [scope for scope in wanted if scope not in ROLES[member.role]]:
            raise HouseError(
                f"{member.name} is {member.role}, whose keys cannot have --scope {', '.join(too_much)}; "
                f"there is {', '.join(sorted(ROLES[member.role])) or 'none'}"
            )
        key, row = make(keys, member, wanted, slug or None, datetime.now(UTC))
        store.run(partial(api_keys.insert, keys=[row]))
    say(f"{member.name} ({', '.join(row.scopes)}; {slug or 'all consultations'}): {key}")
    say(f"It is shown only now. `{program()} staff revoke-key {row.label}` takes it away.")


def _known(scopes: list[str]) -> list[Scope]:
    words = [word for given in scopes for word in re.split(r"[,|\s]+", given) if word]
    unknown = [word for word in words if word not in SCOPES]
    if unknown or not words:
        raise HouseError(f"--scope {' '.join(unknown)}: there is {', '.join(SCOPES)}".replace("  ", " "))
    return [scope for scope in SCOPES if scope in words]


def _member(connection: Connection, name: str) -> StaffMember:
    name = " ".join(name.split())
    found = next((row for row in staff.everybody(connection) if row.name == name and row.revoked_at is None), None)
    if found is None:
        raise HouseError(
            f"nobody called {name!r} works here; `{program()} staff add` lets them in, then they can have a key"
        )
    return found


def revoke(settings: Settings, label: str, say: Say) -> None:
    """Lets a key in no more, from the next request on. Raises HouseError."""
    label = label.strip().removeprefix(f"{PREFIX}_").partition("_")[0].upper()
    with furnished(settings, say) as (store, _):
        count = store.run(partial(api_keys.revoke, label=label, now=datetime.now(UTC)))
    if not count:
        raise HouseError(f"there is no key {label!r}; `{program()} staff keys` lists them")
    say(f"{label} is let in no more.")


def list_all(settings: Settings, say: Say) -> None:
    """Says which keys there are, a line each: label, owner, what for, since when, last use."""
    with furnished(settings, say) as (store, _), store.reading() as connection:
        names = {row.id: row.name + (" (revoked)" if row.revoked_at else "") for row in staff.everybody(connection)}
        keys = api_keys.all_keys(connection)
    if not keys:
        say(f"No keys yet. `{program()} staff key NAME --scope read` makes one.")
    for key in keys:
        owner, scopes = names.get(key.staff_id, "?"), ",".join(key.scopes)
        say(f"{key.label}  {owner}  {scopes}  {key.slug or 'all'}  {in_use(key)}")
