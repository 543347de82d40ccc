"""Main menu: handles messages without an open session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flows.commands.linking import parse_link_request
from flows.commands.my_contributions import parse_contributions
from flows.commands.subscriptions import parse_subscription
from flows.commands.words import Command, command_matcher
from flows.dialogue.messages_text import each_in_own_language, how_to_write, words_to_people
from flows.events import (
    ConsultationChosen,
    DataRequested,
    ErasureRequested,
    Event,
    LanguageChosen,
    LinkRequested,
    MessageCreated,
    PushesStopped,
    SubscriptionRequested,
)
from flows.languages import LANGUAGES, best_guess
from flows.messages import UNDECRYPTABLE, MsgIn, MsgOut, QuickReply
from flows.phrases import FORMS_OF_ADDRESS, FormOfAddress, Phrases
from flows.renderer import Renderer
from flows.tokens import MENU, START, Token
from flows.understanding.matching import Matcher
from flows.understanding.text import fold
from flows.wording import Text

CODE = MENU


class MenuEntry(NamedTuple):
    """An open consultation in the main menu."""

    slug: str
    title: Text
    fallbacks: Mapping[str, str]
    main_language: str
    keywords: tuple[str, ...]
    person: Text
    """The contact person."""
    ways: tuple[str, ...] = ()
    """Telephone number, e-mail address and web page of the contact person."""

    def in_language(self, text: Text, language: str) -> str:
        """Returns the text in this language or its fallbacks, else in the main language."""
        while language not in text.languages():
            language = self.fallbacks.get(language, self.main_language)
        return text.in_language(language, {})


class MainMenu:
    """The open consultations. Immutable; rebuilt when a consultation is published or closes."""

    __slots__ = ("_languages", "_names", "_renderers", "commands", "entries")

    def __init__(self, entries: Sequence[MenuEntry], catalogues: Mapping[str, Phrases]) -> None:
        self.entries = tuple(entries)
        self._renderers = {
            form: {tag: Renderer(CODE, tag, phrases, form, {}) for tag, phrases in catalogues.items()}
            for form in FORMS_OF_ADDRESS
        }
        self.commands = command_matcher(tuple(catalogues.values()))
        self._names = Matcher(
            (entry.slug, (entry.slug, *entry.keywords, *(w.text for _, w in entry.title.items()))) for entry in entries
        )
        self._languages = Matcher(
            ((tag, (LANGUAGES[tag].name, *catalogues[tag].words("words.this_language"))) for tag in catalogues),
            numbered=False,
        )

    def receive(self, msg: MsgIn, language: str | None, form: FormOfAddress = "sie") -> tuple[Event, ...]:
        """Returns the events of a message; `language` is the stored choice of the contact, if any, `form` how the
        contact was addressed last.
        """
        return self.recognised(msg, language, form) or self.otherwise(msg, language, form)

    def is_call(self, text: str) -> bool:
        """Whether a message in a group calls the bot: a mention (as "!"), or one of its commands in any language. Other
        bots have commands of their own.
        """
        word = text.split(maxsplit=1)[0] if text.strip() else ""
        if word == "!":
            return text.strip() == word
        return word[:1] in {"/", "!"} and self.commands.find(fold(word)) is not None

    def recognised(self, msg: MsgIn, language: str | None, form: FormOfAddress = "sie") -> tuple[Event, ...]:
        """Returns the events of a command or the name of a consultation; nothing for other messages."""
        if events := self.run_command(msg, language, form):
            return events
        folded = _words_of(msg)
        parsed = self.commands.find(folded)
        if (parsed is None or parsed.command is not Command.START) and (named := self._names.find_folded(folded)):
            return (ConsultationChosen(named.value),)
        return ()

    def otherwise(self, msg: MsgIn, language: str | None, form: FormOfAddress = "sie") -> tuple[Event, ...]:
        """Returns the events of any other message: starts the only open consultation, or shows the menu."""
        parsed = self.commands.find(_words_of(msg))
        if len(self.entries) == 1 and (parsed is None or parsed.command in _START_COMMANDS):
            return (ConsultationChosen(self.entries[0].slug),)
        return (self.welcome(self.renderer(language, msg.language_hint, form)),)

    def run_command(self, msg: MsgIn, language: str | None, form: FormOfAddress = "sie") -> tuple[Event, ...]:
        """Returns the events of input that is valid everywhere: a command, a language, a tap on a consultation. Nothing
        for text that may be an answer.
        """
        renderer = self.renderer(language, msg.language_hint, form)
        if msg.media == UNDECRYPTABLE:
            return (MessageCreated(renderer.message(renderer.text("media.sealed"))),)
        if event := _event_of_tap(msg.tapped, renderer):
            return (event,)
        if words := self.commands.words_for_people(msg.text):
            return (words_to_people(renderer, words),)
        folded = _words_of(msg)
        parsed = self.commands.find(folded)
        if parsed and (event := _event_of(parsed.command, parsed.argument, renderer)):
            return (event,)
        if parsed and parsed.command in _REPLIES:
            return _REPLIES[parsed.command](self, renderer)
        chosen = self._language_of(folded)
        return self._switch(chosen, form) if chosen else ()

    def _language_of(self, folded: str) -> str:
        """Returns the tag of the language that a reply names, by name or by tag; "" if it names none."""
        named = self._languages.find_folded(folded)
        if named:
            return named.value
        return folded if folded in self._renderers["sie"] else ""

    def renderer(self, language: str | None, hint: str = "", form: FormOfAddress = "sie") -> Renderer:
        """Returns the renderer for a contact, by their choice or else by the channel's hint."""
        known = language if language in self._renderers[form] else best_guess(hint, tuple(self._renderers[form]))
        assert known is not None  # noqa: S101 - for the type checker: best_guess always finds one
        return self._renderers[form][known]

    def welcome(self, renderer: Renderer) -> MessageCreated:
        """Returns the introduction of the bot and the open consultations."""
        titles = [entry.in_language(entry.title, renderer.language) for entry in self.entries]
        replies = [
            QuickReply(renderer.token(START, entry.slug), title, number)
            for number, (entry, title) in enumerate(zip(self.entries, titles, strict=True), start=1)
        ]
        lines = [renderer.text("lobby.hello"), renderer.text("lobby.choose" if titles else "lobby.nothing")]
        return MessageCreated(renderer.message("\n".join(lines), (*replies, *self._language_replies(renderer))))

    def invite(self, hint: str) -> MsgOut:
        """Returns the message for a group, with buttons that open each consultation in a private chat."""
        renderer = self.renderer(None, hint)
        replies = [
            QuickReply(renderer.token(START, one.slug), one.in_language(one.title, renderer.language))
            for one in self.entries
        ]
        return renderer.message(renderer.text("lobby.group"), replies)

    def _language_replies(self, renderer: Renderer) -> list[QuickReply]:
        return [
            QuickReply(renderer.command_token(Command.LANGUAGE, tag), LANGUAGES[tag].name)
            for tag in self._renderers["sie"]
            if tag != renderer.language
        ]

    def _switch(self, language: str, form: FormOfAddress) -> tuple[Event, ...]:
        return (LanguageChosen(language), self.welcome(self._renderers[form][language]))

    def ask_language(self, renderer: Renderer) -> tuple[Event, ...]:
        parts = each_in_own_language(self._renderers["sie"].values(), "language.ask")
        return (MessageCreated(renderer.message(parts, self._language_replies(renderer))),)

    def contacts(self, renderer: Renderer) -> tuple[Event, ...]:
        lines = [renderer.text("human")]
        for entry in self.entries:
            lines += [entry.in_language(entry.person, renderer.language), *entry.ways]
        lines.append(how_to_write(renderer))
        return (MessageCreated(renderer.message("\n".join(dict.fromkeys(lines)))),)


