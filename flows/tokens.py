"""What a button carries: the answer or the command it stands for, as one short text.

An answer is `code.key.value`: `code` names the compiled revision (or what else takes the tap: "lobby", "desk",
"push"), `key` the question. A command has no question: `code..command.argument.argument`. Tokens stand in messages that
were sent long ago, so what is written here never changes, and all that was ever written is read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

DONE: Final = "+done"
"""The value that ends a list. Its sign is in no option's value, so the two never meet in a token."""
START: Final = "start"
"""In the place of a question's key: the way into a consultation, by its slug."""
STAFF_CHAT: Final = "desk"
"""The code of buttons in a chat of the staff."""
_SIGN: Final = "."
_PIECES: Final = 3


class Token(NamedTuple):
    """A token, taken apart. What is none is kept whole as its `code`, and is neither an answer nor a command.

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
        """Reads any text: `format` gives the same again."""
        return _parsed(text)

    @staticmethod
    def of_command(code: str, command: str, *arguments: object) -> Token:
        """The token of a command."""
        return Token(code, "", _SIGN.join(map(str, (command, *arguments))))

    def format(self) -> str:
        """The token as a button carries it."""
        return f"{self.code}.{self.key}.{self.value}" if self.key or self.value else self.code

    @property
    def command(self) -> str:
        """Name of the command; "" where it is none."""
        return "" if self.key else self.value.partition(_SIGN)[0]

    @property
    def argument(self) -> str:
        """What comes with the command, in one text; `arguments_of` takes it apart."""
        return "" if self.key else self.value.partition(_SIGN)[2]

    @property
    def arguments(self) -> tuple[str, ...]:
        """What comes with the command, one by one."""
        return arguments_of(self.argument)

    def with_arguments(self, *arguments: object) -> Token:
        """The same command with more arguments."""
        return self._replace(value=_SIGN.join(map(str, (self.value, *arguments))))


def arguments_of(argument: str) -> tuple[str, ...]:
    """The arguments of a command one by one; none where it has none.

    >>> arguments_of("topic.economy.no"), arguments_of("")
    (('topic', 'economy', 'no'), ())
    """
    return tuple(argument.split(_SIGN)) if argument else ()


@lru_cache(4096)
def _parsed(text: str) -> Token:
    """Read once, however many look at it: a token names what is offered to everybody, and nobody."""
    pieces = text.split(_SIGN, _PIECES - 1)
    return Token(*pieces) if len(pieces) == _PIECES and any(pieces[1:]) else Token(text)
