"""Checks the ID tokens of an identity provider (OpenID Connect Core 1.0, section 3.1.3.7).

The package `joserfc`, which only installations with this sign-in have, is loaded with the first token.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bot.staff.token_errors import JsonObject, TokenRefused

LONGEST: Final = 16_000
"""Characters of a token."""
SKEW_SECONDS: Final = 60
"""How far the clocks of the provider and of this machine may differ."""
OLDEST_SECONDS: Final = 600
"""A token is issued for one sign-in: an older one is refused."""
LONGEST_SUBJECT: Final = 255
LONGEST_LABEL: Final = 80


class ExpectedToken(NamedTuple):
    """What the token of this sign-in must contain."""

    issuer: str
    client_id: str
    nonce: str


class Identity(NamedTuple):
    """An account at an identity provider."""

    issuer: str
    subject: str
    label: str
    """Name of the account for people; "" if the provider sent none. It does not identify it."""
    authenticated_at: datetime | None
    """When its owner typed the password there; None if the provider does not say."""


def verify_id_token(
    token: str, keys: Iterable[JsonObject], expected: ExpectedToken, now: datetime, name_claim: str = ""
) -> Identity:
    """Returns the identity that a token proves. Raises KeyUnknown and TokenRefused."""
    if len(token) > LONGEST or not token.isascii():
        raise TokenRefused("size")
    from bot.staff.token_signatures import signed_claims

    claims = signed_claims(token, keys)
    _check_claims(claims, expected, now.timestamp())
    label = claims.get(name_claim) if name_claim else None
    label = " ".join(label.split())[:LONGEST_LABEL] if isinstance(label, str) and label.isprintable() else ""
    return Identity(expected.issuer, claims["sub"], label, _moment(claims.get("auth_time"), now))


def _check_claims(claims: JsonObject, expected: ExpectedToken, now: float) -> None:
    """Raises TokenRefused with the name of the first claim that is wrong."""
    subject = claims.get("sub")
    checks = {
        "iss": claims.get("iss") == expected.issuer,
        "aud": _is_audience(claims, expected.client_id),
        "azp": claims.get("azp", expected.client_id) == expected.client_id,
        "exp": _number(claims.get("exp"), -math.inf) > now - SKEW_SECONDS,
        "iat": now - OLDEST_SECONDS <= _number(claims.get("iat"), -math.inf) <= now + SKEW_SECONDS,
        "nbf": _number(claims.get("nbf", 0), math.inf) <= now + SKEW_SECONDS,
        "nonce": hmac.compare_digest(str(claims.get("nonce")).encode("utf-8", "replace"), expected.nonce.encode()),
        "sub": isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable(),
    }
    failed = next((name for name, holds in checks.items() if not holds), "")
    if failed:
        raise TokenRefused(failed)


def _is_audience(claims: JsonObject, client_id: str) -> bool:
    """Whether a token is for this client; one for several clients must name this one as the authorised party."""
    audience = claims.get("aud")
    if isinstance(audience, list):
        return client_id in audience and (len(audience) == 1 or claims.get("azp") == client_id)
    return audience == client_id


def _number(value: object, otherwise: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1 << 53
    return float(value) if is_number else otherwise  # type: ignore[arg-type]


def _moment(value: object, now: datetime) -> datetime | None:
    """Returns a time of the past; a time ahead of this clock counts as now."""
    seconds = _number(value, -1)
    return datetime.fromtimestamp(min(seconds, now.timestamp()), UTC) if seconds >= 0 else None
