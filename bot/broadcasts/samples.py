"""Samples of a broadcast: what people of each channel and language receive, as the channel renders it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from adapters.base import Channel, MessagePreview, Previewing
from adapters.numbered import numbered_text
from bot.broadcasts.audience import AudienceCount
from bot.broadcasts.messages import broadcast_message
from bot.broadcasts.sending import BroadcastProcessor
from bot.common.ids import day_of
from bot.delivery.message_codec import payload_of
from flows.messages import MsgOut
from flows.parts import BodyPart
from storage.tables.broadcasts import StoredBroadcast
from storage.tables.contacts import KnownAddress
from storage.tables.outbox import NewOutboxMessage, insert_messages


class BroadcastSample(NamedTuple):
    """One sample, and how many people get this message in this form."""

    channel: str
    language: str
    number: int
    preview: MessagePreview


def render_samples(
    processor: BroadcastProcessor, push: StoredBroadcast, count: AudienceCount, channels: Mapping[str, Channel]
) -> list[BroadcastSample]:
    """Returns one sample for each channel and language of the count, the largest group first.

    The line that names the subscription is that of one person of the group; it differs between people.
    """
    published = processor.catalogue.newest(push.slug)
    if published is None:
        return []
    found = []
    for (channel, language), number in count.recipients.most_common():
        why = count.examples[channel, language]
        msg = broadcast_message(published, language, why, processor.catalogue, is_reminder=push.is_reminder)
        found.append(BroadcastSample(channel, language, number, _preview(channels.get(channel), msg)))
    return found


def send_sample(
    processor: BroadcastProcessor,
    connection: Connection,
    push: StoredBroadcast,
    *,
    language: str,
    to: KnownAddress,
    now: datetime,
) -> None:
    """Queues the message of a broadcast to one chat of the staff, marked as a sample.

    Raises KeyError for a language that the consultation does not have.
    """
    published = processor.catalogue.newest(push.slug)
    if published is None:
        raise KeyError(push.slug)
    msg = broadcast_message(published, language, ("all", ""), processor.catalogue, is_reminder=push.is_reminder)
    mark = published.flow.localized[language].renderer.text("push.sample")
    number, order = processor.ids.letter()
    row = NewOutboxMessage(
        id=number,
        channel=to.channel,
        lookup=to.lookup,
        payload=payload_of(msg.preceded_by((BodyPart(mark),))),
        purpose="notice",
        not_before=None,
        created_at=day_of(now),
        hidden_order=order,
    )
    insert_messages(connection, [row])


def _preview(channel: Channel | None, msg: MsgOut) -> MessagePreview:
    """Returns how a channel sends the message; of one that cannot say so the text with numbered choices."""
    if channel is not None and isinstance(channel, Previewing):
        return channel.preview(msg)
    return MessagePreview((numbered_text(msg),))
