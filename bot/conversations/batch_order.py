"""In which order the rows of a batch are written: identity first, and nothing before what it refers to.

Every module with handlers of events is imported here, so that whoever can write a batch has all of them.
"""

from __future__ import annotations

from typing import Final

from bot.consultations import batch_context, session_rows
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
    session_rows,
)
"""The modules with handlers."""

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
