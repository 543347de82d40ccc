"""All tables at once, for migrations and for tests: importing this module completes ``Base.metadata``."""

from storage.core.base import Base

metadata = Base.metadata
