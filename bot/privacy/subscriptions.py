"""Wishes to be told about something: offered, noted with their wording, shown, taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, cast

from bot.common.erasure_log import withdrawn_subscription
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue
from bot.consultations.event_handlers import Request, handles, handles_after_write
from bot.consultations.participant import Person
from flows.commands.subscriptions import TOPICS
from flows.commands.words import Command
from flows.events import PushesStopped, SubscriptionChange, SubscriptionRequested
from flows.messages import MsgOut, QuickReply
from flows.questions.district import DISTRICTS, district_label
from flows.renderer import Renderer
from storage.tables import contacts, opt_ins, outbox
from storage.tables.contacts import ContactStop
from storage.tables.opt_ins import About, NewOptIn, SubscriptionKey


class _Answer(NamedTuple):
    """What a wish changes, and what is said to it."""

    reply: MsgOut
    given: tuple[NewOptIn, ...] = ()
    withdrawn: tuple[SubscriptionKey, ...] = ()


@handles(PushesStopped)
def stop_pushes(batch: BatchContext, person: Person, event: PushesStopped, hour: datetime) -> None:
    batch.add(contacts.mark_stopped, ContactStop(person.contact_id, batch.today))
    batch.after_write(withdraw_everything, person.contact_id)


def withdraw_everything(batch: BatchContext, contact_ids: list[int]) -> None:
    """Who said "stop" has no wishes any more, and what was on its way to them is taken back."""
    for rows in opt_ins.of_contacts(batch.connection, contact_ids).values():
        batch.outcome.gone += [
            withdrawn_subscription(row.contact_id, row.about, row.subject, batch.now) for row in rows
        ]
    opt_ins.withdraw_all(batch.connection, contact_ids)
    batch.outcome.recalled += outbox.recall_from(batch.connection, contact_ids)


@handles_after_write(SubscriptionRequested)
def answer_subscription_requests(batch: BatchContext, requests: list[Request[SubscriptionRequested]]) -> None:
    """Notes, takes back and shows wishes."""
    connection = batch.connection
    known = opt_ins.of_contacts(connection, [request.person.contact_id for request in requests])
    given: list[NewOptIn] = []
    withdrawn: list[SubscriptionKey] = []
    for request in requests:
        answer = _answer(request, known.get(request.person.contact_id, []), batch)
        given += answer.given
        withdrawn += answer.withdrawn
        batch.say(request.person, answer.reply)
    opt_ins.withdraw(connection, withdrawn)
    batch.outcome.gone += [withdrawn_subscription(*wish, batch.now) for wish in withdrawn]
    opt_ins.give(connection, given)
    # Who asks to be told has not said "stop" any more.
    contacts.mark_stopped(connection, [ContactStop(row.contact_id, None) for row in given])


def _voice(wish: Request[SubscriptionRequested], catalogue: Catalogue) -> Renderer:
    """As the consultation speaks in which it was asked, else as the lobby does."""
    if wish.place is None:
        return catalogue.lobby.voice(wish.event.language)
    return wish.place.published.flow.scripts[wish.place.session.language].voice


def subscription_in_words(kind: str, subject: str, voice: Renderer, catalogue: Catalogue) -> str:
    """One wish as people read it: "Thema: …"."""
    match kind:
        case "topic":
            return voice.say("news.topic", topic=voice.say(f"topic.{subject}"))
        case "district":
            return voice.say("news.district", district=district_label(subject, voice.language))
        case "outcome":
            return voice.say("news.outcome", title=catalogue.title(subject, voice.language))
    return voice.say("news.all")


def _answer(wish: Request[SubscriptionRequested], known: list[NewOptIn], batch: BatchContext) -> _Answer:
    catalogue = batch.catalogue
    voice = _voice(wish, catalogue)
    wanted, contact_id = wish.event.wanted, wish.person.contact_id
    if wish.place and wish.place.published.is_trial:
        return _Answer(voice.message(voice.say("test.no_news")))
    if not wish.person.is_proactive:
        return _Answer(voice.message(voice.say("news.not_here")))
    if wanted.kind in {"topics", "districts"}:
        return _Answer(voice.message(voice.say(f"news.{wanted.kind}"), _choices(voice, wanted.kind)))
    if wanted.kind in {"", "about"}:
        return _Answer(_offer(voice, known, wanted.value, catalogue))
    if wanted.kind == "none":
        gone = tuple(SubscriptionKey(contact_id, row.about, row.subject) for row in known)
        return _Answer(voice.message(voice.say("news.nothing_left"), [voice.command("news")]), withdrawn=gone)
    if wanted.kind == "outcome" and not catalogue.is_known(wanted.value):
        return _Answer(voice.message(voice.say("stale"), [voice.command("news")]))
    about, what = cast("About", wanted.kind), subscription_in_words(wanted.kind, wanted.value, voice, catalogue)
    if wanted.withdrawn:
        text = voice.say("news.withdrawn", what=what)
        gone = (SubscriptionKey(contact_id, about, wanted.value),)
        return _Answer(voice.message(text, [voice.command("news")]), withdrawn=gone)
    wording = hashlib.sha256(f"{voice.say('news.offer')}\n{what}".encode()).hexdigest()
    row = NewOptIn(
        contact_id=contact_id,
        about=about,
        subject=wanted.value,
        language=voice.language,
        wording_hash=wording,
        given_at=batch.today,
    )
    undo = _button(voice, "button.news.undo", SubscriptionChange(about, wanted.value, withdrawn=True))
    return _Answer(voice.message(voice.say("news.given", what=what), [undo, voice.command("news")]), given=(row,))


def _offer(voice: Renderer, known: list[NewOptIn], about: str, catalogue: Catalogue) -> MsgOut:
    """What there is to be told about, and what was chosen already."""
    lines = [voice.say("news.offer"), voice.say("news.how")]
    lines += [voice.say("news.chosen", what=what) for what in subscriptions_in_words(known, voice, catalogue)]
    buttons = [
        _button(voice, "news.all", SubscriptionChange("all")),
        _button(voice, "button.news.topics", SubscriptionChange("topics")),
        _button(voice, "button.news.districts", SubscriptionChange("districts")),
    ]
    if about and catalogue.is_known(about):
        outcome = subscription_in_words("outcome", about, voice, catalogue)
        buttons.insert(0, QuickReply(voice.command_token(Command.NEWS, "outcome", about), outcome))
    if known:
        buttons.append(_button(voice, "button.news.none", SubscriptionChange("none")))
    return voice.message("\n".join(lines), buttons)


def subscriptions_in_words(known: Iterable[NewOptIn], voice: Renderer, catalogue: Catalogue) -> Iterator[str]:
    """Wishes in words, those about consultations that are gone left out."""
    for row in known:
        if row.about != "outcome" or catalogue.is_known(row.subject):
            yield subscription_in_words(row.about, row.subject, voice, catalogue)


def _choices(voice: Renderer, kind: str) -> Iterator[QuickReply]:
    if kind == "topics":
        for topic in TOPICS:
            yield _button(voice, f"topic.{topic}", SubscriptionChange("topic", topic))
    else:
        for key in DISTRICTS:
            yield QuickReply(voice.command_token(Command.NEWS, "district", key), district_label(key, voice.language))


def _button(voice: Renderer, phrase: str, wanted: SubscriptionChange) -> QuickReply:
    parts = [wanted.kind, *filter(None, [wanted.value, "no" if wanted.withdrawn else ""])]
    return QuickReply(voice.command_token(Command.NEWS, *parts), voice.say(phrase))
