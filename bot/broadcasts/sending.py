"""Processes broadcasts: counts drafts, plans recipients page by page and queues messages in portions.

Each step is one transaction, so a restart continues where it stopped. Before a message is queued, subscription,
reachability and segment are checked again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from adapters.base import Outgoing
from bot.broadcasts import messages, texts
from bot.broadcasts.audience import PAGE, Audience, AudienceCount, AudienceGroup, AudienceMember, consultation_ids
from bot.broadcasts.segments import SegmentError, parse_segment
from bot.broadcasts.sending_times import SendingTimes
from bot.common.ids import Ids, day_of
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.consultations.catalogue import Catalogue
from bot.delivery.channel_queue import QueuedMessage
from bot.delivery.message_codec import payload_of
from bot.delivery.outbox import Outbox
from bot.settings import Settings
from flows.tokens import STAFF_CHAT
from storage.core.store import Store
from storage.tables import opt_ins
from storage.tables.broadcasts import (
    RecipientOutcome,
    RecipientState,
    StoredBroadcast,
    StoredRecipient,
    change_broadcast_state,
    end_planned_recipients,
    insert_recipients,
    planned_recipients,
    queued_outbox_ids,
    record_recipient_outcomes,
    skip_withdrawn_recipients,
    unfinished_broadcasts,
    unqueue_recipients,
    update_broadcast,
    update_recipients,
)
from storage.tables.contacts import encrypted_addresses, find_addresses
from storage.tables.outbox import NewOutboxMessage, SendOutcome, insert_messages, recall_broadcasts
from storage.tables.staff import staff_chat_of, staff_in_chats

log = structlog.get_logger()

IDLE_SECONDS: Final = 1.0
SENDING_SECONDS: Final = 0.25
IN_OUTBOX: Final = 1000
"""Maximum number of queued messages per broadcast; the others can still be postponed, paused or recalled."""
BURST_SECONDS: Final = 60
"""Maximum backlog that a rate-limited broadcast catches up after a pause (a night, a restart)."""


@dataclass(slots=True)
class BroadcastStep:
    """The outcome of one transaction, valid once it is committed."""

    recalled: list[int] = field(default_factory=list)
    queued: int = 0
    is_planning: bool = False
    is_sending: bool = False

    @property
    def pause(self) -> float:
        """Seconds until the next step."""
        return 0 if self.is_planning else SENDING_SECONDS if self.is_sending else IDLE_SECONDS


class BroadcastProcessor:
    """Plans and queues the broadcasts of an installation with the given services."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        proactive: frozenset[str],
        channels: Sequence[str],
        catalogue: Catalogue | None = None,
    ) -> None:
        self.settings = settings
        self.keys = keys
        self.proactive = proactive
        self.channels = channels
        self.catalogue = catalogue or Catalogue(public_url=settings.web.public_url)
        self.ids = Ids(keys.order_masks)

    def audience(self, push: StoredBroadcast) -> Audience | None:
        """Returns the audience of a broadcast; None if its consultation is closed or its segment no longer valid."""
        published = self.catalogue.newest(push.slug)
        if published is None:
            return None
        try:
            segment = parse_segment(push.segment, self.catalogue.known_slugs(), self.channels)
        except SegmentError:
            return None
        return Audience(
            published,
            segment,
            is_reminder=push.is_reminder,
            keys=self.keys,
            proactive=self.proactive,
            push=self.settings.push,
            consultations=consultation_ids(self.catalogue, segment.slugs),
        )

    def work(self, connection: Connection, now: datetime) -> BroadcastStep:
        """Performs one step of every unfinished broadcast."""
        step = BroadcastStep()
        self.catalogue.refresh(connection)
        self.ids.tick()
        for push in unfinished_broadcasts(connection, lock=True):
            match push.state:
                case "planning":
                    self._plan(connection, push, now)
                    step.is_planning = True
                case "sending" | "paused" if push.expires_at and push.expires_at <= now:
                    self._expire(connection, push, now, step)
                case "sending":
                    self._send(connection, push, now, step)
                case "paused":
                    self._take_back(connection, push, now, step)
                case "recalled":
                    self._take_back(connection, push, now, step)
                    end_planned_recipients(connection, push.id, "recalled", "recalled", day_of(now))
                    update_broadcast(connection, push.id, finished_at=now)
        return step

    def count(self, connection: Connection, push: StoredBroadcast, now: datetime) -> AudienceCount:
        """Counts the audience of a draft."""
        self.catalogue.refresh(connection)
        audience = self.audience(push)
        return audience.count(self.groups(connection, push, audience, now)) if audience else AudienceCount()

    def groups(
        self, connection: Connection, push: StoredBroadcast, audience: Audience, now: datetime
    ) -> Counter[AudienceGroup]:
        """Returns the groups of all subscribers for the counts of a draft."""
        return audience.groups(connection, now)

    def tell_count(
        self, connection: Connection, push: StoredBroadcast, count: AudienceCount, now: datetime
    ) -> list[tuple[str, QueuedMessage]]:
        """Stores the result of a dry run; returns the message for the requesting chat as an outbox entry."""
        update_broadcast(connection, push.id, counted=count.total)
        asked_in = staff_chat_of(connection, push.member_id) if push.member_id else None
        lookup = asked_in and asked_in.lookup
        if lookup is None or not staff_in_chats(connection, [lookup]):
            return []
        chat = find_addresses(connection, [lookup])[lookup]
        msg = texts.dry_run_message(self.settings, push, count, now, self.catalogue.renderer(STAFF_CHAT, chat.reads()))
        number, order = self.ids.letter()
        row = NewOutboxMessage(
            id=number,
            channel=chat.channel,
            lookup=chat.lookup,
            payload=payload_of(msg),
            purpose="notice",
            not_before=None,
            created_at=day_of(now),
            hidden_order=order,
        )
        insert_messages(connection, [row])
        address = self.keys.decrypt(encrypted_addresses(connection, [chat.lookup])[chat.lookup], chat.lookup)
        return [(chat.channel, QueuedMessage(chat.lookup, Outgoing(number, address, msg), "notice"))]

    def plan_page(self, connection: Connection, broadcast_id: int, now: datetime) -> int | None:
        """Plans one page of recipients of a broadcast; returns their number, None if planning is complete."""
        for push in unfinished_broadcasts(connection, lock=True):
            if push.id == broadcast_id and push.state == "planning":
                return self._plan(connection, push, now)
        return None

    def _plan(self, connection: Connection, push: StoredBroadcast, now: datetime) -> int:
        audience = self.audience(push)
        page = opt_ins.list_subscribers(connection, push.planned_to, PAGE) if audience else []
        if not audience or not page:
            change_broadcast_state(connection, push.id, ["planning"], "sending")
            return 0
        found = audience.look(connection, page, now)
        rows = [_recipient(push, each, now) for each in found if each.obstacle != "had_it"]
        insert_recipients(connection, rows)
        update_broadcast(connection, push.id, planned_to=page[-1].contact_id)
        return len(rows)

    def _send(self, connection: Connection, push: StoredBroadcast, now: datetime, step: BroadcastStep) -> None:
        """Queues the next portion, unless it is too early or nothing is sent at this time."""
        skip_withdrawn_recipients(connection, push.id, day_of(now))
        if SendingTimes.of(self.settings).is_quiet(now):
            self._take_back(connection, push, now, step)
            return
        if push.starts_at > now:
            return
        audience = self.audience(push)
        if audience is None:
            self._take_back(connection, push, now, step)
            end_planned_recipients(connection, push.id, "skipped", "closed", day_of(now))
        waiting = len(queued_outbox_ids(connection, push.id))
        room = min(IN_OUTBOX - waiting, self._allowed(connection, push, now))
        ids = planned_recipients(connection, push.id, room) if room > 0 else []
        if audience and ids:
            self._queue(connection, push, audience=audience, ids=ids, now=now, step=step)
            step.is_sending = True
        elif waiting or planned_recipients(connection, push.id, 1):
            step.is_sending = True
        elif change_broadcast_state(connection, push.id, ["sending"], "done"):
            update_broadcast(connection, push.id, finished_at=now)

    def _expire(self, connection: Connection, push: StoredBroadcast, now: datetime, step: BroadcastStep) -> None:
        """Ends a broadcast whose end has come, also in quiet hours and while it is paused."""
        skip_withdrawn_recipients(connection, push.id, day_of(now))
        self._take_back(connection, push, now, step)
        end_planned_recipients(connection, push.id, "skipped", "expired", day_of(now))
        in_flight = queued_outbox_ids(connection, push.id)
        if not in_flight and change_broadcast_state(connection, push.id, ["sending", "paused"], "done"):
            update_broadcast(connection, push.id, finished_at=now)

    def _queue(
        self,
        connection: Connection,
        push: StoredBroadcast,
        *,
        audience: Audience,
        ids: list[int],
        now: datetime,
        step: BroadcastStep,
    ) -> None:
        """Re-checks the audience, queues the messages of its members and skips the other recipients with a reason."""
        asked = opt_ins.subscribers_among(connection, ids)
        found = {each.contact_id: each for each in audience.look(connection, asked, now)}
        recipients: list[StoredRecipient] = []
        messages: list[NewOutboxMessage] = []
        for contact_id in ids:
            member = found.get(contact_id)
            if member is None or member.obstacle:
                reason = member.obstacle if member else "withdrawn"
                recipients.append(_skipped(push, contact_id, reason, now))
                continue
            row = self._outbox_row(push, audience, member, now)
            messages.append(row)
            recipients.append(_queued(push, member, row.id, now))
        insert_messages(connection, messages)
        update_recipients(connection, recipients)
        if push.per_hour:
            used = timedelta(hours=len(messages) / push.per_hour)
            update_broadcast(connection, push.id, paced_to=self._paced_from(push, now) + used)
        step.queued += len(messages)

    def _outbox_row(
        self, push: StoredBroadcast, audience: Audience, member: AudienceMember, now: datetime
    ) -> NewOutboxMessage:
        """Builds the message to one member of the audience as an outbox row."""
        msg = messages.broadcast_message(
            audience.published, member.language, member.why, self.catalogue, is_reminder=push.is_reminder
        )
        number, order = self.ids.letter()
        return NewOutboxMessage(
            id=number,
            channel=member.channel,
            lookup=member.lookup,
            payload=payload_of(msg),
            purpose="broadcast",
            not_before=None,
            created_at=day_of(now),
            hidden_order=order,
        )

    def _allowed(self, connection: Connection, push: StoredBroadcast, now: datetime) -> int:
        """Returns the number of messages the rate limit allows now."""
        if not push.per_hour:
            return IN_OUTBOX
        return int((now - self._paced_from(push, now)).total_seconds() * push.per_hour / 3600)

    def _paced_from(self, push: StoredBroadcast, now: datetime) -> datetime:
        # At a low rate one message takes longer than the burst interval.
        burst = max(BURST_SECONDS, 3600 / push.per_hour)
        return max(push.paced_to, now - timedelta(seconds=burst))

    def _take_back(self, connection: Connection, push: StoredBroadcast, now: datetime, step: BroadcastStep) -> None:
        """Moves queued messages from the outbox back to the plan."""
        recalled = recall_broadcasts(connection, queued_outbox_ids(connection, push.id))
        unqueue_recipients(connection, recalled, day_of(now))
        step.recalled += recalled


