"""Rate limits of visitors, addresses and networks: token buckets in memory, of bounded size."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

import structlog
from aiohttp import web

log = structlog.get_logger()

MOST_BUCKETS: Final = 50_000
_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network


class Rate(NamedTuple):
    """`burst` at once, then `per_second`; `burst` 0 means no limit."""

    burst: int
    per_second: float


class BeginRules(NamedTuple):
    """When further conversations begin on one network (IPv4: one address, IPv6: a /56); see `adapters.web.begins`."""

    free: int = 19
    """Conversations of an hour that begin at once; 0 for no limit."""
    wide_free: int = 300
    """The same for trusted networks and for rooms of live meetings."""
    step: float = 0.5
    """Seconds by which each further wait is longer than the one before."""
    longest: float = 15
    """Seconds between two conversations at most."""
    queue: float = 600
    """The longest wait, in seconds; further visitors are refused."""


class WebLimits(NamedTuple):
    """The limits of the web channel. One address may be a school or a town hall, so its limits are wide."""

    text: int = 4_000
    """Characters of one message."""
    frame: int = 16 * 1024
    """Bytes of one message with its JSON."""
    conversation: Rate = Rate(20, 1)
    """Messages of one conversation."""
    address: Rate = Rate(300, 20)
    """Messages from one address (IPv6: from one /64)."""
    begins: BeginRules = BeginRules()
    """New conversations from one address, or one /56 of IPv6."""
    new_network: Rate = Rate(1_000, 2)
    """New conversations from one network (IPv4: /24, IPv6: /48)."""
    codes: Rate = Rate(20, 0.1)
    """Resume codes tried from one address."""
    lines: int = 8
    """Open connections (tabs) of one conversation."""
    lines_address: int = 500
    """Open conversation connections from one address; 0 for no limit."""
    connections: int = 256
    """Open connections of any kind from one address (IPv6: from one /64); 0 for no limit. Our proxies have none."""
    send_seconds: float = 15
    """A client that does not receive the sent data within this time is disconnected."""
    body_seconds: float = 15
    """A request whose body does not arrive within this time is refused."""
    heartbeat_seconds: float = 20
    poll_seconds: float = 25
    """The longest time that a poll waits for new entries."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks of our own proxies: only their X-Forwarded-For and -Proto are trusted."""
    trusted_networks: tuple[str, ...] = ()
    """Networks of which many people are expected: schools, libraries."""
    is_public_secure: bool = False
    """Whether the public address is encrypted: then cookies are sent over encrypted connections only, even if no proxy
    reports one."""


class Buckets:
    """A token bucket for each key: one number, the moment at which it will be full again (GCRA).

    >>> buckets = Buckets(Rate(burst=2, per_second=1), clock=lambda: 0.0)
    >>> [buckets.take("a") for _ in range(3)]
    [0.0, 0.0, 1.0]
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, key: str) -> float:
        """Returns the seconds until a token is available, 0 if one is available now; takes none."""
        now, step = self._clock(), 1 / self._rate.per_second if self._rate.burst else 0.0
        wait = max(self._full_at.get(key, now), now) + step - now - self._rate.burst * step
        return wait if wait > 1e-6 else 0.0

    def take(self, key: str) -> float:
        """Takes a token; returns 0, or the seconds until one is available (then none was taken)."""
        if not self._rate.burst:
            return 0.0
        now, step = self._clock(), 1 / self._rate.per_second
        full_at = max(self._full_at.get(key, now), now) + step
        wait = full_at - now - self._rate.burst * step
        # The rounding error of a long uptime must not cause a refusal.
        if wait > 1e-6:
            return wait
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        while len(self._full_at) > MOST_BUCKETS:
            self._full_at.popitem(last=False)
        return 0.0


class Origins:
    """Finds the origin of requests, through our own proxies if there are any."""

    def __init__(self, proxies: Sequence[str], *, trusted: Sequence[str] = (), is_public_secure: bool = False) -> None:
        self._proxies: list[_Network] = [ip_network(proxy, strict=False) for proxy in proxies]
        self._trusted: list[_Network] = [ip_network(network, strict=False) for network in trusted]
        self._is_public_secure = is_public_secure
        self._has_told_proxy = False

    def address(self, request: web.BaseRequest) -> str:
        """Returns the client's address: the last one that is not our own proxy. Headers from other hosts are not
        trusted."""
        return _unit(self._client(request), 64)

    def _client(self, request: web.BaseRequest) -> _Address | None:
        hops = [part.strip() for part in request.headers.get("X-Forwarded-For", "")[-1000:].split(",")]
        current = _parsed(request.remote or "")
        self._tell_unnamed_proxy(request)
        while current is not None and self._is_ours(current) and hops:
            following = _parsed(hops.pop())
            if following is None:
                break
            current = following
        return current

    def _tell_unnamed_proxy(self, request: web.BaseRequest) -> None:
        """Logs once that a neighbour forwards requests without being one of our own proxies."""
        if not self._has_told_proxy and self._is_unnamed_proxy(request):
            self._has_told_proxy = True
            log.error("proxy_not_named")

    def _is_unnamed_proxy(self, request: web.BaseRequest) -> bool:
        peer = _parsed(request.remote or "")
        has_header = "X-Forwarded-For" in request.headers
        return has_header and peer is not None and peer.is_private and not self._is_ours(peer)

    def unit(self, host: str) -> str:
        """Returns the network that counts as one address, for a connection from this host."""
        return _unit(_parsed(host), 64)

    def is_proxy(self, host: str) -> bool:
        """Whether this host is one of our own proxies."""
        address = _parsed(host)
        return address is not None and self._is_ours(address)

    def network(self, request: web.BaseRequest) -> str:
        """Returns the wider network of the client's address."""
        return _unit(self._client(request), 48, 24)

    def begin_network(self, request: web.BaseRequest) -> str:
        """Returns the network whose conversations are counted together; "" if visitors cannot be told apart: a request
        of this machine itself, or of a neighbour that forwards requests without being one of our own proxies."""
        current = self._client(request)
        if current is not None and (current.is_loopback or (current.is_private and self._is_unnamed_proxy(request))):
            return ""
        return _unit(current, 56)

    def is_trusted(self, request: web.BaseRequest) -> bool:
        """Whether the client is in a network of which many people are expected."""
        current = self._client(request)
        return current is not None and any(current in network for network in self._trusted)

    def is_secure(self, request: web.BaseRequest) -> bool:
        """Whether the browser's connection is encrypted: to us, to our proxy, or by the public address."""
        if self._is_public_secure:
            return True
        current = _parsed(request.remote or "")
        if current is not None and self._is_ours(current):
            return request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[-1].strip() == "https"
        return request.secure

    def _is_ours(self, address: _Address) -> bool:
        return any(address in network for network in self._proxies if network.version == address.version)


def _parsed(text: str) -> _Address | None:
    try:
        address = ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _unit(address: _Address | None, ipv6_bits: int, ipv4_bits: int = 32) -> str:
    """Returns the network that counts as one address: an IPv6 client has at least a /64 of addresses."""
    if address is None:
        return "?"
    if isinstance(address, IPv6Address):
        return str(ip_network((address, ipv6_bits), strict=False))
    return str(address) if ipv4_bits == 32 else str(ip_network((address, ipv4_bits), strict=False))
