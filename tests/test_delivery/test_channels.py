"""Channels are found by the type their section names; a section that cannot be used is one sentence."""

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from adapters.base import BadSettings, CipherError
from adapters.sections import read_section
from bot.common.errors import CommandError
from bot.common.keys import load_or_create_keys
from bot.delivery import channels
from bot.settings import ChannelSettings, Settings


class Pigeon(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    loft: str
    ring: SecretStr = SecretStr("")
    flights: int = 1

    @field_validator("loft")
    @classmethod
    def _has_a_roof(cls, loft: str) -> str:
        if loft == "open":
            raise ValueError("a loft needs a roof")
        return loft


@pytest.mark.parametrize("kind", ["carrierpigeon", "base", "console"])
def test_a_type_that_cannot_be_configured_is_named(kind):
    settings = Settings.model_validate({"channels": {"town": {"type": kind}}})
    with pytest.raises(CommandError, match=rf"\[channels.town\]: there is no channel type '{kind}'"):
        channels.open_channels(settings)
    [finding] = channels.channel_findings(settings)
    assert not finding.is_well
    assert finding.words.startswith("[channels.town]: there is no channel type")


def test_a_mistyped_type_is_corrected():
    settings = Settings.model_validate({"channels": {"town": {"type": "telegramm"}}})
    with pytest.raises(CommandError, match="can be configured; is 'telegram' meant"):
        channels.open_channels(settings)


def test_a_section_becomes_typed_settings():
    section = ChannelSettings.model_validate({"type": "pigeon", "loft": "Mitte", "ring": "R1"})
    assert read_section(Pigeon, section) == Pigeon(type="pigeon", loft="Mitte", ring=SecretStr("R1"))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({}, "setting 'loft' is missing"),
        ({"loft": "x", "rign": "SECRET"}, "unknown setting 'rign'; is 'ring' meant?"),
        ({"loft": "x", "q": "SECRET"}, "unknown setting 'q'; known are loft, ring, flights"),
        ({"loft": "x", "flights": "SECRET"}, "setting 'flights' must be a whole number"),
        ({"loft": "open", "ring": "SECRET"}, "setting 'loft': a loft needs a roof"),
    ],
)
def test_what_is_wrong_with_a_section_is_said_without_its_values(section, said):
    with pytest.raises(BadSettings) as caught:
        read_section(Pigeon, ChannelSettings.model_validate({"type": "pigeon"} | section))
    assert str(caught.value).startswith(said)
    assert "SECRET" not in str(caught.value)


MATRIX = {"type": "matrix", "homeserver": "https://m.example.org", "user_id": "@bot:example.org", "password": "x"}


def test_channels_open_without_a_secret_key_and_use_it_later(tmp_path):
    settings = Settings.model_validate({"data": tmp_path, "channels": {"town": MATRIX, "city": MATRIX}})
    assert set(channels.open_channels(settings)) == {"town", "city"}
    _, cipher = channels.channel_resources(settings, "town")
    with pytest.raises(CipherError, match=r"secret\.key is missing; restore it from your backup"):
        cipher.decrypt("AAAA")
    assert list(tmp_path.iterdir()) == [], "doctor changes nothing"
    keys = load_or_create_keys(tmp_path / "secret.key")
    sealed = cipher.encrypt("geheim")
    assert "geheim" not in sealed
    assert channels.channel_resources(settings, "city")[1].decrypt(sealed) == "geheim", "a channel may be renamed"
    with pytest.raises(CipherError, match="another secret key"):
        keys.cipher("channel telegram").decrypt(sealed)


def test_unreadable_secret_key_is_an_error_without_traceback(tmp_path):
    settings = Settings.model_validate({"data": tmp_path, "channels": {"town": MATRIX}})
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(CipherError, match=r"secret\.key cannot be read"):
        channels.channel_resources(settings, "town")[1].encrypt("geheim")