class Broadcaster:
    """Runs `BroadcastProcessor` in the service and informs the outbox."""

    def __init__(self, store: Store, outbox: Outbox, processor: BroadcastProcessor) -> None:
        self._store = store
        self._outbox = outbox
        self._processor = processor
        outbox.ledger = record_outcomes

    async def run(self) -> None:
        """Performs steps until cancelled. Errors are logged and retried."""
        while True:
            pause = IDLE_SECONDS
            try:
                pause = (await self.step()).pause
            except Exception as error:  # noqa: BLE001 - one failing broadcast must not stop all others
                log.error("push_step_failed", **error_place(error))
            await asyncio.sleep(pause)

    async def step(self, now: datetime | None = None) -> BroadcastStep:
        """Performs one step in one transaction. Writes nothing if no broadcast is unfinished."""
        unfinished = await self._store.read(unfinished_broadcasts)
        if not unfinished:
            return BroadcastStep()
        moment = now or datetime.now(UTC)
        for push in unfinished:
            if push.state == "draft":
                await self._count(push, moment)
        step = await self._store.write(partial(self._processor.work, now=moment))
        self._outbox.forget(step.recalled)
        if step.queued:
            self._outbox.look_for_broadcasts()
        return step

    async def _count(self, push: StoredBroadcast, now: datetime) -> None:
        """Counts a draft on the reading side and replies to the requesting chat."""
        count = await self._store.read(partial(self._processor.count, push=push, now=now))
        told = await self._store.write(partial(self._processor.tell_count, push=push, count=count, now=now))
        self._outbox.accept(told)


