"""All tables at once: importing this module completes ``Base.metadata``. Migrations and tests use it."""

import importlib
import pkgutil

from storage import tables
from storage.core import installation  # noqa: F401 - imported for its table
from storage.core.base import Base

for _module in pkgutil.iter_modules(tables.__path__):
    importlib.import_module(f"{tables.__name__}.{_module.name}")

metadata = Base.metadata
