"""How long tests wait for what should happen."""

from typing import Final

PATIENCE: Final = 60.0
"""Seconds after which something counts as missing. No test of speed: on a busy machine a step may take ten times as
long as on a quiet one, and a test that fails then tells nothing.
"""
