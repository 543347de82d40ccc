"""What happens without an open session: the bot says what it is for and lets people choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flows.commands.linking import parse_link_request
from flows.commands.my_contributions import parse_contributions
from flows.commands.subscriptions import parse_subscription
from flows.commands.words import Command, CommandMatcher
from flows.dialogue.messages_text import each_in_own_language
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
from flows.phrases import Phrases
from flows.renderer import Renderer
from flows.tokens import START
from flows.understanding.matching import Matcher
from flows.understanding.text import fold
from flows.wording import Text

CODE = "lobby"


class MenuEntry(NamedTuple):
    """An open consultation as the lobby offers it."""

    slug: str
    title: Text
    fallbacks: Mapping[str, str]
    main_language: str
    keywords: tuple[str, ...]
    person: Text
    """Whom to talk to."""
    ways: tuple[str, ...] = ()
    """Telephone, e-mail, page: how to reach that person."""

    def in_language(self, text: Text, language: str) -> str:
        """The text in this language, along the fallbacks, else in the main language."""
        while language not in text.languages():
            language = self.fallbacks.get(language, self.main_language)
        return text.in_language(language, {})


class MainMenu:
    """Everything open at the moment. Immutable; made anew when something is published or closes."""

    __slots__ = ("_commands", "_languages", "_names", "_voices", "invitations")

    def __init__(self, invitations: Sequence[MenuEntry], catalogues: Mapping[str, Phrases]) -> None:
        self.invitations = tuple(invitations)
        self._voices = {tag: Renderer(CODE, tag, phrases, "sie", {}) for tag, phrases in catalogues.items()}
        self._commands = CommandMatcher(catalogues.values())
        self._names = Matcher(
            (invitation.slug, (invitation.slug, *invitation.keywords, *(w.text for _, w in invitation.title.items())))
            for invitation in invitations
        )
        self._languages = Matcher(
            ((tag, (LANGUAGES[tag].name, *catalogues[tag].words("words.this_language"))) for tag in catalogues),
            numbered=False,
        )

    def receive(self, msg: MsgIn, language: str | None) -> tuple[Event, ...]:
        """What a message causes; `language` is what the contact chose before, if anything."""
        return self.understood(msg, language) or self.otherwise(msg, language)

    def understood(self, msg: MsgIn, language: str | None) -> tuple[Event, ...]:
        """What a message causes that says what is wanted; nothing for others."""
        if obeyed := self.obey(msg, language):
            return obeyed
        folded = _words_of(msg)
        spoken = self._commands.find(folded)
        if (spoken is None or spoken.command is not Command.START) and (named := self._names.find_folded(folded)):
            return (ConsultationChosen(named.value),)
        return ()

    def otherwise(self, msg: MsgIn, language: str | None) -> tuple[Event, ...]:
        """What any other message causes: the only consultation there is, or the choice."""
        spoken = self._commands.find(_words_of(msg))
        if len(self.invitations) == 1 and (spoken is None or spoken.command in _BEGINNINGS):
            return (ConsultationChosen(self.invitations[0].slug),)
        return (self.welcome(self.voice(language, msg.language_hint)),)

    def obey(self, msg: MsgIn, language: str | None) -> tuple[Event, ...]:
        """Only what means the same wherever it is said: a chat word, a language, a tap on a consultation. Nothing for
        what may be an answer.
        """
        voice = self.voice(language, msg.language_hint)
        if msg.media == UNDECRYPTABLE:
            return (MessageCreated(voice.message(voice.say("media.sealed"))),)
        folded, tapped = _words_of(msg), msg.tapped
        if tapped and tapped.key == START:
            return (ConsultationChosen(tapped.value),)
        if tapped and tapped.command and (wish := _wish(tapped.command, tapped.argument, voice)):
            return (wish,)
        spoken = self._commands.find(folded)
        if spoken and (wish := _wish(spoken.command, spoken.argument, voice)):
            return (wish,)
        if spoken and spoken.command in _ANSWERS:
            return _ANSWERS[spoken.command](self, voice)
        chosen = self._languages.find_folded(folded)
        if chosen is None and folded in self._voices:
            return self._switch(folded)
        if chosen is not None:
            return self._switch(chosen.value)
        return ()

    def voice(self, language: str | None, hint: str = "") -> Renderer:
        """The voice for a contact, by choice or else by the channel's hint."""
        known = language if language in self._voices else best_guess(hint, tuple(self._voices))
        assert known is not None  # noqa: S101 - for the type checker: best_guess always finds one
        return self._voices[known]

    def welcome(self, voice: Renderer) -> MessageCreated:
        """Who is speaking and what one can take part in."""
        titles = [invitation.in_language(invitation.title, voice.language) for invitation in self.invitations]
        replies = [
            QuickReply(voice.token(START, invitation.slug), title, number)
            for number, (invitation, title) in enumerate(zip(self.invitations, titles, strict=True), start=1)
        ]
        lines = [voice.say("lobby.hello"), voice.say("lobby.choose" if titles else "lobby.nothing")]
        return MessageCreated(voice.message("\n".join(lines), (*replies, *self._language_replies(voice))))

    def invite(self, hint: str) -> MsgOut:
        """What is said in a group, where everybody reads along: each consultation opens in a private chat."""
        voice = self.voice(None, hint)
        replies = [
            QuickReply(voice.token(START, one.slug), one.in_language(one.title, voice.language))
            for one in self.invitations
        ]
        return voice.message(voice.say("lobby.group"), replies)

    def _language_replies(self, voice: Renderer) -> list[QuickReply]:
        return [
            QuickReply(voice.command_token(Command.LANGUAGE, tag), LANGUAGES[tag].name)
            for tag in self._voices
            if tag != voice.language
        ]

    def _switch(self, language: str) -> tuple[Event, ...]:
        return (LanguageChosen(language), self.welcome(self._voices[language]))

    def ask_language(self, voice: Renderer) -> tuple[Event, ...]:
        parts = each_in_own_language(self._voices.values(), "language.ask")
        return (MessageCreated(voice.message(parts, self._language_replies(voice))),)

    def people(self, voice: Renderer) -> tuple[Event, ...]:
        lines = [voice.say("human")]
        for invitation in self.invitations:
            lines += [invitation.in_language(invitation.person, voice.language), *invitation.ways]
        return (MessageCreated(voice.message("\n".join(dict.fromkeys(lines)))),)


