"""Reads the documents of an identity provider: its addresses (OpenID Connect Discovery 1.0) and its public keys.

Each answer is limited in time and size. Redirects are not followed, and cookies are not kept.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from bot.common.setting_types import is_safe_provider_url

SECONDS: Final = 4.0
"""A provider that does not answer within this time counts as unreachable."""
LARGEST_BYTES: Final = 256 * 1024
VALID_SECONDS: Final = 3600.0
"""How long the documents are used before they are read again."""
RENEW_SECONDS: Final = 30.0
"""Unknown keys make the document of keys be read again, at most this often."""


class ProviderFailed(Exception):
    """The sign-in at the provider failed. The text is the name of the reason."""

    def __init__(self, reason: str, *, is_unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_unreachable = is_unreachable
        """Whether the provider, not the visitor, is at fault, so that a later attempt may succeed."""


class ProviderAddresses(NamedTuple):
    """Where a provider signs people in, exchanges codes for tokens, and publishes its keys."""

    authorization: str
    token: str
    keys: str
    takes_secret_in_form: bool
    """Whether the provider accepts the client secret only as a field of the form."""
    names_itself: bool
    """Whether its answers contain its issuer (RFC 9207)."""


class _Cached(NamedTuple):
    document: Mapping[str, Any]
    read_at: float


class ProviderDocuments:
    """The documents of one provider, cached."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._cache: dict[str, _Cached] = {}
        self._turn = asyncio.Lock()

    async def addresses(self) -> ProviderAddresses:
        """Returns the addresses of the provider. Raises ProviderFailed."""
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._document(url, VALID_SECONDS)
        if found.get("issuer") != self._issuer:
            raise ProviderFailed("discovery_issuer", is_unreachable=True)
        methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return ProviderAddresses(
            self._address(found, "authorization_endpoint"),
            self._address(found, "token_endpoint"),
            self._address(found, "jwks_uri"),
            takes_secret_in_form="client_secret_basic" not in methods,
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    async def keys(self, *, renew: bool = False) -> list[dict[str, Any]]:
        """Returns the public keys. `renew`: a key is unknown, so a recent document only will do. Raises
        ProviderFailed.
        """
        url = (await self.addresses()).keys
        found = (await self._document(url, RENEW_SECONDS if renew else VALID_SECONDS)).get("keys")
        if not isinstance(found, list):
            raise ProviderFailed("keys", is_unreachable=True)
        return [key for key in found if isinstance(key, dict)]

    async def _document(self, url: str, valid_seconds: float) -> Mapping[str, Any]:
        async with self._turn:
            cached = self._cache.get(url)
            if cached is None or self._clock() - cached.read_at >= valid_seconds:
                cached = self._cache[url] = _Cached(await fetch_json("GET", url), self._clock())
            return cached.document

    def _address(self, document: Mapping[str, Any], name: str) -> str:
        """Returns an address of the document, which must be as safe as the issuer."""
        url = document.get(name)
        is_safe = isinstance(url, str) and is_safe_provider_url(url)
        if not is_safe or urlsplit(str(url)).scheme != urlsplit(self._issuer).scheme:
            raise ProviderFailed(f"discovery_{name}", is_unreachable=True)
        return str(url)


async def fetch_json(
    method: str, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """Returns the JSON object at an address. Raises ProviderFailed for anything else."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, url, data=form, headers=headers, allow_redirects=False) as response,
        ):
            body = await _body(response)
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise ProviderFailed("unreachable", is_unreachable=True) from error
    if status != 200:
        raise ProviderFailed("status", is_unreachable=status >= 500 or form is None)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProviderFailed("no_json", is_unreachable=True) from error
    if not isinstance(found, dict):
        raise ProviderFailed("no_json", is_unreachable=True)
    return found


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) > LARGEST_BYTES:
            raise ProviderFailed("too_large", is_unreachable=True)
    return bytes(body)
