"""Verifies the signatures of tokens with the public keys of their issuer (RFC 7515, 7517, 7518).

Needs the package `joserfc`: import this module late.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from bot.staff.token_errors import JsonObject, KeyUnknown, TokenRefused

KEY_TYPES: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
"""The accepted algorithms: signatures with a private key only. A shared secret (HS256) and `none` are refused, because
the public keys of an issuer are no secret."""
RSA_BYTES: Final = range(256, 1025)
"""Lengths of a modulus: 2048 to 8192 bits."""


def signed_claims(token: str, keys: Iterable[JsonObject]) -> dict[str, Any]:
    """Returns the claims of a token that one of these keys signed. Raises KeyUnknown and TokenRefused."""
    header = _header_of(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        raise TokenRefused("algorithm")
    key = _key_for(keys, algorithm, header.get("kid"))
    try:
        return jwt.decode(token, key, algorithms=[algorithm]).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise TokenRefused("signature") from error


def _header_of(token: str) -> JsonObject:
    """Returns the header of a token, which nothing proves yet."""
    try:
        return dict(jws.extract_compact(token.encode()).headers())
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("header") from error


def _key_for(keys: Iterable[JsonObject], algorithm: str, kid: object) -> RSAKey | ECKey:
    """Returns the one key that may have signed. Raises KeyUnknown; TokenRefused for a weak or damaged key."""
    found = [key for key in keys if _is_usable(key, algorithm) and (kid is None or key.get("kid") == kid)]
    if len(found) != 1:
        raise KeyUnknown("key")
    public: dict[str, str | list[str]] = {
        name: str(found[0].get(name, "")) for name in ("kty", "n", "e", "crv", "x", "y") if name in found[0]
    }
    try:
        if KEY_TYPES[algorithm] == "EC":
            return ECKey.import_key(public)
        if len(base64.urlsafe_b64decode(str(public["n"]) + "==")) not in RSA_BYTES:
            raise TokenRefused("key_size")
        return RSAKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused("key_damaged") from error


def _is_usable(key: JsonObject, algorithm: str) -> bool:
    is_kind = key.get("kty") == KEY_TYPES[algorithm] and (algorithm != "ES256" or key.get("crv") == "P-256")
    return is_kind and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
