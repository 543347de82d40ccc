"""Types of settings: addresses, origins, networks, colours and languages, each checked."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from bot.common.colours import check_accent
from flows.languages import LANGUAGES

_ORIGIN: Final = re.compile(r"https?://(\*\.)?[a-z0-9.-]+(:\d+)?")


def listed(value: object) -> object:
    """Converts a text from the environment into a list."""
    return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value


def _address(url: str) -> str:
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
        raise PydanticCustomError("address", "must be an address like https://mitsprache.example")
    return url.rstrip("/")


def _origin(origin: str) -> str:
    # It is sent in a header: a value that is not a plain origin could allow more than intended.
    if not _ORIGIN.fullmatch(origin):
        raise PydanticCustomError("origin", "must be an origin like https://www.example.org, without a path")
    return origin


def is_safe_provider_url(url: str) -> bool:
    """Whether secrets may be sent there: with HTTPS, or within this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_here = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    is_plain = url.isascii() and url.isprintable() and " " not in url and not parts.fragment and "@" not in parts.netloc
    return bool(parts.hostname) and is_plain and (parts.scheme == "https" or is_here)


def _issuer(url: str) -> str:
    # Not changed, not even a slash at the end: it is compared with that of each token.
    if url and (not is_safe_provider_url(url) or urlsplit(url).query):
        raise PydanticCustomError("issuer", "must be an address like https://id.example.org, with https")
    return url


def _network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise PydanticCustomError("network", "must be an IP address or network like 10.0.0.0/8") from None
    return text


def accent_colour(colour: str) -> str:
    try:
        return check_accent(colour)
    except ValueError as error:
        raise PydanticCustomError("accent", "{reason}", {"reason": str(error)}) from None


def known_languages(tags: tuple[str, ...]) -> tuple[str, ...]:
    if not set(tags) <= LANGUAGES.keys():
        raise PydanticCustomError("language", "must be among {known}", {"known": ", ".join(LANGUAGES)})
    return tags


def _channel_type(kind: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]*", kind):
        raise PydanticCustomError("type", "is not a channel type; write e.g. telegram or matrix")
    return kind


def _contact(address: str) -> str:
    if address and not re.fullmatch(r"[^\s@/:]+@[^\s@/:]+|https://\S+", address):
        raise PydanticCustomError(
            "contact", "is no e-mail address and no page; write security@example.org or https://…"
        )
    return address


ChannelType = Annotated[str, AfterValidator(_channel_type)]
Contact = Annotated[str, AfterValidator(_contact)]
Address = Annotated[str, AfterValidator(_address)]
Issuer = Annotated[str, AfterValidator(_issuer)]
Origin = Annotated[str, AfterValidator(_origin)]
Network = Annotated[str, AfterValidator(_network)]
