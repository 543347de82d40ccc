"""Web sessions: one conversation of one browser in one consultation, its cookie and its resume code.

Every consultation has a cookie of its own that only its own pages receive, so nothing links the conversations of a
visitor in two consultations. The cookie holds the conversation's id and a keyed checksum of it: a forged one is
recognised without a query. The id is also the resume code, in groups of four.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Final

from aiohttp import web

COOKIE: Final = "talk"
COOKIE_SECONDS: Final = 90 * 24 * 3600
ID_LENGTH: Final = 16
"""Characters of an id: 16 of 5 bits, 80 random bits."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans("OIL", "011")
_ID: Final = re.compile(f"[{_ALPHABET}]{{{ID_LENGTH}}}")
SLUG: Final = re.compile(r"(?=[0-9-]*[a-z])[a-z0-9][a-z0-9-]{1,39}")
"""As `flows.slugs.SLUG_PATTERN`."""


@dataclass(frozen=True, slots=True)
class WebConversation:
    """One conversation of one visitor. Its `id` is the visitor's secret: never log it, never put it into a URL.

    >>> WebConversation("mein-kiez", "0123456789ABCDEF", csrf="").resume_code
    '0123-4567-89AB-CDEF'
    """

    slug: str
    id: str
    csrf: str
    """The secret token that every form of this conversation must send."""
    is_new: bool = False
    """The browser does not have its cookie yet: call `set_cookie`."""
    address: str = field(init=False)
    """Returns the address for the hub and the bot; the same id in another consultation is another address."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", f"{self.slug}/{self.id}")

    @property
    def resume_code(self) -> str:
        """Returns the id in the form that visitors read and type."""
        return "-".join(self.id[start : start + 4] for start in range(0, ID_LENGTH, 4))


class WebSessions:
    """Creates and recognises conversations. `secret` is a key of its own, derived from the application's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def new(self, slug: str) -> WebConversation:
        """Returns a new conversation with a random id."""
        return self._conversation(slug, "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH)), is_new=True)

    def from_cookie(self, request: web.Request, slug: str) -> WebConversation | None:
        """Returns the conversation of the browser's cookie; None if it has none, or a forged one."""
        id_, _, check = request.cookies.get(COOKIE, "").partition(".")
        if not _ID.fullmatch(id_) or not _same(check, self._check("cookie", slug, id_)):
            return None
        return self._conversation(slug, id_)

    def from_code(self, code: str, slug: str) -> WebConversation | None:
        """Returns the conversation that a resume code names, without checking that it exists; None for an invalid code.

        Case, blanks and hyphens do not matter, and O, I and L are read as the digits they look like.
        """
        plain = re.sub(r"[\s\u00ad\u200b-\u200f\u2010-\u2015_.-]", "", code[:100]).upper().translate(_MISREAD)
        return self._conversation(slug, plain, is_new=True) if _ID.fullmatch(plain) else None

    def cookie(self, conversation: WebConversation) -> str:
        """Returns the value of the conversation's cookie."""
        return f"{conversation.id}.{self._check('cookie', conversation.slug, conversation.id)}"

    def is_csrf(self, conversation: WebConversation, token: str) -> bool:
        """Whether a form's token belongs to this conversation."""
        return _same(token, conversation.csrf)

    def _conversation(self, slug: str, id_: str, *, is_new: bool = False) -> WebConversation:
        return WebConversation(slug, id_, self._check("form", slug, id_), is_new)

    def _check(self, purpose: str, slug: str, id_: str) -> str:
        digest = hmac.digest(self._secret, f"{purpose}/{slug}/{id_}".encode(), hashlib.sha256)
        return digest[:16].hex()


def set_cookie(
    response: web.StreamResponse,
    slug: str,
    value: str,
    *,
    is_secure: bool,
    is_framed: bool = False,
    max_age: int | None = COOKIE_SECONDS,
) -> None:
    """Sets the cookie of a consultation, which only its own pages receive. `max_age` None: until the browser closes.

    `is_framed`: also for our page in a frame of another site. The cookie is then stored for that site alone
    (CHIPS, "Partitioned"), which browsers do over TLS only; tokens and origins are checked all the same.
    """
    cookie: SimpleCookie = SimpleCookie({COOKIE: value})
    morsel = cookie[COOKIE]
    morsel["path"], morsel["httponly"], morsel["samesite"] = f"/c/{slug}", True, "Lax"
    if max_age is not None:
        morsel["max-age"] = str(max_age)
    if is_secure:
        morsel["secure"] = True
    if is_secure and is_framed:
        morsel["samesite"] = "None"
    # Written out because Python supports the attribute only since 3.14.
    partitioned = "; Partitioned" if is_secure and is_framed else ""
    response.headers.add("Set-Cookie", morsel.OutputString() + partitioned)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
