"""Commands: global words in every language, with or without a slash or an exclamation mark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from flows.commands import linking, subscriptions
from flows.commands.my_contributions import KINDS
from flows.phrases import Phrases
from flows.understanding.matching import Matcher, spellings


class Command(StrEnum):
    """A command by its stable name. Every catalogue lists its words under `words.NAME`."""

    START = "start"
    HELP = "help"
    LANGUAGE = "language"
    BACK = "back"
    SKIP = "skip"
    REPEAT = "repeat"
    CHANGE = "change"
    STATUS = "status"
    PRIVACY = "privacy"
    MYDATA = "mydata"
    DELETE = "delete"
    DELETE_ALL = "delete_all"
    STOP = "stop"
    HUMAN = "human"
    NEWS = "news"
    LINK = "link"
    UNLINK = "unlink"
    MINE = "mine"
    SUBMIT = "submit"
    CONTINUE = "continue"
    START_OVER = "start_over"


class ParsedCommand(NamedTuple):
    """A command with its argument: "2" of "change 2", "tr" of a tapped language, "topic.economy" of "news economy",
    the digits of "link 4711 0815 2342"."""

    command: Command
    argument: str = ""


# Typos are accepted only for commands that change nothing.
_HARMLESS = frozenset({Command.HELP, Command.BACK, Command.REPEAT, Command.STATUS, Command.LANGUAGE, Command.HUMAN})
_CODE = re.compile(r"\bp ?[0-9a-z]{4} ?[0-9a-z]{4}$")
_NUMBER = re.compile(r"\d{1,2}")


class CommandMatcher:
    """Finds the command in a reply. Searches all languages together, because people mix them.

    Words of the languages in `others`, which are not offered, must be spelt exactly: a contact who cannot read the
    messages of the bot must still be able to stop it.
    """

    __slots__ = ("_by_word", "_contribution_words", "_harmless", "_link_words", "_subscription_words")

    def __init__(self, catalogues: Iterable[Phrases], others: Iterable[Phrases] = ()) -> None:
        catalogues, others = tuple(catalogues), tuple(others)
        by_word: dict[str, Command] = {}
        for phrases in catalogues:
            by_word = _words(phrases) | by_word
        self._harmless = Matcher(
            ((command, [word for word in by_word if by_word[word] is command]) for command in _HARMLESS), numbered=False
        )
        self._by_word = by_word
        self._subscription_words: dict[str, str] = {}
        for phrases in others:
            self._by_word = _words(phrases) | self._by_word
        for phrases in (*catalogues, *others):
            self._subscription_words = _subscription_words(phrases) | self._subscription_words
        self._link_words: dict[str, str] = {}
        for phrases in (*catalogues, *others):
            self._link_words = linking.link_words(phrases) | self._link_words
        self._contribution_words = {
            spelling: kind
            for phrases in (*catalogues, *others)
            for kind in KINDS
            for word in phrases.words(f"words.mine.{kind}")
            for spelling in spellings(word)
        }

    def find(self, folded: str) -> ParsedCommand | None:
        """Returns the command if the whole reply is one, e.g. "zuruck" or "andern 2"; else None."""
        command = self._by_word.get(folded)
        if command is not None:
            return ParsedCommand(command)
        if folded.isdecimal():  # a bare number is always an answer
            return None
        head, _, rest = folded.partition(" ")
        if rest in self._subscription_words and self._by_word.get(head) is Command.NEWS:
            return ParsedCommand(Command.NEWS, self._subscription_words[rest])
        if rest in self._link_words and self._by_word.get(head) is Command.LINK:
            return ParsedCommand(Command.LINK, self._link_words[rest])
        if (code := _CODE.search(folded)) and (doing := folded[: code.start()].rstrip()) in self._contribution_words:
            return ParsedCommand(Command.MINE, f"{self._contribution_words[doing]}.{code[0]}")
        if rest and rest.replace(" ", "").isdecimal() and self._by_word.get(head) is Command.LINK:
            return ParsedCommand(Command.LINK, rest)
        if len(folded) < 40 and (number := _NUMBER.search(folded)):
            rest = " ".join((folded[: number.start()] + folded[number.end() :]).split())
            if self._by_word.get(rest) is Command.CHANGE:
                return ParsedCommand(Command.CHANGE, number[0])
            if self._by_word.get(rest) is Command.MINE:
                return ParsedCommand(Command.MINE, f"more.{number[0]}")
        return None

    def find_misspelt(self, folded: str) -> ParsedCommand | None:
        """Returns the harmless command that an unmatched reply probably misspells."""
        near = self._harmless.misspelt(folded)
        return ParsedCommand(near.value) if near else None


@lru_cache(64)
def command_matcher(catalogues: tuple[Phrases, ...], others: tuple[Phrases, ...]) -> CommandMatcher:
    """Returns the matcher, shared by all flows with the same languages; building it is a tenth of compiling a flow."""
    return CommandMatcher(catalogues, others)


@lru_cache(64)
def _words(phrases: Phrases) -> dict[str, Command]:
    """Maps all spellings of the commands in one language, and their stable names, to commands."""
    return {
        spelling: command
        for command in reversed(Command)
        for word in (command.value.replace("_", " "), *phrases.words(f"words.{command}"))
        for spelling in spellings(word)
    }


@lru_cache(64)
def _subscription_words(phrases: Phrases) -> dict[str, str]:
    return subscriptions.subscription_words(phrases)
