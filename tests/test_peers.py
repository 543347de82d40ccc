"""What our channels are tried against is pinned, and what is made by half does not count."""

import hashlib
import json
import re

from tests.peers import node, python


def test_the_lock_holds_what_is_asked_for():
    asked = python.LOCK.with_name("requirements.in").read_text().split()
    locked = set(re.findall(r"^([\w.-]+==[\w.]+)", python.LOCK.read_text(), re.M))
    assert set(asked) <= locked
    assert "--index-url" not in python.LOCK.read_text()


def test_an_environment_counts_when_it_was_filled_from_this_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(python, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(python, "STAMP", tmp_path / "peers.json")
    assert not python.is_ready()
    python.PYTHON.touch()
    assert not python.is_ready()
    python.STAMP.write_text('{"python": "", "lock": ""}')
    assert not python.is_ready()


def test_the_lock_of_the_matrix_client_names_hashes_and_no_place():
    packages = json.loads(node.LOCK.read_text(encoding="utf-8"))["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed["node_modules/matrix-js-sdk"]["version"] in node.LOCK.with_name("package.json").read_text()
    assert [name for name, package in installed.items() if not package["integrity"].startswith("sha512-")] == []
    assert [name for name, package in installed.items() if "resolved" in package] == []


def test_a_folder_of_node_counts_when_it_was_filled_from_this_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(node, "missing", lambda: "")
    monkeypatch.setattr(node, "STAMP", tmp_path / "peers.txt")
    assert not node.is_ready()
    node.STAMP.write_text("another lock")
    assert not node.is_ready()
    node.STAMP.write_text(hashlib.sha256(node.LOCK.read_bytes()).hexdigest())
    assert node.is_ready()
    monkeypatch.setattr(node, "missing", lambda: "node is not there")
    assert not node.is_ready()
