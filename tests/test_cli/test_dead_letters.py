"""Messages that could not be handled are looked at by people, as their authors were told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import open_store
from bot.cli import dead_letters
from bot.cli.maintenance import doctor
from bot.common.dead_letters import new_dead_letter
from bot.settings import Settings
from flows.messages import MsgIn
from storage.tables import messages
from storage.tables.audit import audit_entries

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    """An app with one dead letter."""
    settings = Settings(data=tmp_path, publish_samples=False, port=0)
    store, keys = open_store(settings)
    msg = MsgIn("town", "anna", "1", NOW, text="Mehr\nBänke\x1b[2J")
    with store.begin() as connection:
        row = new_dead_letter(keys, keys.lookup("town", "anna"), msg, ZeroDivisionError(), NOW)
        messages.insert_dead_letters(connection, [row])
    store.dispose()
    return settings


def waiting(settings: Settings) -> list[str]:
    return [
        words for is_well, words in doctor.all_findings(settings) if not is_well and "could not be handled" in words
    ]


def test_dead_letters_are_shown_decrypted_and_then_deleted(house: Settings):
    said: list[str] = []
    dead_letters.print_dead_letters(house, said.append, done=False)
    assert said == [
        "2026-11-25 13:00  town  ZeroDivisionError at ?\n    Mehr\n    Bänke[2J",
        "To delete them after reading: python3 -m bot dead-letters --done",
    ]
    assert [words.partition(" ")[0] for words in waiting(house)] == ["1"]
    dead_letters.print_dead_letters(house, said.append, done=True)
    assert said[-1] == "Deleted: 1."
    dead_letters.print_dead_letters(house, said.append, done=True)
    assert said[-1] == "There are no dead letters."
    assert waiting(house) == []
    assert "Bänke".encode() not in (house.data / "mitsprache.db").read_bytes()


def test_reading_and_deleting_them_is_recorded(house: Settings):
    for done in (False, True, True):
        dead_letters.print_dead_letters(house, lambda _: None, done=done)
    store, _ = open_store(house)
    with store.reading() as connection:
        found = [(row.act, row.purpose) for row in audit_entries(connection)]
    store.dispose()
    assert found == [("unhandled.show", "1 shown"), ("unhandled.show", "1 shown"), ("unhandled.done", "1 deleted")]
