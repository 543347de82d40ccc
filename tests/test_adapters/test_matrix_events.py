"""The content of Matrix events: pure functions, and any malformed event is harmless."""

import asyncio
import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nio import SyncResponse
from peewee import OperationalError

from adapters.base import BadSettings
from adapters.matrix import channel as matrix_channel
from adapters.matrix import open_channel, reading
from adapters.matrix.account import MatrixClient
from adapters.matrix.api import NoAnswer
from adapters.matrix.events import Heard, read_event
from adapters.matrix.options import MatrixSettings
from adapters.matrix.rooms import RoomJoiner, invitation, may_invite
from adapters.matrix.sending import TEXT_UTF16, reactions, render_events
from adapters.matrix.state import (
    MOST_SEALED,
    MOST_SEALED_EACH,
    MatrixState,
    PendingRoom,
    QuestionThread,
    UndecryptedEvent,
)
from adapters.matrix.syncing import Syncer
from adapters.matrix.verifying import VerificationRequest
from adapters.splitting import utf16_length
from bot.settings import ChannelSettings
from flows.messages import Location as Spot
from flows.messages import MsgOut, QuickReply
from tests.support.app import CIPHER


def message(kind="m.text", body="Ja", **more):
    return read_event("m.room.message", {"msgtype": kind, "body": body} | more)


def relation(**more):
    return {"m.relates_to": more}


GIVEN = {
    "type": "matrix",
    "homeserver": "https://m.example.org",
    "user_id": "@bot:example.org",
    "password": "SECRET",
}
YES_NO = MsgOut("Park?", (QuickReply("c.park.yes", "Ja", 1), QuickReply("c.park.no", "Nein", 2)), expects="one")


@pytest.mark.parametrize(
    ("heard", "wanted"),
    [
        (message(), Heard("Ja")),
        (message("m.emote", "winkt"), Heard("winkt")),
        (message("m.notice"), None),
        (message("m.key.verification.request"), None),
        (message("m.image", "a.jpg", url="mxc://x/y", info={"size": 20_000_001}), Heard(media="picture")),
        (message("m.image", "a.jpg", url="mxc://x/y"), Heard(media="picture", media_ref='{"url": "mxc://x/y"}')),
        (message("m.image", "Der Platz", filename="a.jpg"), Heard("Der Platz", media="picture")),
        (message("m.audio", "x", **{"org.matrix.msc3245.voice": {}}), Heard(media="voice")),
        (message("m.audio", "x"), Heard(media="file")),
        (message("org.example.new", "x"), Heard(media="other")),
        (message("m.location", "hier", geo_uri="geo:52.5,13.4;u=9"), Heard(place=Spot(52.5, 13.4))),
        (message("m.location", "hier", geo_uri="geo:952.5,13.4"), Heard(media="other")),
        (
            read_event("m.sticker", {"body": "x", "url": "mxc://x/y"}),
            Heard(media="sticker", media_ref='{"url": "mxc://x/y"}'),
        ),
        (
            message(
                body="* Nein",
                **{"m.new_content": {"msgtype": "m.text", "body": "Nein"}},
                **relation(rel_type="m.replace", event_id="$1"),
            ),
            Heard("Nein", edits="$1"),
        ),
        (message(**relation(rel_type="m.thread", event_id="$root")), Heard("Ja", thread="$root")),
        (
            message(body="> <@b:x> Park?\n> Licht?\n\nJa", **relation(**{"m.in_reply_to": {"event_id": "$q"}})),
            Heard("Ja", replies_to="$q"),
        ),
        (message(body="> 5"), Heard("> 5")),
        (
            read_event("m.reaction", relation(rel_type="m.annotation", event_id="$q", key="3\ufe0f\u20e3")),
            Heard("3", reacts_to="$q"),
        ),
        (
            read_event("m.reaction", relation(rel_type="m.annotation", event_id="$q", key="🔟")),
            Heard("10", reacts_to="$q"),
        ),
        (read_event("m.reaction", relation(rel_type="m.annotation", event_id="$q", key="👍")), None),
        (read_event("m.reaction", relation(rel_type="m.thread", event_id="$q", key="3")), None),
        (
            read_event(
                "org.matrix.msc3381.poll.response", {"org.matrix.msc3381.poll.response": {"answers": ["c.a.b"]}}
            ),
            Heard(choice="c.a.b"),
        ),
        (read_event("m.poll.response", {"m.selections": ["c.a.b"]}), Heard(choice="c.a.b")),
        (read_event("m.poll.response", {"m.selections": []}), None),
        (read_event("m.poll.start", {"m.poll": {"question": {"m.text": [{"body": "Wohin?"}]}}}), Heard(media="other")),
        (read_event("org.matrix.msc3381.poll.start", {}), Heard(media="other")),
        (read_event("m.room.redaction", {"redacts": "$1"}), None),
        (read_event("m.call.invite", {}), None),
    ],
)
def test_what_an_event_says(heard, wanted):
    assert heard == wanted


