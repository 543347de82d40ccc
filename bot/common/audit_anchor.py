"""A signed copy of the newest row of the audit log outside the database, so that a truncated log is detected.

The file `audit.json` beside the secret key, signed with it. It also contains a keyed hash of each setting, so that the
log can name the settings that changed between two starts.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, SecretStr
from pydantic_core import from_json, to_json
from sqlalchemy import Connection

from bot.common import audit
from bot.common.audit import Actor
from bot.common.keys import Keys
from storage.core.store import Store
from storage.tables.audit import StoredAuditEntry, audit_entry_by_id, last_audit_entry

FILE: Final = "audit.json"
"""The name of the file in the data folder."""
_NOT_COMPARED: Final = "data"
"""Settings excluded from the comparison: the folder of the file itself, which may be moved."""


class AnchorError(Exception):
    """The file is unreadable, damaged, changed, or signed with another key. The text has the remedy."""


class Anchor(NamedTuple):
    """The newest row of the log at a moment."""

    rows: int = 0
    mac: str = ""
    at: str = ""
    settings: dict[str, str] | None = None
    """Keyed hash of each setting that differs from its default; None before the first start."""


def load_anchor(data: Path, keys: Keys) -> Anchor | None:
    """Loads the file; returns None if there is none. Raises AnchorError."""
    path = data / FILE
    try:
        known = from_json(path.read_bytes())
        anchor = Anchor(*known["anchor"])
        is_ours = hmac.compare_digest(bytes.fromhex(known["seal"]), _seal(keys, anchor))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnchorError(f"{path}: cannot be read ({error.strerror}); check its rights") from error
    except (ValueError, TypeError, KeyError, AttributeError):
        is_ours = False
    if not is_ours:
        raise AnchorError(
            f"{path}: is damaged, or not signed with the key beside it; restore it from a copy of the data folder"
        )
    return anchor


def advance(connection: Connection, keys: Keys, data: Path) -> None:
    """Stores the newest row, unless the row stored before is missing in the log: then the stored one is evidence.

    Raises OSError and the classes of `storage.core.errors`. A damaged file stays unchanged: `audit verify` reports it.
    """
    try:
        known = load_anchor(data, keys)
    except AnchorError:
        return
    anchor = known or Anchor()
    last = last_audit_entry(connection)
    if last is None or last.mac.hex() == anchor.mac or missing(anchor, audit_entry_by_id(connection, anchor.rows)):
        return
    _save(data, keys, _at(last, anchor))


def missing(anchor: Anchor, found: StoredAuditEntry | None) -> bool:
    """Whether the stored row differs in the log, or is missing."""
    return anchor.rows > 0 and (found is None or found.mac.hex() != anchor.mac)


def restart(store: Store, keys: Keys, data: Path, actor: Actor, about: str) -> None:
    """Records that a database was restored, with the newest row stored before, and restarts from the current one."""
    try:
        known = load_anchor(data, keys) or Anchor()
    except AnchorError:
        known = Anchor()
    with store.begin() as connection:
        there = last_audit_entry(connection)
        before = f"the log has {there.id if there else 0} rows, and had {known.rows} before" if known.rows else ""
        audit.record_entry(connection, keys, actor.did("restore", about, before))
        last = last_audit_entry(connection)
    if last:
        _save(data, keys, _at(last, known))


def note_settings(
    store: Store, keys: Keys, data: Path, settings: BaseModel, renamed: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Records the names of the settings that differ from those of the last start, never a value; returns the names.

    `renamed` maps old names to new ones: a new name with the old value is no change.

    Raises OSError and the classes of `storage.core.errors`.
    """
    try:
        known = load_anchor(data, keys) or Anchor()
    except AnchorError:
        return []
    leaves = dict(_leaves(settings))
    hashes = {name: _hash(keys, name, leaves[name]) for name in sorted(leaves)}
    before = dict(hashes if known.settings is None else known.settings)
    for old, new in renamed.items():
        if _is_same_value(keys, leaves, before.get(old), old, new):
            before[new] = hashes[new]
            del before[old]
    changed = sorted({name for name, _ in before.items() ^ hashes.items()})
    if changed:
        _record(store, keys, changed)
    if known.settings != hashes:
        _save(data, keys, known._replace(settings=hashes))
    return changed


def _is_same_value(keys: Keys, leaves: Mapping[str, Any], known: str | None, old: str, new: str) -> bool:
    """Whether the hash known for an old name is that of the value that now has the new name."""
    return new in leaves and known == _hash(keys, old, leaves[new])


def _record(store: Store, keys: Keys, changed: Iterable[str]) -> None:
    """Records the names of changed settings in the audit log."""
    actor = audit.operator()._replace(door="system")
    with store.begin() as connection:
        for name in changed:
            audit.record_entry(connection, keys, actor.did("settings.change", name))


def _leaves(section: BaseModel, above: str = "") -> list[tuple[str, Any]]:
    """Yields each setting: its name, with dots between levels, and its value."""
    found: list[tuple[str, Any]] = []
    for name, value in _given(section).items():
        if not above and name == _NOT_COMPARED:
            continue
        if isinstance(value, BaseModel):
            found += _leaves(value, f"{above}{name}.")
        elif isinstance(value, dict) and all(isinstance(it, BaseModel) for it in value.values()):
            found += [leaf for key, it in value.items() for leaf in _leaves(it, f"{above}{name}.{key}.")]
        else:
            found.append((f"{above}{name}", value))
    return found


def _given(section: BaseModel) -> dict[str, Any]:
    """Returns the settings that differ from their default, and those without one."""
    fields = type(section).model_fields
    given = {
        name: value
        for name, field in fields.items()
        if (value := getattr(section, name)) != field.get_default(call_default_factory=True)
    }
    return given | (section.model_extra or {})


def _hash(keys: Keys, name: str, value: Any) -> str:
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return keys.audit_mac(to_json(["setting", name, repr(plain)]))[:16].hex()


def _at(last: StoredAuditEntry, before: Anchor) -> Anchor:
    return before._replace(rows=last.id, mac=last.mac.hex(), at=datetime.now(UTC).isoformat(timespec="seconds"))


def _seal(keys: Keys, anchor: Anchor) -> bytes:
    return keys.audit_mac(to_json(["anchor", *anchor]))


def _save(data: Path, keys: Keys, anchor: Anchor) -> None:
    """Writes the file atomically."""
    content = to_json({"anchor": list(anchor), "seal": _seal(keys, anchor).hex()}, indent=2)
    unfinished = data / f"{FILE}.{os.getpid()}.new"
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content + b"\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(data / FILE)
