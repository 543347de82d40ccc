"""All tables at once, for migrations and for tests: importing this module completes ``Base.metadata``."""

from storage import (  # noqa: F401 - imported for their tables
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

metadata = Base.metadata
