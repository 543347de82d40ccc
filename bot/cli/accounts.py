"""`staff`: creates, revokes and lists staff accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from sqlalchemy import Connection

from bot.cli.context import command_context
from bot.common import audit
from bot.common.errors import CommandError, Say, program_name
from bot.common.ids import Ids
from bot.settings import Settings
from bot.staff.codes import new_staff_code, staff_code_hash
from bot.staff.sign_in import LONGEST_NAME, validity_in_words
from storage.core.errors import Duplicate
from storage.tables.staff import Role, StaffMember, all_staff, insert_staff, revoke_staff_member


def create_account(settings: Settings, name: str, role: str, say: Say) -> None:
    """Creates a staff account and prints its access code once. Raises CommandError."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise CommandError(f"a name has 1 to {LONGEST_NAME} printable characters")
    known: tuple[Role, ...] = get_args(Role)
    wanted = next((one for one in known if one == role), None)
    if wanted is None:
        raise CommandError(f"--role {role}: there is {', '.join(known)}")
    code = new_staff_code()
    with command_context(settings, say) as (store, keys):
        member = StaffMember(
            id=Ids()(), name=name, role=wanted, code_hash=staff_code_hash(keys, code), created_at=datetime.now(UTC)
        )

        def work(connection: Connection) -> None:
            insert_staff(connection, [member])
            audit.record_entry(connection, keys, audit.operator().did("staff.add", name, wanted))

        try:
            store.run(work)
        except Duplicate as fault:
            raise CommandError(
                f"{name!r} already has an access code; revoke it first with `{program_name()} staff revoke`"
            ) from fault
    say(f"{name} ({wanted}): {code}")
    say("Hand this code over in person. It is shown only now; whoever has it is let in as this person.")
    say("On the web it lets in at /assist; `/team CODE` in a chat with the bot makes that chat one of the team.")


def revoke_account(settings: Settings, name: str, say: Say) -> None:
    """Revokes an account from the next request on. Raises CommandError."""
    name = " ".join(name.split())
    with command_context(settings, say) as (store, keys):

        def work(connection: Connection) -> int:
            found = revoke_staff_member(connection, name, datetime.now(UTC))
            if found:
                audit.record_entry(connection, keys, audit.operator().did("staff.revoke", name))
            return found

        count = store.run(work)
    if not count:
        raise CommandError(f"nobody called {name!r} is let in; `{program_name()} staff list` shows who is")
    say(f"{name} is let in no more.")


def list_accounts(settings: Settings, say: Say) -> None:
    """Prints the accounts, one per line: name, role, creation, last use."""
    with command_context(settings, say) as (store, _), store.reading() as connection:
        members = all_staff(connection)
    if not members:
        say(f"Nobody yet. `{program_name()} staff add NAME --role helper` lets somebody in.")
    for member in members:
        say(f"{member.name}  {member.role}  {validity_in_words(member)}")
