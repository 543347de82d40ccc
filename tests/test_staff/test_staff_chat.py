"""The staff chat: binding by a code, its commands, and the ordinary bot for all other contacts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from bot.common.i18n import phrase_catalogues
from bot.common.ids import Ids
from bot.staff import codes
from bot.staff.chat import registry
from bot.staff.chat.registry import staff_commands
from bot.staff.policy import may
from flows.commands.words import Command, CommandMatcher
from flows.understanding.flags import FLAGS
from flows.understanding.text import fold
from storage.core.store import Store
from storage.tables.staff import ROLES, Role, StaffMember, insert_staff, revoke_staff_member
from tests.support.app import KEYS, consultation, publish, rows, running, say

WRONG = "Dieser Code gilt hier nicht. Einen neuen gibt die Technik."


@pytest.fixture
def store(store):
    publish(store, consultation())
    return store


def hired(store: Store, name: str = "Aylin", role: Role = "facilitator") -> str:
    """The code of a person new in the team."""
    code = codes.new_staff_code()
    with store.begin() as connection:
        row = StaffMember(Ids()(), name, role, codes.staff_code_hash(KEYS, code), datetime.now(UTC))
        insert_staff(connection, [row])
    return code


async def test_a_code_opens_the_desk_in_any_chat(store):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code.lower()}"))
        assert channel.texts("a")[-1].startswith("Willkommen im Team, Aylin.")
        assert "/liste – " in channel.texts("a")[-1]
        await say(app, channel.msg("a", "/list"))
        assert channel.texts("a")[-1] == "Offen sind:\npark – Beispiel park · begonnen: 0, geantwortet: 0, fertig: 0"
        await say(app, channel.msg("a", "!team"))
        assert "Angemeldet: Aylin, Moderation." in channel.texts("a")[-1]
        assert rows(store, "SELECT used_at IS NULL FROM staff") == [(0,)]


async def test_a_code_binds_one_chat_only_also_within_one_batch(store):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"), channel.msg("b", f"/team {code}"))
        await say(app, channel.msg("c", f"/team {code}"))
        for stranger in "bc":
            assert "gilt er nicht" in channel.texts(stranger)[-1]
            await say(app, channel.msg(stranger, "/list"))
            assert "Offen sind" not in channel.texts(stranger)[-1]
        await say(app, channel.msg("a", f"/team {hired(store, 'Bora')}"))
        assert "gehört schon zu Aylin" in channel.texts("a")[-1]


async def test_invalid_codes_get_one_answer_and_tries_are_limited(store):
    revoked, good = hired(store, "Bora"), hired(store)
    with store.begin() as connection:
        revoke_staff_member(connection, "Bora", datetime.now(UTC))
    async with running(store) as (app, channel):
        for code in (revoked, "7K2M-PX0Q-4ZTA-9C3D", "x" * 500, "\ud800-", "ja"):
            await say(app, channel.msg("a", f"/team {code}"))
            assert channel.texts("a")[-1] == WRONG
        await say(app, channel.msg("a", f"/team {good}"))
        assert channel.texts("a")[-1] == WRONG, "the sixth try is not looked at"
        await say(app, channel.msg("b", f"/team {good}"))
        assert "Willkommen" in channel.texts("b")[-1], "another chat is not held up by it"


async def test_who_is_revoked_is_out_at_once(store):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"))
        with store.begin() as connection:
            revoke_staff_member(connection, "Aylin", datetime.now(UTC))
        await say(app, channel.msg("a", "/list"))
        assert "Offen sind" not in channel.texts("a")[-1]
        await say(app, channel.msg("a", f"/team {code}"))
        assert channel.texts("a")[-1] == WRONG


async def test_leaving_ends_it_and_spends_the_code(store):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"), channel.msg("a", "/team leave"))
        assert channel.texts("a")[-1].startswith("Abgemeldet.")
        await say(app, channel.msg("a", "/list"))
        assert "Offen sind" not in channel.texts("a")[-1]
        await say(app, channel.msg("a", f"/team {code}"))
        assert "gilt er nicht" in channel.texts("a")[-1]


@pytest.mark.parametrize("words", ["/team", "team", "/list", "list", "team 7K2M-PX0Q-4ZTA-9C3D", "/push park"])
async def test_anybody_else_meets_the_ordinary_bot(store, words):
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "Deutsch"), channel.msg("a", "ja"))
        await say(app, channel.msg("a", words))
        assert rows(store, "SELECT value FROM answers WHERE question_key = 'wish'") == [(f'"{words}"',)]


@pytest.mark.parametrize("command", ["/schließen park", "!archiv park", "/export"])
async def test_unknown_commands_of_staff_begin_nothing(store, command):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"))
        await say(app, channel.msg("a", command))
        assert channel.texts("a")[-1] == f"{command.split()[0]} gibt es hier nicht. /team zeigt, was von hier aus geht."
        assert rows(store, "SELECT count(*) FROM sessions") == [(0,)]
        await say(app, channel.msg("b", command))
        assert "gibt es hier nicht" not in channel.texts("b")[-1], "others meet the ordinary bot"


@pytest.mark.parametrize("command", ["/start park", "/park", "/datenschutz", "/sprache", "/1"])
async def test_staff_are_residents_too(store, command):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"))
        await say(app, channel.msg("a", command))
        assert "gibt es hier nicht" not in channel.texts("a")[-1]


async def test_in_a_consultation_staff_commands_need_slash_or_tap(store):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"), channel.msg("a", "list"))
        assert "Offen sind" in channel.texts("a")[-1]
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "Deutsch"), channel.msg("a", "ja"))
        await say(app, channel.msg("a", "/liste"), channel.msg("a", "", choice="desk..list"))
        assert ["Offen sind" in words for words in channel.texts("a")[-2:]] == [True, True]
        await say(app, channel.msg("a", "list"))
        assert rows(store, "SELECT value FROM answers WHERE question_key = 'wish'") == [('"list"',)]


@pytest.mark.parametrize("choice", ["desk..list", "desk..", "desk", "desk..nonsense.1", "desk.list.1", "desk..team.x"])
async def test_taps_on_the_desks_buttons_are_harmless_in_other_hands(store, choice):
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "", choice=choice))
        assert "Sprache" in channel.texts("a")[-1], "as after any first message"
        await say(app, channel.msg("a", "Deutsch"), channel.msg("a", "", choice=choice))
        assert channel.texts("a")[-1].endswith("Licht im Park?"), "the open question once more"
        assert app.conversations.counts.failures == 0


async def test_a_role_that_may_not_is_told_so(store):
    code = hired(store, role="helper")
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"))
        assert "/list" not in channel.texts("a")[-1]
        await say(app, channel.msg("a", "/list"))
        assert channel.texts("a")[-1] == "Das geht nicht mit dieser Rolle: Hilfe vor Ort."


async def test_a_command_that_fails_leaves_nothing_behind(store, monkeypatch):
    def broken(call):
        call.connection.execute(text("DELETE FROM triggers"))
        yield call.reply("desk.list.none")
        raise RuntimeError("broken")

    code = hired(store)
    assert "list" in staff_commands(), "else it would be entered later, over the broken one"
    monkeypatch.setitem(registry._commands, "list", registry.StaffCommand("list", "consultations.list", broken))
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"))
        await say(app, channel.msg("a", "/list"), channel.msg("b", "/start park"))
        assert "konnte ich nicht verarbeiten" in channel.texts("a")[-1]
        assert channel.texts("b"), "others of the batch are served"
        assert rows(store, "SELECT count(*) FROM triggers") == [(1,)]
        assert rows(store, "SELECT count(*) FROM dead_letters") == [(1,)]


async def test_my_data_shows_the_team_and_delete_unbinds(store):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"), channel.msg("a", "meinedaten"))
        assert "Dieser Chat gehört zum Team: Aylin" in channel.texts("a")[-1]
        await say(app, channel.msg("a", "alles löschen"))
        assert rows(store, "SELECT lookup FROM staff_chats") == [(None,)]
        await say(app, channel.msg("a", "/list"))
        assert "Offen sind" not in channel.texts("a")[-1]


async def test_help_mentions_staff_commands_only_to_staff(store):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"))
        for chat in "ab":
            await say(app, channel.msg(chat, "Hilfe", language_hint="de"))
        hint = "Für das Team: /team zeigt, was von hier aus geht."
        assert channel.texts("a")[-2] == hint
        assert channel.texts("a")[-1] == channel.texts("b")[-1], "then the help everybody gets"
        assert hint not in channel.texts("b")
        await say(app, channel.msg("a", "/start park"), channel.msg("a", "Deutsch"), channel.msg("a", "/hilfe"))
        assert hint in channel.texts("a")[-2:], "also in the middle of a consultation"


async def test_in_a_group_nothing_is_for_the_desk(store):
    code = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", is_group=True))
        assert rows(store, "SELECT * FROM staff_chats") == []


def test_every_command_has_its_words_and_they_mean_nothing_else():
    known = staff_commands()
    assert {"team", "list"} <= set(known)
    everything = CommandMatcher(
        [phrase_catalogues.load_phrases(tag) for tag in phrase_catalogues.catalogue_languages()]
    )
    means: dict[str, set[str]] = {}
    for name in known:
        for tag in phrase_catalogues.catalogue_languages():
            assert phrase_catalogues.load_phrases(tag).text(f"desk.help.{name}", "sie")
            for word in (name, *phrase_catalogues.load_phrases(tag).words(f"words.desk.{name}")):
                assert " " not in fold(word), "one word: what follows is the argument"
                assert everything.find(fold(word)) is None
                means.setdefault(fold(word), set()).add(name)
    assert {word: names for word, names in means.items() if len(names) > 1} == {}
    assert not set(known) & {command.value for command in Command}


@pytest.mark.parametrize("tag", phrase_catalogues.catalogue_languages())
def test_status_words_and_flag_texts_are_complete(tag: str):
    said = phrase_catalogues.load_phrases(tag)
    for status in ("under_consideration", "next_phase", "accepted", "rejected", "done"):
        assert said.words(f"words.desk.status.{status}")[0] in said.text("desk.help.answer", "sie"), status
    for flag in FLAGS:
        assert said.text(f"desk.flag.{flag}", "sie")


@pytest.mark.parametrize("role", ROLES)
async def test_commands_of_the_chat_follow_the_policy(store: Store, role: Role) -> None:
    code = hired(store, role=role)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"))
        for name, command in staff_commands().items():
            await say(app, channel.msg("a", f"/{name}"))
            is_refused = channel.texts("a")[-1].startswith("Das geht nicht mit dieser Rolle")
            assert is_refused != may(role, command.action), name
