"""Finds texts that say nearly the same: trigrams select candidates, RapidFuzz compares them word by word."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from flows.understanding.text import fold

NEAREST: Final = 3
SIMILARITY_THRESHOLD: Final = 58.0
"""The minimum similarity of 100. Below it two texts share a topic at most; tested with the German statements of a
climate assembly.
"""
_GRAMS: Final = 24
"""The number of trigrams of a text that are looked up, the rarest ones: frequent ones are slow and hardly selective."""
_CANDIDATES: Final = 60
_LONGEST: Final = 600
"""The number of characters of a text that are compared."""


class SimilarityIndex:
    """An in-memory trigram index of texts. Adding is cheap, so it is never rebuilt.

    A look-up in 50,000 texts takes some milliseconds (`bench`, similar_ms_50k).
    """

    def __init__(self) -> None:
        self._places: dict[str, array[int]] = {}
        self._ids: list[int] = []
        self._texts: list[str] = []
        self._place_of: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._place_of)

    def add(self, id_: int, text: str) -> None:
        """Adds a text, or replaces the text of this id."""
        self.remove(id_)
        place = len(self._ids)
        folded = similarity_text(text)
        self._ids.append(id_)
        self._texts.append(folded)
        self._place_of[id_] = place
        for gram in _grams(folded):
            self._places.setdefault(gram, array("I")).append(place)

    def remove(self, id_: int) -> None:
        """Removes a text; its slot stays empty."""
        place = self._place_of.pop(id_, None)
        if place is not None:
            self._texts[place] = ""

    def nearest(self, text: str, number: int = NEAREST) -> list[int]:
        """Returns the ids of up to `number` similar texts, the most similar first."""
        return [id_ for id_, _ in self.scored(text, number)]

    def scored(self, text: str, number: int = NEAREST) -> list[tuple[int, float]]:
        """Returns up to `number` similar texts with their scores, the most similar first."""
        folded = similarity_text(text)
        places = self._candidates(folded)
        scores = similarity_scores([folded], [self._texts[place] for place in places])[0] if places else ()
        near = sorted(
            ((score, -place) for score, place in zip(scores, places, strict=True) if score >= SIMILARITY_THRESHOLD),
            reverse=True,
        )
        return [(self._ids[-place], float(score)) for score, place in near[:number]]

    def _candidates(self, folded: str) -> list[int]:
        """Returns the slots that share most of the rare trigrams with a text."""
        known = [places for gram in _grams(folded) if (places := self._places.get(gram))]
        rarest = sorted(known, key=len)[:_GRAMS]
        if not rarest:
            return []
        views: list[NDArray[np.uint32]] = [np.frombuffer(places, dtype=np.uint32) for places in rarest]
        counts = np.bincount(np.concatenate(views))
        # The number of shared trigrams, and of equal ones the earlier slot: no two are the same.
        ranks = counts * len(counts) - np.arange(len(counts))
        best = np.argpartition(-ranks, _CANDIDATES)[:_CANDIDATES] if len(ranks) > _CANDIDATES else np.arange(len(ranks))
        return [int(place) for place in best if counts[place] and self._texts[place]]


def similarity_text(text: str) -> str:
    """Returns a text as it is compared: folded and shortened."""
    return fold(text[:_LONGEST])


def similarity_scores(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float32]:
    """Compares each text with each of the others, 0 to 100: a matrix texts × others.

    Half of the score is for the whole texts, half for their common words. Short texts must be nearly equal.
    """
    whole = process.cdist(texts, others, scorer=fuzz.token_sort_ratio)
    common = process.cdist(texts, others, scorer=fuzz.token_set_ratio)
    return np.asarray((whole + common) / 2, dtype=np.float32)


def _grams(folded: str) -> set[str]:
    padded = f" {folded} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
