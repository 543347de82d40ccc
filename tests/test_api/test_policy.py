"""Who may do what: the whole matrix of roles, scopes, operations and objects, made from the policy itself."""

from __future__ import annotations

from typing import Any, get_args

import pytest

import bot.web.api.routes  # noqa: F401 - the operations enter the registry
from bot.web.api.policy import POLICY, ROLES, SCOPES
from bot.web.api.registry import OPERATIONS, Operation, operation
from storage.core.store import Store
from storage.tables.staff import Role
from tests.support.api_client import Client, Reply, hire, key_for, served
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation, released, submit

BODIES: dict[str, Any] = {
    "decide": {"kind": "translate", "language": "en", "text": "A bench"},
    "set_status": {"status": "accepted", "reason": {"de": "Ja."}},
    "preview_status": {"status": "accepted", "reason": {"de": "Ja."}},
    "undo_status": {},
    "archive": {},
    "unarchive": {},
    "close": {},
    "reopen": {},
    "go_live": {},
    "back": {},
}
REFUSED = {
    "archive": "owed",
    "unarchive": "not_archived",
    "go_live": "nothing_waits",
    "back": "nothing_before",
}
"""What can not be done with a consultation that is live, and why."""
HIDDEN = "Call me: 030 1234"


def test_policy_and_operations_are_the_same_list() -> None:
    assert OPERATIONS.keys() == POLICY.keys()
    assert ROLES.keys() == set(get_args(Role))


def test_what_is_in_no_policy_cannot_be_entered() -> None:
    def forgotten(call: Any) -> Any: ...

    with pytest.raises(KeyError):
        operation("GET", "/forgotten", answer=OPERATIONS["list_queue"].answer)(forgotten)
    assert "forgotten" not in OPERATIONS


async def asked(client: Client, one: Operation, slug: str, code: str) -> Reply:
    path = one.path.format(slug=slug, code=code)
    return await (client.post(path, BODIES[one.name]) if one.method == "POST" else client.get(path))


@only_sqlite
async def test_every_role_gets_what_the_policy_says_and_nothing_else(store: Store) -> None:
    park = open_consultation(store, results="live")
    with store.begin() as connection:
        ideas = [released(connection, park, number) for number in range(1, 500)]
    async with served(store) as house:
        free = iter(ideas)
        for role in get_args(Role):
            member = hire(store, role, role)
            for scope in SCOPES:
                client = house.client(key_for(store, member, [scope]))
                for one in OPERATIONS.values():
                    reply = await asked(client, one, "park", next(free).code)
                    allowed = one.scope == scope and scope in ROLES[role]
                    if one.name in REFUSED and allowed:
                        assert (reply.status, reply.kind) == (409, REFUSED[one.name])
                    elif allowed:
                        assert reply.status == 200, (role, scope, one.name, reply.text)
                    else:
                        assert (reply.status, reply.kind) == (403, "forbidden"), (role, scope, one.name)
        for one in OPERATIONS.values():
            for key in ("", "mitsprache_AAAAAAAA_" + "A" * 26, "x" * 5000):
                assert (await asked(house.client(key), one, "park", ideas[0].code)).status in {401, 429}


@only_sqlite
async def test_a_key_for_one_consultation_never_sees_another(store: Store) -> None:
    """IDOR: every operation on every object of another consultation is a 404 like that of a thing that is not."""
    park, lake = open_consultation(store, results="live"), open_consultation(store, "lake", results="live")
    with store.begin() as connection:
        own = released(connection, park, 1)
        strange = [released(connection, lake, 1), submit(connection, lake, 2, HIDDEN)]
    member = hire(store, "Aylin")
    async with served(store) as house:
        client = house.client(key_for(store, member, slug="park"))
        for one in OPERATIONS.values():
            for code in ("P-0000-0000", *(idea.code for idea in strange)):
                reply = await asked(client, one, "lake", code)
                if one.name == "list_consultations":
                    assert [row["slug"] for row in reply.json["items"]] == ["park"]
                    continue
                assert (reply.status, reply.kind) == (404, "unknown"), one.name
                assert not any(idea.text in reply.text or "lake" in reply.text for idea in strange)
        into = await client.post(f"/proposals/{own.code}/decisions", {"kind": "merge", "into": strange[0].code})
        missing = await client.post(f"/proposals/{own.code}/decisions", {"kind": "merge", "into": "P-0000-0000"})
        assert (into.status, into.text) == (404, missing.text)
        for path in ("proposals", "queue", "ratings"):
            assert (await client.get(f"/consultations/park/{path}?after={strange[0].code}")).status == 422
        shown = await client.get(f"/proposals/{own.code}/queued")
        assert shown.json["similar"] == []


@only_sqlite
async def test_what_nobody_released_is_read_by_those_who_decide_only(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, HIDDEN)
    member = hire(store, "Aylin")
    async with served(store) as house:
        reader = house.client(key_for(store, member, ["read"]))
        for path in (f"/proposals/{idea.code}", f"/proposals/{idea.code}/statuses"):
            assert (await reader.get(path)).status == 404
        assert (await reader.get("/consultations/park/proposals")).json["items"] == []
        decider = house.client(key_for(store, member, ["moderate"]))
        assert HIDDEN in (await decider.get(f"/proposals/{idea.code}/queued")).text


@only_sqlite
async def test_no_pseudonym_and_no_internal_id_gets_out(store: Store) -> None:
    park = open_consultation(store, results="live")
    with store.begin() as connection:
        idea = released(connection, park, 0xABC)
    member = hire(store, "Aylin")
    async with served(store) as house:
        client = house.client(key_for(store, member))
        for one in OPERATIONS.values():
            text = (await asked(client, one, "park", idea.code)).text
            for secret in (str(idea.id), str(park), idea.pseudonym or "?", str(member.id)):
                assert secret not in text, one.name
