"""Reading texts that wait: one by one, many at once, with a reason in the author's language, and undone."""

from __future__ import annotations

from bot.proposals import merge_split, moderation_decisions
from bot.proposals.moderation_rules import load_items
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.moderation import ModerationFlags, set_moderation_flags
from storage.tables.open_answers import open_answers_by_code
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import chair, open_answer, open_consultation, submit

READING = "/console/consultations/park/reading"


def states(store: Store, *ids: int) -> list[str]:
    with store.reading() as connection:
        found = load_items(connection, list(ids))
    return [found[number].state for number in ids]


async def ticked(browser: Browser, button: str, *ids: int, **fields: str) -> None:
    """Ticks these texts, fills in fields and presses a button of the bulk bar."""
    form = next(form for form in browser.page.forms if any(name == "all" for name, _, _ in form.buttons))
    boxes = [(name, value) for name, value in form.options.values() if int(value.partition(":")[0] or 0) in ids]
    name, value, _ = next(it for it in form.buttons if it[0] == "all" and it[2] == button)
    given = [(key, fields.get(key, old)) for key, old in form.fields if key != "item"]
    await browser.post(form.action, [*given, *boxes, (name, value)])


@only_sqlite
async def test_one_text_is_released_and_taken_back(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "Mehr Bänke")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        assert "1 Text zu lesen" in browser.text
        await browser.press(f"Freigeben {idea.code}")
        assert "1 Text ist freigegeben." in browser.text
        assert states(store, idea.id) == ["released"]
        await browser.press("Zurücknehmen")
        assert states(store, idea.id) == ["waiting"]
        with store.reading() as connection:
            assert [it.act for it in audit_entries(connection)] == ["text.approve", "text.restore"]


@only_sqlite
async def test_many_are_released_but_not_those_with_personal_details(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        texts = ("Mehr Bänke", "Mehr Licht", "Ruft mich an: 030 123456789")
        ids = [submit(connection, park, number, text).id for number, text in enumerate(texts)]
        set_moderation_flags(connection, [ModerationFlags(ids[2], ["phone"])])
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        await ticked(browser, "Ausgewählte freigeben", *ids)
        assert "2 Texte sind freigegeben." in browser.text
        assert "1 Text mit persönlichen Angaben bleibt stehen." in browser.text
        assert states(store, *ids) == ["released", "released", "waiting"]


@only_sqlite
async def test_hidden_texts_give_a_reason_in_their_language(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "You all are stupid", language="en")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        await ticked(browser, "Ausgewählte verbergen", idea.id, reason="insult")
        assert states(store, idea.id) == ["hidden"]
        with store.reading() as connection:
            reason = load_items(connection, [idea.id])[idea.id].reason_of("hide")
        assert reason == "The text hurts other people. So we do not show it."


@only_sqlite
async def test_of_two_people_the_second_is_told(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "Mehr Bänke")
    async with serving(store) as house:
        first, second = signed_in(house, hired(store, "Aylin")), signed_in(house, hired(store, "Cem"))
        await first.get(READING)
        await second.get(READING)
        await first.press(f"Freigeben {idea.code}")
        await second.press(f"Freigeben {idea.code}")
        assert "1 Text hat sich inzwischen geändert oder ist schon erledigt." in second.text
        assert states(store, idea.id) == ["released"]


@only_sqlite
async def test_texts_of_other_consultations_are_out_of_reach(store: Store) -> None:
    open_consultation(store)
    lake = open_consultation(store, "lake")
    with store.begin() as connection:
        idea = submit(connection, lake, 1, "Mehr Enten")
        version = load_items(connection, [idea.id])[idea.id].version
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        csrf = next(dict(form.fields)["csrf"] for form in browser.page.forms if "csrf" in dict(form.fields))
        await browser.post(READING, [("csrf", csrf), ("one", f"approve:{idea.id}:{version}")])
        assert "Das ging nicht." in browser.text
        assert states(store, idea.id) == ["waiting"]


@only_sqlite
async def test_similar_proposals_are_merged_with_one_click(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first = submit(connection, park, 1, "Mehr Bänke im Park, bitte")
        second = submit(connection, park, 2, "Mehr Bänke im Park bitte!")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        await browser.press(f"zusammenlegen {second.code}")
        assert "1 Text ist zusammengelegt." in browser.text
        assert states(store, first.id, second.id) == ["waiting", "merged"]


@only_sqlite
async def test_markup_of_residents_stays_text(store: Store) -> None:
    park = open_consultation(store)
    hostile = '<script>alert(1)</script> \u202e =HYPERLINK("x")'
    with store.begin() as connection:
        submit(connection, park, 1, hostile)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        assert "<script>alert" not in browser.page.html
        assert "alert(1)" in browser.text


@only_sqlite
async def test_answers_to_sensitive_questions_are_released_alone(store: Store) -> None:
    wish = {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}, "sensitive": True}
    park = open_consultation(store, questions=[wish])
    with store.begin() as connection:
        code = open_answer(connection, park, 1, "Eine Rampe")
        number = next(iter(open_answers_by_code(connection, [code]).values())).id
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(READING)
        await ticked(browser, "Ausgewählte freigeben", number)
        assert "1 Text mit persönlichen Angaben bleibt stehen." in browser.text
        await browser.press(f"Trotz Hinweis freigeben {code}")
        assert states(store, number) == ["released"]


@only_sqlite
async def test_hidden_and_merged_texts_can_be_taken_back_later(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        hidden, target, merged = (
            submit(connection, park, number, f"Mehr Bäume, Nummer {number}") for number in (1, 2, 3)
        )
        moderation_decisions.hide_text(chair(connection), hidden.id, "Das verletzt andere.")
        moderation_decisions.approve_text(chair(connection), target.id)
        merge_split.merge_proposals(chair(connection), merged.id, target.id)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{READING}?state=hidden")
        assert "Das verletzt andere." in browser.text
        await browser.press(f"Noch einmal lesen {hidden.code}")
        await browser.get(f"{READING}?state=merged")
        await browser.press(f"Noch einmal lesen {merged.code}")
        assert "Hier steht kein Text." in browser.text
    assert states(store, hidden.id, target.id, merged.id) == ["waiting", "released", "waiting"]