def record_outcomes(connection: Connection, outcomes: Sequence[SendOutcome]) -> None:
    """Records delivery outcomes of recipients, in the transaction of the outbox."""
    arrivals = [
        RecipientOutcome(outcome.id, "sent", None, outcome.settled_at)
        if outcome.state == "sent"
        else RecipientOutcome(outcome.id, "failed", outcome.state, outcome.settled_at)
        for outcome in outcomes
    ]
    record_recipient_outcomes(connection, arrivals)


def _recipient(push: StoredBroadcast, found: AudienceMember, now: datetime) -> StoredRecipient:
    """Builds a planned recipient. Contacts at their cap stay planned, since the cap may end before sending."""
    state: RecipientState = "skipped" if found.obstacle == "unreachable" else "planned"
    reason = "unreachable" if found.obstacle == "unreachable" else None
    return StoredRecipient(
        broadcast_id=push.id,
        contact_id=found.contact_id,
        channel=found.channel,
        language=found.language,
        state=state,
        reason=reason,
        outbox_id=None,
        moved_at=day_of(now),
    )


def _skipped(push: StoredBroadcast, contact_id: int, reason: str, now: datetime) -> StoredRecipient:
    """Builds the row of a recipient that gets no message."""
    return StoredRecipient(
        broadcast_id=push.id,
        contact_id=contact_id,
        channel="",
        language="",
        state="skipped",
        reason=reason,
        outbox_id=None,
        moved_at=day_of(now),
    )


def _queued(push: StoredBroadcast, member: AudienceMember, outbox_id: int, now: datetime) -> StoredRecipient:
    """Builds the row of a recipient whose message is in the outbox."""
    return StoredRecipient(
        broadcast_id=push.id,
        contact_id=member.contact_id,
        channel=member.channel,
        language=member.language,
        state="queued",
        reason=None,
        outbox_id=outbox_id,
        moved_at=day_of(now),
    )
