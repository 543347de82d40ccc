"""Tokens of buttons: an answer or a command as one short string.

An answer is `code.key.value`: `code` names the compiled revision (or another recipient of the tap: "lobby", "desk",
"push"), `key` the question. A command has no question: `code..command.argument.argument`. Old messages contain tokens,
so the format never changes and every token ever issued can be parsed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

DONE: Final = "+done"
"""The value that completes a list. No option value contains a plus sign, so the two cannot be confused."""
START: Final = "start"
"""Replaces the key of a question in tokens that start a consultation; the value is its slug."""
MENU: Final = "lobby"
"""Code of buttons that lead to the main menu, or are part of it."""
STAFF_CHAT: Final = "desk"
"""Code of buttons in a staff chat."""
_SIGN: Final = "."
_PIECES: Final = 3


class Token(NamedTuple):
    """A parsed token. Any other string is kept as `code` and is neither an answer nor a command.

    >>> Token.parse("b69eca.wahl.bus")
    Token(code='b69eca', key='wahl', value='bus')
    >>> Token.parse("b69eca..change.2").command, Token.parse("b69eca..change.2").arguments
    ('change', ('2',))
    >>> Token.of_command("desk", "push", "yes", 7).format()
    'desk..push.yes.7'
    """

    code: str
    key: str = ""
    """Key of the question; "" in a command."""
    value: str = ""
    """The answer; in a command its name and arguments."""

    @staticmethod
    def parse(text: str) -> Token:
        """Parses any string; `format` is the inverse."""
        return _parsed(text)

    @staticmethod
    def of_command(code: str, command: str, *arguments: object) -> Token:
        """Creates the token of a command."""
        return Token(code, "", _SIGN.join(map(str, (command, *arguments))))

    def format(self) -> str:
        """Returns the token as a string."""
        return f"{self.code}.{self.key}.{self.value}" if self.key or self.value else self.code

    @property
    def command(self) -> str:
        """Name of the command; "" for an answer."""
        return "" if self.key else self.value.partition(_SIGN)[0]

    @property
    def argument(self) -> str:
        """All arguments of the command in one string; `arguments_of` splits it."""
        return "" if self.key else self.value.partition(_SIGN)[2]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of the command."""
        return arguments_of(self.argument)

    def with_arguments(self, *arguments: object) -> Token:
        """Returns the same command with more arguments."""
        return self._replace(value=_SIGN.join(map(str, (self.value, *arguments))))


def arguments_of(argument: str) -> tuple[str, ...]:
    """Splits the argument string of a command.

    >>> arguments_of("topic.economy.no"), arguments_of("")
    (('topic', 'economy', 'no'), ())
    """
    return tuple(argument.split(_SIGN)) if argument else ()


@lru_cache(4096)
def _parsed(text: str) -> Token:
    """Cached, because the same tokens are sent to all contacts; a token contains no personal data."""
    pieces = text.split(_SIGN, _PIECES - 1)
    return Token(*pieces) if len(pieces) == _PIECES and any(pieces[1:]) else Token(text)
