"""What a channel lets wait for long is told by `doctor`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.app import open_store
from bot.cli.maintenance import doctor
from bot.settings import Settings
from storage.tables import contacts
from storage.tables.contacts import NewAddress
from storage.tables.outbox import NewOutboxMessage, SendDelay, insert_messages, reschedule_messages
from tests.support.app import consultation, publish


def test_doctor_says_who_waits_until_when_and_why(tmp_path: Path):
    settings = Settings(data=tmp_path / "data", publish_samples=False, port=0)
    store, _ = open_store(settings)
    publish(store, consultation())
    now = datetime.now(UTC)
    with store.begin() as connection:
        people = [bytes([number]) * 32 for number in range(3)]
        contacts.insert_addresses(connection, [NewAddress(one, None, "town", b"?", now) for one in people])
        rows = [NewOutboxMessage(number, "town", people[number % 3], "{}", "reply", None, now) for number in range(5)]
        insert_messages(connection, rows)
        waits = {0: 10_072, 3: 5_000, 1: 3_600, 2: 20}
        delays = [SendDelay(number, 1, now + timedelta(seconds=wait), "too fast") for number, wait in waits.items()]
        reschedule_messages(connection, delays)
    store.dispose()
    said = [words for is_well, words in doctor.all_findings(settings) if not is_well and "wait until" in words]
    until = (now + timedelta(seconds=10_072)).astimezone(settings.zone())
    assert len(said) == 1
    assert said[0].startswith(f"[channels.town]: 3 messages to 2 chats wait until {until:%Y-%m-%d %H:%M} at the latest")
    assert "too fast" in said[0]
