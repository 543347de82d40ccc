"""Answers in own words wait to be read like proposals, and are withheld again when their authors change them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from bot.app import App
from bot.proposals import merge_split, moderation_decisions
from bot.proposals.moderation_decisions import ProposalWording, decrypt_original
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, load_items
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from storage.core.store import Store
from storage.tables.moderation import count_moderation_states
from storage.tables.open_answers import released_answers
from storage.tables.sessions import erase_sessions_of_consultation
from storage.tables.waiting_texts import moderation_queue
from tests.support.app import KEYS, Recorder, consultation, publish, rows, running, say
from tests.support.databases import only_sqlite
from tests.support.ideas import chair, kinds, open_consultation, submit
from tests.test_proposals.test_moderation_chat import hired


def standings(store: Store, park: int = 0) -> list[ModerationItem]:
    """All answers of the only consultation that are to be read, oldest first."""
    with store.reading() as connection:
        ids = connection.scalars(text("SELECT id FROM moderations WHERE proposal_id IS NULL ORDER BY id")).all()
        return list(load_items(connection, list(ids)).values())


def view(store: Store) -> list[tuple[Any, ...]]:
    return rows(store, "SELECT value, withheld, missing FROM v_answers_long WHERE question_key = 'wish' ORDER BY 1")


async def answer(app: App, channel: Recorder, who: str, words: str, **more: Any) -> None:
    """A person goes through the consultation and says this to the open question."""
    for said in ("/start park", "Deutsch", "Ja", words):
        await say(app, channel.msg(who, said, language_hint="de", **more))


@pytest.fixture
def park(store: Store) -> int:
    return open_consultation(store)


async def test_an_answer_waits_and_is_shown_once_a_person_released_it(store: Store, park: int) -> None:
    async with running(store) as (app, channel):
        await answer(app, channel, "r", "Mehr Bänke, ruft an: 0176 12345678")
        (waiting,) = standings(store)
        assert (waiting.kind, waiting.state, waiting.flags) == ("answer", "waiting", ["phone"])
        assert waiting.proposal.code.startswith("T-")
        assert (waiting.proposal.text, waiting.proposal.language) == ("Mehr Bänke, ruft an: 0176 12345678", "de")
        assert view(store) == [(None, 1, None)]
        with store.begin() as connection:
            assert moderation_queue(connection, park) == [waiting.proposal.id]
            assert count_moderation_states(connection, park) == {"waiting": 1}
            assert released_answers(connection, park) == []
            moderation_decisions.approve_text(chair(connection), waiting.proposal.id, seen=waiting.version)
            (shown,) = released_answers(connection, park)
            assert (shown.question_key, shown.value) == ("wish", '"Mehr Bänke, ruft an: 0176 12345678"')
            assert count_moderation_states(connection, park) == {"released": 1}
        assert view(store) == [("Mehr Bänke, ruft an: 0176 12345678", 0, None)]
        assert not any(waiting.proposal.code in said for said in channel.texts("r")), (
            "its author is never told the code"
        )


async def test_a_changed_answer_is_withheld_until_it_is_read_anew(store: Store, park: int) -> None:
    async with running(store) as (app, channel):
        await answer(app, channel, "r", "Mehr Bänke")
        (before,) = standings(store)
        with store.begin() as connection:
            number = before.proposal.id
            moderation_decisions.edit_text(chair(connection), number, ProposalWording(None, "Bänke"), "ein Name")
            moderation_decisions.translate_text(chair(connection), number, "en", ProposalWording(None, "Benches"))
            moderation_decisions.approve_text(chair(connection), number)
        await say(app, channel.msg("r", "/change 2"), channel.msg("r", "Mehr Licht, schreibt an a@example.org"))
        (after,) = standings(store)
        assert (after.proposal.id, after.proposal.code) == (number, before.proposal.code), "an old button is told so"
        assert (after.state, after.flags, after.texts) == ("waiting", ["email"], {})
        assert after.moderation.original is None
        assert after.version != before.version
        assert view(store) == [(None, 1, None)]
        with store.begin() as connection:
            with pytest.raises(DecisionRefused, match="changed"):
                moderation_decisions.approve_text(chair(connection), number, seen=before.version)
            assert kinds(connection, [number])[-1] == ("restore", None, None)
        await say(app, channel.msg("r", "/change 2"), channel.msg("r", "Mehr Licht, schreibt an a@example.org"))
        with store.begin() as connection:
            moderation_decisions.approve_text(chair(connection), number)
        await say(app, channel.msg("r", "/change 2"), channel.msg("r", "Mehr Licht, schreibt an a@example.org"))
        assert view(store)[0][1] == 0, "the same again is no change"


async def test_edit_encrypts_the_original_and_author_sees_the_public(store: Store, park: int) -> None:
    async with running(store) as (app, channel):
        await answer(app, channel, "r", "Licht, sagt Erika Muster")
        (one,) = standings(store)
        with store.begin() as connection:
            after = moderation_decisions.edit_text(
                chair(connection), one.proposal.id, ProposalWording(None, "Licht"), "ein Name"
            )
            assert after.moderation.original
            assert decrypt_original(KEYS, after) == ProposalWording(None, "Licht, sagt Erika Muster")
            moderation_decisions.approve_text(chair(connection), one.proposal.id)
        assert view(store) == [("Licht", 0, None)]
        assert "Erika" not in str(rows(store, "SELECT state FROM sessions") + rows(store, "SELECT value FROM answers"))
        await say(app, channel.msg("r", "/status"), channel.msg("r", "/submit"))
        assert "Erika" not in channel.texts("r")[-2]
        assert view(store) == [("Licht", 0, None)], "submitting it is no change"


async def test_hiding_and_restoring_and_what_is_refused(store: Store, park: int) -> None:
    async with running(store) as (app, channel):
        await answer(app, channel, "r", "Werbung!")
        (one,) = standings(store)
        with store.begin() as connection:
            idea, number = submit(connection, park, 1), one.proposal.id
            assert moderation_decisions.hide_text(chair(connection), number, "Werbung").state == "hidden"
            assert merge_split.restore_text(chair(connection), number).state == "waiting"
            parts = [ProposalWording(None, "a"), ProposalWording(None, "b")]
            for wrong in (
                lambda: merge_split.merge_proposals(chair(connection), number, idea.id),
                lambda: merge_split.merge_proposals(chair(connection), idea.id, number),
                lambda: merge_split.split_proposal(chair(connection), number, parts),
                lambda: answer_proposal(chair(connection), number, OfficialAnswer("accepted", {"de": "Ja."})),
                lambda: moderation_decisions.edit_text(
                    chair(connection), number, ProposalWording("Titel", "Text"), "ein Name"
                ),
            ):
                with pytest.raises(DecisionRefused, match="only_proposals"):
                    wrong()
            assert moderation_queue(connection, park) == sorted([idea.id, number])
            assert moderation_queue(connection, park, only_proposals=True) == [idea.id]


async def test_it_goes_with_the_answer_and_with_the_person(store: Store, park: int) -> None:
    async with running(store) as (app, channel):
        for who in "rst":
            await answer(app, channel, who, f"Licht, sagt Erika {who}")
        for one in standings(store):
            with store.begin() as connection:
                moderation_decisions.edit_text(
                    chair(connection), one.proposal.id, ProposalWording(None, "Licht"), "ein Name"
                )
                moderation_decisions.translate_text(
                    chair(connection), one.proposal.id, "en", ProposalWording(None, "Light")
                )
                moderation_decisions.approve_text(chair(connection), one.proposal.id)
        await say(app, channel.msg("s", "/change 2"), channel.msg("s", "weiß nicht"))
        await say(app, channel.msg("t", "/delete"))
        await say(app, channel.msg("t", choice=channel.last("t").quick_replies[0].token))
        assert [one.state for one in standings(store)] == ["released"]
        assert sorted(view(store), key=str) == [("Licht", 0, None), (None, 0, "dont_know")]
        for table in ("moderations", "proposal_texts"):
            assert len(rows(store, f"SELECT * FROM {table}")) == 1
        with store.begin() as connection:
            erase_sessions_of_consultation(connection, park)
        for table in ("moderations", "decisions", "proposal_texts", "answers"):
            assert rows(store, f"SELECT * FROM {table}") == []


async def test_of_a_recording_only_its_words_are_to_be_read(store: Store) -> None:
    media = {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "?"}, "media": ["voice", "picture"]}
    publish(store, consultation(questions=[media]))
    async with running(store) as (app, channel):
        for who, caption in (("r", ""), ("s", "Hier, bei Erika")):
            await say(app, channel.msg(who, "/start park"), channel.msg(who, "Deutsch"))
            await say(app, channel.msg(who, caption, media="voice", media_ref="f1", language_hint="de"))
        (one,) = standings(store)
        assert one.proposal.text == "[voice] Hier, bei Erika"
        with store.begin() as connection:
            after = moderation_decisions.edit_text(
                chair(connection), one.proposal.id, ProposalWording(None, "Hier"), "ein Name"
            )
            assert after.proposal.text == "[voice] Hier"


@only_sqlite
async def test_in_the_chat_of_the_team_answers_stand_beside_proposals(store: Store, park: int) -> None:
    (code, number), (other, _) = hired(store), hired(store, "Bora")
    async with running(store) as (app, channel):
        await answer(app, channel, "r", "Mehr Licht")
        with store.begin() as connection:
            idea = submit(connection, park, 1, "A fountain")
        await answer(app, channel, "s", "Ruft an: 0176 12345678")
        for chat, key in (("a", code), ("b", other)):
            await say(app, channel.msg(chat, f"/team {key}", language_hint="de"))
        await say(app, channel.msg("a", "/list"), channel.msg("a", "/queue"))
        assert "wartet auf das Lesen: 3" in channel.texts("a")[-2]
        light, phone = (one for one in standings(store))
        assert channel.texts("a")[-1].startswith(idea.code), "the oldest first"
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[-1].token))
        first = channel.last("a")
        assert first.text.split("\n\n") == [
            f"{light.proposal.code} · park · es warten: 3 · Deutsch",
            "Was fehlt?",
            "Mehr Licht",
        ]
        assert [reply.label for reply in first.quick_replies] == ["Freigeben", "Ausblenden", "Text ändern", "Nächster"]
        await say(app, channel.msg("b", f"/lesen {light.proposal.code.lower()}"))
        await say(app, channel.msg("a", choice=first.quick_replies[0].token))
        assert channel.texts("a")[-2] == f"{light.proposal.code}: freigegeben."
        await say(app, channel.msg("b", choice=channel.last("b").quick_replies[0].token))
        assert "inzwischen etwas geändert" in channel.texts("b")[-1], "two at once"
        await say(app, channel.msg("a", f"/freigeben {phone.proposal.code}"))
        assert "Telefonnummer. Trotzdem freigeben?" in channel.texts("a")[-1]
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[1].token))
        assert channel.texts("a")[-2] == f"{phone.proposal.code}: freigegeben."
        for typed in (f"/merge {phone.proposal.code} {idea.code}", f"/split {phone.proposal.code}\na\nb"):
            await say(app, channel.msg("a", typed))
            assert "Das geht nur mit Vorschlägen." in channel.texts("a")[-1]
        await say(
            app,
            channel.msg("a", f"/hide {phone.proposal.code} Nummer"),
            channel.msg("a", f"/queue {phone.proposal.code}"),
        )
        assert channel.texts("a")[-1].endswith("nicht veröffentlicht\nBegründung: Nummer")
    with store.reading() as connection:
        assert kinds(connection, [light.proposal.id]) == [("approve", number, None)]


@only_sqlite
async def test_sensitive_answer_needs_a_second_confirmation(store: Store) -> None:
    yes = {"key": "ok", "type": "consent", "text": {"de": "Dürfen wir fragen?", "en": "?"}}
    asked = {"equal": {"question": "ok", "value": True}}
    health = {"key": "health", "type": "text", "text": {"de": "Was fehlt Ihnen?", "en": "?"}}
    publish(store, consultation(questions=[yes, {**health, "sensitive": True, "ask_if": asked}]))
    code, _ = hired(store)
    async with running(store) as (app, channel):
        await answer(app, channel, "r", "Ich sehe schlecht")
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"), channel.msg("a", "/queue"))
        assert "Bitte hinsehen: besonders geschützte Angabe" in channel.texts("a")[-1]
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[0].token))
        assert "Trotzdem freigeben?" in channel.texts("a")[-1]
        assert standings(store)[0].state == "waiting"


async def test_my_data_shows_visibility_of_answers(store: Store, park: int) -> None:
    async with running(store) as (app, channel):
        await answer(app, channel, "r", "Mehr Licht")
        (one,) = standings(store)
        await say(app, channel.msg("r", "meinedaten"))
        assert "   → Mehr Licht\n" in channel.texts("r")[-2]
        with store.begin() as connection:
            moderation_decisions.approve_text(chair(connection), one.proposal.id)
        await say(app, channel.msg("r", "meinedaten"))
        assert "   → Mehr Licht (sichtbar für andere)\n" in channel.texts("r")[-2]
        with store.begin() as connection:
            moderation_decisions.hide_text(chair(connection), one.proposal.id, "Werbung.")
        await say(app, channel.msg("r", "meinedaten"))
        assert "   → Mehr Licht (nicht veröffentlicht) Begründung: Werbung.\n" in channel.texts("r")[-2]
