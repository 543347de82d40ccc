"""Reads an uploaded file of a translator in a process of its own: `python -m bot.exchange.translator_files.upload`.

A hostile file may take long to read; conversations do not wait for it.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from bot.authoring.upload_check import CheckFailed
from bot.common.child_process import read_task, report, run_module
from bot.exchange.translator_files.content import TranslatedText, TranslatorFile, UnusableTranslation
from bot.exchange.translator_files.po import read_po
from bot.exchange.translator_files.xlsx import read_xlsx

JOB: Final = "bot.exchange.translator_files.upload"
LONGEST_SECONDS: Final = 30.0
_ZIP_MARK: Final = b"PK"


async def read_upload_of_translator(content: bytes, language: str) -> TranslatorFile:
    """Returns the texts of a file in this language. Raises UnusableTranslation, and CheckFailed if it took too long."""
    last: dict[str, Any] = {}

    async def take(line: dict[str, Any]) -> None:
        last.update(line)

    try:
        task = {"content": base64.b64encode(content).decode(), "language": language}
        status = await run_module(JOB, task, take, LONGEST_SECONDS)
    except TimeoutError as error:
        raise CheckFailed from error
    if "unusable" in last:
        raise UnusableTranslation(last["unusable"])
    if status or "file" not in last:
        raise CheckFailed
    of_file = TranslatorFile._make(last["file"])
    return of_file._replace(texts=[TranslatedText._make(it) for it in of_file.texts])


def read_translation(content: bytes, language: str) -> TranslatorFile:
    """Reads a workbook or a PO file. Raises UnusableTranslation, also for a file without translations."""
    file = read_xlsx(content) if content.startswith(_ZIP_MARK) else read_po(content)
    if file.language != language:
        raise UnusableTranslation("other_language" if file.language else "unreadable")
    if not any(it.text.strip() for it in file.texts):
        raise UnusableTranslation("empty")
    return file


def print_translation() -> None:
    """Reads the file of the task and prints the result."""
    task = read_task()
    try:
        report(file=read_translation(base64.b64decode(task["content"]), task["language"]))
    except UnusableTranslation as error:
        report(unusable=error.problem)


if __name__ == "__main__":
    print_translation()
