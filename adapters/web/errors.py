"""The errors of the web channel as data: a code for programs, an HTTP status, a close code, a sentence for visitors."""

from __future__ import annotations

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """`status` answers a request; `close` ends a WebSocket if the error concerns more than one message.

    `phrase` is its title in the catalogue; with `_text` appended, the remedy.
    """

    status: int
    close: int
    phrase: str


KINDS: Final = {
    "malformed": Kind(400, 4400, "web.error.trouble"),
    "empty": Kind(400, 4400, "web.form.fill"),
    "session": Kind(401, 4401, "web.error.session"),
    "origin": Kind(403, 4403, "web.error.expired"),
    "form": Kind(403, 4403, "web.error.expired"),
    "unknown": Kind(404, 4404, "web.error.not_found"),
    "withdrawn": Kind(404, 4404, "web.error.withdrawn"),
    "code": Kind(404, 4404, "web.resume.unknown"),
    "slow": Kind(408, 4408, "web.error.trouble"),
    "closed": Kind(410, 4410, "web.error.closed"),
    "too_long": Kind(413, 1009, "web.error.too_long"),
    "too_large": Kind(413, 1009, "web.error.too_long"),
    "too_many": Kind(429, 4429, "web.error.too_many"),
    "too_many_lines": Kind(429, 4429, "web.error.too_many"),
    "held": Kind(503, 1013, "web.error.held"),
    "making": Kind(503, 1013, "web.error.making"),
    "busy": Kind(503, 1013, "web.error.trouble"),
}


class RequestError(Exception):
    """The reason of a refused request or message; nothing of it was stored.

    >>> RequestError("too_many", 12.2).kind.status
    429
    """

    def __init__(self, code: str, seconds: float = 0, id_: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds
        """Seconds until a retry makes sense."""
        self.id = id_
        """The id of the message concerned; "" if the error concerns the whole connection."""

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]

    @property
    def phrases(self) -> tuple[str, ...]:
        """Returns the ids of its sentences in the catalogue, in their order."""
        phrase = self.kind.phrase
        return (phrase, f"{phrase}_text") if phrase.startswith("web.error.") else (phrase,)


class TurnLater(RequestError):
    """A new conversation has a turn, which comes in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too_many", seconds)
