"""All tables at once, for migrations and for tests: importing this module completes ``Base.metadata``."""

from storage.core import installation  # noqa: F401 - imported for its table
from storage.core.base import Base
from storage.tables import (  # noqa: F401 - imported for their tables
    account_links,
    answers,
    api_keys,
    attachments,
    audit,
    broadcasts,
    consultations,
    contacts,
    data_migrations,
    editions,
    erasures,
    messages,
    moderation,
    open_answers,
    opt_ins,
    outbox,
    proposals,
    ratings,
    retained_data,
    rooms,
    sessions,
    staff,
    stages,
)

metadata = Base.metadata
