"""Converts an uploaded XLSForm in a process of its own: `python -m bot.exchange.xlsform.upload`, started by
`convert_upload`. A hostile file may take long to read; conversations do not wait for it.
"""

from __future__ import annotations

import base64
from typing import Any, Final, NamedTuple

from bot.authoring.import_notes import with_import_notes
from bot.authoring.upload_check import CheckFailed
from bot.common.child_process import read_task, report, run_module
from bot.common.i18n.locale import Locale
from bot.exchange.xlsform.convert import ImportedForm, convert_form
from bot.exchange.xlsform.notes import UnusableForm, note_lines

JOB: Final = "bot.exchange.xlsform.upload"
LONGEST_SECONDS: Final = 30.0
ZIP_MARK: Final = b"PK\x03\x04"
_OLD_MARK: Final = b"\xd0\xcf\x11\xe0"


class UploadedForm(NamedTuple):
    """A converted upload: its text, in which the notes stand, and the title and short name that it gives itself."""

    text: str
    title: str
    name: str


def is_workbook(content: bytes) -> bool:
    """Whether an upload is a workbook of a spreadsheet program, old or new."""
    return content.startswith((ZIP_MARK, _OLD_MARK))


async def convert_upload(content: bytes, name: str, language: str) -> UploadedForm:
    """Returns the form; its notes are in this language. Raises UnusableForm, and CheckFailed if it took too long."""
    last: dict[str, Any] = {}

    async def take(line: dict[str, Any]) -> None:
        last.update(line)

    task = {"content": base64.b64encode(content).decode(), "name": name, "language": language}
    try:
        status = await run_module(JOB, task, take, LONGEST_SECONDS)
    except TimeoutError as error:
        raise CheckFailed from error
    if "unusable" in last:
        raise UnusableForm(last["unusable"], last["reason"])
    if status or "form" not in last:
        raise CheckFailed
    return UploadedForm(**last["form"])


def with_notes(form: ImportedForm, locale: Locale) -> str:
    """Returns the file with the notes of the import at its beginning."""
    return with_import_notes(form.text, note_lines(form.notes, locale))


def print_form() -> None:
    """Converts the workbook of the task and prints the result."""
    task = read_task()
    try:
        form = convert_form(base64.b64decode(task["content"]), task["name"], task["language"])
    except UnusableForm as error:
        report(unusable=error.code, reason=error.reason)
        return
    text = with_notes(form, Locale.of(task["language"]))
    report(form={"text": text, "title": form.title, "name": form.name})


if __name__ == "__main__":
    print_form()
