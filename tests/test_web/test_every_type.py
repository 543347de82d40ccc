"""Every question type is answered on every kind of page: form, kiosk, meeting and paper. A new type comes in by
itself."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from storage.core.store import Store
from tests.support.app import publish
from tests.support.browser import Browser, serving
from tests.support.every_type import SLUG, every_type, typed_questions
from tests.support.shared_devices import signed_in

NUMBER, DAY, WORDS = "3", "2027-03-31", "Mehr Bänke am Teich"
MOST_PAGES = 80
NEXT, SUMMARY, DONE = "Weiter", "Antworten prüfen", "Fertig"
QUESTIONS = typed_questions(every_type())


@pytest.fixture
def store(empty):
    publish(empty, every_type())
    return empty


async def answer_page(page: Browser) -> None:
    """Fills in a page as a visitor could: "something else" or the first option of each group, and every field."""
    form = page.step()
    # Not by label: the rows of a table have the same.
    boxes = [tag for _, tag in page.page.tags if tag.get("type") in {"radio", "checkbox"}]
    offered = [(str(tag["name"]), str(tag["value"])) for tag in boxes]
    offered.sort(key=lambda option: not option[1].endswith(".other"))
    chosen = dict(reversed(offered))
    several = "checkbox" in form.types
    fields = [(name, value) for name, value in form.fields if name not in chosen and not _is_field(name)]
    fields += list(chosen.items()) if not several else offered[:1]
    given = {str(tag["name"]): _typed(tag) for _, tag in page.page.tags if _is_field(str(tag.get("name", "")))}
    if not boxes:
        fields += [
            (name, str(place) if "number-" in name else words) for place, (name, words) in enumerate(given.items(), 1)
        ]
    elif "text" in given:
        fields.append(("text", ""))
    await page.post(form.action or page.path, fields)


def _is_field(name: str) -> bool:
    return name == "text" or name.startswith("number-")


def _typed(tag: dict[str, str | None]) -> str:
    if tag.get("type") == "date":
        return DAY
    return NUMBER if tag.get("inputmode") else WORDS


async def answer_step(page: Browser) -> None:
    """Answers the question of the page, or goes on where it asks nothing."""
    buttons = [label for _, _, label in page.step().buttons]
    if NEXT not in buttons:
        await page.press(next(label for label in ("Weitermachen", "So abgeben", *buttons) if label in buttons))
        return
    before = page.page.html
    await answer_page(page)
    assert page.status == 200, page.text
    assert page.page.html != before


async def answer_all(page: Browser) -> None:
    """From the first question to the summary."""
    for _ in range(MOST_PAGES):
        if page.heading() == SUMMARY:
            return
        await answer_step(page)
    raise AssertionError(f"the summary was not reached: {page.text}")


def stored(store: Store) -> set[str]:
    with store.reading() as connection:
        rows = connection.execute(text("SELECT question_key FROM answers WHERE value IS NOT NULL"))
        return {key for (key,) in rows}


def expected() -> set[str]:
    """All but the statements, of which there are none here, and what is asked only after "something else"."""
    return {question.key for question in QUESTIONS} - {"q_statements"}


async def test_every_type_on_the_form(store):
    async with serving(store) as house:
        page = house.browser(Cookie="lang=de")
        await page.get(f"/c/{SLUG}")
        await page.press("Los geht es")
        await answer_all(page)
        await page.press(DONE)
        assert "Quittung" in page.text
    assert stored(store) >= expected()


async def test_every_type_at_a_kiosk(store):
    async with serving(store) as house:
        page = house.browser()
        await page.get(f"/kiosk/{SLUG}")
        await page.press("Los geht es")
        await answer_all(page)
        await page.press(DONE)
        assert "Quittung" in page.text
    assert stored(store) >= expected()


async def test_every_type_on_paper(store):
    """A sheet is entered as it was filled in: where there are lines, with words; else with one tick."""
    async with serving(store) as house:
        page = await signed_in(house, store)
        await page.get(f"/assist/{SLUG}/sheet?in=de")
        form = next(form for form in page.page.forms if "sheet" in dict(form.fields))
        words = {f"text-{question.key}": question.words[0] for question in QUESTIONS}
        written = {name for name, _ in form.fields if name.startswith("text-")}
        fields = [(name, words.get(name, value)) for name, value in form.fields if not name.startswith("tick-")]
        boxes = [tag for _, tag in page.page.tags if tag.get("type") in {"radio", "checkbox"} and tag["value"]]
        ticked: dict[str, str] = {}
        for name, token in ((str(tag["name"]), str(tag["value"])) for tag in boxes):
            if name.replace("tick-", "text-") not in written and (name not in ticked or token.endswith(".other")):
                ticked[name] = token
        await page.post(form.action, [*fields, *ticked.items()])
        assert "Der Bogen ist gespeichert" in page.text, page.text
    assert stored(store) >= expected()


async def test_every_type_in_a_meeting(store):
    """The moderator opens one question after the other; a participant answers each on the page of the meeting."""
    async with serving(store) as house:
        lead = await signed_in(house, store, "Mira", "facilitator")
        form = next(form for form in lead.page.forms if form.action == f"/assist/{SLUG}/room")
        await lead.post(form.action, form.fields)
        code = lead.path.rpartition("/")[2]
        page = await house.browser(**{"Accept-Language": "de"}).get(f"/room?code={code}")
        await page.press("Mitmachen")
        await lead.press("Erste Frage öffnen")
        for _ in range(MOST_PAGES):
            await page.get(f"/c/{SLUG}/room/{code}")
            for _ in range(MOST_PAGES):
                if not any("at" in dict(form.fields) for form in page.page.forms) or page.heading() == SUMMARY:
                    break
                await answer_step(page)
            wall = await house.browser(**{"Accept-Language": "de"}).get(f"/room/{code}/screen")
            assert wall.status == 200
            if not any(label == "Nächste Frage öffnen" for form in lead.page.forms for _, _, label in form.buttons):
                break
            await lead.press("Nächste Frage öffnen")
        await page.press(DONE)
    assert stored(store) >= expected()
