"""The version of the program."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2] / "pyproject.toml"


def version() -> str:
    """Returns the version from pyproject.toml, or of the installed package if there is no such file."""
    if PROJECT.exists():
        return str(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version("mitsprache")