def _words_of(msg: MsgIn) -> str:
    """Returns the folded text; for a tap, the equivalent words."""
    tapped = msg.tapped
    if tapped is None:
        return fold(msg.text)
    words = tapped.arguments if tapped.command == Command.LANGUAGE else ()
    return " ".join(words or (tapped.command, *tapped.arguments)).replace("_", " ")


def _event_of_tap(tapped: Token | None, renderer: Renderer) -> Event | None:
    """Returns the event of a tapped consultation or command; None if the message needs no more than its words."""
    if tapped is None:
        return None
    if tapped.key == START:
        return ConsultationChosen(tapped.value)
    return _event_of(tapped.command, tapped.argument, renderer)


def _event_of(name: str, argument: str, renderer: Renderer) -> Event | None:
    """Returns the event of a command with an argument: start, subscriptions, linking, own contributions."""
    match name:
        case Command.START:
            return ConsultationChosen(argument) if argument else None
        case Command.NEWS:
            return (
                SubscriptionRequested(wanted, renderer.language) if (wanted := parse_subscription(argument)) else None
            )
        case Command.LINK:
            return parse_link_request(argument, renderer.language)
        case Command.MINE:
            return parse_contributions(argument, renderer.language)
        case Command.UNLINK:
            return LinkRequested("part", language=renderer.language)
    return None


def _simple(phrase: str, *buttons: str) -> Callable[[MainMenu, Renderer], tuple[Event, ...]]:
    def answer(menu: MainMenu, renderer: Renderer) -> tuple[Event, ...]:
        text = renderer.text(phrase, keyword=renderer.text("button.start"))
        return (MessageCreated(renderer.message(text, [renderer.command(button) for button in buttons])),)

    return answer


def _with_event(event: Event, phrase: str, *buttons: str) -> Callable[[MainMenu, Renderer], tuple[Event, ...]]:
    reply = _simple(phrase, *buttons)
    return lambda menu, renderer: (event, *reply(menu, renderer))


_START_COMMANDS = frozenset({Command.START, Command.CONTINUE, Command.REPEAT, Command.CHANGE, Command.SUBMIT})
_REPLIES: dict[Command, Callable[[MainMenu, Renderer], tuple[Event, ...]]] = {
    Command.HELP: _simple("lobby.help"),
    Command.EXPLAIN: _simple("lobby.help"),
    Command.PRIVACY: _simple("lobby.privacy"),
    Command.DELETE: _simple("delete.ask", "delete_all"),
    Command.DELETE_ALL: _with_event(ErasureRequested(), "delete.done"),
    Command.STOP: _with_event(PushesStopped(), "stop.done", "start", "delete"),
    Command.MYDATA: lambda menu, renderer: (DataRequested(),),
    Command.STATUS: lambda menu, renderer: (DataRequested(),),
    Command.LANGUAGE: lambda menu, renderer: menu.ask_language(renderer),
    Command.HUMAN: lambda menu, renderer: menu.contacts(renderer),
}
