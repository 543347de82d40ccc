"""Passkeys: WebAuthn credentials (W3C, level 2) with user verification, so that one step has two factors.

They need a fixed host name and HTTPS; `localhost` is allowed for development. The library is imported at the first use,
because it takes a twentieth of the start of the service.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

PRODUCT: Final = "Mitsprache"
LONGEST_RESPONSE: Final = 20_000
"""Longest response of a browser in characters."""


class RelyingParty(NamedTuple):
    """This installation, as browsers bind passkeys to it."""

    host: str
    origin: str


class NewPasskey(NamedTuple):
    """A verified passkey: its id, its public key in COSE form and its signature counter."""

    handle: bytes
    public_key: bytes
    counter: int


class PasskeyRefused(Exception):
    """The response of the browser is invalid, belongs to another origin, or was not meant for this challenge."""


def relying_party(origin: str) -> RelyingParty | None:
    """Returns the relying party of an origin; None where browsers offer no passkeys: without HTTPS or host name."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    is_named = not host.replace(".", "").isdigit() and ":" not in host
    is_secure = parts.scheme == "https" and is_named
    return RelyingParty(host, origin) if is_secure or host == "localhost" else None


def registration_options(party: RelyingParty, user: bytes, name: str, challenge: bytes) -> str:
    """Returns the options for `navigator.credentials.create` as JSON.

    `user`: up to 64 bytes that name the account to authenticators.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=party.host,
        rp_name=PRODUCT,
        user_id=user,
        user_name=name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return options_to_json(options)


def verify_registration(party: RelyingParty, response: str, challenge: bytes) -> NewPasskey:
    """Returns the passkey that a browser made. Raises PasskeyRefused."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = verify_registration_response(
            credential=response[:LONGEST_RESPONSE],
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused from error
    return NewPasskey(found.credential_id, found.credential_public_key, found.sign_count)


def authentication_options(party: RelyingParty, challenge: bytes) -> str:
    """Returns the options for `navigator.credentials.get` as JSON. The browser offers the passkeys it has."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=party.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return options_to_json(options)


def handle_of(response: str) -> bytes:
    """Returns the id of the passkey in a response. Raises PasskeyRefused."""
    from webauthn.helpers import parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        return parse_authentication_credential_json(response[:LONGEST_RESPONSE]).raw_id
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused from error


def verify_authentication(party: RelyingParty, response: str, challenge: bytes, public_key: bytes, counter: int) -> int:
    """Verifies a sign-in and returns the new signature counter. Raises PasskeyRefused."""
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = verify_authentication_response(
            credential=response[:LONGEST_RESPONSE],
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=counter,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused from error
    return found.new_sign_count