def test_an_encrypted_attachment_keeps_what_it_takes_to_read_it():
    file = {"url": "mxc://x/y", "key": {"k": "K", "kty": "oct"}, "iv": "I", "hashes": {"sha256": "H"}, "v": "v2"}
    heard = message("m.audio", "x", file=file)
    assert heard is not None
    assert json.loads(heard.media_ref) == {"url": "mxc://x/y", "k": "K", "iv": "I", "sha256": "H"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["msgtype", "body", "m.relates_to", "m.new_content", "rel_type", "event_id", "key", "file", "url"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
kinds = st.sampled_from(["m.room.message", "m.reaction", "m.sticker", "m.poll.response", "m.poll.start", "org.x"])


@settings(max_examples=50)
@given(
    kinds,
    st.dictionaries(st.sampled_from(["msgtype", "body", "m.relates_to", "m.new_content", "info", "file"]), anything),
)
def test_nothing_anybody_can_send_is_a_fault(kind, content):
    heard = read_event(kind, content)
    assert heard is None or all(isinstance(part, str) for part in (heard.text, heard.choice, heard.media, heard.edits))


def test_long_text_is_split_into_notices_with_distinct_ids():
    family = "👨‍👩‍👧‍👦 مرحبا "
    events = list(render_events(MsgOut(family * 2000), "numbers", ""))
    assert [event.suffix for event in events] == ["", *(f".{n}" for n in range(1, len(events)))]
    assert all(utf16_length(event.content["body"]) <= TEXT_UTF16 for event in events)
    # the largest an event can become: six bytes a letter in JSON, four for three by encryption, within 65,536
    assert all(len(json.dumps(event.content)) * 4 / 3 < 64_000 for event in events)


def test_choices_render_as_numbers_polls_or_reactions():
    [plain] = render_events(YES_NO, "numbers", "$root")
    assert plain.content["body"] == "Park?\n  1  Ja\n  2  Nein"
    assert plain.content["m.relates_to"]["event_id"] == "$root"
    [poll] = render_events(YES_NO, "polls", "")
    assert poll.kind == "org.matrix.msc3381.poll.start"
    assert [answer["id"] for answer in poll.content["org.matrix.msc3381.poll.start"]["answers"]] == [
        "c.park.yes",
        "c.park.no",
    ]
    assert [event.content["m.relates_to"]["key"] for event in reactions(YES_NO, "$q")] == ["1️⃣", "2️⃣"]


@pytest.mark.parametrize(
    ("sender", "is_direct", "servers", "may"),
    [
        ("@anna:elsewhere.org", True, (), True),
        ("@anna:elsewhere.org", False, (), False),
        ("@anna:city.org:8448", False, (), True),
        ("@anna:elsewhere.org", True, ("city.org:8448",), False),
        ("@anna:elsewhere.org", False, ("elsewhere.org",), True),
        ("nonsense", False, (), False),
    ],
)
def test_whose_invitations_are_followed(sender, is_direct, servers, may):
    options = MatrixSettings(
        homeserver="https://m.city.org", user_id="@bot:city.org:8448", password="x", allowed_servers=servers
    )
    assert may_invite(options, sender, is_direct=is_direct) is may


def test_only_an_invitation_of_the_bot_itself_is_one():
    def member(who, membership, **more):
        return {
            "type": "m.room.member",
            "state_key": who,
            "sender": "@a:x",
            "content": {"membership": membership} | more,
        }

    assert invitation("@bot:x", [member("@a:x", "join"), member("@bot:x", "invite", is_direct=True)]) == ("@a:x", True)
    assert invitation("@bot:x", [member("@other:x", "invite"), member("@bot:x", "join"), {"type": 1}]) is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"homeserver": "matrix.example.org"}, "setting 'homeserver': must be the address of a homeserver"),
        ({"homeserver": "https://user:SECRET@example.org"}, "setting 'homeserver': must be the address"),
        ({"user_id": "bot"}, "setting 'user_id': must be a whole Matrix id"),
        ({"password": ""}, "password or access_token is missing"),
        ({"pasword": "SECRET"}, "unknown setting 'pasword'; is 'password' meant?"),
        ({"choices": "buttons"}, "setting 'choices' must be 'numbers', 'reactions' or 'polls'"),
    ],
)
def test_a_bad_section_is_one_sentence_without_its_secrets(tmp_path, more, said):
    with pytest.raises(BadSettings) as caught:
        open_channel("m", ChannelSettings.model_validate(GIVEN | more), tmp_path, CIPHER)
    assert str(caught.value).startswith(said)
    assert "SECRET" not in str(caught.value)


