"""A part that is missing is spoken of; with --full it fails the run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.bootstrap import install

SAMPLES = """
import pytest

@pytest.mark.skipif(True, reason="no browser here")
def test_page(): ...

def test_table():
    pytest.skip("no PostgreSQL here")

@pytest.mark.xfail(strict=True, reason="known")
def test_known():
    raise AssertionError

def test_fine(): ...
"""
WHOLE_FILE = "import pytest\npytest.skip('no PostgreSQL here', allow_module_level=True)\n"


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    shutil.copy(install.ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_samples.py").write_text(SAMPLES)
    (tmp_path / "test_whole_file.py").write_text(WHOLE_FILE)
    return tmp_path


def run(folder: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *options]
    # Without the installed plug-ins, which cost a second and change nothing here.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(install.ROOT)}
    command.append(str(folder))
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_reasons_are_counted(samples: Path) -> None:
    code, said = run(samples)
    assert code == 0
    assert "skipped 2 × no PostgreSQL here" in said
    assert "skipped 1 × no browser here" in said
    assert said.splitlines()[-1].startswith("1 passed, 3 skipped, 1 xfailed")


def test_full_makes_them_failures(samples: Path) -> None:
    (samples / "test_whole_file.py").unlink()
    code, said = run(samples, "--full")
    assert code == 1
    assert "--full: no PostgreSQL here" in said
    assert said.splitlines()[-1].startswith("1 failed, 1 passed, 1 xfailed, 1 error")


def test_full_notices_a_file_that_skips_itself(samples: Path) -> None:
    code, said = run(samples, "--full")
    assert code != 0
    assert "--full: no PostgreSQL here" in said
