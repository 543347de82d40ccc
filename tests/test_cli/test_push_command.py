"""`push` on the command line: counts, refuses, plans, and changes what runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.console import ConsoleChannel
from bot.cli import push
from bot.cli.context import open_with_samples
from bot.cli.push import PushOptions
from bot.common.errors import CommandError
from bot.settings import PushSettings, Settings
from storage.tables import contacts
from storage.tables.audit import audit_entries
from storage.tables.broadcasts import count_recipients, newest_broadcasts
from storage.tables.contacts import NewAddress, NewContact, insert_contacts
from storage.tables.opt_ins import NewOptIn, upsert_opt_ins
from tests.support.app import consultation, publish

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    settings = Settings(
        data=tmp_path, publish_samples=False, push=PushSettings(quiet_from=0, quiet_to=0, confirm_above=2)
    )
    town = ConsoleChannel(lambda _: None)
    monkeypatch.setattr(push, "open_channels", lambda _: {"town": town})
    store, keys, _ = open_with_samples(settings)
    publish(store, consultation())
    with store.begin() as connection:
        for number in (1, 2, 3):
            lookup = keys.lookup("town", str(number))
            insert_contacts(connection, [NewContact(number, "en", NOW)])
            contacts.insert_addresses(connection, [NewAddress(lookup, number, "town", keys.encrypt("x", lookup), NOW)])
            upsert_opt_ins(connection, [NewOptIn(number, "all", "", "en", "0" * 64, NOW)])
    store.dispose()
    return settings


def run(settings: Settings, **order: object) -> list[str]:
    said: list[str] = []
    push.run_push(settings, PushOptions("park", **order), said.append, lambda _: None)  # type: ignore[arg-type]  # as typed
    return said


def states(settings: Settings) -> list[tuple[str, int]]:
    store, _, _ = open_with_samples(settings)
    with store.reading() as connection:
        found: list[tuple[str, int]] = [
            (one.state, sum(cell.number for cell in count_recipients(connection, one.id)))
            for one in newest_broadcasts(connection)
        ]
    store.dispose()
    return found


def test_a_dry_run_counts_exactly_and_changes_nothing(settings):
    assert run(settings, dry_run=True) == ["Recipients: 3", "town, English: 3", "It begins at once."]
    assert states(settings) == []


def test_plans_and_says_where_it_stands(settings):
    assert run(settings, yes=True)[-1].startswith("Planned. The running service sends it;")
    assert states(settings) == [("sending", 3)]
    assert run(settings, action="status") == ["park, everybody: running", "waiting: 3"]
    run(settings, action="pause")
    assert states(settings) == [("paused", 3)]
    with pytest.raises(CommandError, match="--pause is not possible: the push of park is paused"):
        run(settings, action="pause")
    run(settings, action="recall")
    assert states(settings) == [("recalled", 3)]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({}, "the audience is large, 3; nothing was planned. If you are sure, add --yes"),
        ({"segment": "language=tr"}, "no subscriber matches"),
        ({"segment": "Sprache=tr und nicht begonnen=park"}, "no subscriber matches"),
        ({"segment": "everybody young"}, "from “young” on. Possible is: everybody, topic="),
        ({"segment": "language=xx"}, "from “language=xx” on. Possible is: ar, de, "),
        ({"at": "2020-01-01 10:00"}, "This time is past"),
        ({"at": "tomorrow"}, "tomorrow is no time. For example"),
        ({"action": "status"}, "park was never pushed"),
    ],
)
def test_what_is_refused_is_said_and_leaves_nothing(settings, order, reason):
    with pytest.raises(CommandError, match=reason):
        run(settings, **order)
    assert states(settings) == []


def test_a_push_that_needs_a_second_person_is_not_planned(settings):
    limited = settings.model_copy(update={"push": settings.push.model_copy(update={"second_above": 2})})
    said = run(limited, yes=True)
    assert "once a second person has agreed" in said[-1]
    assert said[-1].endswith("/console/consultations/park/push")
    assert states(settings) == []
    just = settings.model_copy(update={"push": settings.push.model_copy(update={"second_above": 3})})
    run(just, yes=True)
    assert states(settings) == [("sending", 3)]


def test_the_same_again_while_it_runs_is_refused(settings):
    run(settings, yes=True)
    with pytest.raises(CommandError, match="park is on its way already"):
        run(settings, yes=True)
    assert states(settings) == [("sending", 3)]


def test_it_is_recorded(settings):
    run(settings, yes=True)
    run(settings, action="status")
    for verb in ("pause", "resume", "recall"):
        run(settings, action=verb)
    store, _, _ = open_with_samples(settings)
    with store.reading() as connection:
        found = [(row.act, row.object, row.purpose) for row in audit_entries(connection)]
    store.dispose()
    assert found == [
        ("push.start", "park", "everybody, 3 people"),
        ("push.pause", "park", ""),
        ("push.resume", "park", ""),
        ("push.recall", "park", ""),
    ]
