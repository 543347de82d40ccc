"""What our channels are tried against is pinned, and what is made by half does not count."""

import re

from tests.peers import python


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
