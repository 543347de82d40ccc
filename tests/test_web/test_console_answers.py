"""Official answers in the console: drafted, looked at, sent together, taken back, corrected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.proposals.moderation_rules import load_items
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from storage.core.store import Store
from storage.tables.answer_drafts import AnswerDraft, answer_drafts_of
from storage.tables.audit import audit_entries
from storage.tables.proposals import NewProposal, Withdrawal, withdraw_proposals
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.held_answers import publish_held
from tests.support.ideas import chair, open_consultation, released, submit
from tests.test_proposals.test_outcome_notifications import Person

ANSWERS = "/console/consultations/park/answers"
YES = OfficialAnswer("accepted", {"de": "Wird gebaut."})


def drafts(store: Store, *ideas: NewProposal) -> list[AnswerDraft]:
    with store.reading() as connection:
        found = answer_drafts_of(connection, [idea.id for idea in ideas])
    return [found[idea.id] for idea in ideas if idea.id in found]


async def draft(browser: Browser, code: str, button: str = "Entwurf speichern", **fields: str) -> None:
    """Drafts an answer: accepted, with a reason in German."""
    await browser.get(f"{ANSWERS}/{code}")
    await browser.press(button, "angenommen", **{"reason-de": "Wird gebaut.", **fields})


@only_sqlite
async def test_an_answer_is_drafted_looked_at_sent_and_taken_back(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        author = Person(connection, "author", "tr")
        idea = released(connection, park, 1, text="Bank", pseudonym=author.in_(park), language="tr")
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get("/console/")
        assert "1 Vorschlag" in browser.text
        await browser.get(ANSWERS)
        assert "Ohne Antwort (1)" in browser.text
        await draft(browser, idea.code, "Speichern und ansehen")
        assert "Der Grund fehlt auf Deutsch oder in der Sprache des Vorschlags." in browser.text
        assert not any(label == "1 Antwort senden" for form in browser.page.forms for *_, label in form.buttons)
        await draft(browser, idea.code, "Speichern und ansehen", **{"reason-tr": "Yapılacak."})
        assert "Gerekçe: Yapılacak." in browser.text
        assert "1 Mensch bekommt Nachricht" in browser.text
        await browser.get("/console/")
        assert "1 Antwort ist entworfen." in browser.text
        await browser.get(f"{ANSWERS}/preview")
        await browser.press("1 Antwort senden")
        assert "1 Antwort ist unterwegs." in browser.text
        assert drafts(store, idea)[0].publish_at
        await browser.press("1 Antwort zurücknehmen")
        assert "1 Antwort ist zurückgenommen und wieder ein Entwurf." in browser.text
        assert [it.publish_at for it in drafts(store, idea)] == [None]
        await browser.get(f"{ANSWERS}/preview")
        await browser.press("1 Antwort senden")
        assert publish_held(store) == 1
        await browser.get(f"{ANSWERS}?show=answered")
        assert idea.code in browser.text
        with store.reading() as connection:
            acts = [it.act for it in audit_entries(connection) if it.actor == "Aylin"]
        assert acts == ["answer.send", "answer.undo", "answer.send", "text.status"]


@only_sqlite
async def test_undo_after_the_minute_says_that_it_is_too_late(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await draft(browser, idea.code, "Speichern und ansehen")
        await browser.press("1 Antwort senden")
        publish_held(store)
        await browser.press("1 Antwort zurücknehmen")
        assert "Die Minute ist vorbei" in browser.text


@only_sqlite
async def test_several_proposals_get_the_same_draft(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        ideas = [released(connection, park, number) for number in range(3)]
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        query = "&".join(f"item={idea.code}" for idea in ideas[:2])
        await browser.get(f"{ANSWERS}/together?{query}")
        assert "Gleiche Antwort auf 2 Vorschläge" in browser.text
        await browser.press("Entwurf speichern", "nicht umgesetzt", **{"reason-de": "Kein Geld."})
        assert "2 Entwürfe sind gespeichert." in browser.text
        assert [it.reason for it in drafts(store, *ideas)] == [{"de": "Kein Geld."}] * 2
        await browser.get(f"{ANSWERS}/preview")
        await browser.press("2 Antworten senden")
        assert publish_held(store) == 2


@only_sqlite
async def test_two_editors_see_both_versions_and_lose_nothing(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
    async with serving(store) as house:
        first, second = signed_in(house, hired(store, "Aylin")), signed_in(house, hired(store, "Cem"))
        await first.get(f"{ANSWERS}/{idea.code}")
        await second.get(f"{ANSWERS}/{idea.code}")
        await first.press("Entwurf speichern", "angenommen", **{"reason-de": "Wird 2027 gebaut."})
        await second.press("Entwurf speichern", "nicht umgesetzt", **{"reason-de": "Kein Platz."})
        assert second.status == 409
        assert "Fassung von Aylin" in second.text
        assert "Wird 2027 gebaut." in second.text
        assert ("reason-de", "Kein Platz.") in [field for form in second.page.forms for field in form.fields]
        assert drafts(store, idea)[0].reason == {"de": "Wird 2027 gebaut."}
        await second.press("Entwurf speichern")
        assert second.status == 200
        assert drafts(store, idea)[0].reason == {"de": "Kein Platz."}


@only_sqlite
async def test_a_correction_stands_below_the_old_answer(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
        answer_proposal(chair(connection), idea.id, YES)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(f"{ANSWERS}/{idea.code}")
        kind = "Eine Berichtigung der letzten Antwort, sichtbar darunter"
        await browser.press("Speichern und ansehen", kind, "angenommen", **{"reason-de": "Wird 2028 gebaut."})
        assert "Berichtigung der letzten Antwort" in browser.text
        await browser.press("1 Antwort senden")
        assert publish_held(store) == 1
        page = await house.browser(**{"Accept-Language": "de"}).get(f"/p/{idea.code}")
        assert page.text.index("Wird gebaut.") < page.text.index("Berichtigung") < page.text.index("Wird 2028 gebaut.")


@only_sqlite
async def test_templates_fill_the_fields_without_saving(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first, second = released(connection, park, 1), released(connection, park, 2)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await draft(browser, first.code, "Gründe als Vorlage speichern", template_name="Zuständig ist der Senat")
        assert "Die Vorlage ist gespeichert" in browser.text
        await browser.get(f"{ANSWERS}/{second.code}")
        await browser.press("Vorlage einsetzen", template=option_value(browser))
        assert ("reason-de", "Wird gebaut.") in [field for form in browser.page.forms for field in form.fields]
        assert drafts(store, first, second) == []
        await browser.press("Vorlage löschen", template=option_value(browser))
        assert "Zuständig ist der Senat" not in browser.text


def option_value(browser: Browser) -> str:
    """The first template of the list."""
    return next(str(attrs["value"]) for tag, attrs in browser.page.tags if tag == "option")


@only_sqlite
async def test_proposals_of_other_consultations_are_out_of_reach(store: Store) -> None:
    park, lake = open_consultation(store), open_consultation(store, "lake")
    with store.begin() as connection:
        own, other = released(connection, park, 1), released(connection, lake, 2)
        waiting = submit(connection, park, 3)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        assert (await browser.get(f"{ANSWERS}/{other.code}")).status == 404
        assert (await browser.get(f"{ANSWERS}/P-0000-0000")).status == 404
        await browser.get(f"{ANSWERS}/{own.code}")
        csrf = next(dict(form.fields)["csrf"] for form in browser.page.forms if "csrf" in dict(form.fields))
        fields = [("csrf", csrf), ("status", "accepted"), ("reason-de", "Ja."), ("item", f"{other.id}:0")]
        assert (await browser.post(f"{ANSWERS}/{own.code}", fields)).status == 404
        assert drafts(store, other) == []
        await browser.get(ANSWERS)
        assert waiting.code not in browser.text
        for path in ("send", "undo"):
            await browser.post(f"{ANSWERS}/{path}", [("csrf", csrf), ("item", f"{other.id}:1"), ("sending", "7")])
            assert browser.status == 200


@only_sqlite
@pytest.mark.parametrize("role", ["admin", "observer", "project", "helper"])
async def test_other_roles_neither_see_nor_send_answers(store: Store, role: str) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
    async with serving(store) as house:
        browser = signed_in(house, hired(store, role=role))  # type: ignore[arg-type]
        for path in (ANSWERS, f"{ANSWERS}/{idea.code}", f"{ANSWERS}/preview", f"{ANSWERS}/together?item={idea.code}"):
            assert (await browser.get(path)).status == 403


@only_sqlite
async def test_what_cannot_be_stored_stays_in_the_form(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
    hostile = "<script>alert(1)</script> \u202egnp.exe"
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await draft(browser, idea.code, **{"reason-de": "x" * 2_001})
        assert (browser.status, "Ein Text ist zu lang." in browser.text) == (422, True)
        assert ("reason-de", "x" * 2_001) in [field for form in browser.page.forms for field in form.fields]
        await draft(browser, idea.code, link="javascript:alert(1)")
        assert (browser.status, "Der Link muss zu einer Seite führen" in browser.text) == (422, True)
        await browser.get(f"{ANSWERS}/{idea.code}")
        await browser.press("Entwurf speichern", **{"reason-de": "Ja."})
        assert (browser.status, "Bitte wählen, was daraus wird." in browser.text) == (422, True)
        await draft(browser, idea.code, "Speichern und ansehen", **{"reason-de": hostile, "body": hostile})
        assert browser.status == 200
        assert "<script>alert" not in browser.page.html
        assert "alert(1)" in browser.text
        assert "\u202e" not in browser.page.html


@only_sqlite
async def test_a_session_that_ended_keeps_the_text(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
    member = hired(store)
    async with serving(store) as house:
        browser = signed_in(house, member)
        await browser.get(f"{ANSWERS}/{idea.code}")
        browser.http.cookie_jar.clear()
        await browser.press(
            "Entwurf speichern", "angenommen", **{"reason-de": "Ein langer Text, der nicht verloren geht."}
        )
        assert browser.status == 401
        assert "Ein langer Text, der nicht verloren geht." in browser.text
        again = signed_in(house, member)
        form = next(form for form in browser.page.forms if form.action.endswith(idea.code))
        await again.post(form.action, form.fields)
        assert again.status == 409
        await again.press("Noch einmal senden")
        assert drafts(store, idea)[0].reason == {"de": "Ein langer Text, der nicht verloren geht."}


@only_sqlite
async def test_a_proposal_withdrawn_meanwhile_is_not_answered(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = released(connection, park, 1)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await draft(browser, idea.code, "Speichern und ansehen")
        with store.begin() as connection:
            withdraw_proposals(connection, [Withdrawal(idea.id, datetime.now(UTC))])
        await browser.press("1 Antwort senden")
        assert "1 Antwort wurde nicht gesendet." in browser.text
        assert "Der Vorschlag ist zurückgezogen." in browser.text
        assert publish_held(store) == 0


@only_sqlite
async def test_answers_to_an_ended_consultation_are_sent(store: Store) -> None:
    park = open_consultation(store, closes=str((datetime.now(UTC) - timedelta(days=2)).date()))
    with store.begin() as connection:
        idea = released(connection, park, 1)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await draft(browser, idea.code, "Speichern und ansehen")
        await browser.press("1 Antwort senden")
        assert publish_held(store) == 1
        with store.reading() as connection:
            assert load_items(connection, [idea.id])[idea.id].proposal.status == "accepted"


@only_sqlite
async def test_the_list_goes_on_where_the_page_ends(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        ideas = [released(connection, park, number) for number in range(30)]
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get(ANSWERS)
        assert ideas[24].code in browser.text
        assert ideas[25].code not in browser.text
        further = next(link for label, link in browser.page.links if label == "Weitere")
        await browser.get(f"{ANSWERS}{further}")
        assert ideas[25].code in browser.text
        assert ideas[24].code not in browser.text
