"""What is installed with the program: a bill of materials (CycloneDX) and the licences, for those who pass it on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from bot.common.errors import CommandError
from bot.common.version import version

LOCKS: Final = Path(__file__).resolve().parents[3]
LEVELS: Final = ("run", "oidc")
"""The levels of the program; tests and tools are not passed on."""
OWN_LICENCE: Final = "EUPL-1.2"
KNOWN: Final = {"vodozemac": "Apache-2.0", "peewee": "MIT"}
"""Licences of packages whose metadata names none, from the licence files in them."""
_PIN: Final = re.compile(r"^([\w.-]+)==([^\s;\\]+)((?:.*\\\n)(?:\s+--hash=.*\n?)*)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LICENCE_FILE: Final = re.compile(r"(?i)(licen[cs]e|copying|notice)")


class Package(NamedTuple):
    """One pinned package of a lock. `hashes`: SHA-256 of each file that the set-up accepts."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its package URL (https://github.com/package-url/purl-spec)."""
        return f"pkg:pypi/{self.name.lower().replace('_', '-')}@{self.version}"


def locked_packages() -> list[Package]:
    """Returns the packages of the program, by name; of one that is pinned differently for some systems, each. Raises
    CommandError without the lock files.
    """
    try:
        locks = [(LOCKS / f"requirements-{level}.lock").read_text(encoding="utf-8") for level in LEVELS]
    except OSError:
        raise CommandError(f"{LOCKS}: the lock files are missing; run this in a copy of the source") from None
    pins = (pin for lock in locks for pin in _PIN.finditer(lock))
    return sorted({Package(pin[1], pin[2], tuple(_HASH.findall(pin[3]))) for pin in pins})


def bill_of_materials() -> dict[str, Any]:
    """Returns the bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). The same locks give the
    same document.
    """
    packages = locked_packages()
    own = f"pkg:generic/mitsprache@{version()}"
    serial = uuid5(NAMESPACE_URL, " ".join([own, *(package.purl for package in packages)]))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "mitsprache",
                "version": version(),
                "licenses": [{"license": {"id": OWN_LICENCE}}],
                "purl": own,
            }
        },
        "components": [_component(package) for package in packages],
    }


def _component(package: Package) -> dict[str, Any]:
    licence = _licence(package.name)
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.hashes],
        **({"licenses": [licence]} if licence else {}),
        "purl": package.purl,
    }


def _licence(name: str) -> dict[str, Any] | None:
    """Returns the licence in the form of CycloneDX; None if it is not installed here and not known."""
    if name in KNOWN:
        return {"license": {"id": KNOWN[name]}}
    words = _licence_words(_installed(name))
    if words is None:
        return None
    text, is_expression = words
    return {"expression": text} if is_expression else {"license": {"name": text}}


def _licence_words(found: Distribution | None) -> tuple[str, bool] | None:
    """Returns the licence that the metadata names, and whether it is an SPDX expression (PEP 639)."""
    if found is None:
        return None
    data = found.metadata
    if "License-Expression" in data:
        return data["License-Expression"], True
    lines = data["License"].strip().splitlines() if "License" in data else []
    named = [line.rsplit(" :: ")[-1] for line in data.get_all("Classifier") or [] if "License ::" in line]
    text = ", ".join(named) or (lines[0] if lines else "")
    return (text, False) if text else None


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def sbom_text() -> str:
    """Returns the bill of materials as JSON."""
    return json.dumps(bill_of_materials(), indent=1, ensure_ascii=False)


def notice_lines() -> Iterator[str]:
    """Yields the notice: each package that is installed here with its licence and the texts of it."""
    yield from (
        f"Mitsprache {version()}, {OWN_LICENCE}",
        "",
        "It is passed on together with these packages, unchanged.",
    )
    for name in sorted({package.name for package in locked_packages()}):
        found = _installed(name)
        if found is None:
            continue
        words = _licence_words(found)
        yield from ("", "=" * 80, f"{name} {found.version}: {KNOWN.get(name) or (words[0] if words else 'see below')}")
        for path in found.files or ():
            if _is_licence(path):
                text = Path(str(path.locate())).read_text(encoding="utf-8", errors="replace")
                yield from ("", f"--- {path.name}", "", *text.splitlines())


def _is_licence(path: PurePath) -> bool:
    """Whether a file of a package is a licence text."""
    return (".dist-info" in str(path) and bool(_LICENCE_FILE.match(path.name))) or ".dist-info/licenses/" in str(path)
