"""Registry of staff commands with their permitted roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple

from sqlalchemy import Connection

import bot.staff.chat
from bot.common.audit import Actor
from bot.common.keys import Keys
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue
from bot.consultations.participant import Person
from bot.proposals.moderation_rules import ModerationItem, item_by_code
from bot.settings import Settings
from bot.staff.assignments import assigned_consultations, may_in
from bot.staff.policy import Action
from flows.messages import MsgOut, QuickReply
from flows.phrase_families import STAFF_COMMANDS
from flows.renderer import Renderer
from flows.understanding.text import fold
from storage.tables.staff import TeamMember


@dataclass(frozen=True, slots=True)
class StaffCall:
    """One call of a staff command, within the transaction of the batch.

    `argument` is the text after the command word. Writes on `connection` are rolled back if the command fails; rows
    added to `batch` are written with the batch.
    """

    batch: BatchContext
    settings: Settings
    person: Person
    member: TeamMember
    action: Action
    """The permission of the command."""
    renderer: Renderer
    argument: str
    proactive: frozenset[str]
    """Channels that can write first."""
    channels: tuple[str, ...]

    @property
    def connection(self) -> Connection:
        return self.batch.connection

    @property
    def keys(self) -> Keys:
        return self.batch.keys

    @property
    def catalogue(self) -> Catalogue:
        return self.batch.catalogue

    @property
    def now(self) -> datetime:
        return self.batch.now

    @property
    def actor(self) -> Actor:
        """The caller, for the audit log."""
        return Actor(self.member.name, self.member.role, "chat")

    def is_own(self, consultation_id: int) -> bool:
        """Whether the member may do this in this consultation."""
        return may_in(self.connection, self.member, self.action, consultation_id, self.now)

    def own_slugs(self) -> tuple[str, ...]:
        """Returns the known consultations in which the member may do this."""
        assigned, catalogue = assigned_consultations(self.connection, self.member, self.now), self.catalogue
        known = catalogue.known_slugs()
        return known if assigned is None else tuple(it for it in known if catalogue.consultation_id(it) in assigned)

    def own_item(self, code: str | None) -> ModerationItem | None:
        """Returns the text with this code; None for texts of consultations in which the member may not do this."""
        found = item_by_code(self.connection, code or "")
        return found if found and self.is_own(found.proposal.consultation_id) else None

    def means(self, phrase: str) -> bool:
        """Whether the argument is one of the words listed under this phrase, in any language."""
        return fold(self.argument) in self.catalogue.words(phrase)

    def reply(self, phrase: str, *buttons: QuickReply, **values: object) -> MsgOut:
        """Returns a message of a single phrase."""
        return self.renderer.message(self.renderer.text(phrase, **values), buttons)

    def button(self, label: str, command: str, *arguments: object, **values: object) -> QuickReply:
        """Returns a quick reply that sends a command, as if typed. `label` is the id of a phrase."""
        return QuickReply(self.renderer.command_token(command, *arguments), self.renderer.text(label, **values))


Run = Callable[[StaffCall], Iterable[MsgOut]]


class StaffCommand(NamedTuple):
    """A command. The phrases `words.desk.NAME` and `desk.help.NAME` hold its words and its help."""

    name: str
    action: Action
    run: Run


_commands: dict[str, StaffCommand] = {}


def staff_command(name: str, action: Action) -> Callable[[Run], Run]:
    """Registers a staff command for the roles that the policy permits this action.

    >>> @staff_command("list", "consultations.list")                                  # doctest: +SKIP
    ... def list_open(call: Call) -> Iterable[MsgOut]:
    ...     yield call.reply("desk.list.none")
    """

    def enter(run: Run) -> Run:
        _commands[name] = StaffCommand(name, action, run)
        return run

    return enter


def staff_commands() -> dict[str, StaffCommand]:
    """Imports all modules of this package and returns their commands by name."""
    for module in iter_modules(bot.staff.chat.__path__):
        import_module(f"{bot.staff.chat.__name__}.{module.name}")
    return dict(sorted(_commands.items()))


def command_usage(renderer: Renderer, name: str, code: str = "CODE") -> str:
    """Returns the help of a command in one language; `code` is the proposal code to show."""
    word = next(iter(renderer.words(f"words.desk.{name}")), name)
    return renderer.text(STAFF_COMMANDS[name], command=f"/{word}", code=code)
