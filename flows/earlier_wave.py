"""Proposals taken over from an earlier consultation."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flows.slugs import Slug


class EarlierWave(BaseModel):
    """Proposals of an earlier consultation to rate as well: all released ones, or those with the most agreement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    consultation: Slug
    take: Literal["released", "top"] = "released"
    count: int | None = Field(default=None, ge=1, le=200)
