"""An environment of Python packages beside `.venv`, made from a lock of exact versions with hashes.

A stamp says from which lock, and comes last: what is half made is made again.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bot.bootstrap import install, venv
from bot.bootstrap.terminal import explain


class Environment(NamedTuple):
    """Where it is, and what is in it."""

    folder: Path
    lock: Path
    """Ready-built files."""
    sources: Path | None = None
    """Packages that are published as source only: built with what the lock holds, nothing else is loaded for that."""

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        return self.folder / "peers.json"

    def is_ready(self) -> bool:
        """Tell whether it was filled to the end, by this Python, from the locks as they are now."""
        try:
            return self.python.exists() and json.loads(self.stamp.read_text(encoding="utf-8")) == self._fingerprint()
        except (OSError, ValueError):
            return False

    def set_up(self) -> None:
        """Make it where it is not ready. Exits with a sentence where that cannot be done."""
        try:
            self.make()
        except venv.SetupError as error:
            sys.exit(str(error))

    def make(self) -> None:
        """Make it where it is not ready. Raises SetupError."""
        if self.is_ready():
            return
        with install.setup_lock() as turn:
            if self.is_ready():  # meanwhile another one made it
                return
            venv.make_venv(self.folder)
            venv.add_pip(self.folder)
            venv.install(self.folder, [self.lock], turn)
            self._build()
            self.stamp.write_text(json.dumps(self._fingerprint()), encoding="utf-8")

    def _build(self) -> None:
        if self.sources is None:
            return
        command = [str(self.python), "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-build-isolation"]
        command += ["--quiet", "--requirement", str(self.sources)]
        own = {key: value for key, value in os.environ.items() if key not in venv.HINDERING}
        said = subprocess.run(command, env=own | venv.OVERRULING, capture_output=True, text=True, check=False)
        if said.returncode:
            raise venv.SetupError(explain(said.stdout + said.stderr))

    def _fingerprint(self) -> dict[str, str]:
        files = {"lock": self.lock} | ({"sources": self.sources} if self.sources else {})
        hashes = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
        return {"python": install.this_python()} | hashes
