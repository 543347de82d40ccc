"""One-time passwords from an authenticator app: TOTP (RFC 6238) with six digits and steps of 30 seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pyotp
import segno

STEP_SECONDS: Final = 30
ISSUER: Final = "Mitsprache"


def new_totp_secret() -> str:
    """Returns a random secret of 160 bits in base 32."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, name: str) -> str:
    """Returns the address that authenticator apps read from a QR code (Key URI Format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def provisioning_image(secret: str, name: str) -> str:
    """Returns the QR code of `provisioning_uri` as an SVG element without inline styles."""
    return segno.make(provisioning_uri(secret, name), error="m").svg_inline(scale=4, omitsize=True)


def matching_step(secret: str, digits: str, after: int, now: datetime) -> int | None:
    """Returns the time step to which these digits belong: the current one, the one before or the one after.

    None for wrong digits, and for a step up to `after`, the last used one: each password is valid once.
    """
    typed = "".join(digits.split())
    current = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in (current - 1, current, current + 1):
        if step > after and pyotp.utils.strings_equal(totp.generate_otp(step), typed):
            return step
    return None
