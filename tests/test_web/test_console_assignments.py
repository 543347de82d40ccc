"""Assignments: each role meets each page, command and operation in an own, a foreign and an expired consultation."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import text

from bot.common.i18n.locale import Locale
from bot.common.ids import Ids
from bot.staff import codes
from bot.staff.chat.registry import staff_commands
from bot.staff.policy import may
from bot.web.api.registry import OPERATIONS
from bot.web.console.registry import CONSOLE_PAGES
from flows.phrase_families import ROLES
from storage.core.store import Store
from storage.tables.staff import Role, StaffMember, insert_staff, set_assigned_only
from storage.tables.staff_assignments import StaffAssignment, insert_staff_assignments
from tests.support.api_client import key_for, served
from tests.support.app import KEYS, Recorder, rows, running, say
from tests.support.browser import Browser, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation, released, submit
from tests.support.shared_devices import signed_in as helper_in
from tests.test_api.test_policy import asked
from tests.test_web.test_console_permissions import PARTS

Kind = Literal["own", "foreign", "expired"]
SLUGS: dict[Kind, str] = {"own": "park", "foreign": "lake", "expired": "pond"}
HIDDEN = "Call me: 030 1234"
ARGUMENTS = {
    "list": "",
    "team": "",
    "queue": "{slug}",
    "top": "{slug}",
    "push": "{slug}",
    "approve": "{code}",
    "hide": "{code} off topic",
    "reword": "{code} names\nA bench",
    "merge": "{code} {code}",
    "split": "{code}\nA bench\nA tree",
    "restore": "{code}",
    "translate": "{code} en A bench",
    "answer": "{code} angenommen Ja.",
}
"""How each command of the staff names a consultation or a text of it."""


NEED_DATA = {"/consultations/{slug}/answers/together"}
"""Pages that show something only if there are drafts. Of texts with a code, pushes with a number, and media with a
name, the test has none in the consultation of the member."""


class Places(NamedTuple):
    """Three consultations and a waiting text in each."""

    ids: dict[Kind, int]
    codes: dict[Kind, str]


def three(store: Store) -> Places:
    ids = {kind: open_consultation(store, slug, results="live") for kind, slug in SLUGS.items()}
    with store.begin() as connection:
        codes_ = {kind: submit(connection, number, 1, f"{HIDDEN} {kind}").code for kind, number in ids.items()}
    return Places(ids, codes_)


def assign(store: Store, member: StaffMember, places: Places) -> StaffMember:
    """Limits a member to the own consultation; the assignment of another one ended a minute ago."""
    over = datetime.now(UTC) - timedelta(minutes=1)
    with store.begin() as connection:
        set_assigned_only(connection, member.id, assigned_only=True)
        mine = [StaffAssignment(member.id, places.ids["own"]), StaffAssignment(member.id, places.ids["expired"], over)]
        insert_staff_assignments(connection, mine)
    return member


def decided(store: Store) -> list[tuple[Any, ...]]:
    """What a member could change in the three consultations."""
    found = rows(store, "SELECT slug, state FROM consultations ORDER BY slug")
    return found + rows(store, "SELECT id, state FROM moderations ORDER BY id")


def _reply(channel: Recorder, role: str) -> str:
    """The last reply, without the counted audience of a push, which follows some time after it."""
    return [it for it in channel.texts(role) if not it.startswith("park, alle")][-1]


def csrf_of(browser: Browser) -> str:
    return next(value for form in browser.page.forms for name, value in form.fields if name == "csrf")


@only_sqlite
async def test_pages_of_other_consultations_do_not_exist(store: Store) -> None:
    places = three(store)
    before = decided(store)
    async with serving(store) as house:
        for role in get_args(Role):
            browser = signed_in(house, assign(store, hired(store, role, role), places))
            csrf = csrf_of(await browser.get("/console/account"))
            for page in (it for it in CONSOLE_PAGES if "{slug}" in it.path):
                for kind, slug in SLUGS.items():
                    path = f"/console{page.path.format(**{**PARTS, 'slug': slug})}"
                    case = (role, page.method, path)
                    if page.method == "GET":
                        await browser.get(path)
                    else:
                        token = "wrong" if kind == "own" else csrf
                        await browser.post(path, [("csrf", token), *TAKEN])
                    assert (browser.status == 403) == (not may(role, page.action)), case
                    if kind == "own":
                        is_of_data = page.path in NEED_DATA or any(
                            it in page.path for it in ("{code}", "{number}", "{name}")
                        )
                        assert browser.status != 404 or is_of_data, case
                    else:
                        assert browser.status in {403, 404}, case
                        assert HIDDEN not in browser.page.html, case
            shown = (await browser.get("/console/consultations")).page.html
            assert "lake" not in shown
            assert "pond" not in shown
    assert decided(store) == before


TAKEN = (("all", "approve"), ("item", "1:x"), ("until", ""))
"""Fields with which forms would do something."""


@only_sqlite
async def test_commands_of_the_chat_end_at_the_assignment(store: Store) -> None:
    places = three(store)
    de = Locale.of("de")
    unknown = {de.text("desk.refused.unknown"), de.text("push.stale")}
    commands = staff_commands()
    assert commands.keys() == ARGUMENTS.keys(), "say here how the command names its object"
    async with running(store) as (app, channel):
        for role in get_args(Role):
            code = codes.new_staff_code()
            row = StaffMember(Ids()(), f"M {role}", role, codes.staff_code_hash(KEYS, code), datetime.now(UTC))
            with store.begin() as connection:
                insert_staff(connection, [row])
            assign(store, row, places)
            await say(app, channel.msg(role, f"/team {code}"))
            for name, command in commands.items():
                for kind, slug in SLUGS.items():
                    before = decided(store)
                    argument = ARGUMENTS[name].format(slug=slug, code=places.codes[kind])
                    await say(app, channel.msg(role, f"/{name} {argument}".strip()))
                    reply, case = _reply(channel, role), (role, name, kind)
                    if not may(role, command.action):
                        assert reply == de.text("desk.not_yours", role=de.text(ROLES[role])), case
                    elif name in {"list", "team"}:
                        assert "lake" not in reply, case
                        assert "pond" not in reply, case
                        assert ("park" in reply) == (name == "list"), case
                    elif kind == "own":
                        assert reply not in unknown, case
                        assert not reply.startswith(f"Eine Befragung {slug} gibt es nicht"), case
                    else:
                        is_unknown = reply in unknown or reply == f"Eine Befragung {slug} gibt es nicht. Es gibt: park"
                        assert is_unknown, (case, reply)
                        assert decided(store) == before, case
    assert not [row for row in rows(store, "SELECT slug FROM broadcasts") if row != ("park",)]


@only_sqlite
async def test_a_text_of_another_consultation_is_no_target(store: Store) -> None:
    places = three(store)
    code = codes.new_staff_code()
    row = StaffMember(Ids()(), "Aylin", "facilitator", codes.staff_code_hash(KEYS, code), datetime.now(UTC))
    with store.begin() as connection:
        insert_staff(connection, [row])
    assign(store, row, places)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}"))
        await say(app, channel.msg("a", f"/merge {places.codes['own']} {places.codes['foreign']}"))
        assert channel.texts("a")[-1] == Locale.of("de").text("desk.refused.unknown")
        await say(app, channel.msg("a", "/queue"))
        assert HIDDEN in channel.texts("a")[-1]
        await say(app, channel.msg("a", f"/queue {places.codes['own']} next"))
        assert "lake" not in channel.texts("a")[-1]
        assert "pond" not in channel.texts("a")[-1]


@only_sqlite
async def test_keys_reach_no_other_consultation(store: Store) -> None:
    places = three(store)
    with store.begin() as connection:
        free = {
            kind: [released(connection, number, person).code for person in range(2, 2 + len(OPERATIONS) * len(ROLES))]
            for kind, number in places.ids.items()
        }
    async with served(store) as house:
        for role in get_args(Role):
            client = house.client(key_for(store, assign(store, hired(store, role, role), places)))
            for one in OPERATIONS.values():
                for kind, slug in SLUGS.items():
                    before = decided(store)
                    reply, case = await asked(client, one, slug, free[kind].pop()), (role, one.name, kind)
                    if one.name == "list_consultations" and reply.status == 200:
                        assert [it["slug"] for it in reply.json["items"]] == ["park"], case
                    elif kind != "own":
                        assert reply.status in {403, 404}, case
                        assert HIDDEN not in reply.text, case
                        assert decided(store) == before, case
                    else:
                        assert reply.status != 404, case


@only_sqlite
async def test_helpers_help_where_assigned(store: Store) -> None:
    places = three(store)
    async with serving(store) as house:
        helper = await helper_in(house, store, "Mira", "facilitator")
        number = rows(store, "SELECT id FROM staff WHERE name = 'Mira'")[0][0]
        with store.begin() as connection:
            set_assigned_only(connection, number, assigned_only=True)
            insert_staff_assignments(connection, [StaffAssignment(number, places.ids["own"])])
        await helper.get("/assist")
        actions = {form.action for form in helper.page.forms if form.action.startswith("/assist/")}
        assert {it for it in actions if it.endswith("/start")} == {"/assist/park/start"}
        csrf = csrf_of(helper)
        for slug, expected in (("park", 200), ("lake", 404), ("pond", 404)):
            assert (await helper.get(f"/assist/{slug}/sheet")).status == expected, slug
            for act in ("start", "room", "sheet"):
                await helper.post(f"/assist/{slug}/{act}", [("csrf", csrf), ("lang", "de"), ("sheet", "a" * 16)])
                is_refused = helper.status == 404 or "/assist/room/" not in helper.path
                assert expected == 200 or is_refused, (slug, act, helper.status)
        await helper.get("/assist")
        await helper.post("/assist/park/start", [("csrf", csrf), ("lang", "de")])
        assert helper.path == "/assist/park/ask"
        with store.begin() as connection:
            connection.execute(text("DELETE FROM staff_assignments"))
        assert (await helper.get("/assist/park/ask")).status == 404, "the assignment ended meanwhile"


@only_sqlite
async def test_an_owner_assigns_and_takes_it_back(store: Store) -> None:
    places = three(store)
    cem = hired(store, "Cem B.")
    async with serving(store) as house:
        browser = signed_in(house, hired(store, "Marta", "admin"))
        await browser.get("/console/team")
        assert "überall" in browser.text
        await browser.get(f"/console/team/{cem.id}")
        until = {f"until-{places.ids['own']}": "2099-12-31"}
        await browser.press("Speichern", "Chat, nicht mit einem Schlüssel für Programme.", "park, Läuft", **until)
        assert "arbeitet jetzt dort mit" in browser.text
        found = rows(store, "SELECT consultation_id, until FROM staff_assignments")
        assert [row[0] for row in found] == [places.ids["own"]]
        assert str(found[0][1]).startswith("2099-12-31T23:00:00"), "the end of the day in Berlin"
        assert "bis 31. Dezember 2099" in (await browser.get("/console/team")).text
        log = rows(store, "SELECT object, purpose FROM audit WHERE act = 'staff.assign' ORDER BY id")
        assert log == [("Cem B.", "assigned"), ("park/Cem B.", "until 2099-12-31")]
        assert "lake" not in (await signed_in(house, cem).get("/console/consultations")).page.html


@only_sqlite
async def test_the_undo_restores_what_was_there(store: Store) -> None:
    places = three(store)
    cem = assign(store, hired(store, "Cem B."), places)
    with store.begin() as connection:
        connection.execute(text("UPDATE staff_assignments SET until = NULL"))
    before = rows(store, "SELECT * FROM staff_assignments ORDER BY consultation_id")
    async with serving(store) as house:
        browser = signed_in(house, hired(store, "Marta", "admin"))
        await browser.get(f"/console/team/{cem.id}")
        await browser.press("Speichern", "In allen Befragungen")
        assert rows(store, "SELECT assigned_only FROM staff WHERE name = 'Cem B.'") == [(0,)]
        await browser.press("Zurücknehmen")
        assert rows(store, "SELECT assigned_only FROM staff WHERE name = 'Cem B.'") == [(1,)]
        assert rows(store, "SELECT * FROM staff_assignments ORDER BY consultation_id") == before


@only_sqlite
async def test_two_owners_do_not_overwrite_each_other(store: Store) -> None:
    places = three(store)
    cem = hired(store, "Cem B.")
    async with serving(store) as house:
        marta = signed_in(house, hired(store, "Marta", "admin"))
        ugur = signed_in(house, hired(store, "Uğur", "admin"))
        await marta.get(f"/console/team/{cem.id}")
        await ugur.get(f"/console/team/{cem.id}")
        await marta.press("Speichern", "park, Läuft")
        await ugur.press("Speichern", "lake, Läuft")
        assert ugur.status == 409
        assert "Inzwischen hat jemand anderes etwas geändert" in ugur.text
        found = rows(store, "SELECT consultation_id FROM staff_assignments")
        assert found == [(places.ids["own"],)]


@only_sqlite
async def test_bad_forms_change_nothing_and_keep_what_was_typed(store: Store) -> None:
    places = three(store)
    cem = hired(store, "Cem B.")
    owner = hired(store, "Marta", "admin")
    own = places.ids["own"]
    async with serving(store) as house:
        browser = signed_in(house, owner)
        for day in ("31.12.2099", "2099-13-01", "9999-12-31", "0001-01-01", "<script>", "\u202e2099"):
            await browser.get(f"/console/team/{cem.id}")
            await browser.press("Speichern", "park, Läuft", **{f"until-{own}": day})
            assert browser.status == 422, day
        await browser.get(f"/console/team/{owner.id}")
        fields = [*browser.page.forms[-1].fields, ("consultation", str(own))]
        await browser.post(browser.path, [("where", "assigned"), *(it for it in fields if it[0] != "where")])
        assert browser.status == 422, "owners work everywhere"
        for number in ("0", "1", "x", str(2**63), "-1"):
            assert (await browser.get(f"/console/team/{number}")).status == 404
        assert rows(store, "SELECT * FROM staff_assignments") == []
        assert rows(store, "SELECT name FROM staff WHERE assigned_only") == []


@only_sqlite
async def test_who_becomes_owner_acts_everywhere(store: Store) -> None:
    cem = assign(store, hired(store, "Cem B."), three(store))
    async with serving(store) as house:
        browser = signed_in(house, hired(store, "Marta", "admin"))
        csrf = csrf_of(await browser.get("/console/team"))
        await browser.post("/console/team/role", [("csrf", csrf), ("member", str(cem.id)), ("role", "admin")])
        assert rows(store, "SELECT role, assigned_only FROM staff WHERE name = 'Cem B.'") == [("admin", 0)]


@only_sqlite
async def test_assigned_members_see_the_log_of_their_consultations(store: Store) -> None:
    kern = assign(store, hired(store, "Kern", "kernteam"), three(store))
    async with serving(store) as house:
        facilitator = signed_in(house, hired(store))
        for slug in ("park", "lake"):
            await facilitator.get(f"/console/consultations/{slug}/steps/close")
            await facilitator.press("Jetzt beenden")
        shown = (await signed_in(house, kern).get("/console/audit")).page.html
        assert '<td>consultation.close</td><td dir="auto">park</td>' in shown
        assert "lake" not in shown


@only_sqlite
async def test_an_owner_who_was_revoked_meanwhile_changes_no_roles(store: Store) -> None:
    """Of two owners who revoke each other at the same moment, one stays."""
    marta, ugur = hired(store, "Marta", "admin"), hired(store, "Uğur", "admin")
    async with serving(store) as house:
        browser = signed_in(house, marta)
        csrf = csrf_of(await browser.get("/console/team"))
        with store.begin() as connection:
            connection.execute(text("UPDATE staff SET role = 'observer' WHERE name = 'Marta'"))
        await browser.post("/console/team/revoke", [("csrf", csrf), ("member", str(ugur.id))])
        assert browser.status == 403
        assert rows(store, "SELECT name FROM staff WHERE revoked_at IS NOT NULL") == []


@only_sqlite
async def test_a_chat_is_disconnected_and_a_new_code_connects_again(store: Store) -> None:
    open_consultation(store)
    member = hired(store)
    async with serving(store) as house, running(store) as (app, channel):
        browser = signed_in(house, member)
        for chat in ("a", "b"):
            await browser.get("/console/account")
            assert "kein Chat mit diesem Konto verbunden" in browser.text
            await browser.press("Neuen Code anzeigen")
            found = re.search(r"/team ([0-9A-Z-]{19})", browser.page.html)
            assert found
            await say(app, channel.msg(chat, f"/team {found.group(1)}"))
            assert "ein Chat in test" in (await browser.get("/console/account")).text
            await browser.press("Chat trennen")
            assert "Der Chat ist getrennt." in browser.text
            await say(app, channel.msg(chat, "/list"))
            assert "Offen sind" not in channel.texts(chat)[-1]
    log = rows(store, "SELECT door, purpose FROM audit WHERE act = 'staff.chat' ORDER BY id")
    assert log == [("chat", "bound"), ("page", "left")] * 2
