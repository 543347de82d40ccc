"""The scripts of the pages fit their JSDoc types; `tsc` checks them as they are, nothing is built."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop import needed, node

pytestmark = pytest.mark.kind("types of JavaScript")
ROOT = Path(__file__).parents[1]
FOLDERS = ("adapters/web/static", "bot/web/static")
CONFIG = node.COMPILER.source / "tsconfig.json"


def problems(config: Path) -> str:
    """What the compiler says, a line each; empty where all fits."""
    command = ["node", str(needed.typescript_compiler()), "--project", str(config), "--pretty", "false"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert bool(done.stdout) == bool(done.returncode), done.stderr
    return done.stdout


def test_every_script_fits_its_types():
    assert problems(CONFIG) == ""


def test_no_folder_with_scripts_is_left_out():
    scripts = {
        path.parent.relative_to(ROOT).as_posix()
        for top in ("adapters", "bot")
        for path in (ROOT / top).rglob("*.js")
        if path.parent.name != "vendor"  # of others, unchanged
    }
    assert scripts == set(FOLDERS)
    included = json.loads(CONFIG.read_text(encoding="utf-8"))["include"]
    assert included == [f"../../../{folder}/*" for folder in FOLDERS]


def test_a_wrong_name_in_the_chat_is_found(tmp_path):
    """A misspelt field of an entry, and a value that may be missing."""
    for name in ("chat.js", "types.d.ts"):
        shutil.copy(ROOT / FOLDERS[0] / name, tmp_path)
    script = tmp_path / "chat.js"
    text = script.read_text(encoding="utf-8")
    for right, wrong in (("entry.quick_replies.map(", "entry.quick_reply.map("), ("if (words) host", "host")):
        assert right in text
        text = text.replace(right, wrong)
    script.write_text(text, encoding="utf-8")
    config = json.loads(CONFIG.read_text(encoding="utf-8")) | {"include": ["*.js", "*.d.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    said = problems(tmp_path / "tsconfig.json")
    assert "'quick_reply' does not exist" in said
    assert "'Words | undefined' is not assignable" in said
