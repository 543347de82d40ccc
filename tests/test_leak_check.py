"""The watch over the logs of the whole run sees what it should see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.leak_check import CANARIES

ROOT = Path(__file__).parents[1]
LEAKS = {
    "an event that holds words": 'structlog.get_logger().error(f"taken: {CANARY}")',
    "a safe key that holds words": 'structlog.get_logger().info("taken", channel=CANARY)',
    "standard error": "print(CANARY, file=sys.stderr)",
}
QUIET = {
    "a key nobody declared safe": 'structlog.get_logger().error("taken", text=CANARY)',
    "a library": 'logging.getLogger("httpx").info("POST https://example.org/bot%s/getMe", CANARY)',
    "what people are shown": "print(CANARY)",
}


CASES = [*((line, 1) for line in LEAKS.values()), *((line, 0) for line in QUIET.values())]


@pytest.mark.parametrize(("line", "is_leak"), CASES, ids=[*LEAKS, *QUIET])
def test_a_leak_fails_the_run_though_its_test_passes(line, is_leak, tmp_path):
    canary = sorted(CANARIES)[0]
    test = tmp_path / "test_leak.py"
    imports = "import logging\nimport sys\n\nimport structlog\n"
    test.write_text(f"{imports}CANARY = {canary!r}\n\n\ndef test_it():\n    {line}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.support.leak_check",
        "-c",
        "/dev/null",
    ]
    run = subprocess.run([*command, str(test)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "1 passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == is_leak
    assert ("LEAKED" in run.stdout) == bool(is_leak)
