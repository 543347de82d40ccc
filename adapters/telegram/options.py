"""The settings section of a Telegram channel."""

from __future__ import annotations

import hmac
import math
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

OFFICIAL = "https://api.telegram.org"
GRANTED: Final = 30.0
"""Messages per second to all chats together, Telegram's limit for every bot (a higher one is paid for in Stars)."""


class TelegramSettings(BaseModel):
    """The settings of one bot. Secrets are never shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["telegram"]
    token: SecretStr
    """The token from BotFather, `123456789:AA…`."""
    base_url: str = OFFICIAL
    """The address of the Bot API: Telegram's own, or a server of the operator (`telegram-bot-api`)."""
    mode: Literal["polling", "webhook"] = "polling"
    """`polling`: the application requests updates, which works everywhere; `webhook`: Telegram calls the
    application."""
    webhook_url: str = ""
    """With `mode = "webhook"`: the public address of `/hooks/NAME`, with https."""
    webhook_secret: SecretStr = SecretStr("")
    """The secret that Telegram sends with every call; empty: derived from the token."""
    webhook_secret_before: SecretStr = SecretStr("")
    """The previous secret, which is accepted while calls with it may still arrive."""
    per_second: Annotated[float, Field(gt=0, le=1000)] = GRANTED
    """Messages per second to all chats together."""
    workers: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Messages in flight at once, which is how many a crash can send twice. Default: one; if `per_second` exceeds the
    rate of every bot, enough for that rate at a quarter of a second each."""

    @field_validator("token")
    @classmethod
    def _looks_like_a_token(cls, token: SecretStr) -> SecretStr:
        number, colon, secret = token.get_secret_value().partition(":")
        if not (
            number.isdecimal() and colon and len(secret) >= 20 and secret.replace("-", "").replace("_", "").isalnum()
        ):
            raise ValueError("is no token of a bot; copy the whole line BotFather gave you, digits, colon and letters")
        return token

    @field_validator("base_url", "webhook_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("is no address; it begins with https://")
        return url.rstrip("/")

    @field_validator("webhook_secret", "webhook_secret_before")
    @classmethod
    def _can_be_sent(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        if text and not (
            16 <= len(text) <= 256 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()
        ):
            raise ValueError("must have 16 to 256 letters, digits, _ or -")
        return secret

    @model_validator(mode="after")
    def _knows_its_own_address(self) -> TelegramSettings:
        if self.mode == "webhook" and not self.webhook_url:
            raise ValueError(
                "mode 'webhook' needs 'webhook_url', the public address of /hooks/NAME; or leave mode out, for polling"
            )
        return self

    def secrets(self) -> tuple[str, ...]:
        """Returns the secrets with which calls are accepted; the first one is set at Telegram."""
        derived = hmac.digest(self.token.get_secret_value().encode(), b"webhook", "sha256").hex()
        first = self.webhook_secret.get_secret_value() or derived
        return tuple(filter(None, (first, self.webhook_secret_before.get_secret_value())))

    def at_once(self) -> int:
        """Returns the number of messages that may be in flight."""
        return self.workers or (1 if self.per_second <= GRANTED else math.ceil(self.per_second / 4))
