"""`push`: counts and plans pushes from the command line; the running service sends them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from bot.broadcasts import second_person, service, texts
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.service import TRANSITIONS, BroadcastDraft, PushError, parse_time
from bot.cli.context import command_context
from bot.common import audit
from bot.common.errors import CommandError, Say, program_call
from bot.common.i18n import phrase_catalogues
from bot.common.progress import show_progress
from bot.delivery.channels import WEB, open_channels
from bot.settings import Settings
from bot.staff.chat import argument_parser
from storage.core.store import Store
from storage.tables.broadcasts import (
    StoredBroadcast,
    broadcast_by_id,
    count_recipients,
    newest_broadcasts,
)

WATCH_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class PushOptions:
    """Options of the command. `action` is "" to start a push, else status, pause, resume or recall."""

    slug: str
    segment: str = "everybody"
    at: str = ""
    per_hour: int | None = None
    is_reminder: bool = False
    is_sample: bool = False
    dry_run: bool = False
    yes: bool = False
    watch: bool = False
    action: str = ""


def run_push(settings: Settings, order: PushOptions, out: Say, complain: Say) -> None:
    """Runs the command. Raises CommandError and the errors of `command_context`."""
    channels = open_channels(settings)
    proactive = frozenset(name for name, channel in channels.items() if channel.limits.is_proactive)
    with command_context(settings, complain) as (store, keys):
        desk = _Desk(store, BroadcastProcessor(settings, keys, proactive, [WEB, *channels]), out, complain)
        try:
            if order.action:
                desk.act(order)
            else:
                desk.start(order)
        except PushError as refused:
            reason = _say(refused.phrase, **refused.values)
            if refused.phrase == "push.is_sample":
                reason = f"{order.slug} is a sample; nothing was planned. If you are sure, add --sample"
            raise CommandError(reason) from None


def _say(phrase: str, **values: object) -> str:
    """Returns a function that formats phrases of the staff chat in the language of the command line."""
    return phrase_catalogues.load_phrases("en").text(phrase, "sie", **values)


def _plain_segment(segment: str) -> str:
    """Translates the words of any language, as the staff chat does."""
    phrases = (phrase_catalogues.load_phrases(tag) for tag in phrase_catalogues.catalogue_languages())
    return argument_parser.plain_words(segment, argument_parser.vocabulary(it.words("words.push") for it in phrases))


class _Desk:
    """One call of the command."""

    def __init__(self, store: Store, pushing: BroadcastProcessor, out: Say, complain: Say) -> None:
        self._store = store
        self._pushing = pushing
        self._out = out
        self._complain = complain

    def start(self, order: PushOptions) -> None:
        """Counts the recipients, prints the number, and plans unless it is a dry run."""
        settings, now = self._pushing.settings, datetime.now(UTC)
        at = parse_time(order.at, settings.zone()) if order.at else None
        wish = BroadcastDraft(
            order.slug, _plain_segment(order.segment), at, order.per_hour, order.is_reminder, is_sample=order.is_sample
        )
        with self._store.reading() as connection:
            draft, count = service.dry_run(self._pushing, connection, wish, now)
        for line in texts.describe_count(count, _say):
            self._out(line)
        self._out(texts.describe_time(settings, draft, now, _say, "en"))
        if order.dry_run:
            return
        if not count.total:
            raise CommandError("no subscriber matches; nothing was planned")
        if service.is_large(settings, count.total) and not order.yes:
            raise CommandError(f"the audience is large, {count.total}; nothing was planned. If you are sure, add --yes")
        if not self._plan(draft, count.total):
            self._out(_say("push.asked", **second_person.where_to_agree(settings, draft.slug)))
            return
        self._out(
            f"Planned. The running service sends it; {program_call()} push {order.slug} --status shows the progress."
        )
        if order.watch:
            self._watch(draft.id)

    def act(self, order: PushOptions) -> None:
        """Prints the progress of the newest push of a consultation, or changes its state."""
        with self._store.begin() as connection:
            self._pushing.catalogue.refresh(connection)
            found = newest_broadcasts(connection, 1, [order.slug])
            if not found:
                raise CommandError(f"{order.slug} was never pushed")
            by = audit.operator()
            if order.action in TRANSITIONS and not service.change_state(
                self._pushing, connection, found[0], order.action, by
            ):
                raise CommandError(f"--{order.action} is not possible: the push of {order.slug} is {found[0].state}")
        if order.watch:
            self._watch(found[0].id)
        self._tell(found[0].id)

    def _plan(self, draft: StoredBroadcast, total: int) -> bool:
        """Starts and plans a push; returns False if it waits for the agreement of a second member."""
        with self._store.begin() as connection:
            push = service.store_and_start(self._pushing, connection, draft, datetime.now(UTC), audit.operator())
        if push.state == "draft":
            return False
        with show_progress("planned", self._complain, total) as watch:
            done = 0
            while True:
                plan = partial(self._pushing.plan_page, broadcast_id=draft.id, now=datetime.now(UTC))
                found = self._store.run(plan)
                if found is None:
                    return True
                done += found
                watch(done)

    def _watch(self, number: int) -> None:
        """Prints the progress of a push until it ends, or Ctrl-C."""
        with self._store.reading() as connection:
            total = sum(cell.number for cell in count_recipients(connection, number))
        with show_progress("done", self._complain, total) as watch:
            while True:
                with self._store.reading() as connection:
                    cells = count_recipients(connection, number)
                    found = broadcast_by_id(connection, number)
                watch(sum(cell.number for cell in cells if cell.state not in {"planned", "queued"}))
                if found is None or found.finished_at:
                    return
                time.sleep(WATCH_SECONDS)

    def _tell(self, number: int) -> None:
        with self._store.reading() as connection:
            found = broadcast_by_id(connection, number)
            lines = list(service.describe_broadcast(self._pushing, connection, found, _say)) if found else []
        for line in lines:
            self._out(line)
