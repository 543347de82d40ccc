"""`/team`: binds a chat by an access code, ends the binding and lists the available commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bot.common import audit
from bot.common.audit import Actor
from bot.consultations.batch_context import BatchContext
from bot.consultations.participant import Person
from bot.staff.chat.registry import StaffCall, command_usage, staff_command, staff_commands
from bot.staff.codes import redeem_code, staff_code_hash
from bot.staff.policy import may
from flows.messages import MsgOut
from flows.phrase_families import ROLES
from flows.renderer import Renderer
from storage.tables.staff import NewStaffChat, Role, TeamMember, bind_staff_chats, leave_staff_chat, staff_chat_of

COMMAND_NAME: Final = "team"
WRONG_CODE: Final = "desk.code.wrong"
_ORDER: Final = (
    "list",
    "queue",
    "approve",
    "hide",
    "reword",
    "merge",
    "split",
    "restore",
    "translate",
    "answer",
    "push",
)


@staff_command(COMMAND_NAME, "account.own")
def manage_membership(call: StaffCall) -> Iterable[MsgOut]:
    """Shows name, role and commands; `leave` ends the binding. Another code changes nothing."""
    if not call.argument:
        role = call.renderer.text(ROLES[call.member.role])
        head = call.renderer.text("desk.team", name=call.member.name, role=role)
        return [call.renderer.message("\n".join([head, *abilities(call.renderer, call.member.role)]))]
    if not call.means("words.desk.leave"):
        return [call.reply("desk.chat.taken", name=call.member.name)]
    _leave(call)
    return [call.reply("desk.left")]


def bind_chat(batch: BatchContext, person: Person, code: str) -> str:
    """Tries a code and returns the phrase of the reply. Sets `person.member` on success."""
    connection, keys = batch.connection, batch.keys
    found = redeem_code(connection, staff_code_hash(keys, code), batch.now)
    if found is None:
        return WRONG_CODE
    is_pending = any(row.member_id == found.id for row in batch.rows_of(bind_staff_chats))
    if is_pending or staff_chat_of(connection, found.id) is not None:
        return "desk.code.used"
    batch.add(bind_staff_chats, NewStaffChat(found.id, person.lookup, batch.today))
    person.member = TeamMember(
        lookup=person.lookup, staff_id=found.id, name=found.name, role=found.role, assigned_only=found.assigned_only
    )
    audit.record_entry(
        connection, keys, Actor(found.name, found.role, "chat").did("staff.chat", found.name, "bound", batch.now)
    )
    return "desk.bound"


def _leave(call: StaffCall) -> None:
    """Ends the binding, also one written with this batch. The row stays, so the code cannot be reused."""
    number = call.member.staff_id
    leave_staff_chat(call.connection, number)
    audit.record_entry(call.connection, call.keys, call.actor.did("staff.chat", call.member.name, "left", call.now))
    pending = call.batch.rows_of(bind_staff_chats)
    pending[:] = [row._replace(lookup=None) if row.member_id == number else row for row in pending]
    call.person.member = None


def abilities(renderer: Renderer, role: Role) -> Iterator[str]:
    """Yields the help of the role's commands in order of use."""
    known = staff_commands()
    for name in sorted(known, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)):
        if may(role, known[name].action):
            yield command_usage(renderer, name)
