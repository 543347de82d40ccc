"""All tables at once, for migrations and for tests: importing this module completes ``Base.metadata``."""

from storage import (
    answers,
    api_keys,
    attachments,
    broadcasts,
    consultations,
    contacts,
    doors,
    messages,
    moderation,
    opt_ins,
    outbox,
    proposals,
    ratings,
    remains,
    rooms,
    sessions,
    staff,
)
from storage.base import Base

SUBJECTS = (
    answers,
    api_keys,
    attachments,
    broadcasts,
    consultations,
    contacts,
    doors,
    messages,
    moderation,
    opt_ins,
    outbox,
    proposals,
    ratings,
    remains,
    rooms,
    sessions,
    staff,
)

metadata = Base.metadata
