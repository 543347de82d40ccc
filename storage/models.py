"""All tables at once, for migrations and for tests: importing this module completes ``Base.metadata``."""

from storage import (  # noqa: F401 - imported for their tables
    answers,
    api_keys,
    attachments,
    audit,
    broadcasts,
    consultations,
    contacts,
    data_migrations,
    doors,
    editions,
    erasures,
    installation,
    messages,
    moderation,
    open_answers,
    opt_ins,
    outbox,
    proposals,
    ratings,
    remains,
    rooms,
    sessions,
    staff,
    stages,
)
from storage.base import Base

metadata = Base.metadata
