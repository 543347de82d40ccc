"""Recovery codes: ten codes of 50 random bits, each valid once in place of the authenticator app or a passkey."""

from __future__ import annotations

import hmac
from random import Random
from typing import Final

from bot.common.code_alphabet import MISREAD, group_code, normalise_code, random_code
from bot.common.keys import Keys
from bot.common.sources import SYSTEM_RANDOM

COUNT: Final = 10
CODE_LENGTH: Final = 10


def new_recovery_codes(random: Random = SYSTEM_RANDOM) -> list[str]:
    """Returns new codes in groups, for example "7K2M-PX0Q-4Z"."""
    return [group_code(random_code(CODE_LENGTH, random)) for _ in range(COUNT)]


def recovery_handle(keys: Keys, staff_id: int, code: str) -> bytes:
    """Returns the keyed hash under which the code of this member is stored; ignores case, blanks and hyphens."""
    letters = normalise_code(code[:100]).translate(MISREAD)
    return hmac.digest(keys.staff, f"recovery/{staff_id}/{letters}".encode("utf-8", "replace"), "sha256")
