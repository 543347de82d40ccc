"""The settings of `[channels.NAME]` with `type = "matrix"`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator


def _is_address(url: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s@]+(:\d+)?(/[^?#\s]*)?", url):
        raise ValueError("must be the address of a homeserver, e.g. https://matrix.example.org")
    return url.rstrip("/")


def _is_user(name: str) -> str:
    if not re.fullmatch(r"@[^:\s]+:[^\s]+", name):
        raise ValueError("must be a whole Matrix id, e.g. @mitsprache:example.org")
    return name


class MatrixSettings(BaseModel):
    """The section, checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["matrix"] = "matrix"
    homeserver: Annotated[str, AfterValidator(_is_address)]
    """Where the homeserver answers its clients."""
    user_id: Annotated[str, AfterValidator(_is_user)]
    """The bot's account."""
    password: SecretStr = SecretStr("")
    """Used to sign in, at the first start and when the login was revoked; else what stands in the store is enough."""
    access_token: SecretStr = SecretStr("")
    """Instead of a password: a token of a device that only this bot uses."""
    device_id: str = ""
    """The device of the token; empty: the homeserver is asked."""
    store: Path | None = None
    """Folder for keys and login; default: `channels/NAME` in the data folder."""
    display_name: str = Field(default="Mitsprache-Bot", max_length=200)
    """What people see beside its messages."""
    allowed_servers: tuple[str, ...] = ()
    """Whose people may invite the bot. Empty: anybody into a direct chat, people of its own server into rooms."""
    choices: Literal["numbers", "reactions", "polls"] = "numbers"
    """How answers are offered besides their numbers, which always work."""

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        if not (self.password.get_secret_value() or self.access_token.get_secret_value()):
            raise ValueError("password or access_token is missing; password_file names a file that holds it")
        return self

    @property
    def server(self) -> str:
        """The part of the user id after the colon. (Ids of rooms must not be taken apart like this.)"""
        return self.user_id.partition(":")[2]
