"""Updates as Telegram writes them, and what they say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.telegram.updates import UpdateReader, where_to
from flows.messages import Location, MsgIn

PAYLOADS = sorted((Path(__file__).parents[1] / "payloads" / "telegram").glob("*.json"))
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def reader(secret: str = "4711:secret") -> UpdateReader:
    made = UpdateReader("town", secret, lambda: NOW)
    made.username = "MitspracheTestBot"
    return made


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_recorded_updates(path):
    recorded = json.loads(path.read_text(encoding="utf-8"))
    read = reader().read(recorded["update"])
    expected = recorded["message"]
    if expected is None:
        assert read is None
        return
    assert read is not None
    sent_at = datetime.fromisoformat(expected.pop("sent_at"))
    place = Location(*expected.pop("place")) if "place" in expected else None
    edits = read.edits if expected.pop("edits", "") else ""
    assert read == MsgIn("town", external_id=read.external_id, sent_at=sent_at, location=place, edits=edits, **expected)
    assert bool(read.edits) == path.stem.startswith("edited")


def update(number: int, **message: object) -> dict[str, object]:
    chat = {"id": 5001, "type": "private"}
    given = {"message_id": 42, "chat": chat, "from": {"id": 5001}, "date": 1764000000, "text": "Ja"} | message
    return {"update_id": number, "edited_message" if "edit_date" in message else "message": given}


def ids(*updates: dict[str, object]) -> list[str]:
    found = [reader().read(one) for one in updates]
    return [one.external_id for one in found if one]


def test_a_repeat_has_the_same_id_whatever_its_number():
    first, repeat, renumbered, other = ids(update(1), update(1), update(900), update(1, message_id=43))
    assert first == repeat == renumbered
    assert other != first


def test_update_id_reused_after_a_week_is_a_new_message():
    before, after = ids(update(700, message_id=42), update(700, message_id=99, date=1765000000))
    assert before != after


def test_pictures_sent_together_are_one_message():
    pictures = [
        update(number, message_id=number, media_group_id="7", photo=[{"file_id": str(number)}]) for number in (1, 2)
    ]
    first, second = ids(*pictures)
    assert first == second
    (other,) = ids(update(3, message_id=3, media_group_id="8", photo=[{"file_id": "3"}]))
    assert other != first


GROUP = {"id": -1001, "type": "supergroup", "title": "Kiezrunde"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "username": "GroupAnonymousBot"}
COMMAND = {"chat": GROUP, "text": "/start@MitspracheTestBot"}


@pytest.mark.parametrize(
    ("more", "address"),
    [
        (COMMAND, "-1001"),
        (COMMAND | {"from": ANONYMOUS, "sender_chat": GROUP}, "-1001"),
        (COMMAND | {"from": ANONYMOUS}, ""),
        (COMMAND | {"from": {"id": 777000}, "sender_chat": {"id": -1002}, "is_automatic_forward": True}, ""),
        (COMMAND | {"is_topic_message": True, "message_thread_id": 17}, "-1001/17"),
        (COMMAND | {"message_thread_id": 17}, "-1001"),  # a thread of replies, not a topic
    ],
    ids=["member", "administrator without a name", "another bot", "post of a linked channel", "topic", "thread"],
)
def test_who_writes_in_a_group(more, address):
    read = reader().read(update(1, **more))
    assert (read.address if read else "") == address


def test_a_reply_goes_to_the_topic():
    assert where_to("-1001/17") == {"chat_id": "-1001", "message_thread_id": 17}
    assert where_to("5001") == {"chat_id": "5001"}


@pytest.mark.parametrize(("size", "handle"), [(20 * 1024 * 1024, "f"), (20 * 1024 * 1024 + 1, "")])
def test_what_the_bot_api_hands_out_has_a_handle(size, handle):
    read = reader().read(update(1, text="", voice={"file_id": "f", "file_size": size}))
    assert read
    assert (read.media, read.media_ref) == ("voice", handle)


def test_an_edit_names_the_message_it_changes():
    original, edit, second = (
        reader().read(one) for one in (update(1), update(2, edit_date=1764000060), update(3, edit_date=1764000060))
    )
    assert original
    assert edit
    assert second
    assert edit.edits == second.edits == original.external_id
    assert len({original.external_id, edit.external_id, second.external_id}) == 3


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("/help@MitspracheTestBot", "/help"),
        ("/start@mitsprachetestbot park", "/start park"),
        ("/split@MitspracheTestBot\nA\nB", "/split\nA\nB"),
        ("/help@AnotherBot", None),
        ("/max@example.org schreibt mir immer", "/max@example.org schreibt mir immer"),
        ("/Spielplatz\nmax@example.org", "/Spielplatz\nmax@example.org"),
    ],
)
def test_only_commands_to_another_bot_are_left_to_it(text, read_as):
    read = reader().read(update(1, text=text))
    assert (read and read.text) == read_as


def test_ids_tell_nobody_who_wrote():
    """They are stored in both halves of the data: only who has the token could find the chat behind one."""
    (here,) = ids(update(1))
    there = reader("4711:another").read(update(1))
    assert there
    assert "5001" not in here
    assert here != there.external_id
    assert len(here) == 32


@pytest.mark.parametrize(
    "poison",
    [
        {"message": {"message_id": 1}},
        {"message": "text"},
        {"message": {"chat": {"id": "x", "type": "private"}, "message_id": 1, "date": 1, "text": "a"}},
        {"message": {"chat": {"id": 1, "type": "private"}, "message_id": 1, "date": 10**30, "text": "a"}},
        {
            "message": {
                "chat": {"id": 1, "type": "private"},
                "message_id": 1,
                "date": 1,
                "location": {"latitude": "north"},
            }
        },
        {"callback_query": {"id": "1", "data": "a", "message": {"chat": {"type": "private"}}}},
        {"my_chat_member": {"chat": {}}},
    ],
)
def test_malformed_updates_raise_the_expected_errors(poison):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError, OverflowError)):
        reader().read({"update_id": 1, **poison})
