"""Renders phrases, texts and quick replies in one language of one consultation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from flows.braces import AnswerReference, fill_in, unknown_answer
from flows.messages import MsgOut, QuickReply
from flows.parts import MessagePart
from flows.phrase_families import COMMAND_BUTTONS
from flows.phrases import FormOfAddress, Phrases
from flows.plain_text import arrow
from flows.tokens import Token
from flows.understanding.matching import FunctionWords, Sentences
from flows.understanding.text import fold
from flows.wording import Text

AnswerWords = Callable[[AnswerReference], str]
"""Returns the words shown for a reference to an answer."""


class Renderer:
    """Renders phrases and texts in one language and form of address, and creates the tokens of quick replies.

    A token names the compiled revision and the question, so that a tap on an old button is recognised
    (`flows.tokens`).
    """

    __slots__ = ("_answer_words", "_commands", "_fallbacks", "_form", "_phrases", "_small_words", "code", "language")

    def __init__(
        self, code: str, language: str, phrases: Phrases, form: FormOfAddress, fallbacks: Mapping[str, str]
    ) -> None:
        self._answer_words: AnswerWords = unknown_answer
        self.code = code
        self.language = language
        self._phrases = phrases
        self._form = form
        self._fallbacks = fallbacks
        self._commands: dict[str, QuickReply] = {}
        self._small_words: FunctionWords | None = None

    def with_answers(self, words: AnswerWords) -> Renderer:
        """Returns a renderer that shows these words for references to answers."""
        other = Renderer(self.code, self.language, self._phrases, self._form, self._fallbacks)
        other._answer_words = words
        other._commands = self._commands
        other._small_words = self._small_words
        return other

    def text(self, phrase: str, /, **values: object) -> str:
        """Returns one of the bot's own phrases."""
        return self._phrases.text(phrase, self._form, **values)

    @property
    def arrow(self) -> str:
        """An arrow in the reading direction of this language."""
        return arrow(self.language)

    def text_around(self, phrase: str, gap: str, /, **values: object) -> tuple[str, str]:
        """Returns the text before and the text after the placeholder `gap` of one of the bot's own phrases."""
        return self._phrases.text_around(phrase, self._form, gap, **values)

    def words(self, phrase: str) -> list[str]:
        """Returns the accepted words of a phrase in this language."""
        return self._phrases.words(phrase)

    def done_words(self) -> frozenset[str]:
        """Returns the words that mean "done", folded."""
        return frozenset(map(fold, (self.text("button.done"), *self.words("words.done"))))

    def function_words(self) -> FunctionWords:
        """Returns the fillers, negations and numerals (from zero) of this language."""
        if self._small_words is None:
            self._small_words = FunctionWords(
                frozenset(map(fold, self.words("words.fillers"))),
                frozenset(map(fold, self.words("words.negations"))),
                tuple(tuple(map(fold, numeral.split("/"))) for numeral in self.words("words.numbers")),
            )
        return self._small_words

    def sentences(self, phrase: str) -> Sentences:
        """Returns the recogniser of these sentences in this language."""
        return Sentences(self.words(phrase), self.function_words().fillers)

    def listed(self, labels: Iterable[str], phrase: str = "list.and") -> str:
        """Joins labels in one line: "A, B and C" (`phrase` joins the last two, e.g. `list.or`)."""
        *first, last = labels
        if not first:
            return last
        return self.text(phrase, first=self.text("list.comma").join(first), last=last)

    def minutes(self, number: int) -> str:
        """Returns a duration in whole words, for use inside a phrase: "15 Minuten"."""
        return self.text("duration.minutes", n=number)

    def days(self, number: int) -> str:
        """Returns a duration in whole words, for use inside a phrase: "90 Tage"."""
        return self.text("duration.days", n=number)

    def localized(self, text: Text) -> str:
        """Returns a text of the consultation in this language, with its references to answers filled in."""
        return fill_in(text.root[text.shown_in(self.language, self._fallbacks)].text, self._answer_words)

    def recording(self, text: Text, recordings: Mapping[str, str]) -> str:
        """Returns the recording of a text in the language in which it is shown; "" if there is none."""
        return recordings.get(text.shown_in(self.language, self._fallbacks), "")

    def token(self, key: str, value: str) -> str:
        """Returns the token of a button for this answer."""
        return Token(self.code, key, value).format()

    def command_token(self, command: str, *arguments: object) -> str:
        """Returns the token of a button for this command."""
        return Token.of_command(self.code, command, *arguments).format()

    def command(self, command: str) -> QuickReply:
        """Returns the quick reply of a command, e.g. "Überspringen"."""
        known = self._commands.get(command)
        if known is None:
            known = self._commands[command] = QuickReply(
                self.command_token(command), self.text(COMMAND_BUTTONS[command]), role="navigation"
            )
        return known

    def return_command(self, slug: str) -> str:
        """Returns the command that reopens a consultation, e.g. "Start mein-kiez".

        Without a slash: some Matrix clients do not send text that begins with one, and Telegram sends "/start" alone.
        """
        return f"{self.text('button.start')} {slug}"

    def message(self, parts: str | Iterable[MessagePart], quick_replies: Iterable[QuickReply] = ()) -> MsgOut:
        """Creates a message in this language; a string becomes one body part."""
        return MsgOut(parts, tuple(quick_replies), self.language)
