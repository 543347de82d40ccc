"""What can go wrong on the web, as data: a code for programs, an HTTP status, a close code, a sentence for people."""

from __future__ import annotations

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """`status` answers a request, `close` ends a WebSocket (0: the line stays open, the message is refused)."""

    status: int
    close: int
    phrase: str


KINDS: Final = {
    "malformed": Kind(400, 0, "web.error.malformed"),
    "origin": Kind(403, 4403, "web.error.origin"),
    "form": Kind(403, 4403, "web.error.form"),
    "session": Kind(401, 4401, "web.error.session"),
    "unknown": Kind(404, 4404, "web.error.unknown"),
    "closed": Kind(410, 4410, "web.error.closed"),
    "code": Kind(404, 4404, "web.error.code"),
    "too_long": Kind(413, 0, "web.error.too_long"),
    "too_large": Kind(413, 1009, "web.error.too_large"),
    "too_many": Kind(429, 0, "web.error.too_many"),
    "too_many_lines": Kind(429, 4429, "web.error.too_many_lines"),
    "busy": Kind(503, 1013, "web.error.busy"),
    "slow": Kind(408, 4408, "web.error.slow"),
}


class Trouble(Exception):  # noqa: N818 - says what happened
    """Why a request or message is refused; nothing of it was stored.

    >>> Trouble("too_many", 12.2).kind.status
    429
    """

    def __init__(self, code: str, seconds: float = 0) -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds
        """After which it may be tried again, where waiting helps."""

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]
