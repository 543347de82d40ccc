"""Creates `.venv` and fills it from a lock file, with the standard library and a downloaded pip.

Loaded only when a set-up is needed.
"""

import base64
import hashlib
import io
import os
import re
import ssl
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Sequence
from html import unescape
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import Request, urlopen

from bot.bootstrap.terminal import both, count, explain

# The wheel that installs all others. The pinned version is the tested one, the same on every machine.
PIP_WHEEL = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
DEFAULT_INDEX = "https://pypi.org/simple"

# Settings of pip that would change what or where it installs; others (mirror, certificate, proxy) apply.
HINDERING = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT", "PIP_EDITABLE", "PIP_DRY_RUN", "PYTHONHOME"}
# These overrule a pip.conf too. The lock leaves nothing for further constraints to decide.
OVERRULING = {
    "PIP_USER": "0",
    "PIP_CONSTRAINT": os.devnull,
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}


class SetupError(Exception):
    """The set-up cannot continue; the text gives the reason and the remedy."""


def make_venv(folder: Path) -> None:
    """Create an empty virtual environment, replacing an unfinished one or one of another Python."""
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    if names and not names & {"pyvenv.cfg", "bin", "lib", "lib64", "include", "share"}:
        raise SetupError(
            both(
                f"{folder} ist keine Python-Umgebung: bitte den Ordner umbenennen und noch einmal starten.",
                f"{folder} is not a Python environment: rename that folder and start again.",
            )
        )
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=False).create(folder)


def add_pip(folder: Path) -> None:
    """Install pip into the environment: the pinned wheel, else (index unreachable) the one bundled with Python.

    The wheel is preferred because it is the same everywhere and faster; the bundled one uses pip's own configuration
    and certificates.
    """
    try:
        wheel = fetch_pip()
    except (OSError, HTTPException, ValueError) as error:
        python = folder / "bin" / "python"
        if subprocess.run([python, "-m", "ensurepip"], capture_output=True, check=False).returncode:
            raise SetupError(explain(str(error))) from error
    else:
        packages = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            archive.extractall(packages)


def fetch_pip() -> bytes:
    """Load the pinned pip wheel through the simple index; refuse any other content."""
    index = os.environ.get("PIP_INDEX_URL") or DEFAULT_INDEX
    page = index.rstrip("/") + "/pip/"
    link = re.search(rf"""href=["']([^"'#]*{re.escape(PIP_WHEEL)})""", load(page).decode())
    if not link:
        raise OSError(f"{PIP_WHEEL}: No matching distribution found")
    wheel = load(urljoin(page, unescape(link[1])))
    if hashlib.sha256(wheel).hexdigest() != PIP_SHA256:
        raise SetupError(explain(f"{PIP_WHEEL}: DO NOT MATCH THE HASHES"))
    return wheel


def load(address: str) -> bytes:
    """Fetch one address; a user name and password in it are sent the way an index expects them."""
    parts = urlsplit(address)
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = Request(plain, headers={"Accept": "text/html, */*;q=0.1"})
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(secret.encode()).decode())
    with urlopen(request, timeout=30, context=trusted()) as answer:
        content: bytes = answer.read()
    return content


def trusted() -> ssl.SSLContext:
    """Return the certificates that pip would use: those of PIP_CERT (a file or a folder), else those of the system."""
    own = os.environ.get("PIP_CERT")
    if not own:
        return ssl.create_default_context()
    if not Path(own).exists():
        raise OSError(f"PIP_CERT: no TLS CA certificate bundle at {own}")
    return ssl.create_default_context(capath=own) if Path(own).is_dir() else ssl.create_default_context(cafile=own)


def _count_packages(lock: Path) -> int:
    return sum(line[:1].isalnum() for line in lock.read_text(encoding="utf-8").splitlines())


def install(folder: Path, locks: Sequence[Path], turn: int) -> None:
    """Install exactly the contents of lock files; show pip's output as one counter.

    pip holds `turn` open as long as it runs, see `bootstrap.only_one`.
    """
    total = sum(map(_count_packages, locks))
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--only-binary", ":all:", "--require-hashes"]
    command += ["--no-deps", "--progress-bar", "off", "--no-warn-script-location"]
    command += [word for lock in locks for word in ("--requirement", str(lock))]
    if not sys.dont_write_bytecode:
        # Compiling everything takes longer than loading it; Python compiles the modules that are used.
        command.append("--no-compile")
    own = {key: value for key, value in os.environ.items() if key not in HINDERING}
    said = []
    done = 0
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={"PIP_RETRIES": "2"} | own | OVERRULING,
        pass_fds=(turn,),
    ) as pip:
        for line in pip.stdout or ():
            said.append(line)
            if line.startswith(("Collecting ", "Requirement already satisfied", "Ignoring ")):
                done += 1
                count(done, total)
    if pip.returncode:
        raise SetupError(explain("".join(said)))
