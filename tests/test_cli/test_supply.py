"""The bill of materials and the notice name every package of the program."""

from __future__ import annotations

import json
import re

from bot.bootstrap import install
from bot.cli.maintenance import supply
from tests.test_packaging import read_lock


def test_the_bill_of_materials_names_every_pinned_package():
    bill = json.loads(supply.sbom_text())
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    pinned = {(name, one) for level in supply.LEVELS for name, versions in read_lock(level).items() for one in versions}
    assert {(one["name"], one["version"]) for one in bill["components"]} == pinned
    refs = [one["bom-ref"] for one in bill["components"]]
    assert len(refs) == len(set(refs))
    digests = {one["content"] for component in bill["components"] for one in component["hashes"]}
    locked = (install.lock_of(level).read_text(encoding="utf-8") for level in supply.LEVELS)
    assert digests == {digest for text in locked for digest in re.findall(r"sha256:(\w+)", text)}
    assert supply.bill_of_materials() == bill, "the same locks, the same document"


def test_every_package_has_a_licence():
    missing = [one["name"] for one in supply.bill_of_materials()["components"] if "licenses" not in one]
    assert [name for name in missing if supply._installed(name)] == []


def test_the_notice_has_the_licence_texts():
    notice = "\n".join(supply.notice_lines())
    for words in ("aiohttp 3.", "Apache License", "GNU LESSER GENERAL PUBLIC LICENSE", "vodozemac", "Apache-2.0"):
        assert words in notice
