"""The pages: what waits, the list, the states of a consultation, the team, the audit log."""

from __future__ import annotations

from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.staff import staff_by_name
from tests.support.browser import serving
from tests.support.console import hired, set_up, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation, submit


def acts(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as connection:
        return [(it.actor, it.act, it.object) for it in audit_entries(connection)]


@only_sqlite
async def test_home_says_what_waits_and_what_is_the_first_step(store: Store) -> None:
    member = hired(store)
    async with serving(store) as house:
        browser = signed_in(house, member)
        assert "Gerade wartet nichts auf Sie." in (await browser.get("/console/")).text
        park = open_consultation(store)
        with store.begin() as connection:
            submit(connection, park, 1, "Mehr Bänke")
        assert "1 Text zu lesen" in (await browser.get("/console/")).text
        assert "What waits for you" in (await browser.get("/console/?lang=en")).text


@only_sqlite
async def test_close_and_undo_take_two_clicks_each(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get("/console/consultations/park/steps/close")
        assert "mittendrin" not in browser.text, "nobody is"
        await browser.press("Jetzt beenden")
        assert "Die Befragung ist beendet." in browser.text
        assert "Beendet" in browser.text
        await browser.press("Zurücknehmen")
        assert "Die Befragung läuft wieder." in browser.text
        assert acts(store)[-2:] == [
            ("Aylin", "consultation.close", "park"),
            ("Aylin", "consultation.reopen", "park"),
        ]


@only_sqlite
async def test_a_refused_step_says_why(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store))
        await browser.get("/console/consultations/park/steps/archive")
        assert browser.status == 409
        assert "Die Befragung läuft. Beenden Sie sie zuerst." in browser.text


@only_sqlite
async def test_invite_change_role_revoke_and_take_back(store: Store) -> None:
    owner = hired(store, "Marta", "admin")
    async with serving(store) as house:
        browser = signed_in(house, owner)
        await browser.get("/console/team")
        await browser.press("Link erzeugen", name="Cem B.")
        link = next(attrs["value"] for tag, attrs in browser.page.tags if attrs.get("class") == "link")
        assert link
        guest = house.browser(**{"Accept-Language": "de"})
        await set_up(guest, link[link.index("/console/") :])
        assert (await guest.get("/console/consultations")).status == 200
        await browser.get("/console/team")
        await browser.press("Aus dem Team nehmen")
        assert "Cem B. ist nicht mehr im Team." in browser.text
        assert (await guest.get("/console/consultations")).path == "/console/sign-in"
        await browser.press("Wieder aufnehmen Cem B.")
        assert "Cem B. ist wieder im Team." in browser.text
        with store.reading() as connection:
            assert staff_by_name(connection, "Cem B.")


@only_sqlite
async def test_the_audit_log_is_shown_and_verified(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store, "Kim", "kernteam"))
        await browser.get("/console/consultations/park/steps/close")
        await browser.press("Jetzt beenden")
        await browser.get("/console/audit?about=park")
        assert "consultation.close" in browser.text
        await browser.press("Protokoll prüfen")
        assert "vollständig und unverändert" in browser.text


@only_sqlite
async def test_markup_in_names_and_titles_stays_text(store: Store) -> None:
    name = "<script>alert(1)</script> =cmd"
    owner = hired(store, name, "admin")
    async with serving(store) as house:
        browser = signed_in(house, owner)
        for path in ("/console/team", "/console/account", "/console/audit?about=<script>"):
            await browser.get(path)
            assert "<script>alert" not in browser.page.html
            assert browser.status == 200


@only_sqlite
async def test_odd_addresses_are_answered_without_fault(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        owner, reader = signed_in(house, hired(store, "Marta", "admin")), signed_in(house, hired(store))
        for path in ("account?done=x", "team?done=x&name=<b>", f"audit?before={'9' * 30}", "audit?before=-1"):
            assert (await owner.get(f"/console/{path}")).status == 200, path
        for path in (f"after={'9' * 30}", "after=x&said=x:1,approve:x&undo=1,x", "said=" + "approve:1," * 500):
            assert (await reader.get(f"/console/consultations/park/reading?{path}")).status == 200, path
