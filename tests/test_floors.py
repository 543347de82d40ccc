"""No lock holds a release that is known to be dangerous: an audit without a network, which cannot pass by skipping.

A floor is the first release without the fault that is named beside it. Each is compared with every lock, and a floor
for something that is locked nowhere fails: it would pass for ever and say nothing.
"""

import re
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from bot.bootstrap import install, venv
from tests.test_packaging import read_lock, wanted_by

FLOORS: Final = {
    "aiohttp": ("3.14.3", "CVE-2026-69244, reading beyond the heap; CVE-2026-69243, smuggling at a WebSocket upgrade"),
    "babel": ("2.9.1", "CVE-2021-42771, running code by a locale file"),
    "certifi": ("2024.7.4", "CVE-2024-39689, a root nobody trusts any more"),
    "cryptography": ("44.0.1", "CVE-2024-12797, raw public keys not verified"),
    "h11": ("0.16.0", "CVE-2025-43859, smuggling by chunked bodies"),
    "h2": ("4.3.0", "CVE-2025-57804, smuggling by headers"),
    "httpx": ("0.23.0", "CVE-2021-41945, addresses read wrongly"),
    "idna": ("3.7", "CVE-2024-3651, names that take for ever"),
    "jinja2": ("3.1.6", "CVE-2025-27516, a way out of the sandbox"),
    "mako": ("1.2.2", "CVE-2022-40023, a pattern that takes for ever"),
    "markdown-it-py": ("2.2.0", "CVE-2023-26302, a text that ends the program"),
    "matrix-nio": ("0.26", "CVE-2022-39254, keys taken from anybody (0.20); libolm, which nobody maintains (0.26)"),
    "numpy": ("1.22.2", "CVE-2021-41495, a null pointer"),
    "pycryptodome": ("3.19.1", "CVE-2023-52323, a side channel of OAEP"),
    "pydantic": ("2.4.0", "CVE-2024-3772, an address that takes for ever"),
    "pygments": ("2.15.0", "CVE-2022-40896, a pattern that takes for ever"),
    "pyyaml": ("5.4", "CVE-2020-14343, running code by a YAML file"),
    "requests": ("2.32.4", "CVE-2024-47081, passwords sent to another address"),
    "sqlalchemy": ("1.3.0", "CVE-2019-7164 and 7548, injection by order and group"),
    "urllib3": ("2.6.3", "CVE-2026-21441, a bomb unpacked while following an address"),
    "validators": ("0.21.0", "CVE-2023-45813, a pattern that takes for ever"),
}
UNWANTED: Final = {
    "python-olm": "libolm has known side channels and is not maintained",
    "tornado": "the hooks of Telegram are taken by our own web server, which compares their secret in constant time",
}
PIP: Final = ("25.3", "CVE-2025-8869, an archive that writes outside of its folder")


@pytest.mark.parametrize("name", FLOORS)
def test_no_lock_goes_below_a_floor(name: str) -> None:
    least, reason = FLOORS[name]
    found = [version for level in install.LEVELS for version in read_lock(level).get(name, ())]
    assert found, f"{name} is locked nowhere: take its floor away"
    below = [version for version in found if Version(version) < Version(least)]
    assert not below, f"{name} {below} in a lock: {reason}; lock {least} or newer (docs/operate/install.md)"


@pytest.mark.parametrize("name", UNWANTED)
def test_what_is_not_wanted_is_locked_nowhere(name: str) -> None:
    assert not any(name in read_lock(level) for level in install.LEVELS), UNWANTED[name]


def test_the_pip_that_installs_them_is_sound() -> None:
    version = re.match(r"pip-([\d.]+)-", venv.PIP_WHEEL)
    assert version
    assert Version(version[1]) >= Version(PIP[0]), PIP[1]


@pytest.mark.parametrize("wanted", wanted_by("oidc"), ids=lambda wanted: str(wanted.name))
def test_every_direct_dependency_has_a_floor(wanted: Requirement) -> None:
    """The lower bound in pyproject.toml counts for installations without our locks."""
    bounds = [Version(bound.version) for bound in wanted.specifier if bound.operator == ">="]
    assert bounds, f"{wanted.name} has no lower bound in pyproject.toml: write >= the oldest release that was tried"
    known = FLOORS.get(wanted.name)
    assert known is None or max(bounds) >= Version(known[0]), f"{wanted.name}: {known}"
    locked = [
        version
        for level in ("run", "oidc")
        for name, found in read_lock(level).items()
        if canonicalize_name(name) == canonicalize_name(wanted.name)
        for version in found
    ]
    assert locked
    assert all(wanted.specifier.contains(version) for version in locked)
