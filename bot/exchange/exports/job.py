"""Writes one export in a process of its own: `python -m bot.exchange.exports.job`, started by
`bot.exchange.exports.service`.

Writes lines of JSON to standard output: `{"percent": 40}`, and at the end `{"done": true}` or the error.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.common.child_process import read_task, report
from bot.common.errors import CommandError
from bot.common.keys import FILE, load_keys
from bot.common.logs import error_place
from bot.consultations import stored_revisions
from bot.delivery.attachments.files import FOLDER, AttachmentFolder
from bot.exchange import content
from bot.exchange.exports.attachment_files import write_attachment_files
from bot.exchange.exports.kinds import ATTACHMENTS, export_kind
from bot.exchange.exports.package import ExportRequest, write_export
from bot.exchange.exports.staging import staged_output
from bot.exchange.known_formats import format_called
from storage.core.store import Store
from storage.tables.participations import tally_participations

LEFT_OUT: Final = "LEFT_OUT.txt"
"""Says what the format cannot hold, beside its files: the console has no output."""


def write_file() -> None:
    """Writes the file of the task."""
    task = read_task()
    store = Store(task["url"], readers=1)
    store.belongs_to = task["belongs_to"]
    try:
        _write(store, task)
    except CommandError:
        report(refused=True)
    except Exception as error:  # noqa: BLE001 - the service logs the place; the text may contain data
        report(fault=error_place(error))
    else:
        report(done=True)
    finally:
        store.dispose()


def _write(store: Store, task: dict[str, Any]) -> None:
    kind, out, slug = export_kind(task["kind"]), Path(task["out"]), task["slug"]
    if kind is None:
        raise CommandError("unknown kind")
    if kind.format == ATTACHMENTS:
        _write_attachments(store, task, out)
        return
    if kind.is_own:
        wish = ExportRequest(
            slug,
            out,
            kind.profile,
            UTC if task["zone"] == "UTC" else ZoneInfo(task["zone"]),
            is_workbook=kind.format == "xlsx",
            watch=_Progress(_participations(store, slug)),
        )
        write_export(store, wish, datetime.now(UTC))
        return
    with store.reading() as connection:
        found = content.load_content(connection, slug, task["public_url"])
    wanted = format_called(kind.format)
    with staged_output(out) as folder:
        wanted.write(found, folder)
        if remark := wanted.left_out(found):
            (folder / LEFT_OUT).write_text(f"{remark}\n", encoding="utf-8")


def _write_attachments(store: Store, task: dict[str, Any], out: Path) -> None:
    data = Path(task["data"])
    folder = AttachmentFolder(data / FOLDER, load_keys(data / FILE))
    with store.reading() as connection, staged_output(out) as target:
        live = stored_revisions.live_revision(connection, task["slug"])
        written = write_attachment_files(connection, live.consultation_id, folder, target)
        if written.lost:
            count = len(written.lost)
            remark = (
                f"{count} file{'' if count == 1 else 's'} missing or damaged: restore the folder from the backup.\n"
            )
            (target / LEFT_OUT).write_text(remark, encoding="utf-8")


def _participations(store: Store, slug: str) -> int:
    with store.reading() as connection:
        live = stored_revisions.live_revision(connection, slug, trials=True)
        return tally_participations(connection, live.consultation_id).begun


class _Progress:
    """Reports each new per cent of the rows; packing is the last one."""

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._told = 0

    def __call__(self, done: int) -> None:
        percent = min(99, 100 * done // self._total)
        if percent > self._told:
            self._told = percent
            report(percent=percent)


if __name__ == "__main__":
    write_file()
