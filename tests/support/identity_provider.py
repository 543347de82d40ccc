"""A strict identity provider for tests (OpenID Connect Core 1.0), with real keys. It refuses what is not allowed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID = "mitsprache"
SECRET = "geheim: ä/&="


@lru_cache
def rsa_key(kid: str = "one", size: int = 2048) -> RSAKey:
    return RSAKey.generate_key(size, {"kid": kid, "use": "sig"})


@lru_cache
def ec_key(kid: str = "curve") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


class StandInProvider:
    """One provider with one account; its fields change what it sends."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys: list[RSAKey | ECKey] = [rsa_key()]
        self.subject = "konto-17"
        self.claims: dict[str, Any] = {}
        """Claims that are sent instead of the right ones."""
        self.token = ""
        """A token that is sent instead of a signed one."""
        self.error = ""
        """What the sign-in page answers instead of a code."""
        self.hangs: set[str] = set()
        """Paths that never answer."""
        self.asked: list[str] = []
        self.prompts: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def settings(self) -> dict[str, str]:
        given = {"issuer": self.issuer, "client_id": CLIENT_ID, "client_secret": SECRET}
        return {**given, "label": "Stadtkonto"}

    def sign(self, nonce: str, **claims: Any) -> str:
        """An ID token as it should be, besides these claims."""
        now = int(time.time())
        right = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT_ID, "exp": now + 300, "iat": now}
        name = {"nonce": nonce, "preferred_username": "a.kaya", "auth_time": now}
        key = self.keys[0]
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        wanted = {**right, **name, **self.claims, **claims}
        present = {name: value for name, value in wanted.items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": key.kid}, present, key, [algorithm])

    async def discovery(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize?tenant=stadt",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def published_keys(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["tenant"] == "stadt"
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        assert len(query["code_challenge"]) == 43
        assert min(len(query["state"]), len(query["nonce"])) >= 22
        self.prompts.append(query.get("prompt", ""))
        code = secrets.token_urlsafe(12)
        self._codes[code] = query
        answer = {"error": self.error} if self.error else {"code": code}
        target = urlencode({**answer, "state": query["state"], "iss": self.issuer})
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{target}"})

    async def exchange(self, request: web.Request) -> web.Response:
        kind, _, pair = request.headers.get("Authorization", "").partition(" ")
        name, _, secret = base64.b64decode(pair).decode().partition(":")
        form = await request.post()
        asked = self._codes.pop(str(form.get("code")), None)  # once
        verifier = str(form.get("code_verifier")).encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        is_right = (kind, unquote(name), unquote(secret)) == ("Basic", CLIENT_ID, SECRET)
        if not is_right or asked is None or form.get("grant_type") != "authorization_code":
            return web.json_response({"error": "invalid_grant"}, status=400)
        if form.get("redirect_uri") != asked["redirect_uri"] or challenge != asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = self.token or self.sign(asked["nonce"])
        return web.json_response({"token_type": "Bearer", "access_token": "unused", "id_token": token})


@asynccontextmanager
async def identity_provider() -> AsyncIterator[StandInProvider]:
    """A running provider."""
    provider = StandInProvider()

    @web.middleware
    async def record(request: web.Request, handler: Any) -> web.StreamResponse:
        provider.asked.append(request.path)
        if request.path in provider.hangs:
            await asyncio.sleep(60)
        response: web.StreamResponse = await handler(request)
        return response

    application = web.Application(middlewares=[record])
    application.router.add_get("/.well-known/openid-configuration", provider.discovery)
    application.router.add_get("/keys", provider.published_keys)
    application.router.add_get("/authorize", provider.authorize)
    application.router.add_post("/token", provider.exchange)
    server = TestServer(application)
    await server.start_server()
    provider.issuer = str(server.make_url("")).rstrip("/")
    try:
        yield provider
    finally:
        await server.close()
