"""What a test asks for that needs a peer: where it is missing, the test skips and says how to get it."""

from pathlib import Path

import pytest

from tests.peers import python


def python_of_peers() -> Path:
    """The Python that has aiogram and Synapse."""
    if not python.is_ready():
        pytest.skip("aiogram and Synapse: get them with python3 -m tests.peers")
    return python.PYTHON
