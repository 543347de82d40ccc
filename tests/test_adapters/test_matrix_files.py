"""What the Matrix channel keeps on disk is encrypted: who copies the folder alone can neither sign in nor sign."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.base import CipherError
from adapters.matrix.files import SecretFolder
from bot.common.keys import Keys
from tests.support.app import CIPHER

LOGIN = {"user_id": "@bot:city.test", "access_token": "syt_geheim"}


@pytest.fixture
def folder(tmp_path: Path) -> SecretFolder:
    made = SecretFolder(tmp_path / "store", CIPHER)
    made.prepare()
    return made


def test_what_is_written_is_read_again_and_lies_there_sealed(folder: SecretFolder):
    folder.write("login.json", LOGIN)
    assert folder.read("login.json") == LOGIN
    file = folder.path / "login.json"
    assert [path.name for path in folder.path.iterdir()] == [file.name]
    assert "geheim" not in file.read_text()
    assert "city.test" not in file.read_text()
    assert file.stat().st_mode & 0o077 == folder.path.stat().st_mode & 0o077 == 0


def test_what_lies_there_unsealed_counts_and_is_sealed_once(folder: SecretFolder):
    file = folder.path / "login.json"
    file.write_text(json.dumps(LOGIN))
    assert folder.read("login.json") == LOGIN, "doctor looks before the next start"
    folder.prepare()
    sealed = file.read_text()
    assert "geheim" not in sealed
    assert folder.read("login.json") == LOGIN
    folder.prepare()
    assert file.read_text() == sealed


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_file_that_is_none_is_as_if_it_were_not_there(folder: SecretFolder, content: str):
    (folder.path / "login.json").write_text(content)
    folder.prepare()
    assert folder.read("login.json") is None
    assert folder.read("nothing.json") is None


def test_decryption_errors_name_the_file(folder: SecretFolder):
    folder.write("login.json", LOGIN)
    file = folder.path / "login.json"
    for cipher in (Keys(b"x" * 32).cipher("tests"), Keys(bytes(32)).cipher("other")):
        with pytest.raises(
            CipherError, match=r"login\.json: this was encrypted with another secret key; restore the right"
        ):
            SecretFolder(folder.path, cipher).read("login.json")
    for damaged in ("", "AAAA", "no base64!", 7, None):
        file.write_text(json.dumps({"sealed": damaged}))
        with pytest.raises(CipherError, match=r"login\.json: .*from your backup$"):
            folder.read("login.json")