def _words_of(msg: MsgIn) -> str:
    """What was said, folded; of a tap the words that mean the same."""
    tapped = msg.tapped
    if tapped is None:
        return fold(msg.text)
    words = tapped.arguments if tapped.command == Command.LANGUAGE else ()
    return " ".join(words or (tapped.command, *tapped.arguments)).replace("_", " ")


def _wish(name: str, argument: str, voice: Renderer) -> Event | None:
    """What is asked for with an argument: the way back to a consultation, news, or other doors."""
    match name:
        case Command.START:
            return ConsultationChosen(argument) if argument else None
        case Command.NEWS:
            return SubscriptionRequested(wanted, voice.language) if (wanted := parse_subscription(argument)) else None
        case Command.LINK:
            return parse_link_request(argument, voice.language)
        case Command.MINE:
            return parse_contributions(argument, voice.language)
        case Command.UNLINK:
            return LinkRequested("part", language=voice.language)
    return None


def _simple(phrase: str, *buttons: str) -> Callable[[MainMenu, Renderer], tuple[Event, ...]]:
    def answer(lobby: MainMenu, voice: Renderer) -> tuple[Event, ...]:
        text = voice.say(phrase, keyword=voice.say("button.start"))
        return (MessageCreated(voice.message(text, [voice.command(button) for button in buttons])),)

    return answer


def _with_event(event: Event, phrase: str, *buttons: str) -> Callable[[MainMenu, Renderer], tuple[Event, ...]]:
    say = _simple(phrase, *buttons)
    return lambda lobby, voice: (event, *say(lobby, voice))


_BEGINNINGS = frozenset({Command.START, Command.CONTINUE, Command.REPEAT, Command.CHANGE, Command.SUBMIT})
_ANSWERS: dict[Command, Callable[[MainMenu, Renderer], tuple[Event, ...]]] = {
    Command.HELP: _simple("lobby.help"),
    Command.PRIVACY: _simple("lobby.privacy"),
    Command.DELETE: _simple("delete.ask", "delete_all"),
    Command.DELETE_ALL: _with_event(ErasureRequested(), "delete.done"),
    Command.STOP: _with_event(PushesStopped(), "stop.done", "start", "delete"),
    Command.MYDATA: lambda lobby, voice: (DataRequested(),),
    Command.STATUS: lambda lobby, voice: (DataRequested(),),
    Command.LANGUAGE: lambda lobby, voice: lobby.ask_language(voice),
    Command.HUMAN: lambda lobby, voice: lobby.people(voice),
}
