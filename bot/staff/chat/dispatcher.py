"""Dispatches staff commands; all other messages go to the conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from adapters.web.limits import Buckets, Rate
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue
from bot.consultations.participant import Person
from bot.settings import Settings
from bot.staff.chat import team
from bot.staff.chat.registry import StaffCall, staff_commands
from bot.staff.policy import may
from flows.commands.words import Command
from flows.messages import MsgIn, MsgOut
from flows.phrase_families import ROLES
from flows.tokens import STAFF_CHAT
from flows.understanding.text import fold
from storage.tables.staff import staff_in_chats

CODE_ATTEMPTS: Final = Rate(burst=5, per_second=5 / 3600)
"""Rate limit for access codes per address. Codes have 80 random bits; the limit only discourages guessing."""
_LONGEST_HELP: Final = 40
"""Maximum length of a request for help; longer messages are answers."""
_SLASHES: Final = ("/", "!")  # some Matrix clients do not send messages that begin with a slash


class StaffChat:
    """Recognises staff among the senders of a batch and runs their commands."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        proactive: frozenset[str],
        channels: Sequence[str],
    ) -> None:
        self._proactive = proactive
        self._channels = tuple(channels)
        self._settings = settings
        self._catalogue = catalogue
        self._commands = staff_commands()
        self._by_word = {
            word: name for name in self._commands for word in (name, *catalogue.words(f"words.desk.{name}"))
        }
        self._words_of_residents = {
            said.partition(" ")[0]
            for command in Command
            for said in (fold(command.value.replace("_", " ")), *catalogue.words(f"words.{command}"))
        }
        """First words of the commands that every resident has."""
        self._help = catalogue.words(f"words.{Command.HELP}") | {Command.HELP.value}
        self._tries = Buckets(CODE_ATTEMPTS)
        self._asking: frozenset[int] = frozenset()
        """Object ids of the messages of the current batch that may be staff commands; usually none."""

    def recognise(
        self, connection: Connection, people: Mapping[tuple[str, str], Person], arrived: Sequence[MsgIn]
    ) -> None:
        """Sets `member` of staff senders, with one query for messages that may be commands."""
        asking = [msg for msg in arrived if self._is_asking(msg)]
        self._asking = frozenset(map(id, asking))
        maybe = {people[msg.channel, msg.address].lookup for msg in asking}
        members = staff_in_chats(connection, list(maybe)) if maybe else {}
        for person in people.values():
            person.member = members.get(person.lookup)

    def receive(self, batch: BatchContext, person: Person, msg: MsgIn) -> bool:
        """Runs the command of a message; returns False for messages to the conversations.

        A failing command is rolled back; its error is raised and the message becomes a dead letter.
        """
        if id(msg) not in self._asking:
            return False
        name, argument = self._command_of(msg)
        if person.member and self._asks_for_help(msg):
            renderer = self._catalogue.renderer(STAFF_CHAT, person.language, msg.language_hint)
            # The general help follows, since staff are residents too.
            batch.say(person, renderer.message(renderer.text("desk.hint", command=f"/{team.COMMAND_NAME}")))
        renderer = self._catalogue.renderer(STAFF_CHAT, person.language, msg.language_hint)
        if not name and person.member and self._is_unknown(msg, in_conversation=person.participation is not None):
            told = renderer.text("desk.unknown", word=msg.text.split()[0], command=f"/{team.COMMAND_NAME}")
            batch.say(person, renderer.message(told))
            return True
        if not name or not self._is_meant(person, msg, name, argument):
            return False
        with batch.connection.begin_nested():
            if person.member is None:
                replies: Iterable[MsgOut] = [self._bind(batch, person, argument, msg)]
            else:
                call = StaffCall(
                    batch=batch,
                    settings=self._settings,
                    person=person,
                    member=person.member,
                    action=self._commands[name].action,
                    renderer=renderer,
                    argument=argument,
                    proactive=self._proactive,
                    channels=self._channels,
                )
                replies = list(self._run(call, name))
        for reply in replies:
            batch.say(person, reply)
        return True

    def _command_of(self, msg: MsgIn) -> tuple[str, str]:
        """Returns the command and argument of a message; "" for other messages."""
        if msg.is_group or msg.edits:
            return "", ""
        text = msg.text
        if tapped := msg.tapped:
            if tapped.code != STAFF_CHAT:
                return "", ""
            text = " ".join((tapped.command, *tapped.arguments))
        word, _, argument = text.partition(" ")
        return self._by_word.get(fold(word), ""), argument.strip()

    def _is_asking(self, msg: MsgIn) -> bool:
        """Whether a message may be a staff command or a request for help. Most messages are one word, folded once."""
        if msg.choice or msg.is_group or msg.edits:
            return bool(self._command_of(msg)[0])
        word, _, rest = msg.text.partition(" ")
        folded = fold(word)
        if self._is_unknown(msg, in_conversation=False):
            return True
        return folded in self._by_word or (folded in self._help if not rest else self._asks_for_help(msg))

    def _is_unknown(self, msg: MsgIn, *, in_conversation: bool) -> bool:
        """Whether a message is written like a command, and is none of staff or residents. In a conversation, "!" may
        begin an answer.
        """
        slashes = _SLASHES[:1] if in_conversation else _SLASHES
        if not msg.text.startswith(slashes) or self._catalogue.triggered(msg.text):
            return False
        word = fold(msg.text.partition(" ")[0])
        known = word in self._by_word or word in self._words_of_residents
        return bool(word) and not word.isdecimal() and not known

    def _asks_for_help(self, msg: MsgIn) -> bool:
        is_short = len(msg.text) <= _LONGEST_HELP and not (msg.is_group or msg.edits or msg.choice)
        return is_short and fold(msg.text) in self._help

    def _is_meant(self, person: Person, msg: MsgIn, name: str, argument: str) -> bool:
        """Whether a message is a command: without a slash it may be an answer, and unbound chats may only bind."""
        if person.member is None:
            return name == team.COMMAND_NAME and bool(argument) and msg.text.startswith(_SLASHES)
        return bool(msg.choice) or msg.text.startswith(_SLASHES) or person.participation is None

    def _run(self, call: StaffCall, name: str) -> Iterable[MsgOut]:
        wanted = self._commands[name]
        if not may(call.member.role, wanted.action):
            return [call.reply("desk.not_yours", role=call.renderer.text(ROLES[call.member.role]))]
        return wanted.run(call)

    def _bind(self, batch: BatchContext, person: Person, code: str, msg: MsgIn) -> MsgOut:
        """Binds this chat to the owner of a code. Wrong, revoked and too frequent codes get the same reply."""
        renderer = self._catalogue.renderer(STAFF_CHAT, person.language, msg.language_hint)
        allowed = not self._tries.take(person.lookup.hex())
        outcome = team.bind_chat(batch, person, code) if allowed else team.WRONG_CODE
        text = renderer.text(outcome, name=person.member.name if person.member else "")
        if person.member:
            text = "\n".join([text, *team.abilities(renderer, person.member.role)])
        return renderer.message(text)
