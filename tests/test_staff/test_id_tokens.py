"""ID tokens: every claim is checked, and only signatures with a private key count."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from bot.staff.id_tokens import ExpectedToken, verify_id_token
from bot.staff.token_errors import KeyUnknown, TokenRefused
from tests.support.identity_provider import ec_key, rsa_key

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
EXPECTED = ExpectedToken("https://id.example.org/", "mitsprache", "einmal")
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example.org/",
    "aud": "mitsprache",
    "sub": "konto-17",
    "exp": AT + 300,
    "iat": AT,
    "nonce": "einmal",
    "auth_time": AT - 90,
    "preferred_username": "a.kaya",
}


def published(*keys: RSAKey | ECKey) -> list[dict[str, Any]]:
    return [dict(key.as_dict(private=False)) for key in keys]


def signed(key: RSAKey | ECKey, algorithm: str = "RS256", **claims: Any) -> str:
    wanted = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": key.kid}, wanted, key, [algorithm])


def by_hand(header: dict[str, Any], secret: bytes | None) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(it).encode()).decode().rstrip("=") for it in (header, CLAIMS)]
    text = ".".join(parts)
    mac = hmac.digest(secret, text.encode(), "sha256") if secret is not None else b""
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_a_right_token_names_its_account(algorithm: str) -> None:
    key = ec_key() if algorithm == "ES256" else rsa_key()
    found = verify_id_token(signed(key, algorithm), published(rsa_key(), ec_key()), EXPECTED, NOW, "preferred_username")
    assert (found.issuer, found.subject, found.label) == (EXPECTED.issuer, "konto-17", "a.kaya")
    assert found.authenticated_at == datetime.fromtimestamp(AT - 90, UTC)


@pytest.mark.parametrize(
    ("claims", "check"),
    [
        ({"iss": "https://id.example.org"}, "iss"),
        ({"aud": "andere"}, "aud"),
        ({"aud": ["mitsprache", "andere"]}, "aud"),
        ({"aud": []}, "aud"),
        ({"azp": "andere"}, "azp"),
        ({"exp": AT - 61}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": "9999999999"}, "exp"),
        ({"iat": AT + 61}, "iat"),
        ({"iat": AT - 601}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": AT + 61}, "nbf"),
        ({"nonce": "anders"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["einmal"]}, "nonce"),
        ({"sub": ""}, "sub"),
        ({"sub": 17}, "sub"),
        ({"sub": None}, "sub"),
        ({"sub": "x" * 256}, "sub"),
    ],
)
def test_a_wrong_claim_is_refused(claims: dict[str, Any], check: str) -> None:
    with pytest.raises(TokenRefused, match=f"^{check}$"):
        verify_id_token(signed(rsa_key(), **claims), published(rsa_key()), EXPECTED, NOW)


def test_several_audiences_need_this_client_as_authorised_party() -> None:
    token = signed(rsa_key(), aud=["mitsprache", "andere"], azp="mitsprache")
    assert verify_id_token(token, published(rsa_key()), EXPECTED, NOW).subject == "konto-17"


def test_tokens_without_a_private_key_are_refused() -> None:
    keys = published(rsa_key())
    public = rsa_key().as_pem(private=False)
    shared = base64.urlsafe_b64decode(str(keys[0]["n"]) + "==")
    for token in (
        by_hand({"alg": "none", "kid": "one"}, None),
        by_hand({"alg": "None", "kid": "one"}, None),
        by_hand({"alg": "HS256", "kid": "one"}, public),
        by_hand({"alg": "HS256", "kid": "one"}, shared),
        by_hand({"alg": "RS512", "kid": "one"}, b""),
        by_hand({"alg": ["RS256"], "kid": "one"}, b""),
    ):
        with pytest.raises(TokenRefused, match=r"^algorithm$"):
            verify_id_token(token, [*keys, {"kty": "oct", "k": "AAAA", "kid": "one"}], EXPECTED, NOW)


def test_another_signature_is_refused() -> None:
    head, body, _ = signed(rsa_key()).split(".")
    other = signed(rsa_key("two")).split(".")[2]
    changed = base64.urlsafe_b64encode(json.dumps({**CLAIMS, "sub": "andere"}).encode()).decode().rstrip("=")
    for token in (f"{head}.{body}.{other}", f"{head}.{changed}.{signed(rsa_key()).split('.')[2]}", f"{head}.{body}."):
        with pytest.raises(TokenRefused, match=r"^signature$"):
            verify_id_token(token, published(rsa_key()), EXPECTED, NOW)


def test_keys_for_something_else_do_not_sign() -> None:
    (key,) = published(rsa_key())
    for other in ({**key, "use": "enc"}, {**key, "alg": "RS512"}, {**key, "kid": "two"}, {**key, "kty": "oct"}):
        with pytest.raises(KeyUnknown):
            verify_id_token(signed(rsa_key()), [other], EXPECTED, NOW)
    with pytest.raises(TokenRefused, match=r"^key_size$"):
        verify_id_token(signed(rsa_key()), [{**key, "n": "AQAB"}], EXPECTED, NOW)


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "e30.e30.", "W10.e30.", "x" * 20_000, "ä.b.c", "[" * 9000])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        verify_id_token(token, published(rsa_key()), EXPECTED, NOW)
