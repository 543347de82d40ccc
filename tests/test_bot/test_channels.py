"""Channels are found by the type their section names; a section that cannot be used is one sentence."""

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from adapters.base import BadSettings
from adapters.sections import read_section
from bot import channels
from bot.errors import HouseError
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
    with pytest.raises(HouseError, match=rf"\[channels.town\]: there is no channel type '{kind}'"):
        channels.open_channels(settings)
    [finding] = channels.findings(settings)
    assert not finding.is_well
    assert finding.words.startswith("[channels.town]: there is no channel type")


def test_a_section_becomes_typed_settings():
    section = ChannelSettings.model_validate({"type": "pigeon", "loft": "Mitte", "ring": "R1"})
    assert read_section(Pigeon, section) == Pigeon(type="pigeon", loft="Mitte", ring=SecretStr("R1"))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({}, "setting 'loft' is missing"),
        ({"loft": "x", "rign": "SECRET"}, "unknown setting 'rign'; is 'ring' meant?"),
        ({"loft": "x", "q": "SECRET"}, "unknown setting 'q'; known are loft, ring, flights"),
        ({"loft": "x", "flights": "SECRET"}, "setting 'flights' must be a valid integer"),
        ({"loft": "open", "ring": "SECRET"}, "setting 'loft': a loft needs a roof"),
    ],
)
def test_what_is_wrong_with_a_section_is_said_without_its_values(section, said):
    with pytest.raises(BadSettings) as caught:
        read_section(Pigeon, ChannelSettings.model_validate({"type": "pigeon"} | section))
    assert str(caught.value).startswith(said)
    assert "SECRET" not in str(caught.value)
