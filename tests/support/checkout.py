"""A checkout made for a test: our entry, a lock, and one tiny package that it wants."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.bootstrap import install, venv
from tests.support.package_index import Index, make_wheel

PROJECT = """
[project]
dependencies = ["mitsprache-demo>=1.0"]
[dependency-groups]
test = ["pytest>=99.0"]
"""
SERVES = """
import sys
import mitsprache_demo

def run_cli():
    print("serves with demo", mitsprache_demo.VERSION, *sys.argv[1:])
"""
# Stands in for pytest, so that no test starts all the others.
TESTS = "import sys\nprint('tests with', *sys.argv[1:])\nraise SystemExit(3)\n"
NO_ENSUREPIP = "raise ImportError('as on a bare Debian')\n"


@dataclass
class Checkout:
    """What a person has after cloning, with our index in place of the public one."""

    root: Path
    index: Index
    environment: dict[str, str]

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bot", *words]
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that it can be killed with all its children
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """Returns exit code, output and error output."""
        with self.start(*words) as process:
            output, told = process.communicate(timeout=120)
        return process.returncode, output, told

    def offer_demo(self, version: str) -> str:
        """Publish a version of the demo package and write it into the lock."""
        wheel, content = make_wheel("mitsprache_demo", version, {"mitsprache_demo.py": f"VERSION = '{version}'\n"})
        pin = f"mitsprache-demo=={version} --hash=sha256:{self.index.add(wheel, content)}\n"
        (self.root / "requirements-run.lock").write_text(pin)
        return pin


def check_out(root: Path, index: Index, pip: bytes) -> Checkout:
    """Lay out a fresh checkout. Its Python seems to have no ensurepip, as on a bare Debian."""
    (root / "bot" / "cli").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "bare").mkdir()
    for name in ("__init__", "__main__"):
        shutil.copy(install.ROOT / "bot" / f"{name}.py", root / "bot")
    shutil.copytree(install.ROOT / "bot" / "bootstrap", root / "bot" / "bootstrap")
    pinned = root / "bot" / "bootstrap" / "venv.py"
    pinned.write_text(pinned.read_text().replace(venv.PIP_SHA256, hashlib.sha256(pip).hexdigest()))
    (root / "bot" / "cli" / "__init__.py").touch()
    (root / "bot" / "cli" / "main.py").write_text(SERVES)
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "bare" / "ensurepip.py").write_text(NO_ENSUREPIP)
    environment = {
        "HOME": str(root),
        "PATH": "/usr/bin:/bin",
        "LANG": "de_DE.UTF-8",
        "PYTHONPATH": str(root / "bare"),
        "PIP_INDEX_URL": index.url,
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_RETRIES": "0",
        "NO_PROXY": "127.0.0.1",
    }
    checkout = Checkout(root, index, environment)
    checkout.offer_demo("1.0")
    wheel, content = make_wheel("pytest", "99.0", {"pytest/__init__.py": "", "pytest/__main__.py": TESTS})
    test_pin = f"pytest==99.0 --hash=sha256:{index.add(wheel, content)}\n"
    (root / "requirements-test.lock").write_text(test_pin)
    (root / "requirements-oidc.lock").write_text("# nothing more\n")
    return checkout
