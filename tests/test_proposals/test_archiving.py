"""The command that puts a consultation away."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import open_house
from bot.errors import HouseError
from bot.proposals import archiving
from bot.proposals.answering import Outcome, set_status
from bot.settings import Settings
from storage import consultations
from tests.test_proposals.ideas import chair, open_consultation, released, submit


def test_it_says_who_waits_and_archives_only_when_nobody_does(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, samples=False)
    store, _ = open_house(settings)
    park = open_consultation(store)
    with store.begin() as connection:
        ideas = [released(connection, park, 1), submit(connection, park, 2)]
    said: list[str] = []
    assert not archiving.archive(settings, "park", said.append)
    assert said == [
        f"{ideas[0].code}  received",
        f"{ideas[1].code}  nobody has read it yet",
        "park: 2 people still wait for an answer.",
    ]
    with store.begin() as connection:
        for idea in ideas:
            set_status(chair(connection), idea.id, Outcome("rejected", {"de": "Kein Platz."}))
    assert archiving.archive(settings, "park", said.append)
    with store.reading() as connection:
        latest = consultations.latest(connection, "park")
    assert latest
    assert latest.state == "archived"
    store.dispose()
    with pytest.raises(HouseError, match="no consultation is called 'nowhere'"):
        archiving.archive(settings, "nowhere", said.append)
