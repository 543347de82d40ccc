"""Plays a chat with a definition by the real engine, without storing anything.

A run is the list of what the person said. Every call plays it from its beginning, so going back one step leaves the
last one out, and another language or channel shows the same run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from bot.authoring.file_check import canonical_content
from bot.common.i18n import phrase_catalogues
from flows.commands.words import Command
from flows.definition import Consultation
from flows.dialogue import engine
from flows.events import Event, MessageCreated, PersonAsked, Rated
from flows.fact_queries import NextStatement, NextStatementOffer, Statement, StillReleased
from flows.facts import DefaultFacts, FactQuery, T
from flows.flow import Flow
from flows.messages import MsgIn, MsgOut
from flows.session import Session, Turn
from flows.tokens import DONE, Token
from flows.values import Value

CODE: Final = "preview"
"""The code of tokens in a run. It does not depend on the revision, so that a run can be played with another one."""
MOST_STEPS: Final = 100
LONGEST_TEXT: Final = 1000
MOST_TRIES: Final = 400
"""Messages tried in search of a way to a question."""
_SENT_AT: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TYPED: Final = ("1", "10", "100", "01.06.2026", "Probe")
"""Typed answers on the way to another question, where nothing can be tapped."""


class PreviewStep(NamedTuple):
    """One message of the person: typed text, or the token of a tapped button."""

    text: str = ""
    choice: str = ""


class PlayedStep(NamedTuple):
    """One message and the replies to it."""

    said: str
    """The typed text, or the label of the tapped button; "" at the beginning."""
    messages: tuple[MsgOut, ...]
    at: str
    """Key of the question that is open now; "" at the summary, or when no question is open."""
    is_repaired: bool
    """Whether the message was not understood, so that the question is asked again."""


class PlayedRun(NamedTuple):
    """A played run; the first step is the beginning of the conversation."""

    steps: tuple[PlayedStep, ...]
    session: Session
    facts: PreviewFacts

    @property
    def has_ended(self) -> bool:
        """Whether the conversation is over."""
        return self.session.status != "waiting"


class PreviewFacts(DefaultFacts):
    """Facts without a store: the statements to rate are the seeds of the definition."""

    __slots__ = ("_consultation", "_rated")

    def __init__(self, consultation: Consultation, rated: frozenset[int] = frozenset()) -> None:
        super().__init__()
        self._consultation = consultation
        self._rated = rated

    def get(self, query: FactQuery[T]) -> T:
        if isinstance(query, NextStatement):
            return self._next(query)  # type: ignore[return-value]  # the fact of this query
        if isinstance(query, StillReleased):
            return True  # type: ignore[return-value]  # the fact of this query
        return query.default

    def after(self, events: Iterable[Event]) -> PreviewFacts:
        """Returns the facts after these events."""
        rated = frozenset(event.proposal for event in events if isinstance(event, Rated))
        return PreviewFacts(self._consultation, self._rated | rated) if rated else self

    def _next(self, query: NextStatement) -> NextStatementOffer:
        rated = self._rated | ({query.after} if query.after else set())
        own = list(self._seeds(query))
        left = [it for it in own if it.id not in rated]
        return NextStatementOffer(next(iter(left), None), len(own) - len(left), len(left))

    def _seeds(self, query: NextStatement) -> Iterator[Statement]:
        number, fallbacks = 0, self._consultation.fallbacks
        for node in self._consultation.nodes():
            for seed in node.seed_statements():
                number += 1
                if node.key == query.key:
                    tag = query.language
                    yield Statement(number, f"PROBE-{number:05}", seed.in_language(tag, fallbacks), tag)


def compile_preview(consultation: Consultation) -> Flow:
    """Compiles a definition for previews. The last ones are kept."""
    return _compiled(canonical_content(consultation))


@lru_cache(8)
def _compiled(content: str) -> Flow:
    consultation = Consultation.model_validate_json(content)
    catalogues = {tag: phrase_catalogues.load_phrases(tag) for tag in phrase_catalogues.catalogue_languages()}
    return Flow(consultation, catalogues, CODE)


def play_run(flow: Flow, language: str, steps: Sequence[PreviewStep], *, overheard: bool = False) -> PlayedRun:
    """Plays a run from its beginning; steps after the end of the conversation are left out.

    `overheard`: the channel is not confidential, so questions marked `web_only` are not asked.
    """
    facts = PreviewFacts(flow.consultation)
    turn = engine.start(flow, receipt="00000-00000", language=language, facts=facts, overheard=overheard)
    played = PlayedRun((_played("", turn),), turn.session, facts.after(turn.events))
    for step in steps:
        if played.has_ended:
            break
        played = _play_on(flow, played, step, overheard=overheard)
    return played


def _play_on(flow: Flow, played: PlayedRun, step: PreviewStep, *, overheard: bool) -> PlayedRun:
    number = str(len(played.steps))
    msg = MsgIn("preview", "preview", number, _SENT_AT, text=step.text, choice=step.choice)
    turn = engine.resume(flow, played.session, msg, facts=played.facts, overheard=overheard)
    shown = _played(step.text or _label(played.steps, step.choice), turn)
    return PlayedRun((*played.steps, shown), turn.session, played.facts.after(turn.events))


def _played(said: str, turn: Turn) -> PlayedStep:
    messages = tuple(message for event in turn.events if (message := _message_of(event)))
    return PlayedStep(said, messages, turn.session.at, turn.session.repairs > 0)


def _message_of(event: Event) -> MsgOut | None:
    """Returns the message that a contact gets by an event."""
    if isinstance(event, PersonAsked):
        return event.passed_on
    return event.msg if isinstance(event, MessageCreated) else None


def _label(steps: Sequence[PlayedStep], token: str) -> str:
    """Returns the label of a tapped button, or the token if no message offers it in this version."""
    offered = (reply for step in reversed(steps) for msg in reversed(step.messages) for reply in msg.quick_replies)
    return next((reply.bare_label for reply in offered if reply.token == token), Token.parse(token).value)


class _Search(NamedTuple):
    """The search for a way to a question: depth first, wanted answers first, with a limited number of tries."""

    flow: Flow
    target: str
    overheard: bool
    wanted: frozenset[tuple[str, str]]
    seen: set[tuple[str, str]]

    def find(self, played: PlayedRun, way: tuple[PreviewStep, ...]) -> tuple[PreviewStep, ...] | None:
        """Returns the steps from here on."""
        if played.session.at == self.target and not played.session.aside:
            return way
        for step in self._candidates(played):
            if len(self.seen) >= MOST_TRIES or len(way) >= MOST_STEPS:
                return None
            after = _play_on(self.flow, played, step, overheard=self.overheard)
            state = after.session._replace(last_message="", repairs=0).to_json()
            if after.has_ended or after.steps[-1].is_repaired or (after.session.at, state) in self.seen:
                continue
            self.seen.add((after.session.at, state))
            if found := self.find(after, (*way, step)):
                return found
        return None

    def _candidates(self, played: PlayedRun) -> list[PreviewStep]:
        last = next((msg for msg in reversed(played.steps[-1].messages) if msg.quick_replies or msg.expects), None)
        replies = [reply.parsed for reply in last.quick_replies] if last else []
        taps = [it for it in replies if it.key == played.session.at or it.command in _ONWARD]
        # After a first selection the list is completed before anything else is selected.
        taps.sort(key=lambda it: (it.value != DONE, (it.key, it.value) not in self.wanted, bool(it.command)))
        typed = [PreviewStep(text) for text in _TYPED] if last and last.expects not in ("", "one", "many") else []
        return [*typed, *(PreviewStep(choice=it.format()) for it in taps)]


_ONWARD: Final = frozenset({Command.SKIP.value, Command.CONTINUE.value})


def find_way(flow: Flow, language: str, key: str, *, overheard: bool = False) -> tuple[PreviewStep, ...] | None:
    """Returns steps from the beginning to a question; None if no way was found with a limited number of tries."""
    begun = play_run(flow, language, (), overheard=overheard)
    return _Search(flow, key, overheard, _wanted(flow), set()).find(begun, ())


def _wanted(flow: Flow) -> frozenset[tuple[str, str]]:
    """Returns the answers that conditions of the flow ask for, by question."""
    compared = (it for node in flow.nodes.values() if node.ask_if is not None for it in node.ask_if.comparisons())
    return frozenset((it.question, _as_text(value)) for it in compared for value in it.values)


def _as_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
