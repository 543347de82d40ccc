"""What a test asks for that needs a peer: where it is missing, the test skips and says how to get it."""

from pathlib import Path

import pytest

from tests.interop import node, python
from tests.interop.node import NodePackages


def python_of_peers() -> Path:
    """The Python that has aiogram and Synapse."""
    if not python.ENVIRONMENT.is_ready():
        pytest.skip("aiogram and Synapse: get them with python3 -m tests.interop")
    return python.ENVIRONMENT.python


def folder_of_node() -> Path:
    """The folder with matrix-js-sdk."""
    return _folder_of(node.CLIENT)


def typescript_compiler() -> Path:
    """The script `tsc`, for node."""
    return _folder_of(node.COMPILER) / "node_modules" / "typescript" / "bin" / "tsc"


def _folder_of(packages: NodePackages) -> Path:
    if reason := node.missing():
        pytest.skip(reason)
    if not packages.is_ready():
        pytest.skip(f"{packages.name}: get it with python3 -m tests.interop")
    return packages.folder
