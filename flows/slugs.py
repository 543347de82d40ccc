"""The short name of a consultation, as in its links."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import StringConstraints

MAX_SLUG_LENGTH: Final = 40
SLUG_PATTERN: Final = r"(?:[0-9][0-9-]*[a-z]|[a-z][a-z0-9-])[a-z0-9-]*"
"""Small letters, digits and hyphens. At least one letter, because a number alone is the answer to a question."""

Slug = Annotated[str, StringConstraints(pattern=rf"^{SLUG_PATTERN}$", max_length=MAX_SLUG_LENGTH)]
