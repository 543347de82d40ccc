"""`staff key`, `keys` and `revoke-key`: creates, lists and revokes API keys."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import Connection

from bot.cli.context import command_context
from bot.cli.listing import print_rows, revoke_recorded
from bot.common import audit
from bot.common.errors import CommandError, Say, program_call
from bot.consultations import stored_revisions
from bot.settings import Settings
from bot.staff.sign_in import validity_in_words
from bot.web.api.access_keys import PREFIX, new_access_key
from bot.web.api.policy import ROLES, SCOPES, Scope
from storage.tables.api_keys import all_api_keys, insert_api_keys, revoke_api_key
from storage.tables.staff import StaffMember, all_staff


def create_api_key(settings: Settings, name: str, scopes: list[str], slug: str, say: Say) -> None:
    """Creates an API key owned by a staff member and prints it once. Raises CommandError."""
    wanted = _known(scopes)
    with command_context(settings, say) as (store, keys):
        with store.reading() as connection:
            member = _member(connection, name)
            if slug:
                stored_revisions.live_revision(connection, slug)
        if too_much := [scope for scope in wanted if scope not in ROLES[member.role]]:
            raise CommandError(
                f"{member.name} is {member.role}, whose keys cannot have --scope {', '.join(too_much)}; "
                f"there is {', '.join(sorted(ROLES[member.role])) or 'none'}"
            )
        key, row = new_access_key(keys, member, wanted, slug or None, datetime.now(UTC))
        purpose = f"{member.name}: {', '.join(row.scopes)}; {slug or 'all consultations'}"

        def work(connection: Connection) -> None:
            insert_api_keys(connection, [row])
            audit.record_entry(connection, keys, audit.operator().did("key.add", row.label, purpose))

        store.run(work)
    say(f"{member.name} ({', '.join(row.scopes)}; {slug or 'all consultations'}): {key}")
    say(f"It is shown only once. To revoke it: `{program_call()} staff revoke-key {row.label}`")


def _known(scopes: list[str]) -> list[Scope]:
    words = [word for given in scopes for word in re.split(r"[,|\s]+", given) if word]
    unknown = [word for word in words if word not in SCOPES]
    if unknown or not words:
        raise CommandError(f"--scope {' '.join(unknown)}: there is {', '.join(SCOPES)}".replace("  ", " "))
    return [scope for scope in SCOPES if scope in words]


def _member(connection: Connection, name: str) -> StaffMember:
    name = " ".join(name.split())
    found = next((row for row in all_staff(connection) if row.name == name and row.revoked_at is None), None)
    if found is None:
        raise CommandError(f"there is no active account {name!r}; create it first with `{program_call()} staff add`")
    return found


def revoke_key_by_label(settings: Settings, label: str, say: Say) -> None:
    """Revokes a key from the next request on. Raises CommandError."""
    label = label.strip().removeprefix(f"{PREFIX}_").partition("_")[0].upper()
    if not revoke_recorded(settings, "key.revoke", label, revoke_api_key, say):
        raise CommandError(f"there is no key {label!r}; `{program_call()} staff keys` lists them")
    say(f"The key {label} is revoked.")


def list_api_keys(settings: Settings, say: Say) -> None:
    """Prints the keys, one per line: label, owner, scopes, creation, last use."""
    with command_context(settings, say) as (store, _), store.reading() as connection:
        names = {row.id: row.name + (" (revoked)" if row.revoked_at else "") for row in all_staff(connection)}
        keys = all_api_keys(connection)
    rows = [
        (it.label, names.get(it.staff_id, "?"), ",".join(it.scopes), it.slug or "all", validity_in_words(it))
        for it in keys
    ]
    create = f"{program_call()} staff key NAME --scope read"
    print_rows(rows, f"No keys yet. `{create}` creates one.", say)
