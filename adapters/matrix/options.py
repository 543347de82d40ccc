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
    """The validated section."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["matrix"] = "matrix"
    homeserver: Annotated[str, AfterValidator(_is_address)]
    """The client URL of the homeserver."""
    user_id: Annotated[str, AfterValidator(_is_user)]
    """The user id of the bot."""
    password: SecretStr = SecretStr("")
    """Used to sign in, at the first start and after the login was revoked; otherwise the stored login is enough."""
    access_token: SecretStr = SecretStr("")
    """Instead of a password: the token of a device used by this bot only."""
    device_id: str = ""
    """The device of the token; empty: requested from the homeserver."""
    store: Path | None = None
    """Folder for keys and login; default: `channels/NAME` in the data folder."""
    display_name: str = Field(default="Mitsprache-Bot", max_length=200)
    """The display name of the bot."""
    allowed_servers: tuple[str, ...] = ()
    """The servers whose users may invite the bot. Empty: any user to a direct chat, users of its own server to
    rooms.
    """
    choices: Literal["numbers", "reactions", "polls"] = "numbers"
    """How answers are offered besides their numbers, which are always accepted."""

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        if not (self.password.get_secret_value() or self.access_token.get_secret_value()):
            raise ValueError("password or access_token is missing; password_file names a file that holds it")
        return self

    @property
    def server(self) -> str:
        """Returns the part of the user id after the colon. (Room ids must not be parsed like this.)"""
        return self.user_id.partition(":")[2]
