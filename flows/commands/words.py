"""Commands: global words in every language, with or without a slash or an exclamation mark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeVar, get_args

from flows.commands import linking, subscriptions
from flows.commands.my_contributions import KINDS
from flows.phrases import Phrases
from flows.understanding.matching import Matcher, Sentences, spellings
from flows.understanding.text import fold


class Command(StrEnum):
    """A command by its stable name. Every catalogue lists its words under `words.NAME`."""

    START = "start"
    HELP = "help"
    EXPLAIN = "explain"
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


Courtesy = Literal["hello", "thank_you"]
COURTESIES: Final[tuple[Courtesy, ...]] = get_args(Courtesy)

V = TypeVar("V")

# Typos are accepted only for commands that change nothing.
_HARMLESS = frozenset(
    {
        Command.HELP,
        Command.EXPLAIN,
        Command.BACK,
        Command.REPEAT,
        Command.STATUS,
        Command.LANGUAGE,
        Command.HUMAN,
    }
)
_CODE = re.compile(r"\bp ?[0-9a-z]{4} ?[0-9a-z]{4}$")
_LONGEST_NUMBERED = 40
"""Characters; a longer reply with a number is a text."""
LONGEST_WORDS = 2_000
"""Characters of a message to the team."""
MESSAGES_KEPT_DAYS = 30
"""How long messages to the team are kept at most."""
_NUMBER = re.compile(r"\d{1,2}")


class CommandMatcher:
    """Finds the command in a reply. Searches all languages together, because people mix them.

    Words of the languages in `others`, which are not offered, must be spelt exactly: a contact who cannot read the
    messages of the bot must still be able to stop it.
    """

    __slots__ = (
        "_by_word",
        "_contribution_words",
        "_courtesies",
        "_harmless",
        "_link_words",
        "_subscription_words",
        "_to_people",
    )

    def __init__(self, catalogues: Iterable[Phrases], others: Iterable[Phrases] = ()) -> None:
        offered = tuple(catalogues)
        every = (*offered, *others)
        by_word = _first_of(map(_words, offered))
        self._harmless = Matcher(
            ((command, [word for word in by_word if by_word[word] is command]) for command in _HARMLESS), numbered=False
        )
        self._by_word = _first_of(map(_words, every))
        self._subscription_words = _first_of(map(_subscription_words, every))
        self._link_words = _first_of(map(_link_words, every))
        self._to_people = [_sentences_to_people(phrases) for phrases in every]
        self._contribution_words = _first_of(map(_contribution_words, every))
        self._courtesies = _first_of(map(_courtesy_words, every))

    def find(self, folded: str) -> ParsedCommand | None:
        """Returns the command if the whole reply is one, e.g. "zuruck" or "andern 2"; else None."""
        command = self._by_word.get(folded)
        if command is not None:
            return ParsedCommand(command)
        if folded.isdecimal():  # a bare number is always an answer
            return None
        if any(sentences.matches(folded) for sentences in self._to_people):
            return ParsedCommand(Command.HUMAN)
        return self._with_argument(folded) or self._with_code(folded) or self._with_number(folded)

    def courtesy(self, folded: str) -> Courtesy | None:
        """Returns what a reply is that says nothing but hello or thank you; None for others."""
        return self._courtesies.get(folded)

    def words_for_people(self, text: str) -> str:
        """Returns what a contact writes to the team: the words after "/human" or "human:"; "" for other messages.

        A word without slash and colon is no sign of it: answers begin with "Mensch", too.
        """
        ways = [text.split(":", 1)] + ([text.split(maxsplit=1)] if text[:1] in {"/", "!"} else [])
        for head, *rest in ways:
            if rest and len(head) <= _LONGEST_NUMBERED and self._by_word.get(fold(head)) is Command.HUMAN:
                return rest[0].strip()[:LONGEST_WORDS]
        return ""

    def _with_argument(self, folded: str) -> ParsedCommand | None:
        """Returns a command whose argument follows it: "news off", "link 4711 0815 2342"."""
        head, _, rest = folded.partition(" ")
        command = self._by_word.get(head)
        if command is Command.NEWS and rest in self._subscription_words:
            return ParsedCommand(Command.NEWS, self._subscription_words[rest])
        if command is not Command.LINK:
            return None
        if rest in self._link_words:
            return ParsedCommand(Command.LINK, self._link_words[rest])
        return ParsedCommand(Command.LINK, rest) if rest.replace(" ", "").isdecimal() else None

    def _with_code(self, folded: str) -> ParsedCommand | None:
        """Returns what a contact wants to do with the contribution of this code."""
        code = _CODE.search(folded)
        if code is None:
            return None
        doing = self._contribution_words.get(folded[: code.start()].rstrip())
        return ParsedCommand(Command.MINE, f"{doing}.{code[0]}") if doing else None

    def _with_number(self, folded: str) -> ParsedCommand | None:
        """Returns a command with a number before, within or after it: "2 andern"."""
        number = _NUMBER.search(folded) if len(folded) < _LONGEST_NUMBERED else None
        if number is None:
            return None
        command = self._by_word.get(" ".join((folded[: number.start()] + folded[number.end() :]).split()))
        if command is Command.CHANGE:
            return ParsedCommand(Command.CHANGE, number[0])
        return ParsedCommand(Command.MINE, f"more.{number[0]}") if command is Command.MINE else None

    def find_misspelt(self, folded: str) -> ParsedCommand | None:
        """Returns the harmless command that an unmatched reply probably misspells."""
        near = self._harmless.misspelt(folded)
        return ParsedCommand(near.value) if near else None


@lru_cache(64)
def command_matcher(catalogues: tuple[Phrases, ...], others: tuple[Phrases, ...] = ()) -> CommandMatcher:
    """Returns the matcher, shared by all main menus and flows with the same languages; building it takes longer than
    compiling a flow.
    """
    return CommandMatcher(catalogues, others)


def _first_of(maps: Iterable[Mapping[str, V]]) -> dict[str, V]:
    """Joins maps of words; a word of several languages has the meaning of the first."""
    found: dict[str, V] = {}
    for one in maps:
        found = {**one, **found}
    return found


@lru_cache(64)
def _contribution_words(phrases: Phrases) -> dict[str, str]:
    """Maps every spelling of the words for one's own contributions to what they ask for."""
    return {
        spelling: kind for kind in KINDS for word in phrases.words(f"words.mine.{kind}") for spelling in spellings(word)
    }


@lru_cache(64)
def _courtesy_words(phrases: Phrases) -> dict[str, Courtesy]:
    """Maps every spelling of hello and thank you to what it is."""
    return {
        spelling: courtesy
        for courtesy in COURTESIES
        for word in phrases.words(f"words.{courtesy}")
        for spelling in spellings(word)
    }


@lru_cache(64)
def _sentences_to_people(phrases: Phrases) -> Sentences:
    return Sentences(phrases.words("words.to_people"), frozenset(map(fold, phrases.words("words.fillers"))))


@lru_cache(64)
def _link_words(phrases: Phrases) -> dict[str, str]:
    return linking.link_words(phrases)


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