def test_the_ledger_is_there_again_and_forgets_rooms(tmp_path):
    state = MatrixState(tmp_path)
    with state.writing():
        state.set_mark("since", "s1")
        state.set_direct_room("@a:x", "!r")
        state.set_direct_room("@b:x", "!s")
        state.set_position("@a:x", QuestionThread("$q", ""))
        state.set_position("!r @a:x", QuestionThread("", "$t"))
        state.set_position("!r2 @a:x", QuestionThread("", "$t"))
        state.keep_undecrypted(UndecryptedEvent("$e", "!r", "@a:x", {"type": "m.room.encrypted"}, 1.0, False))
        state.add_invitation("!new")
        state.add_replacement("!next", "!s")
    with suppress(ZeroDivisionError), state.writing():
        state.set_mark("since", "s2")
        raise ZeroDivisionError
    state.close()
    state = MatrixState(tmp_path)
    assert (tmp_path / "channel.sqlite3").stat().st_mode & 0o077 == 0
    assert (state.mark("since"), state.room_of("@a:x"), state.position("@a:x")) == ("s1", "!r", QuestionThread("$q"))
    assert state.rooms_to_join() == [PendingRoom("!new"), PendingRoom("!next", "!s")]
    assert state.is_moving("!s")
    with state.writing():
        state.mark_joined("!next")
        state.mark_joined("!new")
        state.forget_room("!r")
    assert (state.room_of("@a:x"), state.room_of("@b:x"), state.is_moving("!s")) == ("", "!next", False)
    assert (state.position("@a:x"), state.position("!r @a:x"), state.position("!r2 @a:x").thread) == (
        QuestionThread(),
        QuestionThread(),
        "$t",
    )
    assert state.undecrypted() == []
    state.close()


def test_nobody_fills_the_ledger_with_what_cannot_be_read(tmp_path):
    state = MatrixState(tmp_path)
    with state.writing():
        for number in range(MOST_SEALED + 100):
            state.keep_undecrypted(UndecryptedEvent(f"$a{number}", "!r", "@a:x", {}, float(number), False))
        state.keep_undecrypted(UndecryptedEvent("$b", "!s", "@b:x", {}, 0.0, False))
    kept = state.undecrypted()
    assert len([sealed for sealed in kept if sealed.address == "@a:x"]) == MOST_SEALED_EACH
    assert kept[-1].event == f"$a{MOST_SEALED + 99}"
    assert kept[0].event == "$b"
    assert state.has_untold()
    with state.writing():
        for number in range(MOST_SEALED + 100):
            state.keep_undecrypted(UndecryptedEvent(f"$c{number}", "!r", f"@{number}:x", {}, float(number), True))
    assert len(state.undecrypted()) == MOST_SEALED
    state.close()


def test_the_ledger_goes_on_after_a_commit_that_failed(tmp_path):
    state = MatrixState(tmp_path)
    with state.writing():
        state.set_mark("since", "s1")
    state._connection.execute("pragma busy_timeout = 0")
    with closing(sqlite3.connect(tmp_path / "channel.sqlite3")) as other:
        other.execute("begin")
        other.execute("select * from marks").fetchall()  # as a backup does: nothing can be committed meanwhile
        with pytest.raises(sqlite3.OperationalError, match="locked"), state.writing():
            state.set_mark("since", "s2")
    assert state.mark("since") == "s1"
    with state.writing():
        state.set_mark("since", "s3")
    assert state.mark("since") == "s3"
    state.close()


async def nobody(request: VerificationRequest) -> None:
    """Declines no request."""


