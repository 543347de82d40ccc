"""Defines the order in which the rows of a batch are written: identity first, referenced rows before referring ones.

Imports every module with event handlers, so that all of them are registered wherever batches are written.
"""

from __future__ import annotations

from typing import Final

from bot.consultations import batch_context, messages_to_people, session_rows
from bot.consultations.batch_context import ContactRows, WriteOrder
from bot.conversations import answer_rows, attachments
from bot.privacy import account_linking, contributions, personal_data, subscriptions
from bot.proposals import submission as ideas
from storage.tables import answers, contacts, messages
from storage.tables.contacts import adopt_addresses
from storage.tables.outbox import insert_messages
from storage.tables.ratings import store_votes
from storage.tables.sessions import release_sessions, renew_sessions
from storage.tables.staff import bind_staff_chats

HANDLING: Final = (
    answer_rows,
    attachments,
    batch_context,
    account_linking,
    ideas,
    subscriptions,
    contributions,
    personal_data,
    messages_to_people,
    session_rows,
)
"""The modules with event handlers."""

WRITE_ORDER: Final[WriteOrder] = (
    ContactRows,
    contacts.insert_addresses,
    adopt_addresses,
    contacts.set_languages,
    contacts.mark_stopped,
    bind_staff_chats,
    contacts.mark_unreachable,
    contacts.mark_missed,
    release_sessions,
    renew_sessions,
    session_rows.SessionRows,
    answer_rows.AnswerRows,
    attachments.AttachmentRows,
    answers.insert_consents,
    ideas.IdeaRows,
    store_votes,
    messages.insert_dead_letters,
    insert_messages,
)
