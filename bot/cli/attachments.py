"""`attachments`: exports voice messages and pictures, decrypted, to a folder."""

from __future__ import annotations

from pathlib import Path

from bot.cli.context import command_context
from bot.cli.purpose import recorded_purpose
from bot.common import audit
from bot.common.errors import Say
from bot.consultations import stored_revisions
from bot.delivery.attachments.files import FOLDER, AttachmentFolder
from bot.exchange.exports.attachment_files import INDEX, write_attachment_files
from bot.exchange.exports.staging import check_target, staged_output
from bot.settings import Settings


def write_attachments(settings: Settings, slug: str, out: Path, say: Say, complain: Say, purpose: str = "") -> None:
    """Writes the attachments of a consultation; recorded before the first file is read. Raises CommandError."""
    check_target(out)
    purpose = recorded_purpose(settings, purpose)
    with command_context(settings, complain) as (store, keys):
        with store.begin() as connection:
            found = stored_revisions.live_revision(connection, slug)
            audit.record_entry(connection, keys, audit.operator().did("export.attachments", found.slug, purpose))
        folder = AttachmentFolder(settings.data / FOLDER, keys)
        with store.reading() as connection, staged_output(out) as target:
            written = write_attachment_files(connection, found.consultation_id, folder, target)
    if written.lost:
        count = len(written.lost)
        complain(
            f"{folder.path}: {count} file{' is' if count == 1 else 's are'} missing or damaged ({written.lost[0]} …); "
            "put the folder back from your backup"
        )
    say(f"{out}: {written.number} file{'' if written.number == 1 else 's'}, listed in {INDEX}")
