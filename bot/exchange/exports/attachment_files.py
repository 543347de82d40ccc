"""Voice messages and pictures of a consultation as files, decrypted, with a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection

from bot.common.keys import SecretError
from bot.delivery.attachments.files import AttachmentFolder
from bot.exchange.exports.sheets import CsvTable, Row, to_the_second
from storage.tables.answers import answers_of_sessions
from storage.tables.attachments import StoredAttachment, attachments_of_consultation

INDEX: Final = "attachments.csv"
HEAD: Final = ("file", "response_id", "question_key", "kind", "state", "size", "sent_at", "channel", "text")


class WrittenAttachments(NamedTuple):
    """The number of written files, and those that are missing or damaged."""

    number: int
    lost: list[str]


def write_attachment_files(
    connection: Connection, consultation_id: int, folder: AttachmentFolder, target: Path
) -> WrittenAttachments:
    """Writes the files and their list into a folder. Raises OSError."""
    number, lost = 0, []
    with ExitStack() as closing:
        index = CsvTable(target / INDEX, HEAD, closing, excel=True)  # users open it with a double click
        names: Counter[str] = Counter()
        for sent, text in _with_texts(connection, consultation_id):
            name = ""
            if sent.state == "kept":
                try:
                    content = folder.read(sent.file)
                except (OSError, SecretError):
                    lost.append(sent.file)
                else:
                    answer = f"{sent.pseudonym}-{sent.question_key}"
                    names[answer] += 1
                    place = f"-{names[answer]}" if names[answer] > 1 else ""
                    name = f"{answer}{place}.{sent.ending}"
                    (target / name).write_bytes(content)
                    number += 1
            index.write([_row(sent, name, text)])
    return WrittenAttachments(number, lost)


def _with_texts(connection: Connection, consultation_id: int) -> Iterator[tuple[StoredAttachment, str]]:
    """Yields each attachment with the caption in its answer, which follows the mark of its kind."""
    sent = list(attachments_of_consultation(connection, consultation_id))
    wanted = {(one.session_id, one.question_key) for one in sent}
    texts = {
        (row.session_id, row.question_key): str(from_json(row.value))
        for row in answers_of_sessions(connection, sorted({number for number, _ in wanted}))
        if row.value is not None and (row.session_id, row.question_key) in wanted
    }
    for one in sent:
        yield one, texts.get((one.session_id, one.question_key), "").removeprefix(f"[{one.kind}]").strip()


def _row(sent: StoredAttachment, name: str, text: str) -> Row:
    return [
        name,
        sent.pseudonym,
        sent.question_key,
        sent.kind,
        sent.state,
        sent.size,
        to_the_second(sent.at),
        sent.channel,
        text,
    ]
