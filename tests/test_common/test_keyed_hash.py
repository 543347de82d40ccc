"""The keyed hash of names is HMAC-SHA256, so that names of earlier versions are found again."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.common.keyed_hash import KeyedHash
from tests.support.app import KEYS


@given(st.binary(max_size=64), st.binary(max_size=200))
def test_it_is_hmac_for_every_key_and_message(key: bytes, message: bytes):
    assert KeyedHash(key).hexdigest(message) == hmac.digest(key, message, "sha256").hex()


def test_it_can_be_used_again():
    keyed = KeyedHash(b"key")
    assert keyed.hexdigest(b"one") != keyed.hexdigest(b"two")
    assert keyed.hexdigest(b"one") == keyed.hexdigest(b"one")


def test_a_longer_key_is_refused():
    with pytest.raises(ValueError, match="64 bytes"):
        KeyedHash(bytes(65))


def test_names_of_messages_are_those_of_earlier_versions():
    assert KEYS.message_names("telegram", "17/3") == (
        "67120174c67be4deaf02382f59b97621",
        "606599329ca1f4bde76a330d4a529f26",
    )
