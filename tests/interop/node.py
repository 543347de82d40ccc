"""Programs in JavaScript: matrix-js-sdk with its Rust crypto, the Matrix client of a resident; and the compiler
of TypeScript, which checks the scripts of our own pages.

Each lives in a folder of `.peers`, made by npm from a `package-lock.json`. A stamp says from which lock; it
comes last.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bot.bootstrap import install
from tests.interop.python import HOME

OLDEST = 20


def missing() -> str:
    """What is missing of Node itself, in words; empty where nothing is."""
    if not shutil.which("node") or not shutil.which("npm"):
        return f"node {OLDEST} and npm: install them, e.g. the packages nodejs and npm"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    if int(said.strip().lstrip("v").partition(".")[0] or 0) < OLDEST:
        return f"node {OLDEST}: {said.strip() or 'an unknown version'} is too old"
    return ""


class NodePackages(NamedTuple):
    """A folder of packages of npm, and where its lock is."""

    name: str
    source: Path
    folder: Path

    @property
    def lock(self) -> Path:
        return self.source / "package-lock.json"

    @property
    def stamp(self) -> Path:
        return self.folder / "peers.txt"

    def is_ready(self) -> bool:
        """Tell whether the folder was filled to the end from the lock as it is now."""
        try:
            return not missing() and self.stamp.read_text(encoding="utf-8") == self._fingerprint()
        except OSError:
            return False

    def set_up(self) -> None:
        """Make the folder where it is not ready. Exits with a sentence where that cannot be done."""
        if self.is_ready():
            return
        if reason := missing():
            sys.exit(reason)
        with install.setup_lock():
            if self.is_ready():  # meanwhile another one made it
                return
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(self.source / name, self.folder)
            # Nothing of what is installed may run programs of its own.
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            if subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, check=False).returncode:
                sys.exit(f"npm could not install {self.name}; it said why above")
            self.stamp.write_text(self._fingerprint(), encoding="utf-8")

    def _fingerprint(self) -> str:
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()


_HERE = Path(__file__).parent
CLIENT = NodePackages("matrix-js-sdk", _HERE / "node", HOME / "node")
COMPILER = NodePackages("typescript", _HERE / "javascript", HOME / "javascript")
ALL = (CLIENT, COMPILER)
