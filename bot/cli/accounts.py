"""`staff`: creates, revokes and lists staff accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from sqlalchemy import Connection

from bot.cli.context import command_context
from bot.cli.listing import print_rows, revoke_recorded
from bot.common import audit
from bot.common.errors import CommandError, Say, program_call
from bot.common.ids import Ids
from bot.settings import Settings
from bot.staff.accounts import Accounts
from bot.staff.codes import new_staff_code, staff_code_hash
from bot.staff.sign_in import LONGEST_NAME, validity_in_words
from storage.core.errors import Duplicate
from storage.tables.staff import Role, StaffMember, all_staff, insert_staff, revoke_staff_member, staff_by_name


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
        except Duplicate as error:
            raise CommandError(
                f"{name!r} already has an access code; revoke it first with `{program_call()} staff revoke`"
            ) from error
    say(f"{name} ({wanted}): {code}")
    say("Hand this code over in person. It is shown only once; with it anyone can sign in as this person.")
    say("On the web it signs in at /assist; `/team CODE` in a chat with the bot binds that chat to the account.")


def create_link(settings: Settings, name: str, say: Say) -> None:
    """Prints a link with which a member sets up the console account, and resets the account. Raises CommandError.

    All sessions of the account end and its credentials are deleted, so the link also helps after a loss.
    """
    name = " ".join(name.split())
    with command_context(settings, say) as (store, keys):

        def work(connection: Connection) -> str | None:
            member = staff_by_name(connection, name)
            if member is None:
                return None
            audit.record_entry(connection, keys, audit.operator().did("staff.reset", name))
            return Accounts(connection, keys, Ids(), datetime.now(UTC)).reset(member)

        token = store.run(work)
    if token is None:
        raise CommandError(f"there is no active account {name!r}; `{program_call()} staff list` shows all accounts")
    page = settings.web.public_url or f"http://localhost:{settings.port}"
    say(f"{page}/console/invite/{token}")
    say(f"The link sets up the console account of {name}. It is shown only once, and is valid once and for seven days.")


def revoke_account(settings: Settings, name: str, say: Say) -> None:
    """Revokes an account from the next request on. Raises CommandError."""
    name = " ".join(name.split())
    if not revoke_recorded(settings, "staff.revoke", name, revoke_staff_member, say):
        raise CommandError(f"there is no active account {name!r}; `{program_call()} staff list` shows all accounts")
    say(f"The account {name} is revoked.")


def list_accounts(settings: Settings, say: Say) -> None:
    """Prints the accounts, one per line: name, role, creation, last use."""
    with command_context(settings, say) as (store, _), store.reading() as connection:
        members = all_staff(connection)
    rows = [(it.name, it.role, validity_in_words(it)) for it in members]
    create = f"{program_call()} staff add NAME --role helper"
    print_rows(rows, f"There are no accounts yet. Create one: `{create}`", say)
