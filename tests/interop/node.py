"""The peer written in JavaScript: matrix-js-sdk with its Rust crypto, the Matrix client of a resident.

It lives in `.peers/node`, made by npm from `node/package-lock.json`. A stamp says from which lock, and comes last.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bot.bootstrap import install
from tests.interop.python import HOME

SOURCE = Path(__file__).with_name("node")
LOCK = SOURCE / "package-lock.json"
FOLDER = HOME / "node"
STAMP = FOLDER / "peers.txt"
OLDEST = 20


def missing() -> str:
    """What is missing of Node itself, in words; empty where nothing is."""
    if not shutil.which("node") or not shutil.which("npm"):
        return f"node {OLDEST} and npm: install them, e.g. the packages nodejs and npm"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    if int(said.strip().lstrip("v").partition(".")[0] or 0) < OLDEST:
        return f"node {OLDEST}: {said.strip() or 'an unknown version'} is too old"
    return ""


def is_ready() -> bool:
    """Tell whether the folder was filled to the end from the lock as it is now."""
    try:
        return not missing() and STAMP.read_text(encoding="utf-8") == _fingerprint()
    except OSError:
        return False


def set_up() -> None:
    """Make the folder where it is not ready. Exits with a sentence where that cannot be done."""
    if is_ready():
        return
    if reason := missing():
        sys.exit(reason)
    with install.setup_lock():
        if is_ready():  # meanwhile another one made it
            return
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, FOLDER)
        # Nothing of what is installed may run programs of its own.
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        if subprocess.run(command, cwd=FOLDER, stdout=subprocess.DEVNULL, check=False).returncode:
            sys.exit("npm could not install the Matrix client; it said why above")
        STAMP.write_text(_fingerprint(), encoding="utf-8")


def _fingerprint() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()
