"""What the desk can do: commands by name, each with the roles that may give it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Final, NamedTuple

from sqlalchemy import Connection

import bot.desk
from bot.catalogue import Catalogue
from bot.effects import Effects
from bot.keys import Keys
from bot.person import Person
from bot.settings import Settings
from flows.messages import MsgOut, QuickReply
from flows.text import fold
from flows.voice import Voice
from storage.staff import ROLES, Role, TeamMember

CODE: Final = "desk"
"""Marks the desk's buttons: a tap on one is never an answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command given by one member of the team, within the transaction of the batch.

    `argument` is what was typed after the command word. What a command writes on `connection` is undone if it fails;
    `effects` holds rows that are written after the people of this batch are.
    """

    connection: Connection
    effects: Effects
    settings: Settings
    keys: Keys
    catalogue: Catalogue
    person: Person
    member: TeamMember
    voice: Voice
    argument: str
    proactive: frozenset[str]
    """Channels that can write to people who have not just written."""
    channels: tuple[str, ...]

    @property
    def now(self) -> datetime:
        return self.effects.now

    def means(self, phrase: str) -> bool:
        """Whether the argument is one of the words listed under this phrase, in any language."""
        return fold(self.argument) in self.catalogue.words(phrase)

    def reply(self, phrase: str, *buttons: QuickReply, **values: object) -> MsgOut:
        """One message of a single phrase."""
        return self.voice.message(self.voice.say(phrase, **values), buttons)

    def button(self, label: str, command: str, *arguments: object, **values: object) -> QuickReply:
        """A quick reply that gives a command: a tap is the same as typing it. `label` is the id of a phrase."""
        token = self.voice.token("", ".".join(map(str, (command, *arguments))))
        return QuickReply(token, self.voice.say(label, **values))


Run = Callable[[Call], Iterable[MsgOut]]


class DeskCommand(NamedTuple):
    """A command. `words.desk.NAME` lists what may be typed for it, `desk.help.NAME` says how and what it is for."""

    name: str
    roles: tuple[Role, ...]
    run: Run


_commands: dict[str, DeskCommand] = {}


def command(name: str, *, roles: tuple[Role, ...] = ROLES) -> Callable[[Run], Run]:
    """Enters a command of the desk.

    >>> @command("list", roles=("facilitator", "admin"))                        # doctest: +SKIP
    ... def list_open(call: Call) -> Iterable[MsgOut]:
    ...     yield call.reply("desk.list.none")
    """

    def enter(run: Run) -> Run:
        _commands[name] = DeskCommand(name, roles, run)
        return run

    return enter


def commands() -> dict[str, DeskCommand]:
    """All commands by name, those of every file in this folder."""
    for module in iter_modules(bot.desk.__path__):
        import_module(f"{bot.desk.__name__}.{module.name}")
    return dict(sorted(_commands.items()))


def usage(voice: Voice, name: str, code: str = "CODE") -> str:
    """What to type for a command and what it is for, in the words of this language; `code` is what it is about."""
    word = next(iter(voice.words(f"words.desk.{name}")), name)
    return voice.say(f"desk.help.{name}", command=f"/{word}", code=code)
