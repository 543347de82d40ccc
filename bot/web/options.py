"""What an operator can set about the web pages: the section `[web]` of the settings."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from bot.web.colours import check_accent

_ORIGIN: Final = re.compile(r"https?://(\*\.)?[a-z0-9.-]+(:\d+)?")


def _listed(value: object) -> object:
    """A text of the environment as the list it stands for."""
    return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value


def _address(url: str) -> str:
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
        raise PydanticCustomError("address", "must be an address like https://mitsprache.example")
    return url.rstrip("/")


def _origin(origin: str) -> str:
    # It ends up in a header: what is no plain origin could allow more than was meant.
    if not _ORIGIN.fullmatch(origin):
        raise PydanticCustomError("origin", "must be an origin like https://www.example.org, without a path")
    return origin


def _network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise PydanticCustomError("network", "must be an IP address or network like 10.0.0.0/8") from None
    return text


def _accent(colour: str) -> str:
    try:
        return check_accent(colour)
    except ValueError as fault:
        raise PydanticCustomError("accent", "{reason}", {"reason": str(fault)}) from None


Address = Annotated[str, AfterValidator(_address)]
Origin = Annotated[str, AfterValidator(_origin)]
Network = Annotated[str, AfterValidator(_network)]


class WebSettings(BaseModel):
    """How the web pages look, where they are reached, and who may show them in a frame."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_url: Address = ""
    """Where people reach these pages, e.g. `https://mitsprache.example`; empty: what the browser asked for."""
    organisation: str = "Mitsprache"
    """Who offers these pages; stands at the top of each."""
    accent: Annotated[str, AfterValidator(_accent)] = "#0b5d66"
    """The colour of buttons and links. Refused where it could not be read."""
    embed_origins: Annotated[tuple[Origin, ...], BeforeValidator(_listed)] = ()
    """Pages that may show a consultation in a frame, e.g. `["https://www.example.org"]`."""
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_listed)] = ()
    """Addresses of your own proxies: only they are believed about where a request comes from."""
    accessibility_contact: str = ""
    """E-mail address (or sentence) for reporting barriers; stands in the accessibility statement."""
    accessibility_office: Address = ""
    """Page of the office that watches over accessibility."""
    privacy_url: Address = ""
    """Your full privacy policy, if there is one."""
