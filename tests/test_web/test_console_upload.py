"""The file of a consultation in the console: download, upload, comparison, decisions, publishing, undo."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import FormData
from sqlalchemy import text

from bot.authoring.drafts import find_draft
from bot.authoring.yaml_export import consultation_to_yaml
from bot.common.sources import system_now
from bot.consultations import stored_revisions
from bot.web.console import consultation_file
from flows.session import Session
from storage.core.base import to_iso
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.audit import audit_entries
from storage.tables.revisions import find_live_revision
from tests.support.app import rows
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.rows import answer, stored_session

FILE = "/console/consultations/park/file"


def live(store: Store) -> tuple[int, str]:
    """Number and file of the live revision."""
    with store.reading() as connection:
        revision = find_live_revision(connection, "park")
    assert revision
    definition = stored_revisions.read_revision(revision)
    assert definition
    return revision.number, consultation_to_yaml(definition, revision.number)


def under_way(store: Store, people: int = 2) -> None:
    """People who answered the first question and are at the second."""
    with store.begin() as connection:
        revision = find_live_revision(connection, "park")
        assert revision
        found = []
        for number in range(people):
            state = Session("park", "de", "R", answers={"lamps": "yes"}).to_json()
            mine = stored_session(connection, revision, number, state=state)
            found.append(answer(mine, "lamps", '"yes"'))
        upsert_answers(connection, found)


async def upload(browser: Browser, content: str | bytes, name: str = "park.yaml") -> Browser:
    await browser.get(FILE)
    form = FormData()
    form.add_field("csrf", dict(browser.page.forms[-1].fields)["csrf"])
    form.add_field("file", content if isinstance(content, bytes) else content.encode(), filename=name)
    headers = {"Origin": str(browser.server.make_url("/").origin())}
    async with browser.http.post(browser.server.make_url(FILE), data=form, headers=headers) as response:
        return await browser._see(response)


def acts(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as connection:
        return [(it.act, it.object, it.purpose) for it in audit_entries(connection)]


@only_sqlite
async def test_the_downloaded_file_is_that_of_the_command_show(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        async with browser.http.get(browser.server.make_url(f"{FILE}/live")) as response:
            assert await response.text() == live(store)[1]
            assert response.headers["Content-Disposition"] == 'attachment; filename="park-1.yaml"'


@only_sqlite
async def test_a_correction_is_compared_published_and_taken_back(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await upload(browser, live(store)[1].replace("Was fehlt?", "Was fehlt hier?"))
        assert browser.path == f"{FILE}/changes"
        assert "Was fehlt? Neu Was fehlt hier?" in browser.text
        assert "Fehler in der Datei" not in browser.text
        await browser.press("Veröffentlichen")
        assert "Die neue Fassung ist öffentlich." in browser.text
        assert live(store)[0] == 2
        await browser.press("Zurücknehmen")
        assert "Die Fassung davor läuft wieder." in browser.text
        assert live(store)[0] == 1
        assert rows(store, "SELECT name FROM console_uploads") == []
    assert [act for act, _, _ in acts(store)] == ["consultation.publish", "consultation.publish_back"]


async def download(browser: Browser) -> str:
    async with browser.http.get(browser.server.make_url(f"{FILE}/live")) as response:
        return await response.text()


@only_sqlite
async def test_the_comments_of_a_file_are_downloaded_again(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        file = live(store)[1].replace("revision: 1", "revision: 1 # seen").replace("Was fehlt?", "Was fehlt hier?")
        await upload(browser, f"# von Hand geschrieben \u202e <b>\n{file}# Ende\n")
        await browser.press("Veröffentlichen")
        again = await download(browser)
        assert again == f"# von Hand geschrieben \u202e <b>\n{file}# Ende\n".replace("revision: 1", "revision: 2")
        await upload(browser, again.replace("Was fehlt hier?", "Was fehlt im Park?"))
        await browser.press("Veröffentlichen")
        assert live(store)[0] == 3
        await browser.press("Zurücknehmen")
        assert await download(browser) == again
        with store.reading() as connection:
            draft = find_draft(connection, "park")
        assert draft is not None
        assert draft.text == again


@only_sqlite
async def test_new_comments_alone_are_kept(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await upload(browser, f"{live(store)[1]}# Frage 2 stammt vom Beirat\n")
        await browser.press("Datei so aufheben")
        assert "Die Datei ist so aufgehoben" in browser.text
        assert (await download(browser)).endswith("# Frage 2 stammt vom Beirat\n")
        assert live(store)[0] == 1


@only_sqlite
async def test_a_revision_without_its_file_is_written_anew(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await upload(browser, f"{live(store)[1]}# von Hand\n".replace("Was fehlt?", "Was fehlt hier?"))
        await browser.press("Veröffentlichen")
        with store.begin() as connection:
            connection.execute(text("DELETE FROM revision_files"))
        assert await download(browser) == live(store)[1]


@only_sqlite
async def test_a_change_of_meaning_needs_a_decision(store: Store) -> None:
    open_consultation(store)
    under_way(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await upload(browser, live(store)[1].replace("Licht im Park?", "Lampen im Park?"))
        assert "1 Änderung braucht Ihre Entscheidung" in browser.text
        assert "2 Menschen haben schon geantwortet." in browser.text
        assert "2 Menschen sind mittendrin" in browser.text
        assert "statt „lamps“ den Namen „lamps_2“" in browser.text
        assert "Veröffentlichen" not in [label for form in browser.page.forms for _, _, label in form.buttons]
        csrf = dict(browser.page.forms[-1].fields)["csrf"]
        await browser.post(f"{FILE}/publish", [("csrf", csrf), ("seen", "1")])
        assert browser.status == 409
        assert live(store)[0] == 1
        await browser.press("Gleiche Bedeutung")
        await browser.press("Zurücknehmen")
        assert "1 Änderung braucht Ihre Entscheidung" in browser.text
        await browser.press("Gleiche Bedeutung")
        assert "Gleiche Bedeutung, von Ihnen bestätigt" in browser.text
        await browser.press("Veröffentlichen")
        assert live(store)[0] == 2
    assert acts(store) == [("consultation.publish", "park/2", ""), ("consultation.same_meaning", "park/2", "lamps")]


@only_sqlite
async def test_a_refused_change_is_not_published(store: Store) -> None:
    open_consultation(store)
    under_way(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        swapped = live(store)[1].replace("Ja", "?").replace("Nein", "Ja").replace("?\n", "Nein\n")
        await upload(browser, swapped)
        assert "So geht es nicht" in browser.text
        assert "So lässt sich die Datei noch nicht veröffentlichen." in browser.text


@only_sqlite
async def test_a_broken_file_names_place_and_remedy(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await upload(browser, live(store)[1].replace("level: consultation", "level: party <script>"))
        assert "1 Fehler in der Datei" in browser.text
        assert "Zeile " in browser.text
        assert "Ihre Datei bleibt bei Ihnen" in browser.text
        assert "<script>" not in browser.page.html.replace('<script src="', "")
        await browser.get(FILE)
        assert "park.yaml" in browser.text
        await browser.press("Verwerfen")
        assert "ist verworfen" in browser.text
        assert (await browser.get(f"{FILE}/changes")).status == 409


@only_sqlite
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Wählen Sie eine Datei."),
        (b"x" * 1_000_001, "größer als 1 MB"),
        (b"\xff\xfe\x00", "Zeile 1"),
        (b"[" * 50_000, "Das ist zu tief verschachtelt."),
        (b"a: &a [1]\nb: *a", "Verweise (*name) gehen hier nicht."),
        (b"title: !!python/object:os.system x", "Typnamen (!name) gehen hier nicht."),
        ("slug: 'park'\ntitle: '\u202e=cmd|x'".encode(), "Fehler in der Datei"),
    ],
)
async def test_hostile_files_are_explained(store: Store, content: bytes, words: str) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = await upload(signed_in(house, hired(store)), content, "..\\<b>\u202e=1.yaml")
        assert browser.status in {200, 422}
        assert words in browser.text
        assert "<b>" not in browser.page.html
        assert "\u202e" not in browser.page.html
    assert live(store)[0] == 1


@only_sqlite
async def test_a_file_that_takes_too_long_is_given_up(store: Store, monkeypatch) -> None:
    open_consultation(store)
    monkeypatch.setattr("bot.authoring.upload_check.LONGEST_SECONDS", 0.01)
    async with serving(store) as house:
        browser = await upload(signed_in(house, hired(store)), live(store)[1])
        assert "nicht in der vorgesehenen Zeit prüfen" in browser.text


@only_sqlite
async def test_a_malformed_upload_is_refused(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = await signed_in(house, hired(store)).get(FILE)
        origin = {"Origin": str(browser.server.make_url("/").origin())}
        for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
            async with browser.http.post(
                browser.server.make_url(FILE), data=b"--y\r\nnothing", headers={**origin, "Content-Type": kind}
            ) as response:
                assert response.status == 400


@only_sqlite
async def test_the_file_of_another_consultation_is_refused(store: Store) -> None:
    open_consultation(store)
    open_consultation(store, "lake")
    async with serving(store) as house:
        browser = await upload(signed_in(house, hired(store)), live(store)[1].replace("slug: park", "slug: lake"))
        assert "gehört zu einer anderen Befragung" in browser.text
    assert rows(store, "SELECT name FROM console_uploads") == []


@only_sqlite
async def test_of_two_who_publish_at_once_the_second_compares_anew(store: Store) -> None:
    open_consultation(store)
    number, file = live(store)
    assert number == 1
    async with serving(store) as house:
        first, second = signed_in(house, hired(store)), signed_in(house, hired(store, "Kim", "kernteam"))
        await upload(first, file.replace("Was fehlt?", "Was fehlt hier?"))
        await upload(second, file.replace("Light?", "Lamps?"))
        await first.press("Veröffentlichen")
        await second.press("Veröffentlichen")
        assert second.status == 409
        assert "Inzwischen ist eine andere Fassung öffentlich." in second.text
        assert "Das ginge verloren" in second.text
        assert "Was fehlt hier?" in second.text
        assert live(store)[0] == 2
        await second.press("Fassung 2 bewusst ersetzen")
        await second.press("Veröffentlichen")
        assert live(store)[0] == 3


@only_sqlite
async def test_the_undo_ends_after_a_minute(store: Store, monkeypatch) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await upload(browser, live(store)[1].replace("Was fehlt?", "Was fehlt hier?"))
        await browser.press("Veröffentlichen")
        monkeypatch.setattr(consultation_file, "UNDO_SECONDS", -consultation_file.GRACE_SECONDS)
        await browser.press("Zurücknehmen")
        assert browser.status == 409
        assert "Die Minute zum Zurücknehmen ist vorbei." in browser.text
        assert live(store)[0] == 2


@only_sqlite
async def test_the_first_revision_has_no_undo(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = await signed_in(house, hired(store)).get(FILE)
        assert "Zurücknehmen" not in browser.text
        csrf = dict(browser.page.forms[-1].fields)["csrf"]
        assert (await browser.post(f"{FILE}/back", [("csrf", csrf), ("seen", "1")])).status == 409


@only_sqlite
async def test_an_upload_is_forgotten_after_a_day(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = await upload(signed_in(house, hired(store)), live(store)[1].replace("Was fehlt?", "Was?"))
        with store.begin() as connection:
            past = to_iso(system_now() - timedelta(days=1, seconds=1))
            connection.execute(text("UPDATE console_uploads SET created_at = :past"), {"past": past})
        assert (await browser.get(f"{FILE}/changes")).status == 409
        assert "park.yaml" not in (await browser.get(FILE)).text


@only_sqlite
async def test_the_same_file_changes_nothing(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = await upload(signed_in(house, hired(store)), live(store)[1])
        assert "Es gibt nichts zu veröffentlichen." in browser.text


@only_sqlite
async def test_uploads_of_others_stay_theirs(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        await upload(signed_in(house, hired(store)), live(store)[1].replace("Was fehlt?", "Was?"))
        other = signed_in(house, hired(store, "Kim", "kernteam"))
        assert (await other.get(f"{FILE}/changes")).status == 409
        csrf = dict(other.page.forms[-1].fields)["csrf"]
        assert (await other.post(f"{FILE}/publish", [("csrf", csrf), ("seen", "1")])).status == 409
    assert live(store)[0] == 1


@only_sqlite
async def test_the_check_of_a_file_speaks_like_the_editor(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        broken = live(store)[1].replace("minutes: 2", "minutes: viele").replace("level: consultation\n", "")
        browser = await upload(signed_in(house, hired(store)), broken)
        assert "Bitte nur eine Zahl, ohne Einheit." in browser.text
        assert "Hier fehlt etwas: " in browser.text
        assert "is missing" not in browser.text
