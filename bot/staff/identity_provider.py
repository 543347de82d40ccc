"""Sign-in at an identity provider: authorization code flow with PKCE (RFC 6749, RFC 7636; OpenID Connect Core 1.0).

The access token of the provider is neither used nor stored: only who signed in counts.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from bot.common.keys import Keys
from bot.settings import OidcSettings
from bot.staff.id_tokens import ExpectedToken, Identity, verify_id_token
from bot.staff.provider_documents import ProviderAddresses, ProviderDocuments, ProviderFailed, fetch_json
from bot.staff.token_errors import KeyUnknown, TokenRefused

START_SECONDS: Final = 5.0
FINISH_SECONDS: Final = 7.0
"""A page waits no longer for the provider, however many of its documents have to be read."""
LONGEST_CODE: Final = 2_000


class ProviderAttempt(NamedTuple):
    """One attempt, kept by the browser that began it."""

    state: str
    nonce: str
    redirect_uri: str

    @classmethod
    def begin(cls, redirect_uri: str) -> ProviderAttempt:
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), redirect_uri)


class IdentityProvider:
    """The provider of the settings."""

    def __init__(self, options: OidcSettings, keys: Keys) -> None:
        self.options = options
        self._keys = keys
        self._documents = ProviderDocuments(options.issuer)

    @property
    def label(self) -> str:
        """The name of the provider for people."""
        return self.options.label or urlsplit(self.options.issuer).hostname or ""

    async def sign_in_url(self, attempt: ProviderAttempt, *, again: bool = False) -> str:
        """Returns the page of the provider. `again`: the password is to be typed again. Raises ProviderFailed."""
        try:
            async with asyncio.timeout(START_SECONDS):
                addresses = await self._documents.addresses()
        except TimeoutError as error:
            raise ProviderFailed("unreachable", is_unreachable=True) from error
        challenge = hashlib.sha256(self._verifier(attempt).encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.options.client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": "openid profile",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _base64(challenge),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if again else {}),
        }
        parts = urlsplit(addresses.authorization)
        return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query.items()]), fragment=""))

    async def identity(self, attempt: ProviderAttempt, code: str, issuer: str | None, now: datetime) -> Identity:
        """Returns who signed in. `issuer`: the `iss` of the answer, if any. Raises ProviderFailed."""
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                addresses = await self._documents.addresses()
                if issuer != self.options.issuer and (issuer is not None or addresses.names_itself):
                    raise ProviderFailed("answer_issuer")
                token = await self._exchange(addresses, attempt, code)
                return await self._verify(token, attempt, now)
        except TimeoutError as error:
            raise ProviderFailed("unreachable", is_unreachable=True) from error
        except TokenRefused as error:
            raise ProviderFailed(f"token_{error}") from error

    async def _exchange(self, addresses: ProviderAddresses, attempt: ProviderAttempt, code: str) -> str:
        """Returns the ID token for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code[:LONGEST_CODE],
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": self._verifier(attempt),
        }
        secret, headers = self.options.client_secret.get_secret_value(), {"Accept": "application/json"}
        if secret and not addresses.takes_secret_in_form:
            pair = f"{quote(self.options.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.options.client_id} | ({"client_secret": secret} if secret else {})
        answer: Any = (await fetch_json("POST", addresses.token, form, headers)).get("id_token")
        if not isinstance(answer, str):
            raise ProviderFailed("no_token")
        return answer

    async def _verify(self, token: str, attempt: ProviderAttempt, now: datetime) -> Identity:
        expected = ExpectedToken(self.options.issuer, self.options.client_id, attempt.nonce)
        claim = self.options.name_claim
        try:
            return verify_id_token(token, await self._documents.keys(), expected, now, claim)
        except KeyUnknown:
            # The provider changes its keys from time to time: the new one is in a new document.
            return verify_id_token(token, await self._documents.keys(renew=True), expected, now, claim)

    def _verifier(self, attempt: ProviderAttempt) -> str:
        """Returns the PKCE verifier of an attempt, which only this installation knows."""
        return _base64(hmac.digest(self._keys.staff, f"oidc-verifier/{attempt.state}".encode(), "sha256"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
