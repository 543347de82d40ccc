"""What a test asks for that needs a peer: where it is missing, the test skips and says how to get it."""

from pathlib import Path

import pytest

from tests.interop import node, python


def python_of_peers() -> Path:
    """The Python that has aiogram and Synapse."""
    if not python.ENVIRONMENT.is_ready():
        pytest.skip("aiogram and Synapse: get them with python3 -m tests.interop")
    return python.ENVIRONMENT.python


def folder_of_node() -> Path:
    """The folder with matrix-js-sdk."""
    if reason := node.missing():
        pytest.skip(reason)
    if not node.is_ready():
        pytest.skip("matrix-js-sdk: get it with python3 -m tests.interop")
    return node.FOLDER
