"""The peers written in Python: aiogram as a second client of Telegram's Bot API, Synapse as the homeserver.

They want other versions of what we use ourselves, so they live in an environment of their own, `.peers/python`, made
from `requirements.lock`. A stamp says from which lock, and comes last: what is half made is made anew.
"""

import hashlib
import json
import sys
from pathlib import Path

from bot import bootstrap

HOME = bootstrap.ROOT / ".peers"
LOCK = Path(__file__).with_name("requirements.lock")
VENV = HOME / "python"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "peers.json"


def is_ready() -> bool:
    """Tell whether the environment was filled to the end, by this Python, from the lock as it is now."""
    try:
        return PYTHON.exists() and json.loads(STAMP.read_text(encoding="utf-8")) == _fingerprint()
    except (OSError, ValueError):
        return False


def set_up() -> None:
    """Make the environment where it is not ready. Exits with a sentence where that cannot be done."""
    if is_ready():
        return
    from bot import provision

    with bootstrap.only_one() as turn:
        if is_ready():  # meanwhile another one made it
            return
        try:
            provision.make_venv(VENV)
            provision.add_pip(VENV)
            provision.install(VENV, LOCK, turn)
        except provision.SetupError as error:
            sys.exit(str(error))
        STAMP.write_text(json.dumps(_fingerprint()), encoding="utf-8")


def _fingerprint() -> dict[str, str]:
    return {"python": bootstrap.this_python(), "lock": hashlib.sha256(LOCK.read_bytes()).hexdigest()}
