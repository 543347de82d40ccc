"""Measures the cost of an export: the package of CSV files and the workbook of a large consultation, compared with
`csv.writer` writing the rows of the same files.

Processor time, measured alternately, so that the ratios are valid on a busy machine too.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bot.cli.bench.editions import SLUG
from bot.exchange.exports import package
from bot.exchange.exports.package import ROWS, ExportRequest
from storage.core.store import Store

_NOW = datetime(2026, 11, 30, tzinfo=UTC)


class ExportMeasurement(NamedTuple):
    """Seconds of each, and the ratio to the bare rows."""

    csv_s: float
    xlsx_s: float
    csv_ratio: float
    xlsx_ratio: float


def measure_export(url: str, folder: Path) -> ExportMeasurement:
    """Exports the consultation stored by `editions.prepare_editions`."""
    store = Store(url)
    with TemporaryDirectory(prefix="export-", dir=folder) as name:
        files, book = Path(name, "files"), Path(name, "book.xlsx")
        took = _seconds(lambda: package.write_export(store, ExportRequest(SLUG, files), _NOW))
        took_book = _seconds(lambda: package.write_export(store, ExportRequest(SLUG, book, is_workbook=True), _NOW))
        bare = sum(_bare_seconds(files / row) for row in ROWS)
    store.dispose()
    return ExportMeasurement(took, took_book, took / bare, took_book / bare)


def _bare_seconds(path: Path) -> float:
    """Returns the time to write the rows of this file from memory."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    copy = path.with_suffix(".copy")
    with copy.open("w", encoding="utf-8", newline="") as file:
        return _seconds(lambda: csv.writer(file).writerows(rows))


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
