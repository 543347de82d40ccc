"""One language of one consultation: the voice in which its questions are asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flows.messages import MsgOut, QuickReply
from flows.parts import MessagePart
from flows.phrases import FormOfAddress, Phrases
from flows.plain_text import arrow
from flows.tokens import Token
from flows.understanding.matching import FunctionWords
from flows.understanding.text import fold
from flows.wording import Text


class Renderer:
    """Says phrases and texts in one language and form of address, and makes the tokens of quick replies.

    A token names the compiled revision and the question, so that a tap on an old button is recognised for what it is
    (`flows.tokens`).
    """

    __slots__ = ("_commands", "_fallbacks", "_form", "_phrases", "_small_words", "code", "language")

    def __init__(
        self, code: str, language: str, phrases: Phrases, form: FormOfAddress, fallbacks: Mapping[str, str]
    ) -> None:
        self.code = code
        self.language = language
        self._phrases = phrases
        self._form = form
        self._fallbacks = fallbacks
        self._commands: dict[str, QuickReply] = {}
        self._small_words: FunctionWords | None = None

    def text(self, phrase: str, /, **values: object) -> str:
        """One of the bot's own phrases."""
        return self._phrases.text(phrase, self._form, **values)

    @property
    def arrow(self) -> str:
        """Points at the text after it, in the direction in which this language is read."""
        return arrow(self.language)

    def text_around(self, phrase: str, gap: str, /, **values: object) -> tuple[str, str]:
        """One of the bot's own phrases in two pieces: what stands before the placeholder `gap`, and what after it."""
        return self._phrases.text_around(phrase, self._form, gap, **values)

    def words(self, phrase: str) -> list[str]:
        """What people may type for something, in this language."""
        return self._phrases.words(phrase)

    def done_words(self) -> frozenset[str]:
        """What people say when that is all, folded."""
        return frozenset(map(fold, (self.text("button.done"), *self.words("words.done"))))

    def function_words(self) -> FunctionWords:
        """The words people put around an answer in this language, and its numerals from zero on."""
        if self._small_words is None:
            self._small_words = FunctionWords(
                frozenset(map(fold, self.words("words.fillers"))),
                frozenset(map(fold, self.words("words.negations"))),
                tuple(tuple(map(fold, numeral.split("/"))) for numeral in self.words("words.numbers")),
            )
        return self._small_words

    def listed(self, labels: Iterable[str], phrase: str = "list.and") -> str:
        """Labels in one line: "A, B and C" (or another way to join the last two, e.g. `list.or`)."""
        *first, last = labels
        if not first:
            return last
        return self.text(phrase, first=self.text("list.comma").join(first), last=last)

    def localized(self, text: Text) -> str:
        """A text of the consultation."""
        return text.in_language(self.language, self._fallbacks)

    def recording(self, text: Text, recordings: Mapping[str, str]) -> str:
        """The recording of a text, "" if there is none: in the very language in which the text is shown."""
        return recordings.get(text.shown_in(self.language, self._fallbacks), "")

    def token(self, key: str, value: str) -> str:
        """What stands behind a button for this answer."""
        return Token(self.code, key, value).format()

    def command_token(self, command: str, *arguments: object) -> str:
        """What stands behind a button for this command."""
        return Token.of_command(self.code, command, *arguments).format()

    def command(self, command: str) -> QuickReply:
        """A quick reply for a chat word, e.g. "Überspringen"."""
        known = self._commands.get(command)
        if known is None:
            known = self._commands[command] = QuickReply(
                self.command_token(command), self.text(f"button.{command}"), role="navigation"
            )
        return known

    def return_command(self, slug: str) -> str:
        """What to write to come back to a consultation, e.g. "Start mein-kiez".

        Without a slash: some programs of Matrix keep what begins with one, Telegram would send "/start" alone.
        """
        return f"{self.text('button.start')} {slug}"

    def message(self, parts: str | Iterable[MessagePart], quick_replies: Iterable[QuickReply] = ()) -> MsgOut:
        """A message in this language; a text becomes one body."""
        return MsgOut(parts, tuple(quick_replies), self.language)
