"""`attachments`: exports voice messages and pictures, decrypted, to a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection

from bot.cli.context import command_context
from bot.cli.purpose import recorded_purpose
from bot.common import audit
from bot.common.errors import Say
from bot.common.keys import SecretError
from bot.consultations import stored_revisions
from bot.delivery.attachments.files import FOLDER, AttachmentFolder
from bot.exchange.exports.sheets import CsvTable, Row, to_the_second
from bot.exchange.exports.staging import check_target, staged_output
from bot.settings import Settings
from storage.tables.answers import answers_of_sessions
from storage.tables.attachments import StoredAttachment, attachments_of_consultation

INDEX: Final = "attachments.csv"
HEAD: Final = ("file", "response_id", "question_key", "kind", "state", "size", "sent_at", "channel", "text")


class WrittenAttachment(NamedTuple):
    """The number of written files, and those that failed."""

    number: int
    lost: list[str]


def write_attachments(settings: Settings, slug: str, out: Path, say: Say, complain: Say, purpose: str = "") -> None:
    """Writes the attachments of a consultation; recorded before the first file is read. Raises CommandError."""
    check_target(out)
    purpose = recorded_purpose(settings, purpose)
    with command_context(settings, complain) as (store, keys):
        with store.begin() as connection:
            slug = stored_revisions.live_revision(connection, slug).slug
            audit.record_entry(connection, keys, audit.operator().did("export.attachments", slug, purpose))
        folder = AttachmentFolder(settings.data / FOLDER, keys)
        with store.reading() as connection, staged_output(out) as target:
            written = _fill(connection, slug, folder, target)
    if written.lost:
        count = len(written.lost)
        complain(
            f"{folder.path}: {count} file{' is' if count == 1 else 's are'} missing or damaged ({written.lost[0]} …); "
            "put the folder back from your backup"
        )
    say(f"{out}: {written.number} file{'' if written.number == 1 else 's'}, listed in {INDEX}")


def _fill(connection: Connection, slug: str, folder: AttachmentFolder, target: Path) -> WrittenAttachment:
    found = stored_revisions.live_revision(connection, slug)
    number, lost = 0, []
    with ExitStack() as closing:
        index = CsvTable(target / INDEX, HEAD, closing, excel=True)  # users open it with a double click
        names: Counter[str] = Counter()
        for sent, text in _with_texts(connection, found.consultation_id):
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
    return WrittenAttachment(number, lost)


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
