"""The four top-level names are ours, and the locks say what pyproject.toml asks for."""

import importlib.util
import itertools
import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.bootstrap import install
from tests.support.lock_layers import added

PROJECT = tomllib.loads((install.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.mark.parametrize("name", ["bot", "adapters", "flows", "storage"])
def test_top_level_name_is_this_project(name: str) -> None:
    assert name in OURS
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin == str(install.ROOT / name / "__init__.py")


def test_nothing_else_of_ours_would_be_left_out_of_the_wheel() -> None:
    packages = {path.parent.name for path in install.ROOT.glob("*/__init__.py")}
    assert packages - {"tests"} == set(OURS)


@pytest.mark.parametrize("level", install.LEVELS)
def test_lock_fulfils_what_the_project_asks_for(level: str) -> None:
    pins = read_locks_up_to(level)
    for wanted in wanted_by(level):
        versions = pins.get(canonicalize_name(wanted.name), set())
        assert versions, f"{wanted} is not locked: docs/operate/install.md says how to re-lock"
        assert all(wanted.specifier.contains(version) for version in versions), f"{wanted} is locked at {versions}"


@pytest.mark.parametrize("level", install.LEVELS)
def test_lock_is_whole(level: str) -> None:
    """The lock is installed without looking for dependencies: every one of a locked package is locked as well."""
    pins = read_locks_up_to(level)
    waiting = wanted_by(level)
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in seen or not applies(wanted, set()):
            continue
        seen.add((name, frozenset(wanted.extras)))
        assert name in pins, wanted
        assert any(wanted.specifier.contains(version) for version in pins[name]), f"{wanted} is locked at {pins[name]}"
        waiting += dependencies_of(name, wanted.extras)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(install.LEVELS, 2)))
def test_a_lock_holds_only_what_it_adds(first: str, second: str) -> None:
    """pip gets all of them at once: a package may be in one only."""
    assert not read_lock(first).keys() & read_lock(second).keys()


def test_a_new_lock_loses_what_earlier_ones_hold() -> None:
    whole = "a==1 \\\n    --hash=sha256:1\nb==2 \\\n    --hash=sha256:2\nc==3\n"
    assert added(whole, "a==1 \\\n    --hash=sha256:1\n", "c==3\n") == "b==2 \\\n    --hash=sha256:2\n"


@pytest.mark.parametrize("level", install.LEVELS)
def test_lock_names_hashes_and_no_place(level: str) -> None:
    text = install.lock_of(level).read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, entry
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("level", install.LEVELS)
def test_bootstrap_understands_every_requirement(level: str) -> None:
    """It has no parser of its own for them: a bound it cannot read would never be checked."""
    understood = {name for name, _, _ in install.direct_requirements(level)}
    assert understood == {wanted.name for wanted in wanted_by(level) if not wanted.marker}


def read_lock(level: str) -> dict[str, set[str]]:
    """Package name to pinned versions: more than one where systems differ."""
    text = install.lock_of(level).read_text(encoding="utf-8")
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.MULTILINE):
        pins.setdefault(name, set()).add(version)
    return pins


def read_locks_up_to(level: str) -> dict[str, set[str]]:
    """The same of all locks of which a level consists."""
    levels = install.LEVELS[: install.LEVELS.index(level) + 1]
    return {name: versions for each in levels for name, versions in read_lock(each).items()}


def wanted_by(level: str) -> list[Requirement]:
    """What pyproject.toml asks for on a level."""
    groups = {"run": [], "oidc": [], "test": ["test"], "dev": ["test", "dev"]}[level]
    entries = [entry for group in groups for entry in PROJECT["dependency-groups"][group] if isinstance(entry, str)]
    extras = PROJECT["project"]["optional-dependencies"]["oidc"] if level != "run" else []
    return [Requirement(entry) for entry in PROJECT["project"]["dependencies"] + extras + entries]


def applies(wanted: Requirement, extras: set[str]) -> bool:
    """Tell whether a requirement counts on this machine, given the extras asked for."""
    return wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras | {""})


def dependencies_of(name: str, extras: set[str]) -> list[Requirement]:
    """What an installed package asks for. What is not installed here (a level above ours) cannot be asked."""
    try:
        entries = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    return [wanted for entry in entries if applies(wanted := Requirement(entry), extras)]
