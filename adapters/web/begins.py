"""The wait before further conversations begin on one network: none for the first of an hour, then a growing one.

A browser is not a person: one person can begin many conversations. A household, a class or a library is one
network as well. So nothing is refused for good; each further conversation of the hour begins a little later.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from adapters.web.limits import MOST_BUCKETS, BeginRules

HOUR: Final = 3600.0
MINUTE: Final = 60.0
TURN_KEPT: Final = 900.0
"""Seconds after which an unused turn is deleted."""
BURST_OTHERS: Final = 9
"""A conversation that begins within a minute of this number of others of its network belongs to a burst."""


class Begin(NamedTuple):
    """The answer to a visitor who wants to begin."""

    wait: float
    """Seconds until the visitor's turn; 0: begin now."""
    is_refused: bool = False
    """Too many wait already: the visitor has no turn and must ask again."""
    is_burst: bool = False
    """Whether the conversation belongs to a burst; known when it begins."""
    is_first_wait: bool = False
    """Whether it is the first one of its network in this hour that waits."""


@dataclass(slots=True)
class _Network:
    since: float
    begun: int = 0
    free_at: float = 0.0
    turns: dict[str, float] = field(default_factory=dict)
    """Visitor → the moment of the turn; in order, because each turn is later than the one before."""
    waited: set[str] = field(default_factory=set)
    last: dict[str, deque[float]] = field(default_factory=dict)
    """Consultation → the moments at which the last conversations began."""


class Begins:
    """Gives each visitor of a network a turn. In memory, of bounded size.

    >>> begins = Begins(BeginRules(free=1, step=2.0), clock=lambda: 0.0)
    >>> [begins.take("192.0.2.1", visitor).wait for visitor in "abcb"]
    [0.0, 2.0, 6.0, 2.0]
    """

    def __init__(self, rules: BeginRules, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._clock = clock
        self._networks: OrderedDict[str, _Network] = OrderedDict()

    def take(self, network: str, visitor: str, slug: str = "", *, is_wide: bool = False) -> Begin:
        """Returns whether this visitor may begin now. The first call gives the visitor a turn, later ones ask for it;
        when its time has come it is used up.

        `is_wide`: a network of which many people are expected. It waits later, and is never a burst.
        """
        if not self._rules.free:
            return Begin(0.0)
        now, place = self._clock(), self._network(network)
        is_first = visitor not in place.turns
        if is_first and (refused := self._give_turn(place, visitor, now, is_wide=is_wide)):
            return refused
        wait = place.turns[visitor] - now
        if wait > 1e-6:
            return Begin(wait, is_first_wait=is_first and len(place.waited) == 1)
        del place.turns[visitor]
        return Begin(0.0, is_burst=not is_wide and self._is_burst(place, visitor, slug, now))

    def has_turn(self, network: str, visitor: str) -> bool:
        """Whether this visitor has a turn on this network."""
        place = self._networks.get(network)
        return place is not None and visitor in place.turns

    def _network(self, network: str) -> _Network:
        now = self._clock()
        place = self._networks.setdefault(network, _Network(now))
        self._networks.move_to_end(network)
        while len(self._networks) > MOST_BUCKETS:
            self._networks.popitem(last=False)
        if now - place.since >= HOUR:
            place.since, place.begun = now, 0
            place.waited = place.waited & place.turns.keys()
        while place.turns and (oldest := next(iter(place.turns.items())))[1] < now - TURN_KEPT:
            del place.turns[oldest[0]]
        return place

    def _give_turn(self, place: _Network, visitor: str, now: float, *, is_wide: bool) -> Begin | None:
        rules = self._rules
        excess = place.begun + 1 - (rules.wide_free if is_wide else rules.free)
        if excess <= 0:
            turn = now
        else:
            turn = max(now, place.free_at) + min(excess * rules.step, rules.longest)
            if turn - now > rules.queue:
                return Begin(turn - now, is_refused=True)
            place.free_at = turn
            place.waited.add(visitor)
        place.begun += 1
        place.turns[visitor] = turn
        return None

    def _is_burst(self, place: _Network, visitor: str, slug: str, now: float) -> bool:
        last = place.last.setdefault(slug, deque(maxlen=BURST_OTHERS))
        is_dense = len(last) == BURST_OTHERS and now - last[0] <= MINUTE
        last.append(now)
        has_waited = visitor in place.waited
        return is_dense or has_waited
