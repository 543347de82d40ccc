"""What our channels are tried against is pinned, and what is made by half does not count."""

import hashlib
import json
import re

import pytest

from bot.bootstrap import install
from tests.interop import node, python
from tests.interop.bench import environments
from tests.interop.environment import Environment


@pytest.mark.parametrize("made", [python.ENVIRONMENT, *environments.ALL], ids=lambda made: made.folder.name)
def test_the_locks_hold_what_is_asked_for(made):
    lines = made.lock.with_name(made.lock.name.replace(".lock", ".in")).read_text().splitlines()
    asked = {line.partition("#")[0].strip() for line in lines} - {""}
    text = "".join(lock.read_text() for lock in (made.lock, made.sources) if lock)
    entries = re.findall(r"^([\w.-]+==[\w.]+)(.*(?:\n    .*)*)", text, re.M)
    assert asked <= {name for name, _ in entries}
    assert [name for name, rest in entries if "--hash=sha256:" not in rest] == []
    assert "--index-url" not in text


def test_an_environment_counts_when_it_was_filled_from_this_lock(tmp_path):
    sources = tmp_path / "sources.lock"
    sources.write_text("one")
    made = Environment(tmp_path / "made", python.LOCK, sources)
    assert not made.is_ready()
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    assert not made.is_ready()
    made.stamp.write_text('{"python": "", "lock": "", "sources": ""}')
    assert not made.is_ready()
    made.stamp.write_text(
        json.dumps({"python": install.this_python(), "lock": sha256(python.LOCK), "sources": sha256(sources)})
    )
    assert made.is_ready()
    sources.write_text("another")
    assert not made.is_ready()


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("made", node.ALL, ids=lambda made: made.name)
def test_a_lock_of_npm_names_hashes_and_no_place(made):
    packages = json.loads(made.lock.read_text(encoding="utf-8"))["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed[f"node_modules/{made.name}"]["version"] in made.lock.with_name("package.json").read_text()
    assert [name for name, package in installed.items() if not package["integrity"].startswith("sha512-")] == []
    assert [name for name, package in installed.items() if "resolved" in package] == []


def test_node_folder_is_ready_only_for_the_current_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(node, "missing", lambda: "")
    made = node.CLIENT._replace(folder=tmp_path)
    assert not made.is_ready()
    made.stamp.write_text("another lock")
    assert not made.is_ready()
    made.stamp.write_text(sha256(made.lock))
    assert made.is_ready()
    monkeypatch.setattr(node, "missing", lambda: "node is not there")
    assert not made.is_ready()
