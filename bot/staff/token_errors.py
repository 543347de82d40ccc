"""What can be wrong with an ID token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JsonObject = Mapping[str, Any]


class TokenRefused(Exception):
    """An ID token is not valid for this sign-in. The text is the name of the failed check."""


class KeyUnknown(TokenRefused):
    """No key of the provider matches the token; the provider may have changed its keys."""
