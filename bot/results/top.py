"""Which statements are agreed with most: what goes into the next wave. Pure; anybody can recompute the order by hand.

The order is that of the smallest smoothed agreement (A+1)/(S+2) over the declared sectors (`bot.results.sectors`);
where too few people declared any, of that of everybody. Between equals the agreement of everybody decides, then the
code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bot.results.arrays import Floats
from bot.results.matrix import Log, Totals, last_votes


def ranking(log: Log, shown: Sequence[str], sectors: Mapping[str, frozenset[str]], least: int) -> list[str]:
    """All of `shown` by name, the one most agreed with first. A sector counts from `least` people who weighed anything.

    >>> log = Log.of_columns([[["a", "b", "a"], ["s1", "s1", "s2"], [1, -1, 1], [False] * 3, [1, 2, 3]]],
    ...     statements=("s1", "s2", "s3"))
    >>> ranking(log, ["s1", "s2", "s3"], {}, least=5)  # (1+1)/(2+2), (1+1)/(1+2), (0+1)/(0+2)
    ['s2', 's1', 's3']
    """
    matrix = last_votes(log)
    active = matrix.voted.any(axis=1)
    declared = [
        np.array([it in people for it in matrix.people], dtype=np.bool_) & active for people in sectors.values()
    ]
    overall = _agreement(matrix.totals())
    enough = [_agreement(matrix.totals(people)) for people in declared if people.sum() >= least]
    smallest = np.min(enough, axis=0) if enough else overall
    place_of = {name: place for place, name in enumerate(matrix.statements)}
    return sorted(shown, key=lambda name: (-smallest[place_of[name]], -overall[place_of[name]], name))


def _agreement(totals: Totals) -> Floats:
    return np.asarray((totals.agrees + 1) / (totals.seen + 2))
