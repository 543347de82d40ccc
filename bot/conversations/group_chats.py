"""Invites users of group chats to a private chat; nothing is asked or stored in groups."""

from __future__ import annotations

from collections.abc import Sequence

from bot.consultations.batch_context import BatchContext
from flows.messages import MsgIn
from storage.tables import contacts
from storage.tables.contacts import NewAddress, find_addresses
from storage.tables.outbox import insert_messages


def invite_groups(batch: BatchContext, arrived: Sequence[MsgIn]) -> list[MsgIn]:
    """Sends one invitation to each group in which the bot was called; returns the messages of private chats.

    A group gets no contact: only its encrypted address is stored, until the invitation was sent.
    """
    private = [msg for msg in arrived if not msg.is_group]
    if len(private) == len(arrived):
        return private
    menu = batch.catalogue.main_menu
    calls = [msg for msg in arrived if msg.is_group and menu.is_call(msg.text)]
    groups = {batch.keys.lookup(msg.channel, msg.address): msg for msg in calls}
    known = find_addresses(batch.connection, list(groups))
    for lookup, msg in groups.items():
        if lookup not in known:
            sealed = batch.keys.encrypt(msg.address, lookup)
            row = NewAddress(lookup=lookup, contact_id=None, channel=msg.channel, sealed=sealed, created_at=batch.today)
            batch.add(contacts.insert_addresses, row)
        invitation = menu.invite(msg.language_hint)
        batch.add(insert_messages, batch.outbox_row(msg.channel, lookup, msg.address, invitation, "farewell"))
    return private
