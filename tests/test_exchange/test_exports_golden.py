"""What an export holds, byte for byte (CSV) and cell for cell (workbook), of an app that an earlier version wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from storage.core.store import Store
from tests.test_exchange.test_workbook import sheets
from tests.upgrades import OldHouse

GOLDEN = Path(__file__).parent / "golden_exports.json"
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")


def digests(store: Store, folder: Path) -> Iterator[tuple[str, str]]:
    for slug in ("stadt", "ideen", "bild"):
        for profile in ("raw", "analysis"):
            out = folder / f"{slug}-{profile}"
            package.write_export(store, ExportRequest(slug, out, profile, ZONE, seed=1), NOW)
            for path in sorted(out.iterdir()):
                yield f"{out.name}/{path.name}", digest(path.read_bytes())
            book = out.with_suffix(".xlsx")
            package.write_export(store, ExportRequest(slug, book, profile, ZONE, seed=1, is_workbook=True), NOW)
            for name, rows in sheets(book).items():
                # Whether an empty cell at the end of a row is written or left out is all the same.
                cells = ["\t".join(map(repr, row)).rstrip("\t'") for row in rows]
                yield f"{book.name}/{name}", digest("\n".join(cells).encode())


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_an_export_is_what_it_was(old_house: OldHouse, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store = old_house.open()
    found = dict(digests(store, tmp_path))
    store.dispose()
    if request.config.getoption("update_golden"):
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))
