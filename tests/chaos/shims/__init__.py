"""Small libraries in C that stand between a real process and the system, compiled where they are needed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.chaos.fault import NotPossible


def compiled(name: str, folder: Path) -> Path:
    """The library, for LD_PRELOAD, in this folder. Raises NotPossible."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise NotPossible("no C compiler here (on Debian: apt install gcc libc6-dev)")
    source, made = Path(__file__).parent / f"{name}.c", folder / f"{name}.so"
    words = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", str(made), str(source), "-ldl", "-pthread"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotPossible(f"{source.name} does not compile here: {done.stderr.splitlines()[0]}")
    made.chmod(0o755)
    return made
