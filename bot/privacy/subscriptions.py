"""Subscriptions to notifications: offers, stores with the agreed wording, shows and withdraws them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, cast

from bot.common.erasure_log import withdrawn_subscription
from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue
from bot.consultations.event_handlers import Request, handles, handles_after_write
from bot.consultations.open_question import repeat_open_question
from bot.consultations.participant import Person
from flows.commands.subscriptions import TOPICS
from flows.commands.words import Command
from flows.events import PushesStopped, SubscriptionChange, SubscriptionRequested
from flows.messages import MsgOut, QuickReply
from flows.phrase_families import SUBSCRIPTION_CHOICES, TOPIC_NAMES
from flows.questions.district import DISTRICTS, district_label
from flows.renderer import Renderer
from storage.tables import contacts
from storage.tables.contacts import ContactStop
from storage.tables.opt_ins import (
    About,
    NewOptIn,
    SubscriptionKey,
    opt_ins_of_contacts,
    upsert_opt_ins,
    withdraw_all_opt_ins,
    withdraw_opt_ins,
)
from storage.tables.outbox import recall_unasked_messages


class _Answer(NamedTuple):
    """The reply to a request, and the subscriptions it changes."""

    reply: MsgOut
    given: tuple[NewOptIn, ...] = ()
    withdrawn: tuple[SubscriptionKey, ...] = ()


@handles(PushesStopped)
def stop_pushes(batch: BatchContext, person: Person, event: PushesStopped, hour: datetime) -> None:
    batch.add(contacts.mark_stopped, ContactStop(person.contact_id, batch.today))
    batch.after_write(withdraw_everything, person.contact_id)


def withdraw_everything(batch: BatchContext, contact_ids: list[int]) -> None:
    """Withdraws all subscriptions of stopped contacts and recalls their queued broadcasts."""
    for rows in opt_ins_of_contacts(batch.connection, contact_ids).values():
        batch.outcome.erased_records += [
            withdrawn_subscription(row.contact_id, row.about, row.subject, batch.now) for row in rows
        ]
    withdraw_all_opt_ins(batch.connection, contact_ids)
    batch.outcome.recalled += recall_unasked_messages(batch.connection, contact_ids)


@handles_after_write(SubscriptionRequested)
def answer_subscription_requests(batch: BatchContext, requests: list[Request[SubscriptionRequested]]) -> None:
    """Stores, withdraws and shows subscriptions."""
    connection = batch.connection
    known = opt_ins_of_contacts(connection, [request.person.contact_id for request in requests])
    given: list[NewOptIn] = []
    withdrawn: list[SubscriptionKey] = []
    for request in requests:
        answer = _answer(request, known.get(request.person.contact_id, []), batch)
        given += answer.given
        withdrawn += answer.withdrawn
        batch.say(request.person, answer.reply)
        repeat_open_question(batch, request.person)
    withdraw_opt_ins(connection, withdrawn)
    batch.outcome.erased_records += [withdrawn_subscription(*request, batch.now) for request in withdrawn]
    upsert_opt_ins(connection, given)
    # A new subscription ends an earlier "stop".
    contacts.mark_stopped(connection, [ContactStop(row.contact_id, None) for row in given])


def _renderer(request: Request[SubscriptionRequested], catalogue: Catalogue) -> Renderer:
    """Returns the renderer of the current consultation, else that of the main menu."""
    if request.participation is None:
        return catalogue.main_menu.renderer(request.event.language, form=request.person.form)
    return request.participation.published.flow.localized[request.participation.session.language].renderer


def subscription_in_words(kind: str, subject: str, renderer: Renderer, catalogue: Catalogue) -> str:
    """Describes one subscription: "Thema: …"."""
    match kind:
        case "topic":
            return renderer.text("news.topic", topic=renderer.text(TOPIC_NAMES[subject]))
        case "district":
            return renderer.text("news.district", district=district_label(subject, renderer.language))
        case "outcome":
            return renderer.text("news.outcome", title=catalogue.title(subject, renderer.language))
    return renderer.text("news.all")


def _answer(request: Request[SubscriptionRequested], known: list[NewOptIn], batch: BatchContext) -> _Answer:
    catalogue = batch.catalogue
    renderer = _renderer(request, catalogue)
    wanted, contact_id = request.event.wanted, request.person.contact_id
    if request.participation and request.participation.published.is_trial:
        return _Answer(renderer.message(renderer.text("test.no_news")))
    if not request.person.is_proactive:
        return _Answer(renderer.message(renderer.text("news.not_here")))
    if wanted.kind in {"topics", "districts"}:
        return _Answer(
            renderer.message(renderer.text(SUBSCRIPTION_CHOICES[wanted.kind]), _choices(renderer, wanted.kind))
        )
    if wanted.kind in {"", "about"}:
        return _Answer(_offer(renderer, known, wanted.value, catalogue))
    if wanted.kind == "none":
        gone = tuple(SubscriptionKey(contact_id, row.about, row.subject) for row in known)
        return _Answer(renderer.message(renderer.text("news.nothing_left"), [renderer.command("news")]), withdrawn=gone)
    if wanted.kind == "outcome" and not catalogue.is_known(wanted.value):
        return _Answer(renderer.message(renderer.text("stale"), [renderer.command("news")]))
    return _changed(request, renderer, batch)


def _changed(request: Request[SubscriptionRequested], renderer: Renderer, batch: BatchContext) -> _Answer:
    """Gives or withdraws one subscription. The wording that the contact agreed to is stored as a hash."""
    wanted, contact_id = request.event.wanted, request.person.contact_id
    about = cast("About", wanted.kind)
    what = subscription_in_words(wanted.kind, wanted.value, renderer, batch.catalogue)
    if wanted.withdrawn:
        text = renderer.text("news.withdrawn", what=what)
        gone = (SubscriptionKey(contact_id, about, wanted.value),)
        return _Answer(renderer.message(text, [renderer.command("news")]), withdrawn=gone)
    wording = hashlib.sha256(f"{renderer.text('news.offer')}\n{what}".encode()).hexdigest()
    row = NewOptIn(
        contact_id=contact_id,
        about=about,
        subject=wanted.value,
        language=renderer.language,
        wording_hash=wording,
        given_at=batch.today,
    )
    undo = _button(renderer, "button.news.undo", SubscriptionChange(about, wanted.value, withdrawn=True))
    return _Answer(
        renderer.message(renderer.text("news.given", what=what), [undo, renderer.command("news")]), given=(row,)
    )


def _offer(renderer: Renderer, known: list[NewOptIn], about: str, catalogue: Catalogue) -> MsgOut:
    """Builds the offer of subscriptions, with those already chosen."""
    lines = [renderer.text("news.offer"), renderer.text("news.how")]
    lines += [renderer.text("news.chosen", what=what) for what in subscriptions_in_words(known, renderer, catalogue)]
    buttons = [
        _button(renderer, "news.all", SubscriptionChange("all")),
        _button(renderer, "button.news.topics", SubscriptionChange("topics")),
        _button(renderer, "button.news.districts", SubscriptionChange("districts")),
    ]
    if about and catalogue.is_known(about):
        outcome = subscription_in_words("outcome", about, renderer, catalogue)
        buttons.insert(0, QuickReply(renderer.command_token(Command.NEWS, "outcome", about), outcome))
    if known:
        buttons.append(_button(renderer, "button.news.none", SubscriptionChange("none")))
    return renderer.message("\n".join(lines), buttons)


def subscriptions_in_words(known: Iterable[NewOptIn], renderer: Renderer, catalogue: Catalogue) -> Iterator[str]:
    """Yields descriptions of subscriptions, without those to unknown consultations."""
    for row in known:
        if row.about != "outcome" or catalogue.is_known(row.subject):
            yield subscription_in_words(row.about, row.subject, renderer, catalogue)


def _choices(renderer: Renderer, kind: str) -> Iterator[QuickReply]:
    if kind == "topics":
        for topic in TOPICS:
            yield _button(renderer, TOPIC_NAMES[topic], SubscriptionChange("topic", topic))
    else:
        for key in DISTRICTS:
            yield QuickReply(
                renderer.command_token(Command.NEWS, "district", key), district_label(key, renderer.language)
            )


def _button(renderer: Renderer, phrase: str, wanted: SubscriptionChange) -> QuickReply:
    parts = [wanted.kind, *filter(None, [wanted.value, "no" if wanted.withdrawn else ""])]
    return QuickReply(renderer.command_token(Command.NEWS, *parts), renderer.text(phrase))
