"""The API as another program uses it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from adapters.web.limits import Buckets, Rate
from bot.authoring import publishing
from bot.authoring.file_check import CheckedFile
from bot.authoring.publishing import PublishContext
from bot.proposals.official_answers import OfficialAnswer, answer_proposal
from bot.results.editions.renewal import renew_edition
from bot.web.api import access_keys, routes
from bot.web.api.registry import OPERATIONS
from bot.web.api.serializers import serialize_consultation
from storage.core.store import Store
from storage.tables.api_keys import all_api_keys, revoke_api_key
from storage.tables.consultations import set_consultation_state
from storage.tables.revisions import live_revision_of
from storage.tables.staff import revoke_staff_member
from tests.support.api_client import Client, ServedHouse, hire, key_for, served
from tests.support.app import consultation as made_of
from tests.support.app import rows
from tests.support.databases import only_sqlite
from tests.support.held_answers import publish_held
from tests.support.ideas import chair, open_answer, open_consultation, rate, released, submit
from tests.support.rows import new_id


@pytest.fixture
async def house(store: Store):
    async with served(store) as house:
        yield house


def client_of(house: ServedHouse, name: str = "Aylin") -> Client:
    return house.client(key_for(house.store, hire(house.store, name)))


async def test_from_the_queue_to_a_status(house: ServedHouse) -> None:
    park = open_consultation(house.store, results="live")
    with house.store.begin() as connection:
        released(connection, park, 1, text="More benches in the park, please")
        idea = submit(connection, park, 2, "please more benches in the park. Erika M.")
    aylin = client_of(house)
    queue = await aylin.get("/consultations/park/queue")
    (waiting,) = queue.json["items"]
    assert (waiting["code"], waiting["similar"][0]["likeness"] > 80) == (idea.code, True)
    assert queue.json["states"] == {"released": 1, "waiting": 1}
    read = await aylin.get(f"/proposals/{idea.code}/queued")
    assert read.tag.strip('"') == read.json["version"] == waiting["version"]
    words = {"kind": "edit", "text": "More benches", "reason": "a name"}
    edited = await aylin.post(f"/proposals/{idea.code}/decisions", words, tag=read.tag)
    assert edited.json["original"]["text"] == idea.text
    assert [(one["kind"], one["by"], one["reason"]) for one in edited.json["decisions"]] == [
        ("edit", "Aylin", "a name")
    ]
    assert edited.tag != read.tag
    done = await aylin.post(f"/proposals/{idea.code}/decisions", {"kind": "approve"}, tag=edited.tag)
    assert (done.json["state"], done.json["text"]) == ("released", "More benches")
    outcome = {"status": "accepted", "reason": {"de": "Ja."}, "body": "Bezirksamt", "link": "https://example.org"}
    seen = await aylin.post(f"/proposals/{idea.code}/statuses/preview", outcome)
    assert (seen.json["people"], "Ja." in seen.json["messages"]["de"]) == (0, True)
    assert rows(house.store, "SELECT count(*) FROM answer_drafts") == [(0,)]
    refused = await aylin.post(f"/proposals/{idea.code}/statuses/preview", {"status": "accepted", "reason": {}})
    assert (refused.status, refused.json["type"].rpartition(":")[2]) == (422, "reason_languages")
    told = await aylin.post(f"/proposals/{idea.code}/statuses", outcome, tag=done.tag)
    assert told.json["messages"] == seen.json["messages"]
    assert (told.json["status"], told.json["people"]) == ("accepted", 0)
    assert "Ja." in told.json["messages"]["de"]
    undone = await aylin.post(f"/proposals/{idea.code}/statuses/undo", {})
    assert undone.json == {"undone": True}
    assert (await aylin.get(f"/proposals/{idea.code}/statuses")).json == {"items": []}
    told = await aylin.post(f"/proposals/{idea.code}/statuses", outcome, tag=done.tag)
    assert publish_held(house.store) == 1
    statuses = (await aylin.get(f"/proposals/{idea.code}/statuses")).json["items"]
    assert [(it["status"], it["is_correction"]) for it in statuses] == [("accepted", False)]
    shown = await aylin.get(f"/proposals/{idea.code}")
    assert (shown.json["status"], shown.json["text"]) == ("accepted", "More benches")
    assert "original" not in shown.json


async def test_every_decision_can_be_made(house: ServedHouse) -> None:
    park = open_consultation(house.store)
    with house.store.begin() as connection:
        first, second, third = (released(connection, park, number) for number in (1, 2, 3))
    aylin = client_of(house)

    async def decide(code: str, **body: object):
        reply = await aylin.post(f"/proposals/{code}/decisions", body)
        assert reply.status == 200, reply.text
        return reply.json

    text = {"text": "Eine Bank", "title": "Bank"}
    assert (await decide(first.code, kind="translate", language="en", **text))["translations"]["en"] == {
        "title": "Bank",
        "text": "Eine Bank",
        "is_by_machine": False,
        "is_reviewed": False,
    }
    assert (await decide(second.code, kind="merge", into=first.code))["merged_into"] == first.code
    assert (await aylin.get(f"/proposals/{first.code}/queued")).json["stands_for"] == [second.code]
    assert (await decide(second.code, kind="restore"))["state"] == "waiting"
    assert (await decide(third.code, kind="split", parts=[{"text": "One"}, {"text": "Two"}]))["state"] == "split"
    assert (await decide(second.code, kind="hide", reason="an advertisement"))["state"] == "hidden"
    waiting = (await aylin.get("/consultations/park/queue")).json["items"]
    assert [(row["text"], row["split_from"]) for row in waiting] == [("One", third.code), ("Two", third.code)]


async def test_a_decision_is_about_what_was_read(house: ServedHouse) -> None:
    park = open_consultation(house.store)
    with house.store.begin() as connection:
        idea = submit(connection, park, 1)
    aylin, bora = client_of(house), client_of(house, "Bora")
    path = f"/proposals/{idea.code}/decisions"
    tag = (await aylin.get(f"/proposals/{idea.code}/queued")).tag
    assert (await aylin.post(path, {"kind": "approve"}, tag="")).kind == "version_missing"
    replies = await asyncio.gather(
        aylin.post(path, {"kind": "approve"}, tag=tag), bora.post(path, {"kind": "hide", "reason": "spam"}, tag=tag)
    )
    assert sorted(reply.status for reply in replies) == [200, 412]
    late = next(reply for reply in replies if reply.status == 412)
    assert (late.kind, "changed since you read it" in late.json["detail"]) == ("changed", True)
    fresh = await aylin.get(f"/proposals/{idea.code}/queued")
    assert len(fresh.json["decisions"]) == 1
    unchanged = await aylin.get(f"/proposals/{idea.code}/queued", **{"If-None-Match": fresh.tag})
    assert (unchanged.status, unchanged.text) == (304, "")


async def test_open_answers_are_moderated_and_listed_after_release(store: Store) -> None:
    """Beside proposals, in the same queue and by the same rules."""
    park = open_consultation(store, results="live")
    with store.begin() as connection:
        idea = submit(connection, park, 1)
        for number, who in enumerate("abc"):
            open_answer(connection, park, number, f"Bitte mehr Licht, Erika {who}@example.org")
    async with served(store) as house:
        aylin = client_of(house)
        queue = (await aylin.get("/consultations/park/queue")).json
        assert queue["states"] == {"waiting": 4}
        assert [(one["kind"], one["question_key"]) for one in queue["items"]] == [
            ("proposal", None),
            *[("answer", "wish")] * 3,
        ]
        first, second, third = (one["code"] for one in queue["items"][1:])
        page = (await aylin.get(f"/consultations/park/queue?limit=1&after={first}")).json
        assert ([one["code"] for one in page["items"]], page["next"]) == ([second], second)
        read = await aylin.get(f"/proposals/{first}/queued")
        assert (read.json["flags"], read.json["text"]) == (["email"], "Bitte mehr Licht, Erika a@example.org")
        path = f"/proposals/{first}/decisions"
        edited = await aylin.post(path, {"kind": "edit", "text": "Licht", "reason": "a name"}, tag=read.tag)
        assert edited.json["original"]["text"] == read.json["text"]
        assert (await aylin.post(path, {"kind": "approve"}, tag=read.tag)).status == 412
        assert (await aylin.post(path, {"kind": "approve"}, tag=edited.tag)).json["state"] == "released"
        english = {"kind": "translate", "language": "en", "text": "Light", "reviewed": True}
        assert (await aylin.post(path, english)).json["translations"]["en"]["text"] == "Light"
        for body in (
            {"kind": "merge", "into": idea.code},
            {"kind": "split", "parts": [{"text": "a"}, {"text": "b"}]},
            {"kind": "edit", "title": "Title", "text": "Licht!", "reason": "why"},
        ):
            refused = await aylin.post(path, body)
            assert (refused.status, refused.kind) == (409, "only_proposals")
        told = await aylin.post(f"/proposals/{first}/statuses", {"status": "accepted", "reason": {"de": "Ja."}})
        assert (told.status, told.kind) == (409, "only_proposals")
        for nowhere in ("", "/statuses"):
            assert (await aylin.get(f"/proposals/{first}{nowhere}")).status == 404, "it is no proposal"
        await aylin.post(f"/proposals/{second}/decisions", {"kind": "approve"})
        reader = house.client(key_for(store, hire(store, "Bora"), ["read"]))
        texts = (await reader.get("/consultations/park/texts")).json
        assert sorted(one["text"] for one in texts["items"]) == ["Bitte mehr Licht, Erika b@example.org", "Licht"]
        assert set(texts["items"][0]) == {*["code", "consultation", "question_key", "text", "language", "translations"]}
        one = (await reader.get("/consultations/park/texts?limit=1&question=wish")).json
        rest = (await reader.get(f"/consultations/park/texts?after={one['next']}")).json
        assert (one["items"] + rest["items"], rest["next"]) == (texts["items"], None)
        assert (await reader.get("/consultations/park/texts?question=lamps")).json["items"] == []
        assert (await reader.get(f"/proposals/{third}/queued")).status == 403


async def test_released_answers_are_hidden_until_closing_like_figures(house: ServedHouse) -> None:
    open_consultation(house.store, results="at_close")
    reply = await client_of(house).get("/consultations/park/texts")
    assert (reply.status, reply.kind) == (403, "hidden_until_closing")


async def test_lists_come_in_pages(house: ServedHouse) -> None:
    park = open_consultation(house.store, results="live")
    with house.store.begin() as connection:
        ideas = [released(connection, park, number) for number in range(5)]
    aylin = client_of(house)
    for name in ("proposals", "ratings"):
        seen, after = [], ""
        while after is not None:
            page = (await aylin.get(f"/consultations/park/{name}?limit=2&after={after}")).json
            seen += [row["code"] for row in page["items"]]
            after = page["next"]
        assert seen == [idea.code for idea in ideas]


@only_sqlite
async def test_counts_are_hidden_until_closing_and_small_ones_always(house: ServedHouse) -> None:
    park = open_consultation(house.store, results="at_close")
    lake = open_consultation(house.store, "lake", results="live")
    with house.store.begin() as connection:
        many, few, none = (released(connection, lake, number) for number in (1, 2, 3))
        released(connection, park, 1)
        rate(connection, many.id, {10: 1, 11: 1, 12: -1, 13: 0, 14: 1})
        rate(connection, few.id, {10: 1, 11: 1, 12: -1, 13: 0})
    aylin = client_of(house)
    unmade = (await aylin.get("/consultations/lake/ratings")).json
    assert (unmade["edition"], {row["people"] for row in unmade["items"]}) == (None, {None}), "not put together yet"
    assert {row["reason"] for row in unmade["items"]} == {"not_yet"}
    assert renew_edition(house.store, "lake")
    found = {row["code"]: row for row in (await aylin.get("/consultations/lake/ratings")).json["items"]}
    assert [found[many.code][name] for name in ("people", "agree", "disagree", "passed")] == [5, 3, 1, 1], (
        "all small, and nobody in particular"
    )
    assert [found[few.code][name] for name in ("people", "agree", "important")] == [None, None, None]
    assert found[none.code]["people"] == 0
    assert [found[it.code]["reason"] for it in (many, few, none)] == ["", "few", ""]
    assert (await aylin.get("/consultations/park/ratings")).kind == "hidden_until_closing"
    with house.store.begin() as connection:
        set_consultation_state(connection, park, "closed")
    assert (await aylin.get("/consultations/park/ratings")).status == 200


async def test_archiving_says_who_waits(house: ServedHouse) -> None:
    park = open_consultation(house.store)
    with house.store.begin() as connection:
        idea = released(connection, park, 1)
    aylin = client_of(house)
    refused = await aylin.post("/consultations/park/archive")
    assert (refused.status, refused.kind, idea.code in refused.json["detail"]) == (409, "owed", True)
    with house.store.begin() as connection:
        answer_proposal(chair(connection), idea.id, OfficialAnswer("rejected", {"de": "Kein Platz."}))
    still_open = await aylin.post("/consultations/park/archive", {"confirm": True})
    assert (still_open.status, still_open.kind) == (409, "is_open")
    assert "/consultations/park/close" in still_open.json["detail"]
    assert (await aylin.post("/consultations/park/close")).json["state"] == "closed"
    asked = await aylin.post("/consultations/park/archive")
    assert (asked.status, asked.kind) == (409, "confirm")
    assert "these keywords no longer start it: park" in asked.json["detail"]
    assert (await aylin.post("/consultations/park/archive", {"confirm": True})).json["state"] == "archived"
    assert (await aylin.get("/consultations/park")).json["state"] == "archived"
    assert (await aylin.get("/consultations/park/answered")).json["contributions"] is None


@only_sqlite
@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"kind": "approve", "staff_id": 1}, 422, "malformed"),
        ({"kind": "delete"}, 422, "malformed"),
        ({"kind": "hide"}, 422, "malformed"),
        ({"kind": "hide", "reason": " "}, 422, "no_reason"),
        ({"kind": "split", "parts": [{"text": "a"}]}, 422, "malformed"),
        ({"kind": "edit", "text": "x" * 15_000, "reason": "r"}, 422, "no_text"),
        ({"kind": "merge", "into": "P-0000-0000"}, 404, "unknown"),
        ([], 422, "malformed"),
        ("{", 415, "media_type"),
        ("x" * 300_000, 413, "too_large"),
    ],
)
async def test_nonsense_is_answered_in_words(house: ServedHouse, body, status, kind) -> None:
    park = open_consultation(house.store)
    with house.store.begin() as connection:
        idea = released(connection, park, 1)
    reply = await client_of(house).post(f"/proposals/{idea.code}/decisions", body)
    assert (reply.status, reply.kind) == (status, kind), reply.text
    assert reply.json["detail"].endswith((".", ")"))


@only_sqlite
async def test_nowhere_and_the_wrong_method_are_problems_too(house: ServedHouse) -> None:
    aylin = client_of(house)
    for method, path in (("GET", "/nothing"), ("DELETE", "/consultations"), ("GET", "/api"), ("PUT", "/api/x?lang=de")):
        reply = await aylin.ask(method, path, None)
        assert reply.status in {404, 405}
        if path != "/api":
            assert reply.kind == "unknown"
    assert (await aylin.get("/consultations?sort=name")).kind == "malformed"
    assert (await aylin.get("/consultations?lang=de")).kind == "malformed"
    assert (await aylin.get("/consultations/park")).kind == "unknown"


@only_sqlite
async def test_a_key_ends_with_itself_or_its_owner(house: ServedHouse) -> None:
    store, member = house.store, hire(house.store, "Aylin")
    first, second = key_for(store, member), key_for(store, member)
    assert (await house.client(first).get("/consultations")).status == 200
    with store.begin() as connection:
        rows = {row.label: row for row in all_api_keys(connection)}
        assert [row.used_at is not None for row in rows.values()] == [row.label in first for row in rows.values()]
        revoke_api_key(connection, first.split("_")[1], datetime.now(UTC))
    assert (await house.client(first).get("/consultations")).kind == "wrong_key"
    assert (await house.client(second).get("/consultations")).status == 200
    with store.begin() as connection:
        revoke_staff_member(connection, "Aylin", datetime.now(UTC))
    assert (await house.client(second).get("/consultations")).kind == "wrong_key"


@only_sqlite
async def test_too_many_requests_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "REQUESTS", Rate(3, 0.1))
    monkeypatch.setattr(routes, "WRONG_KEYS", Rate(2, 0.1))
    async with served(store) as house:
        aylin, bora = client_of(house), client_of(house, "Bora")
        replies = [await aylin.get("/consultations") for _ in range(4)]
        assert [reply.status for reply in replies] == [200, 200, 200, 429]
        assert int(replies[-1].headers["Retry-After"]) > 5
        assert (await bora.get("/consultations")).status == 200
        guesses = [await house.client(f"mitsprache_guess{at}").get("/consultations") for at in range(3)]
        assert [guess.status for guess in guesses] == [401, 401, 429]
        asked: list[bytes] = []
        monkeypatch.setattr(access_keys, "find_bearer", lambda _, wanted: asked.append(wanted))
        assert (await house.client("mitsprache_guess").get("/consultations")).status == 429
        assert not asked, "the limit comes before the database"
    assert Buckets(routes.REQUESTS).take("x") == 0


@only_sqlite
async def test_the_description_is_true(house: ServedHouse) -> None:
    described = (await house.client().get("/api/openapi.json")).json
    assert described["openapi"] == "3.1.0"
    operations = {
        (method.upper(), path): about
        for path, methods in described["paths"].items()
        for method, about in methods.items()
    }
    assert operations.keys() == {(one.method, one.path) for one in OPERATIONS.values()}
    refs = set(re.findall(r'"#/components/(schemas|responses)/(\w+)"', str(described).replace("'", '"')))
    assert all(name in described["components"][kind] for kind, name in refs)
    decide = operations["POST", "/api/v1/proposals/{code}/decisions"]
    assert {parameter["name"] for parameter in decide["parameters"]} == {"code", "If-Match"}
    kinds = decide["requestBody"]["content"]["application/json"]["schema"]["discriminator"]["mapping"]
    assert kinds.keys() == {"approve", "hide", "edit", "merge", "split", "translate", "restore"}
    for name, schema in described["components"]["schemas"].items():
        assert not {"pseudonym", "id", "lookup", "address"} & schema.get("properties", {}).keys(), name


def test_states_of_a_consultation(store: Store) -> None:
    park = open_consultation(store)
    now = datetime.now(UTC)
    with store.reading() as connection:
        row = live_revision_of(connection, park)
    assert row
    for changes, state in (
        ({}, "open"),
        ({"opens_at": now + timedelta(days=1)}, "not_yet"),
        ({"closes_at": now - timedelta(days=1)}, "closed"),
        ({"state": "archived"}, "archived"),
    ):
        assert serialize_consultation(row._replace(**changes), now).state == state


@only_sqlite
async def test_drafts_and_tests_need_a_key_that_may_publish(house: ServedHouse) -> None:
    open_consultation(house.store)
    tools = PublishContext(new_id, datetime.now(UTC), UTC)
    with house.store.begin() as connection:
        for stage, slug, title in (("draft", "park", "Neu"), ("test", "park", "Probe"), ("draft", "lake", "See")):
            made = made_of(slug, title={"de": title, "en": title})
            publishing.publish_checked(connection, CheckedFile(made, ()), tools, "file", stage=stage)  # type: ignore[arg-type]
    member = hire(house.store, "Ceyda")
    reader = house.client(key_for(house.store, member, ["read"]))
    found = (await reader.get("/consultations")).json["items"]
    assert [(row["slug"], row["state"], row["draft"], row["test"]) for row in found] == [("park", "open", None, None)]
    assert (await reader.get("/consultations/lake")).status == 404
    # What such a key needs to read besides.
    publisher = house.client(key_for(house.store, member, ["read", "publish"]))
    found = (await publisher.get("/consultations")).json["items"]
    assert [(row["slug"], row["state"], row["draft"], row["test"]) for row in found] == [
        ("lake", "draft", 1, None),
        ("park", "open", 2, 3),
    ]
    word = found[1]["test_word"]
    assert (await publisher.get("/consultations/lake")).json["state"] == "draft"
    assert (await publisher.get(f"/consultations/{word}")).status == 404
    assert (await publisher.post(f"/consultations/{word}/close")).status == 404
    assert (await publisher.post("/consultations/lake/close")).kind == "not_live"
    assert (await publisher.post("/consultations/lake/go-live")).json["state"] == "open"
    live = await publisher.post("/consultations/park/go-live", {"stage": "draft"})
    assert (live.json["revision"], live.json["state"]) == (2, "open")
    assert (await publisher.post("/consultations/park/back")).json["revision"] == 1
