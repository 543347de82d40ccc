"""What can go wrong on the way to a server, on order."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["garbage", "html", "empty", "hang", "reset", "error", "list", "no_result"]


@dataclass
class Fault:
    """Happens to the next `times` calls of a method ("" is every method).

    `after`: the call has its effect first, and only the answer suffers. `status` and `description` are those of "error"
    and "html"; with `retry_after` seconds an "error" says when to try again.
    """

    kind: Kind
    method: str = ""
    times: int = 1
    after: bool = False
    status: int = 500
    description: str = "Internal Server Error"
    retry_after: int = 0

    def fits(self, method: str) -> bool:
        return self.times > 0 and self.method.lower() in ("", method)
