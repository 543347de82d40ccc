"""What a wave takes as agreed with most is seen before it is taken, in the order of the result page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.authoring.confirmation import Unconfirmed
from bot.authoring.file_check import CheckedFile, canonical_content
from bot.authoring.publishing import PublishContext, publish_checked
from bot.cli import context, lifecycle
from bot.cli.context import command_context
from bot.common.i18n.locale import Locale
from bot.proposals import publication, waves
from bot.results import opinions
from bot.settings import Settings
from storage.core.store import Store
from storage.tables.proposals import list_released_proposals
from storage.tables.revisions import find_live_revision
from tests.support.api_client import hire, key_for, served
from tests.support.app import running, say
from tests.support.ideas import rate, released
from tests.test_proposals.test_waves import BERLIN, IDS, close, id_of, publish, seen, wave
from tests.test_staff.test_staff_chat import hired

VOTES = {"Licht": (0, 0), "Bank": (20, 10), "Brunnen": (24, 6), "Wippe": (4, 1)}
"""How many agree with each, and how many do not; every other proposal has none."""


def fill(store: Store, slug: str = "wave-1") -> None:
    """Rated proposals, and the end of the wave."""
    wave_1 = id_of(store, slug)
    with store.begin() as connection:
        for number, (text, (agree, other)) in enumerate(VOTES.items()):
            made = released(connection, wave_1, number, text=text)
            rate(connection, made.id, {100 + it: 1 if it < agree else -1 for it in range(agree + other)})
    close(store, slug)


class City:
    """An app on disk with a closed first wave, and the file of a second one."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data=folder / "data", publish_samples=False)
        self.second = folder / "wave-2.yaml"
        self.said: list[str] = []
        first = folder / "wave-1.yaml"
        first.write_text(canonical_content(wave("wave-1")), encoding="utf-8")
        self.second.write_text(canonical_content(wave("wave-2", "wave-1", "top", 3)), encoding="utf-8")
        assert context.run_publish(self.settings, first, self.said.append)
        with command_context(self.settings, self.said.append) as (store, _):
            fill(store)
        self.said.clear()

    def publish(self, ask: Callable[[str], bool] | None = None, *, takes: bool = False) -> bool:
        return context.run_publish(self.settings, self.second, self.said.append, ask=ask, takes=takes)

    def taken(self) -> list[str]:
        with command_context(self.settings, self.said.append) as (store, _), store.reading() as connection:
            second = find_live_revision(connection, "wave-2")
            return (
                sorted(it.text for it in list_released_proposals(connection, second.consultation_id)) if second else []
            )


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


def test_nothing_is_taken_unseen(city: City) -> None:
    with pytest.raises(Unconfirmed):
        city.publish()
    assert city.taken() == []
    assert "Nothing was published." in city.said
    listed = [line for line in city.said if "“" in line]
    assert [line.split("“")[1].split("”")[0] for line in listed] == ["Brunnen", "Bank", "Wippe"]
    assert "24 of 30 agree, 63 % or more allowing for chance" in listed[0]
    assert listed[2].endswith("left out to protect others"), "4 of 5: the one would know what the others said"
    assert "1 of them has fewer than 20 ratings; `count: 2` leaves it out." in city.said


def test_a_person_at_the_terminal_is_asked(city: City) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return len(asked) > 1

    with pytest.raises(Unconfirmed):
        city.publish(ask)
    assert city.taken() == []
    assert city.publish(ask)
    assert asked == ["Take these over from wave-1?"] * 2
    assert city.taken() == ["Bank", "Brunnen", "Wippe"]
    assert city.publish(), "nothing new would be taken, so nobody is asked"


def test_yes_takes_what_is_listed(city: City) -> None:
    assert city.publish(takes=True)
    assert city.taken() == ["Bank", "Brunnen", "Wippe"]
    assert any("Brunnen" in line for line in city.said)


def test_a_draft_takes_nothing_and_going_live_shows_the_list(city: City) -> None:
    assert context.run_publish(city.settings, city.second, city.said.append, stage="draft")
    assert city.taken() == []
    with pytest.raises(Unconfirmed):
        lifecycle.run_go_live(city.settings, "wave-2", city.said.append)
    assert city.taken() == []
    lifecycle.run_go_live(city.settings, "wave-2", city.said.append, ask=lambda _: True)
    assert city.taken() == ["Bank", "Brunnen", "Wippe"]


def test_the_command_lists_it_at_any_time(city: City) -> None:
    city.said.clear()
    lifecycle.print_top_proposals(city.settings, "wave-1", city.said.append, 2)
    assert [line.split("“")[1].split("”")[0] for line in city.said] == ["Brunnen", "Bank"]
    lifecycle.print_top_proposals(city.settings, "wave-1", city.said.append, 4)
    assert city.said[-1].endswith("“Licht”: fewer than 5 ratings")


def test_the_page_has_the_order_of_the_list(store: Store) -> None:
    publish(store, wave("wave-1"))
    fill(store)
    with store.reading() as connection:
        found = publication.preview_figures(connection, "wave-1")
        listed = [it.text for it in waves.rank_proposals(connection, found.subject.newest)]
    ideas = [idea.text for idea in opinions.rated_proposals(found, Locale.of("de"))]
    assert listed == ["Brunnen", "Bank", "Wippe", "Licht"]
    assert ideas[:2] == listed[:2]


async def test_the_team_sees_it_in_its_chat(store: Store) -> None:
    publish(store, wave("wave-1"))
    fill(store)
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"), channel.msg("b", "/top wave-1"))
        await say(app, channel.msg("a", "/top wave-1 2"))
        lines = channel.texts("a")[-1].splitlines()
        assert lines[0].startswith("wave-1: die ersten 2 von 4 Vorschlägen")
        assert "Brunnen“: 24 von 30 stimmen zu" in lines[1]
        assert len(lines) == 3
        await say(app, channel.msg("a", "/rangliste WAVE-1"))
        *_, third, fourth, last = channel.texts("a")[-1].splitlines()
        assert third.endswith("Wippe“: zum Schutz anderer weggelassen"), (
            "4 of 5: the one would know what the others said"
        )
        assert fourth.endswith("Licht“: weniger als 5 Personen")
        assert last == "Einige haben weniger als 20 Bewertungen: Darauf ist wenig Verlass."
        await say(app, channel.msg("a", "/top"))
        assert "wave-1" in channel.texts("a")[-1]
        assert not any("Brunnen“" in text for text in channel.texts("b")), "nobody else is told"


async def test_the_api_takes_nothing_unseen(store: Store) -> None:
    publish(store, wave("wave-1"))
    fill(store)
    second = CheckedFile(wave("wave-2", "wave-1", "top", 2), ())
    with store.begin() as connection:
        publish_checked(
            connection, second, PublishContext(IDS, datetime.now(UTC), BERLIN), "wave-2.yaml", stage="draft"
        )
    async with served(store) as api:
        client = api.client(key_for(store, hire(store, "Aylin"), ["read", "publish"]))
        refused = await client.post("/consultations/wave-2/go-live")
        assert (refused.status, refused.kind) == (409, "not_looked_at")
        assert "Brunnen" in refused.json["detail"]
        assert "`confirm`: true" in refused.json["detail"]
        assert (await client.post("/consultations/wave-2/go-live", {"confirm": True})).json["state"] == "open"
    assert sorted(seen(store, "wave-2")) == ["Bank", "Brunnen"]
