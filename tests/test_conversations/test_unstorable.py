"""What no database, index or encoder can hold, in every field of a message: others go on, and nothing is lost."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from bot.conversations.incoming import LONGEST_ADDRESS, LONGEST_ID, sanitise_message
from flows.messages import Location, MsgIn
from storage.core.store import Store
from tests.support.app import consultation, publish, rows, running
from tests.test_cli.test_replay import TIME, feed

ODD = {"half": "a\ud83d", "other half": "\ude00a", "nul": "a\x00", "long": "x" * 100_000}
FIELDS = ("external_id", "edits", "choice", "language_hint", "entry_code", "media", "media_ref", "text")
NOW = datetime.now(UTC)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("field", FIELDS)
async def test_each_field_of_a_message(store: Store, field: str, odd: str):
    publish(store, consultation())
    async with running(store) as (app, channel):
        batch = []
        for name in ("anna", "odd", "bert"):
            batch += [channel.msg(name, text) for text in ("/start park", "Deutsch")]
            if name == "odd":
                batch.append(channel.msg(name, **({"text": "nein"} | {field: odd})))
            batch.append(channel.msg(name, "ja"))
        await app.conversations.receive(batch)
        await app.outbox.drained()
        assert app.conversations.counts.batches == 1  # no batch was taken apart because of it
        assert app.conversations.counts.failures == 0
        assert ["Was fehlt?" in channel.last(name).text for name in ("anna", "bert")] == [True, True]
        assert channel.texts("odd")


async def test_an_address_that_is_none_is_passed_over(store: Store):
    publish(store, consultation())
    async with running(store) as (app, channel):
        odd = [channel.msg(address, "/start park") for address in ("\ud83d", "a\x00", "x" * (LONGEST_ADDRESS + 1))]
        await app.conversations.receive([*odd, channel.msg("anna", "/start park")])
        await app.conversations.receive(odd)
        await app.outbox.drained()
        assert app.conversations.counts.failures == 6
        assert {message.address for message in channel.sent} == {"anna"}


def test_replaced_ids_are_stable_for_repeats_and_edits():
    names = ["a", "a\x00", "a\ud83d", "a\ud83e", "a" * (LONGEST_ID + 1), "a" * (LONGEST_ID + 2), "ä", "a b"]
    safe = [sanitise_message(MsgIn("c", "anna", name, NOW, edits=name), NOW) for name in names]
    assert len({msg.external_id for msg in safe if msg}) == len(names)
    assert all(msg and msg.external_id == msg.edits for msg in safe)
    assert [msg.external_id for msg in safe if msg][-2:] == ["ä", "a b"]


@pytest.mark.parametrize("place", [(math.nan, 13.4), (52.5, math.inf), (91, 0), (0, -181), (1e300, 0)])
def test_a_place_that_is_nowhere_is_something_else(place: tuple[float, float]):
    safe = sanitise_message(MsgIn("c", "anna", "1", NOW, location=Location(*place)), NOW)
    assert safe
    assert (safe.location, safe.media) == (None, "other")


def test_what_is_fit_stays_as_it_is():
    msg = MsgIn("c", "@änna:x", "$é", NOW, text="Grün", location=Location(52.5, 13.4), media_ref='{"url": "mxc://x"}')
    assert sanitise_message(msg, NOW) == msg
    assert sanitise_message(msg, NOW - timedelta(1)) == msg._replace(sent_at=NOW - timedelta(1))


async def test_a_recording_mixed_with_lines_that_nobody_can_read(store: Store, tmp_path):
    publish(store, consultation())
    path = tmp_path / "r.jsonl"
    line = {"channel": "town", "address": "a", "sent_at": TIME}
    bad = (
        b'{"text": "\xe4"}',
        b"[" * 100_000,
        b'{"text": "\\ud83d", "channel": "town", "address": "b", "external_id": "1", "sent_at": "%s"}' % TIME.encode(),
        b"[1]",
        b"{}",
        b'{"text": "' + b"x" * 2_000_000 + b'"}',
        json.dumps(line | {"external_id": "1", "text": {}}).encode(),
        json.dumps(line | {"external_id": "2", "text": "", "place": {"latitude": 10**400, "longitude": 1}}).encode(),
    )
    said = [
        json.dumps(line | {"external_id": str(number), "text": text}).encode()
        for number, text in enumerate(("/start park", "Deutsch", "ja", "Mehr B\x00änke"))
    ]
    path.write_bytes(b"\n".join([*(one + b"\n" + other for one, other in zip(said, bad, strict=False)), *bad[4:]]))
    report = await feed(store, path)
    assert (report.messages, report.bad_lines, report.errors) == (4, len(bad), 0)
    assert rows(store, "SELECT value FROM answers ORDER BY question_key") == [('"yes"',), ('"Mehr Bänke"',)]
