"""In groups others read along: nothing is asked or stored there, people are invited to a private chat."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from adapters.base import Outgoing
from bot.catalogue import Catalogue
from bot.effects import Effects, payload_of
from bot.ids import day_of
from bot.keys import Keys
from flows.messages import MsgIn
from storage import contacts
from storage.contacts import NewAddress
from storage.outbox import NewOutboxMessage


def answer(
    connection: Connection, effects: Effects, keys: Keys, catalogue: Catalogue, batch: Sequence[MsgIn]
) -> list[MsgIn]:
    """Invites the groups in which somebody called the bot, each once; gives the messages that came in private.

    A group is nobody: all that is kept of it is its sealed address, until the invitation was sent.
    """
    private = [msg for msg in batch if not msg.is_group]
    if len(private) == len(batch):
        return private
    calls = [msg for msg in batch if msg.is_group and msg.text[:1] in {"/", "!"}]
    groups = {keys.lookup(msg.channel, msg.address): msg for msg in calls}
    known = contacts.find(connection, list(groups))
    for lookup, msg in groups.items():
        if lookup not in known:
            sealed = keys.seal(msg.address, lookup)
            effects.new_addresses.append(NewAddress(lookup, None, msg.channel, sealed, day_of(effects.now)))
        invitation = catalogue.lobby.invite(msg.language_hint)
        number = effects.ids()
        row = NewOutboxMessage(number, msg.channel, lookup, payload_of(invitation), "farewell", None, effects.now)
        effects.outbox.append(row)
        effects.parting.append((msg.channel, lookup, Outgoing(number, msg.address, invitation)))
    return private
