"""Voice messages and pictures as answers to the open question, with their files in the data folder."""

from __future__ import annotations

from datetime import timedelta

from bot.delivery.attachments.files import FOLDER, AttachmentFolder
from storage.core.store import Store
from storage.tables.attachments import (
    AttachmentKind,
    AttachmentState,
    FetchOutcome,
    NewAttachment,
    insert_attachments,
    settle_attachments,
)
from storage.tables.open_answers import open_answers_by_code
from tests.support.app import KEYS
from tests.support.browser import House
from tests.support.ideas import NOW, open_answer
from tests.support.media_channel import PICTURE, VOICE
from tests.support.rows import new_id

SENT = {"voice": (VOICE[:2000], "ogg"), "picture": (PICTURE, "jpg")}
"""The content and the suffix of the file of each kind."""


def sent(
    store: Store, house: House, park: int, kind: AttachmentKind, words: str, state: AttachmentState = "kept"
) -> int:
    """What a person sent as the answer to the open question; gives its number."""
    number, (file, ending) = new_id(), SENT[kind]
    name = f"{number:032x}"
    size = len(file) if state == "kept" else None
    if size:
        AttachmentFolder(house.app.settings.data / FOLDER, KEYS).keep(file, name)
    with store.begin() as connection:
        code = open_answer(connection, park, number, f"[{kind}] {words}")
        (answer,) = open_answers_by_code(connection, [code]).values()
        due = NOW + timedelta(days=3650)
        row = NewAttachment(
            id=number,
            session_id=answer.session_id,
            question_key="wish",
            kind=kind,
            channel="telegram",
            handle=b"handle",
            file=name,
            due_at=due,
            at=NOW,
        )
        insert_attachments(connection, [row])
        if state != "waiting":
            settle_attachments(connection, [FetchOutcome(number, state, size, ending if size else None, 1)])
    return number
