"""Timeouts of the tests."""

from typing import Final

PATIENCE: Final = 60.0
"""Seconds after which an expected event counts as missing. It does not measure speed: on a busy machine a step may take
ten times as long as on an idle one.
"""
