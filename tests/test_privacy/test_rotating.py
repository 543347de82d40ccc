"""The secret key is replaced and what is encrypted is encrypted again; nothing is lost, whenever it is killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic_core import from_json, to_json
from sqlalchemy import LargeBinary, text

from adapters.base import CipherError
from bot.app import open_store
from bot.cli.maintenance import backup, doctor, rotate_key
from bot.cli.serving import single_instance
from bot.common import subkeys
from bot.common.errors import CommandError
from bot.common.keys import FILE, RING, Keys, SecretError, load_keys, load_matching_keys
from bot.common.subkeys import ENCRYPTION_PURPOSES, FIXED_PURPOSES, ForeignKeyring
from bot.delivery import channels
from bot.privacy.re_encryption import ReEncryption
from bot.settings import Settings
from storage.core.base import Base
from storage.core.store import Store
from storage.tables import contacts, encrypted_columns
from storage.tables.audit import audit_entry_by_id
from storage.tables.contacts import NewAddress, NewContact, encrypted_addresses, insert_contacts
from tests.support.app import KEYS, consultation, publish, running, say
from tests.support.databases import Database

SECRET = bytes(32)
LOOKUP = KEYS.lookup("test", "ada")
HASHES = {
    "begin_counts.network",
    "addresses.lookup", "api_keys.key_hash", "audit.mac", "audit.previous", "dead_letters.lookup",
    "link_codes.code_hash", "outbox.lookup", "sessions.waiting_key", "staff.code_hash", "staff_chats.lookup",
    "logos.content", "logos.digest",
    "console_sessions.token_hash", "invitations.token_hash", "staff_credentials.handle", "staff_credentials.secret",
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    """An app of the program before, where ada is known."""
    settings = Settings(data=tmp_path / "data", publish_samples=False, port=0)
    settings.data.mkdir(mode=0o700)
    key = settings.data / FILE
    key.touch(0o600)
    key.write_text(SECRET.hex() + "\n", encoding="ascii")
    store, keys = open_store(settings.begun_afresh())
    now = datetime.now(UTC)
    with store.begin() as connection:
        insert_contacts(connection, [NewContact(1, None, now)])
        contacts.insert_addresses(connection, [NewAddress(LOOKUP, 1, "test", keys.encrypt("ada", LOOKUP), now)])
    store.dispose()
    return settings


def rotate(settings: Settings, *, is_sealed: bool = False) -> list[str]:
    said: list[str] = []
    if is_sealed:
        rotate_key.rotate_encryption_keys(settings, said.append, said.append, grace=0)
    else:
        rotate_key.rotate_secret(settings, said.append, said.append)
    return said


def stored(settings: Settings) -> bytes:
    store = Store(settings.database())
    with store.reading() as connection:
        found = encrypted_addresses(connection, [LOOKUP])[LOOKUP]
    store.dispose()
    return found


def fixed(keys: Keys) -> tuple[object, ...]:
    """What must never change."""
    cipher = keys.erasure_log_cipher()
    opened = cipher.decrypt(KEYS.erasure_log_cipher().encrypt("gone"))
    hashes = keys.lookup("test", "x"), keys.pseudonym(1, 2), keys.waiting(3), keys.audit_mac(b"row")
    return (*hashes, keys.web, keys.staff, keys.linking, opened)


# --- the ring ---------------------------------------------------------------------------------------------------------


def test_the_first_subkeys_are_those_that_always_were():
    ring = subkeys.derive_ring(SECRET)
    assert {key.purpose for key in ring.keys} == {*FIXED_PURPOSES, *ENCRYPTION_PURPOSES}
    assert ring.of("lookup") == (subkeys.derive(SECRET, b"lookup"),)
    assert ring.of("erased") == (subkeys.derive(subkeys.derive(SECRET, b"vaults"), b"erased"),)


def test_key_ring_opens_only_with_its_secrets():
    ring = subkeys.derive_ring(SECRET).renewed("2026-11-30")
    content = subkeys.wrap(ring, SECRET, b"1" * 32)
    assert subkeys.unwrap(content, SECRET) == subkeys.unwrap(content, b"1" * 32) == ring
    assert not any(key.value in content for key in ring.keys)
    with pytest.raises(ForeignKeyring):
        subkeys.unwrap(content, b"2" * 32)


@pytest.mark.parametrize("change", [{"purpose": "staff"}, {"version": 2}, {"value": "AAAA"}, {"value": 1}])
def test_an_entry_passed_off_as_another_one_is_refused(change: dict[str, object]):
    content = from_json(subkeys.wrap(subkeys.derive_ring(SECRET), SECRET))
    (entries,) = content["wrapped"].values()
    entries[0] |= change
    with pytest.raises(ForeignKeyring):
        subkeys.unwrap(to_json(content), SECRET)


def test_new_keys_are_new_and_only_for_what_is_sealed():
    ring = subkeys.derive_ring(SECRET)
    renewed = ring.renewed("2026-11-30")
    assert all(renewed.of(it) == ring.of(it) for it in FIXED_PURPOSES)
    assert all(renewed.of(it)[1:] == ring.of(it) and renewed.of(it)[0] != ring.of(it)[0] for it in ENCRYPTION_PURPOSES)
    assert all(renewed.settled().of(it) == renewed.of(it)[:1] for it in (*FIXED_PURPOSES, *ENCRYPTION_PURPOSES))
    assert renewed.is_reencrypting()
    assert not renewed.settled().is_reencrypting()


# --- rotating ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_sealed", [False, True])
def test_rotation_keeps_all_keys_except_the_encryption_key(house: Settings, is_sealed: bool):
    before, known = stored(house), load_keys(house.data / FILE)
    rotate(house, is_sealed=is_sealed)
    rotate(house, is_sealed=is_sealed)
    keys = load_matching_keys(house.data / FILE, stored(house), LOOKUP)
    assert fixed(keys) == fixed(KEYS)
    assert keys.decrypt(stored(house), LOOKUP) == "ada"
    assert (stored(house) == before) is not is_sealed
    assert SECRET.hex() not in (house.data / FILE).read_text()
    if is_sealed:
        with pytest.raises(SecretError):
            keys.decrypt(before, LOOKUP)
    assert known.decrypt(stored(house), LOOKUP) == "ada", "a program that runs meanwhile reads the ring again"
    assert keys.decrypt(known.encrypt("new", LOOKUP), LOOKUP) == "new", "and seals with the newest key"
    assert [path.stat().st_mode & 0o077 for path in (house.data / FILE, house.data / RING)] == [0, 0]


def test_it_is_recorded_without_a_key(house: Settings):
    rotate(house)
    rotate(house, is_sealed=True)
    store, keys = open_store(house)
    with store.reading() as connection:
        entries = [audit_entry_by_id(connection, number) for number in (1, 2)]
    store.dispose()
    assert [(it.act, it.purpose) for it in entries if it] == [
        ("key.rotate", "secret"),
        ("key.rotate", "secret and sealing keys"),
    ]
    assert [finding.words for finding in doctor.all_findings(house) if not finding.is_well] == []
    assert keys.decrypt(stored(house), LOOKUP) == "ada"


def test_foreign_or_missing_key_ring_is_refused(house: Settings):
    rotate(house)
    ring = house.data / RING
    kept = ring.read_bytes()
    ring.unlink()
    with pytest.raises(SecretError, match=r"keys\.json is missing, but .*secret\.key needs it; restore it"):
        open_store(house)
    ring.write_bytes(kept)
    (house.data / FILE).write_text("11" * 32, encoding="ascii")
    with pytest.raises(SecretError, match=r"keys\.json is damaged or does not belong to .*secret\.key; restore both"):
        open_store(house)


def test_reencryption_needs_a_stopped_service(house: Settings):
    with (
        single_instance(house.data, lambda _: None),
        pytest.raises(CommandError, match="Mitsprache is already running here"),
    ):
        rotate(house, is_sealed=True)
    assert not (house.data / RING).exists()


def test_where_there_is_no_house_none_is_made(tmp_path: Path):
    for is_sealed in (False, True):
        with pytest.raises(
            CommandError, match=r"secret\.key: does not exist, so there is nothing to rotate; check --data"
        ):
            rotate(Settings(data=tmp_path / "typo"), is_sealed=is_sealed)
    assert list(tmp_path.iterdir()) == []


def test_doctor_tells_of_a_rotation_that_was_not_finished(house: Settings, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as killed:
        killed.setattr(ReEncryption, "run", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rotate(house, is_sealed=True)
    found = [finding.words for finding in doctor.all_findings(house) if not finding.is_well]
    assert len(found) == 1
    assert "the keys before are still in use: finish with `" in found[0]
    secret = (house.data / FILE).read_bytes()
    assert rotate(house, is_sealed=True)[0].startswith("Continuing the interrupted rotation")
    assert (house.data / FILE).read_bytes() == secret


def test_backup_has_its_own_keys_and_restore_overwrites_none(house: Settings, tmp_path: Path):
    copies = [backup.back_up(house, None, tmp_path / "first")]
    for number, is_sealed in enumerate((False, True, True)):
        rotate(house, is_sealed=is_sealed)
        copies.append(backup.back_up(house, None, tmp_path / f"backup {number}"))
    shutil.rmtree(house.data)
    for number, copy in enumerate(copies):
        again = Settings(data=tmp_path / f"again {number}", publish_samples=False)
        backup.restore_backup(again, copy, lambda _: None)
        assert load_keys(again.data / FILE).decrypt(stored(again), LOOKUP) == "ada"
        assert (again.data / RING).exists() == (number > 0)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / RING).write_text("{}")
    with pytest.raises(CommandError, match=r"keys\.json: exists already"):
        backup.restore_backup(Settings(data=tmp_path / "other"), copies[0], lambda _: None)


def test_what_opens_with_no_key_is_left_and_told(house: Settings):
    store, _ = open_store(house)
    with store.begin() as connection:
        lookup = b"\xff" * 32  # behind that by which the start tries the key
        other = Keys(b"x" * 32).encrypt("eve", lookup)
        contacts.insert_addresses(connection, [NewAddress(lookup, 1, "test", other, datetime.now(UTC))])
    store.dispose()
    assert any(line.startswith("1 values cannot be decrypted with any key") for line in rotate(house, is_sealed=True))


def test_reencryption_finds_rows_stored_during_the_first_pass(house: Settings, monkeypatch: pytest.MonkeyPatch):
    late = KEYS.encrypt("late", LOOKUP)
    walk, walks = ReEncryption.run, []

    def run(self: ReEncryption) -> None:
        walk(self)
        walks.append(self.changed)
        if len(walks) == 1:
            store = Store(house.database())
            with store.begin() as connection:
                connection.execute(text("UPDATE addresses SET sealed = :late"), {"late": late})
            store.dispose()

    monkeypatch.setattr(ReEncryption, "run", run)
    rotate(house, is_sealed=True)
    assert walks == [1, 1]
    assert load_keys(house.data / FILE).decrypt(stored(house), LOOKUP) == "late"


def test_a_channel_that_cannot_be_opened_keeps_the_keys_before(house: Settings, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "login.json")

    with monkeypatch.context() as full:
        full.setattr(channels, "reencrypt_channels", fail)
        with pytest.raises(CommandError, match="No space left on device"):
            rotate(house, is_sealed=True)
    assert subkeys.unwrap((house.data / RING).read_bytes(), _secret(house)).is_reencrypting()
    rotate(house, is_sealed=True)
    assert not subkeys.unwrap((house.data / RING).read_bytes(), _secret(house)).is_reencrypting()


def _secret(settings: Settings) -> bytes:
    return bytes.fromhex((settings.data / FILE).read_text(encoding="ascii").splitlines()[0])


def test_every_column_of_bytes_is_sealed_anew_or_a_hash():
    found = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    places = {
        f"{place.sealed.table.name}.{place.sealed.name}" for place in encrypted_columns.ENCRYPTED_COLUMNS.values()
    }
    assert found == places | HASHES


def test_vaults_of_another_purpose_stay_apart_after_a_rotation(house: Settings):
    rotate(house, is_sealed=True)
    keys = load_keys(house.data / FILE)
    with pytest.raises(CipherError, match="another secret key"):
        keys.cipher("channel telegram").decrypt(keys.cipher("channel matrix").encrypt("x"))


# --- the drill --------------------------------------------------------------------------------------------------------


@pytest.mark.long(35)
def test_nothing_is_lost_under_load_and_killed_at_each_step(database: Database, tmp_path: Path):
    data, backups = tmp_path / "data", tmp_path / "backups"
    data.mkdir(mode=0o700)
    backups.mkdir()
    (data / FILE).write_text(SECRET.hex() + "\n", encoding="ascii")
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.key_rotation", database.url, str(data), str(backups)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["lost"] == []
    assert told["alive"], "who writes meanwhile is not stopped by it"
    assert told["kills"] == 13
    assert told["written"] >= 20


# --- what is in memory ------------------------------------------------------------------------------------------------


async def test_the_addresses_in_memory_are_forgotten_with_an_erasure(store: Store):
    publish(store, consultation())
    async with running(store) as (app, channel):
        app.keys.lookup("test", "somebody else"), app.keys.waiting(1)
        await say(app, channel.msg("ada", "park"), channel.msg("ada", "/delete"))
        assert app.keys.lookup.cache_info().currsize > 0
        await say(app, channel.msg("ada", "alles löschen"))
        assert app.keys.lookup.cache_info().currsize == app.keys.waiting.cache_info().currsize == 0
