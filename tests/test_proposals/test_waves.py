"""Serial meetings: what comes out of one wave is weighed in the next one, and answers find their way back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text as sql

from bot.authoring.check import check_files
from bot.authoring.file_check import CheckedFile, canonical_content
from bot.authoring.publishing import PublishContext, PublishOutcome, publish_checked
from bot.broadcasts.segments import parse_segment
from bot.common.ids import Ids
from bot.proposals import lineage, merge_split, moderation_decisions
from bot.proposals.moderation_decisions import approve_text
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from bot.results.methods.matrix import VoteLog
from bot.results.methods.top import ranked_names
from flows.definition import Consultation
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.moderation import NewProposalText, translations_of, upsert_translations
from storage.tables.proposals import list_released_proposals, proposals_by_id, proposals_of_consultation
from storage.tables.ratings import count_ratings, erase_ratings
from storage.tables.revisions import find_live_revision
from tests.support.app import Recorder, consultation, running, say
from tests.support.ideas import NOW, chair, open_consultation, rate, released, submit, visible
from tests.support.sources import Clock
from tests.test_proposals.test_outcome_notifications import Person, notices, tell_all

IDEA = {"key": "idea", "type": "proposal", "text": {"de": "Ihre Idee?", "en": "Your idea?"}, "similar": False}
BERLIN = ZoneInfo("Europe/Berlin")
IDS = Ids()


def wave(slug: str, origin: str = "", take: str = "released", count: int | None = None, **more: Any) -> Consultation:
    """A consultation which weighs what comes from an earlier one, or asks for ideas."""
    weigh: dict[str, Any] = {"key": "weigh", "type": "statements", "text": {"de": "Was davon?", "en": "Which?"}}
    weigh["from"] = {"consultation": origin, "take": take} | ({"count": count} if count else {})
    return consultation(slug, [weigh] if origin else [IDEA], **more)


def publish(store: Store, made: Consultation) -> PublishOutcome:
    with store.begin() as connection:
        return publish_checked(
            connection, CheckedFile(made, ()), PublishContext(IDS, datetime.now(UTC), BERLIN), f"{made.slug}.yaml"
        )


def id_of(store: Store, slug: str) -> int:
    with store.reading() as connection:
        revision = find_live_revision(connection, slug)
    assert revision
    return revision.consultation_id


def close(store: Store, slug: str) -> None:
    with store.begin() as connection:
        set_consultation_state(connection, id_of(store, slug), "closed")


def seen(store: Store, slug: str) -> list[str]:
    with store.reading() as connection:
        return visible(connection, id_of(store, slug))


def reasons(published: PublishOutcome) -> list[str]:
    return [f"{fault.reason}; {fault.remedy}" for fault in published.issues]


async def tell(app: Any, channel: Recorder, address: str, *words: str) -> str:
    for word in words:
        await say(app, channel.msg(address, word))
    return channel.last(address).title or channel.last(address).text


async def test_three_waves_in_chat_and_the_answer_finds_its_way_back(store: Store) -> None:
    ideas = {"ada": "Mehr Bänke am Teich", "bo": "Ein Brunnen am Tor", "cem": "Licht in der Nacht"}
    publish(store, wave("wave-1"))
    clock = Clock()
    async with running(store, sources=clock.sources) as (app, channel):
        for name, idea in ideas.items():
            await tell(app, channel, name, "/start wave-1", "Deutsch", idea, "ok")
        with store.begin() as connection:
            first = {row.text: row for row in proposals_of_consultation(connection, id_of(store, "wave-1"))}
            for row in first.values():
                approve_text(chair(connection), row.id)
        close(store, "wave-1")

        assert reasons(publish(store, wave("wave-2", "wave-1"))) == []
        assert sorted(seen(store, "wave-2")) == sorted(ideas.values())
        clock.let_look()
        likes = {"ada": "Ein Brunnen am Tor", "bo": "", "dora": "Licht in der Nacht"}
        for name, liked in likes.items():
            shown = await tell(app, channel, name, "/start wave-2", *(["Deutsch"] if name == "dora" else []))
            own = ideas.get(name, "")
            for _ in {*ideas.values()} - {own}:
                assert shown != own, "nobody weighs the own idea, although it is of an earlier wave"
                shown = await tell(app, channel, name, "ja" if shown == liked else "nein")
        close(store, "wave-2")

        assert reasons(publish(store, wave("wave-3", "wave-2", "top", 1))) == []
        assert seen(store, "wave-3") == ["Ein Brunnen am Tor"]
        clock.let_look()
        assert "nichts Neues" in await tell(app, channel, "bo", "/start wave-3"), "it is his own, two waves ago"
        assert await tell(app, channel, "ada", "/start wave-3") == "Ein Brunnen am Tor"
        await tell(app, channel, "ada", "ja")

    with store.begin() as connection:
        (last,) = list_released_proposals(connection, id_of(store, "wave-3"))
        assert last.pseudonym is None
        assert count_ratings(connection, [last.id])[last.id].agree == 1, "each wave has its own ratings"
        answer_proposal(chair(connection), last.id, OfficialAnswer("accepted", {"de": "Wird gebaut."}))
        family = lineage.originals(connection, last)
        assert [row.status for row in family] == ["accepted", "accepted"]
        assert family[-1].id == first["Ein Brunnen am Tor"].id
        assert len({last.code, *(row.code for row in family)}) == 3
        assert proposals_by_id(connection, [first["Mehr Bänke am Teich"].id]).popitem()[1].status == "received"


def test_author_of_the_original_hears_the_outcome_of_the_copy(store: Store) -> None:
    park = open_consultation(store, "wave-1")
    with store.begin() as connection:
        author, rater = Person(connection, "author", "tr", wants="wave-1"), Person(connection, "r", wants="wave-2")
        idea = released(connection, park, 1, pseudonym=author.in_(park))
    publish(store, wave("wave-2", "wave-1"))
    with store.begin() as connection:
        (copy,) = list_released_proposals(connection, id_of(store, "wave-2"))
        rater.rates(connection, copy.consultation_id, copy.id)
        answer_proposal(chair(connection), copy.id, OfficialAnswer("accepted", {"de": "Wird gebaut."}))
    tell_all(store)
    found = notices(store)
    assert found.keys() == {"author", "r"}
    assert idea.code in found["author"][0]
    assert copy.code in found["r"][0]


def test_only_released_ideas_are_copied_with_translations(store: Store) -> None:
    park = open_consultation(store, "wave-1")
    with store.begin() as connection:
        kept = released(connection, park, 1, text="Bänke", district="01")
        upsert_translations(connection, [NewProposalText(kept.id, "en", None, "Benches", "Ada", True, NOW)])
        submit(connection, park, 2, text="unread")
        gone = released(connection, park, 3, text="hidden")
        moderation_decisions.hide_text(chair(connection), gone.id, "insult")
    publish(store, wave("wave-2", "wave-1"))
    with store.reading() as connection:
        (copy,) = list_released_proposals(connection, id_of(store, "wave-2"))
        assert (copy.text, copy.district, copy.source, copy.question_key) == ("Bänke", "01", "wave", "weigh")
        assert copy.source_id == f"{kept.code}/wave-2"
        assert translations_of(connection, [copy.id])[copy.id]["en"].text == "Benches"


def test_republishing_adds_new_and_withdraws_gone_copies(store: Store) -> None:
    park = open_consultation(store, "wave-1")
    with store.begin() as connection:
        first = released(connection, park, 1, text="Bänke")
    second = wave("wave-2", "wave-1")
    publish(store, second)

    def copies() -> Mapping[str, int]:
        with store.reading() as connection:
            return {row.text: row.id for row in list_released_proposals(connection, id_of(store, "wave-2"))}

    before = copies()
    assert publish(store, second).new is False
    assert copies() == before
    with store.begin() as connection:
        released(connection, park, 2, text="Brunnen")
        moderation_decisions.hide_text(chair(connection), first.id, "insult")
    publish(store, second)
    assert copies().keys() == {"Brunnen"}
    with store.begin() as connection:
        merge_split.restore_text(chair(connection), first.id)
        approve_text(chair(connection), first.id)
    publish(store, second)
    assert copies().items() > before.items(), "the same copy is back, with its ratings"
    publish(store, consultation("wave-2", [IDEA]))
    assert copies() == {}, "nothing is wanted from there any more"


def test_top_ideas_are_copied_once_after_the_wave_closes(store: Store) -> None:
    park = open_consultation(store, "wave-1")
    with store.begin() as connection:
        ids = [released(connection, park, number, text=f"idea {number}").id for number in range(4)]
        rate(connection, ids[2], dict.fromkeys(range(10, 20), 1))
        rate(connection, ids[3], dict.fromkeys(range(10, 16), 1))
        rate(connection, ids[0], {10: -1})
    top = wave("wave-2", "wave-1", "top", 2)
    assert "still open, so the proposals with most agreement are not known yet" in reasons(publish(store, top))[0]
    assert seen(store, "wave-2") == []
    close(store, "wave-1")
    assert reasons(publish(store, top)) == []
    assert sorted(seen(store, "wave-2")) == ["idea 2", "idea 3"]
    with store.begin() as connection:
        erase_ratings(connection, [f"{number:032x}" for number in range(10, 20)])
    publish(store, top)
    assert sorted(seen(store, "wave-2")) == ["idea 2", "idea 3"], "what was chosen stays chosen"
    publish(store, wave("wave-2", "wave-1", "top", 3))
    assert len(seen(store, "wave-2")) == 3


def test_withdrawing_or_deleting_an_idea_removes_its_copies(store: Store) -> None:
    publish(store, wave("wave-1"))

    async def live() -> None:
        async with running(store) as (app, channel):
            for name in ("ada", "bo", "cem"):
                await tell(app, channel, name, "/start wave-1", "Deutsch", f"Idee von {name}", "ok")
            with store.begin() as connection:
                rows = proposals_of_consultation(connection, id_of(store, "wave-1"))
                for row in rows:
                    approve_text(chair(connection), row.id)
            codes = {row.text.split()[-1]: row.code for row in rows}
            publish(store, wave("wave-2", "wave-1"))
            publish(store, wave("wave-3", "wave-2"))
            assert len(seen(store, "wave-3")) == 3
            await tell(app, channel, "ada", f"zurückziehen {codes['ada']}")
            await tell(app, channel, "bo", "löschen", "alles löschen")
            assert [seen(store, slug) for slug in ("wave-1", "wave-2", "wave-3")] == [["Idee von cem"]] * 3
            await tell(app, channel, "cem", "zurück", "weiß nicht")
            assert seen(store, "wave-3") == []
            with store.reading() as connection:
                left = connection.execute(sql("SELECT count(*) FROM proposals WHERE text = 'Idee von bo'")).scalar()
            assert left == 0, "no copy of what somebody had erased is left"

    asyncio.run(live())


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (wave("wave-2", "nowhere"), "no consultation of this name is published; publish nowhere first"),
        (wave("wave-2", "trial"), "which is a sample: those are invented"),
        (wave("wave-1", "wave-2b"), "would form a circle"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(store: Store, made: Consultation, reason: str) -> None:
    publish(store, wave("wave-1"))
    publish(store, wave("trial", sample=True))
    publish(store, wave("wave-2b", "wave-1"))
    published = publish(store, made)
    assert published.revision is None
    assert reason in reasons(published)[0]


def test_whoever_publishes_is_warned_where_nothing_is_there_yet(store: Store) -> None:
    publish(store, wave("wave-1", closes=date(2026, 1, 1)))
    assert "“wave-1” has no released proposals yet" in " ".join(reasons(publish(store, wave("wave-2", "wave-1"))))
    publish(store, wave("open"))
    assert "released there later are not included" in " ".join(reasons(publish(store, wave("wave-3", "open"))))


def test_faults_of_the_form_and_what_is_stored() -> None:
    problems = [
        [problem.reason for problem in made.questions[0].problems()]
        for made in (wave("bb", "aa", "top"), wave("bb", "aa", count=3), wave("bb", "aa", "top", 3), wave("bb", "aa"))
    ]
    assert problems == [
        ["how many are taken is missing"],
        ["all that is released is taken, so `count` means nothing"],
        [],
        [],
    ]
    stored = canonical_content(wave("bb", "aa"))
    assert '"from":{"consultation":"aa"' in stored
    assert Consultation.model_validate_json(stored) == wave("bb", "aa")
    plain = consultation("bb", [{"key": "weigh", "type": "statements", "text": {"de": "?", "en": "?"}}])
    assert '"from"' not in canonical_content(plain), "what was published before keeps its fingerprint"


def test_check_says_what_it_cannot_see(tmp_path: Any) -> None:
    first, second = tmp_path / "wave-1.yaml", tmp_path / "wave-2.yaml"
    first.write_text(canonical_content(wave("wave-1")), encoding="utf-8")
    second.write_text(canonical_content(wave("wave-2", "wave-1")), encoding="utf-8")
    said: list[str] = []
    check_files([second], said.append)
    assert any("“wave-1” is not among these files" in line for line in said)
    said.clear()
    check_files([first, second], said.append)
    assert not any("not among" in line for line in said)


def log_of(votes: Iterable[tuple[str, str, int]]) -> VoteLog:
    rows = list(votes)
    people, names, given = (list(column) for column in zip(*rows, strict=True))
    columns = [people, names, given, [False] * len(rows), list(range(len(rows)))]
    return VoteLog.of_columns([columns], statements=("s1", "s2"))


@pytest.mark.parametrize("of_business", [2, 5], ids=["business is against s1", "business hardly agrees with s1"])
def test_the_sector_that_agrees_least_decides(of_business: int) -> None:
    business, science = [f"b{n}" for n in range(8)], [f"s{n}" for n in range(30)]
    agree = (("s1", science, 27), ("s1", business, of_business), ("s2", science, 18), ("s2", business, 6))
    votes = [(person, name, 1 if n < agrees else -1) for name, of, agrees in agree for n, person in enumerate(of)]
    declared = {"business": frozenset(business), "science": frozenset(science)}
    assert ranked_names(log_of(votes), ["s1", "s2"], {}, 5) == ["s1", "s2"], "29 or 32 of 38 against 24 of 38"
    assert ranked_names(log_of(votes), ["s1", "s2"], declared, 8) == ["s2", "s1"], (
        "at least 6 of 8 in business agree with s2"
    )
    assert ranked_names(log_of(votes), ["s1", "s2"], declared, 9) == ["s1", "s2"], "eight of business are too few"


def test_audiences_of_a_series_are_segments() -> None:
    slugs = ["wave-1", "wave-2"]
    assert parse_segment("took_part=wave-1 or took_part=wave-2", slugs, []).slugs == frozenset(slugs)
