"""One option of the types that offer a list."""

from __future__ import annotations

import operator
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from flows.image import Image
from flows.meaning import Meanings, meanings
from flows.references import Key
from flows.wording import Text


class Option(BaseModel):
    """One option: its stored value, its label and synonyms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meanings: ClassVar[Meanings] = meanings(fixed="value", labels="label", words="image", free="synonyms")

    value: Key
    label: Text
    synonyms: dict[str, tuple[str, ...]] = {}
    image: Image | None = Field(default=None, exclude_if=operator.not_)