async def test_what_cannot_be_kept_is_taken_once_more(tmp_path):
    """Keys come only once: the place in the sync stays where it was until the store of nio has them."""
    options = MatrixSettings.model_validate(GIVEN)
    client, state = MatrixClient(options, tmp_path), MatrixState(tmp_path)
    client.restore_login("@bot:example.org", "DEVICE", "token")
    event = {
        "type": "m.room.encryption",
        "state_key": "",
        "content": {"algorithm": "m.megolm.v1.aes-sha2"},
        "event_id": "$e",
        "sender": "@anna:example.org",
        "origin_server_ts": 1,
    }
    news = {"next_batch": "s1", "rooms": {"join": {"!r:example.org": {"state": {"events": [event]}}}}}
    syncer = Syncer("m", client, state, options, RoomJoiner(client, state), decline=nobody)
    [file] = tmp_path.glob("*.db")
    with closing(sqlite3.connect(file)) as store:
        store.execute("alter table encryptedrooms rename to away")
        with pytest.raises(OperationalError):
            await syncer._absorb(news)
        store.execute("alter table away rename to encryptedrooms")
    await syncer._absorb(news)
    assert client.store is not None
    assert client.store.load_encrypted_rooms() == {"!r:example.org"}
    await client.close()
    state.close()


async def test_what_nio_does_not_understand_does_not_end_the_sync(tmp_path, monkeypatch):
    options = MatrixSettings.model_validate(GIVEN)
    client, state = MatrixClient(options, tmp_path), MatrixState(tmp_path)
    taken = []

    async def stumble(response: SyncResponse) -> None:
        taken.append(list(response.rooms.join))
        if "!bad:x" in response.rooms.join:
            raise KeyError("room_id")

    monkeypatch.setattr(client, "receive_response", stumble)
    syncer = Syncer("m", client, state, options, RoomJoiner(client, state), decline=nobody)
    await syncer._absorb({"next_batch": "s1", "rooms": {"join": {"!bad:x": {}, "!good:x": {}}}})
    assert taken == [["!bad:x", "!good:x"], ["!bad:x"], ["!good:x"]]
    await client.close()
    state.close()


def test_who_was_told_is_waited_for_without_haste(tmp_path):
    """Until they write what can be read, they are not told again; nor is the homeserver asked every moment."""
    state = MatrixState(tmp_path)
    with state.writing():
        state.keep_undecrypted(UndecryptedEvent("$1", "!r", "@a:x", {}, 1.0, False))
        assert state.has_untold()
        state.mark_told("@a:x")
        state.keep_undecrypted(UndecryptedEvent("$2", "!r", "@a:x", {}, 2.0, False))
        assert not state.has_untold()
        state.keep_undecrypted(UndecryptedEvent("$3", "!s", "@b:x", {}, 3.0, False))
        assert state.has_untold()
    state.close()


@pytest.mark.parametrize(
    "place", [{"redacts": "$1"}, {"content": {"redacts": "$1"}}], ids=["before room 11", "room 11"]
)
def test_a_redaction_names_the_deleted_event(place):
    assert reading._redaction({"type": "m.room.redaction", **place}) == Heard(taken_back="$1")
    assert reading._redaction({"type": "m.room.message", **place}) is None
    assert reading._redaction({"type": "m.room.redaction", "redacts": 7}) is None


@pytest.mark.parametrize(
    ("text", "is_call"),
    [("Mitsprache-Bot: hallo", True), ("mitsprache-bot, hallo", True), ("Mitsprache ist gut", False)],
)
def test_the_shown_name_calls_the_bot(text, is_call):
    client = cast("MatrixClient", SimpleNamespace(user_id="@bot:x"))
    reader = reading.TimelineReader("matrix", client, cast("MatrixState", SimpleNamespace()), "Mitsprache-Bot")
    assert reader._is_for_bot(Heard(text)) is is_call


async def test_pauses_after_an_outage_stay_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Residents hear an answer within ten seconds after the homeserver is back."""
    made = open_channel("m", ChannelSettings.model_validate(GIVEN), tmp_path, CIPHER)
    pauses: list[float] = []

    async def away(*_: object) -> Any:
        raise NoAnswer("away")

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            raise asyncio.CancelledError

    monkeypatch.setattr(made, "_sign_in", away)
    monkeypatch.setattr(matrix_channel, "asyncio", SimpleNamespace(sleep=pause))
    with pytest.raises(asyncio.CancelledError):
        await made._run(away)
    assert pauses[0] == 1.0
    assert pauses[-1] == max(pauses) <= 10
