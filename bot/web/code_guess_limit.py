"""Limits guessing of short codes: many wrong codes from one address are delayed, right ones are not counted."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from adapters.web.errors import RequestError
from adapters.web.limits import Buckets, Rate
from bot.web.context import site_of

WRONG_CODES: Final = Rate(burst=60, per_second=0.5)
"""Wrong codes from one address, which a hall full of participants may share. A room's code has 29 random bits: at this
rate a search for one room takes about forty years.
"""
WRONG_CODES_NETWORK: Final = Rate(burst=300, per_second=2)
"""Wrong codes from one network (IPv4: /24, IPv6: /48), which holds 65,536 addresses of IPv6."""
NETWORKS: Final = web.AppKey("missed-codes-networks", Buckets)
BUCKETS: Final = web.AppKey("missed-codes", Buckets)


def check_guess_limit(request: web.Request) -> None:
    """Raises RequestError (`too_many`) after too many wrong codes from this address, or from its network."""
    clients = site_of(request).routes.clients
    of_address = request.app[BUCKETS].wait(clients.address(request))
    if wait := max(of_address, request.app[NETWORKS].wait(clients.network(request))):
        raise RequestError("too_many", wait)


def count_wrong_code(request: web.Request) -> None:
    """Counts a wrong code of this address and its network."""
    clients = site_of(request).routes.clients
    request.app[BUCKETS].take(clients.address(request))
    request.app[NETWORKS].take(clients.network(request))
