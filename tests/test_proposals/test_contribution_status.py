"""Status requests with a code: in chat, in the main menu or within a consultation, and at /p/CODE."""

from __future__ import annotations

import pytest
from sqlalchemy import text as sql

from bot.common.i18n.locale import available_languages
from bot.proposals import merge_split, moderation_decisions
from bot.proposals.codes import new_proposal_code
from bot.proposals.moderation_decisions import ProposalWording
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.proposals import Withdrawal, withdraw_proposals
from tests.support.app import make_here, running, say
from tests.support.browser import serving
from tests.support.databases import only_sqlite
from tests.support.ideas import NOW, chair, open_consultation, rate, released, submit

pytestmark = only_sqlite
YES = OfficialAnswer(
    "accepted", {"de": "Drei Bänke werden gebaut.", "tr": "Üç bank yapılacak."}, "Bezirksamt", "https://example.org/x"
)


async def test_a_code_is_answered_anywhere_and_disturbs_nothing(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        answer_proposal(chair(connection), idea.id, YES)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", idea.code.lower().replace("-", " "), language_hint="de"))
        told = channel.texts("a")[-1].splitlines()
        assert told == [
            f"{idea.code}: Der Vorschlag ist öffentlich.",
            "Stand: angenommen",
            "Begründung: Drei Bänke werden gebaut.",
            "Entschieden hat: Bezirksamt",
            "Mehr dazu: https://example.org/x",
        ]
        for text in ("park", "en"):
            await say(app, channel.msg("b", text))
        assert "Light?" in channel.texts("b")[-1]
        await say(app, channel.msg("b", idea.code))
        assert "only: Drei Bänke" in channel.texts("b")[-2]
        assert "Light?" in channel.texts("b")[-1], "the open question is repeated"
        await say(app, channel.msg("b", "yes"))
        assert "What is missing?" in channel.texts("b")[-1]
        unknown = new_proposal_code()
        await say(app, channel.msg("b", unknown))
        with store.reading() as connection:
            stored = {row[0] for row in connection.execute(sql("SELECT value FROM answers"))}
        assert stored == {'"yes"', f'"{unknown}"'}, "what is no code here was an answer"
        await say(app, channel.msg("c", unknown, language_hint="de"))
        assert channel.texts("c")[-1].startswith(f"Den Code {unknown} gibt es hier nicht.")
        await say(app, channel.msg("d", idea.code, language_hint="de", is_group=True))
        assert not any("Stand:" in said for said in channel.texts("d"))


async def test_what_nobody_released_is_told_to_nobody(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        waiting = submit(connection, park, 1, "secret words")
        hidden = submit(connection, park, 2, "secret words", title="secret title")
        gone = released(connection, park, 3, text="secret words")
        whole = released(connection, park, 4, text="secret words")
        merged = released(connection, park, 5, text="secret words")
        target = released(connection, park, 6, text="More trees")
        moderation_decisions.hide_text(chair(connection), hidden.id, "an advertisement")
        withdraw_proposals(connection, [Withdrawal(gone.id, NOW)])
        parts = merge_split.split_proposal(
            chair(connection), whole.id, [ProposalWording(None, "secret a"), ProposalWording(None, "secret b")]
        )
        merge_split.merge_proposals(chair(connection), merged.id, target.id)
    expected = {
        waiting.code: "This proposal is being read by a person",
        hidden.code: "an advertisement",
        gone.code: "This proposal was withdrawn",
        whole.code: f"{parts[0].proposal.code}, {parts[1].proposal.code}",
        merged.code: target.code,
    }
    async with running(store) as (app, channel), serving(store) as house:
        page = house.browser(Cookie="lang=en")
        for code, words in expected.items():
            await say(app, channel.msg("a", code, language_hint="en"))
            await page.get(f"/p/{code}")
            assert page.status == 200
            for said in (channel.texts("a")[-1], page.page.html):
                assert words in said, code
                assert "secret" not in said, code


@pytest.mark.parametrize("language", available_languages())
async def test_the_page_says_everything_in_every_language(store: Store, language: str) -> None:
    park = open_consultation(store, results="live")
    with store.begin() as connection:
        idea = released(connection, park, 1, text="Bank <b>&amp;</b>", title="Bank", district="01", language="tr")
        moderation_decisions.translate_text(
            chair(connection), idea.id, "en", ProposalWording("Bench", "A bench"), translator="machine"
        )
        answer_proposal(chair(connection), idea.id, YES)
        votes = [1] * 8 + [-1] * 6 + [0] * 6
        rate(connection, idea.id, dict(enumerate(votes, start=10)))
    await make_here(store, ["park"])
    async with serving(store) as house:
        page = house.browser(Cookie=f"lang={language}")
        await page.get(f"/p/{idea.code}")
        assert page.status == 200
        assert "Bank &lt;b&gt;&amp;amp;&lt;/b&gt;" in page.page.html
        assert ("A bench" in page.page.html) == (language == "en")
        assert ("Üç bank" in page.page.html) == (language == "tr")
        assert ("Drei Bänke" in page.page.html) == (language != "tr")
        assert 'href="https://example.org/x"' in page.page.html
        assert "Mitte" in page.page.html
        assert all(f"<dd>{people}</dd>" in page.page.html for people in (8, 6))
        assert "<script" not in page.page.html.replace('<script src="/static', "")


async def test_counts_follow_the_consultation(store: Store) -> None:
    park = open_consultation(store, results="at_close")
    with store.begin() as connection:
        many, few, alike = (released(connection, park, number) for number in (1, 2, 3))
        rate(connection, many.id, dict.fromkeys(range(10, 18), 1) | dict.fromkeys(range(20, 27), -1))
        rate(connection, few.id, {10: 1})
        rate(connection, alike.id, dict.fromkeys(range(10, 18), 1))
    await make_here(store, ["park"])
    async with serving(store) as house:
        page = house.browser(Cookie="lang=en")
        await page.get(f"/p/{many.code}")
        assert not any(f"<dd>{people}</dd>" in page.page.html for people in (8, 7)), "hidden until closing"
        with store.begin() as connection:
            set_consultation_state(connection, park, "archived")
        await page.get(f"/p/{few.code}")
        assert "Too few people have answered" not in page.page.html, "nobody has counted yet"
        await make_here(store, ["park"])
        await page.get(f"/p/{many.code}")
        assert all(f"<dd>{people}</dd>" in page.page.html for people in (8, 7))
        await page.get(f"/p/{few.code}")
        assert "Too few people have answered" in page.page.html
        await page.get(f"/p/{alike.code}")
        assert page.page.html.count("<dd>left out to protect others</dd>") == 3, "8 of 8 would tell what each said"
        assert "Too few people have answered" not in page.page.html


async def test_an_unknown_code_gets_a_page_in_plain_words(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        page = house.browser(Cookie="lang=en")
        for path in (f"/p/{new_proposal_code()}", "/p/nonsense", "/p/%3Cscript%3E", f"/p/{'x' * 500}"):
            await page.get(path)
            assert page.status == 404
            assert "There is no such code" in page.page.html
            assert "<script>" not in page.page.html
