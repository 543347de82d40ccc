"""Rotates the keys again and again under load; each run is killed one step later than the last and then completed.

tests/test_privacy/test_rotating.py runs it as a separate process:
`python -m tests.support.key_rotation URL DATA BACKUPS`. DATA holds the secret of `tests.support.app.KEYS`.
Prints as JSON the steps of the kills, the number of writes, and what was lost.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from adapters.matrix.files import SecretFolder
from bot.cli.maintenance import backup, rotate_key
from bot.common.erasure_log import ErasedRecord, ErasureLog
from bot.common.errors import CommandError
from bot.common.keys import SecretError, load_keys
from bot.delivery import channels
from bot.delivery.attachments.files import AttachmentFolder as Files
from bot.privacy.re_encryption import ReEncryption
from bot.proposals import moderation_decisions
from bot.proposals.moderation_decisions import ProposalWording
from bot.settings import Settings
from storage.core.store import Store
from storage.tables import contacts, messages
from storage.tables.account_links import NewSupersededAnswer, insert_superseded_answers
from storage.tables.contacts import NewAddress, NewContact, encrypted_addresses, existing_contacts, insert_contacts
from storage.tables.messages import NewDeadLetter
from tests.support.ideas import chair, open_answer, open_consultation, released

KILLED: Final = 9
GRACE: Final = 0.15
SEEDS: Final = 40
STEPS: Final = 13
"""Files of the keys, portions, files and channels, up to the second walk, which takes the same ones."""
FILE: Final = "0" * 31
"""How the names of the files begin."""
_NOW: Final = datetime.now(UTC)


def seed(store: Store, data: Path) -> None:
    """Something of everything that is encrypted."""
    keys = load_keys(data / "secret.key")
    park = open_consultation(store)
    for number in range(1, SEEDS):
        add(store, data, number)
    with store.begin() as connection:
        idea = released(connection, park, 1, text="Ask Erika", title="Call")
        moderation_decisions.edit_text(chair(connection), idea.id, ProposalWording("Call", "Ask the office"), "a name")
        code = open_answer(connection, park, 2, "Licht, sagt Erika")
        answer = connection.scalar(text("SELECT id FROM moderations WHERE code = :code"), {"code": code})
        moderation_decisions.edit_text(chair(connection), answer or 0, ProposalWording(None, "Licht"), "a name")
        insert_superseded_answers(connection, [NewSupersededAnswer(7, 1, keys.encrypt("aside", b"set aside 7"), None)])
        connection.execute(
            text("INSERT INTO attachments (id, question_key, kind, channel, handle, state, file, tries, due_at, at)"
                 " VALUES (8, 'q', 'voice', 'test', :handle, 'waiting', 'f', 0, :at, :at)"),
            {"handle": keys.encrypt("handle", b"attachment 8"), "at": "2026-11-30T00:00:00.000000Z"},
        )  # fmt: skip
    for number in range(3):
        Files(data / "attachments", keys).keep(b"picture", f"{FILE}{number}")
    for kept in ("town", "left"):
        folder = SecretFolder(data / "channels" / kept, keys.cipher("channel matrix"))
        folder.prepare()
        folder.write("login.json", {"token": "login"})


def add(store: Store, data: Path, number: int, keys: Any = None) -> None:
    """Adds a contact with a dead letter."""
    keys = keys or load_keys(data / "secret.key")

    def work(connection: Any) -> None:
        lookup = keys.lookup("test", f"person {number}")
        sealed = keys.encrypt(f"person {number}", lookup)
        insert_contacts(connection, [NewContact(number, None, _NOW)])
        contacts.insert_addresses(connection, [NewAddress(lookup, number, "test", sealed, _NOW)])
        letter = keys.encrypt(f"letter {number}", lookup)
        messages.insert_dead_letters(connection, [NewDeadLetter(number, "test", str(number), lookup, letter, "", _NOW)])

    store.run(work)


def write_on(url: str, data: Path, record: Path) -> None:
    """Load, until it is killed: people come, with keys that were loaded once; each is on record when it is stored."""
    store, keys, erasure_log = (
        Store(url),
        load_keys(data / "secret.key"),
        ErasureLog(data, load_keys(data / "secret.key")),
    )
    with record.open("a") as file:
        for number in count(1000):
            add(store, data, number, keys)
            erasure_log.note([ErasedRecord("vote", str(number))])
            file.write(f"{number}\n")
            file.flush()
            time.sleep(0.02)


def lost(store: Store, data: Path, numbers: list[int], *, others: bool = True) -> list[str]:
    """What of all this cannot be opened, or not be found."""
    keys = load_keys(data / "secret.key")
    faults = []

    def look(what: str, attempt: Callable[[], object], expected: object) -> None:
        try:
            if attempt() != expected:
                faults.append(f"{what}: another one")
        except (SecretError, KeyError, StopIteration, OSError) as fault:
            faults.append(f"{what}: {fault}")

    with store.reading() as connection:
        lookups = {number: keys.lookup("test", f"person {number}") for number in numbers}
        sealed = encrypted_addresses(connection, list(lookups.values()))
        letters = {it.lookup: it.sealed for it in messages.dead_letters_of(connection, list(lookups.values()))}
        for number, lookup in lookups.items():
            look("address", lambda at=lookup: keys.decrypt(sealed[at], at), f"person {number}")  # type: ignore[misc]
            look("letter", lambda at=lookup: keys.decrypt(letters[at], at), f"letter {number}")  # type: ignore[misc]
        edited = text("SELECT id, original FROM moderations WHERE original IS NOT NULL ORDER BY proposal_id IS NULL")
        (idea, words), (answer, said) = connection.execute(edited).all()
        look("original", lambda: keys.decrypt(words, b"proposal/%d" % idea), '["Call","Ask Erika"]')
        look("answer", lambda: keys.decrypt(said, b"answer/%d" % answer), '[null,"Licht, sagt Erika"]')
        aside = connection.scalar(text("SELECT sealed FROM set_aside"))
        look("aside", lambda: keys.decrypt(aside or b"", b"set aside 7"), "aside")
        handle = connection.scalar(text("SELECT handle FROM attachments"))
        look("handle", lambda: keys.decrypt(handle or b"", b"attachment 8"), "handle")
    for number in range(3):
        look("file", lambda at=number: Files(data / "attachments", keys).read(f"{FILE}{at}"), b"picture")  # type: ignore[misc]
    for kept in ("town", "left"):
        login = SecretFolder(data / "channels" / kept, keys.cipher("channel matrix"))
        look("login", lambda at=login: at.read("login.json"), {"token": "login"})  # type: ignore[misc]
    noted = ErasureLog(data, keys).read()
    if noted.unreadable or (others and {it.name for it in noted.records} < {str(it) for it in numbers if it >= 1000}):
        faults.append("ledger")
    return faults


def live(settings: Settings, step: int | None) -> int:
    """A child that rotates, killed after this number of steps (None: never); what it ended with."""
    if not (child := os.fork()):
        try:
            if step is not None:
                _kill_after(step)
            rotate_key.rotate_encryption_keys(settings, lambda _: None, lambda _: None, GRACE)
            os._exit(0)
        except CommandError as fault:
            if "already running here" in str(fault):
                os._exit(75)
            traceback.print_exc()
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(70)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _kill_after(step: int) -> None:
    left = [step]

    def wrapped(of: Any, name: str) -> None:
        original = getattr(of, name)

        def then_die(*given: Any) -> Any:
            result = original(*given)
            left[0] -= result != []  # an empty portion is no step
            if left[0] < 0:
                os._exit(KILLED)
            return result

        setattr(of, name, then_die)

    wrapped(rotate_key, "replace_durably")
    wrapped(channels, "reencrypt_channels")
    wrapped(ReEncryption, "_portion")
    wrapped(ReEncryption, "_file")


def drill(url: str, data: Path, backups: Path) -> dict[str, object]:
    settings = Settings.model_validate({"data": data, "database_url": url, "publish_samples": False})
    store = Store(url)
    is_sqlite = store.dialect == "sqlite"
    seed(store, data)
    before = backup.back_up(settings, None, backups) if is_sqlite else None
    record = backups / "written"
    store.dispose()
    if not (writer := os.fork()):
        try:
            write_on(url, data, record)
        finally:
            os._exit(70)
    faults, kills = [], 0
    try:
        for step in range(STEPS):
            code = live(settings, step)
            faults += lost(store, data, _numbers(record))
            assert code == KILLED, code
            kills += 1
            while (code := live(settings, None)) == 75:
                time.sleep(0.1)
            assert code == 0, code
            faults += lost(store, data, _numbers(record))
    finally:
        is_alive = os.waitpid(writer, os.WNOHANG) == (0, 0)
        if is_alive:
            os.kill(writer, 9)
            os.waitpid(writer, 0)
    faults += lost(store, data, _numbers(record))
    if before:
        faults += _restored(settings, before, backups / "again")
    return {"kills": kills, "written": len(_numbers(record)) - SEEDS + 1, "alive": is_alive, "lost": faults}


def _numbers(record: Path) -> list[int]:
    written = record.read_text().splitlines() if record.exists() else []
    return [*range(1, SEEDS), *map(int, written)]


def _restored(settings: Settings, before: Path, again: Path) -> list[str]:
    """What is lost of a backup that was made before all this; who was erased since must not be there."""
    ErasureLog(settings.data, load_keys(settings.data / "secret.key")).note([ErasedRecord("person", str(SEEDS - 1))])
    restored = Settings.model_validate({"data": again, "publish_samples": False})
    backup.restore_backup(restored, before, lambda _: None, [settings.data])
    store = Store(restored.database())
    faults = lost(store, again, list(range(1, SEEDS - 1)), others=False)
    with store.reading() as connection:
        if existing_contacts(connection, [SEEDS - 1]):
            faults.append("somebody who was erased is back")
    store.dispose()
    return faults


if __name__ == "__main__":
    print(json.dumps(drill(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
