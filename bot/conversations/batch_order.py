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
from storage.tables import answers, contacts, messages, outbox, ratings, sessions, staff

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
    contacts.adopt,
    contacts.set_languages,
    contacts.mark_stopped,
    staff.bind_chats,
    contacts.mark_unreachable,
    contacts.mark_missed,
    sessions.release,
    sessions.renew,
    session_rows.SessionRows,
    answer_rows.AnswerRows,
    attachments.AttachmentRows,
    answers.insert_consents,
    ideas.IdeaRows,
    ratings.rate,
    messages.insert_dead_letters,
    outbox.insert,
)
