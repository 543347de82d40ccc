"""Segments cannot use what residents said about themselves."""

from __future__ import annotations

import dataclasses

import pytest

from bot.broadcasts import segments
from bot.broadcasts.segments import SegmentError
from flows.questions.sectors import SECTORS
from flows.questions.traits import TRAITS


@pytest.mark.parametrize("key", ["sectors", "sector", "traits", "trait", "age_band", "disability", "answer"])
def test_a_segment_over_what_somebody_is_cannot_be_written(key: str) -> None:
    for value in (*SECTORS, *TRAITS):
        with pytest.raises(SegmentError, match=f"there is no .{key}"):
            segments.parse_segment(f"{key}={value}", [], [])


def test_a_segment_knows_nothing_else_of_a_person() -> None:
    known = {field.name for field in dataclasses.fields(segments.SubscriberFacts)}
    assert known == {"topics", "districts", "wants_all", "language", "channel", "began", "took_part", "finished"}
