"""The peers written in Python: aiogram as a second client of Telegram's Bot API, Synapse as the homeserver.

They want other versions of what we use ourselves, so they live in an environment of their own, `.peers/python`, made
from `requirements.lock`.
"""

from pathlib import Path

from bot.bootstrap import install
from tests.interop.environment import Environment

HOME = install.ROOT / ".peers"
LOCK = Path(__file__).with_name("requirements.lock")
ENVIRONMENT = Environment(HOME / "python", LOCK)
