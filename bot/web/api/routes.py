"""The HTTP layer of the API: authentication, rate limits, validation; then the operation in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from sqlalchemy import Connection

import bot.web.api.read_operations
import bot.web.api.states
import bot.web.api.write_operations  # noqa: F401 - the operations enter the registry
from adapters.web.limits import Buckets, Rate
from adapters.web.requests import NOT_SENT, has_left
from bot.authoring import media
from bot.authoring.publishing import PublishContext
from bot.common.audit import Auditor
from bot.common.logs import error_place
from bot.proposals.moderation_decisions import ModerationContext
from bot.proposals.moderation_rules import DecisionRefused
from bot.web.api import access_keys, problems
from bot.web.api.access_keys import Bearer
from bot.web.api.openapi import openapi_document
from bot.web.api.policy import SCOPE_ACTIONS
from bot.web.api.problems import ApiProblem
from bot.web.api.registry import OPERATIONS, ApiCall, Operation
from bot.web.context import Site, site_of
from storage.core.errors import StorageError
from storage.tables.api_keys import record_api_key_use

log = structlog.get_logger()

REQUESTS: Final = Rate(burst=200, per_second=20)
"""Of one key."""
WRONG_KEYS: Final = Rate(burst=20, per_second=0.2)
"""From one address. A key has 130 random bits; the limit reduces load on logs and database."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_api_routes(router: web.UrlDispatcher) -> None:
    gate = OperationRunner()
    router.add_get("/api/openapi.json", _decently(_describe))
    for one in OPERATIONS.values():
        router.add_route(one.method, one.path, _decently(partial(gate.run, one)))
    router.add_route("*", "/api/{rest:.*}", _decently(_nowhere))


class OperationRunner:
    """Authenticates requests and runs their operations."""

    def __init__(self) -> None:
        self._requests = Buckets(REQUESTS)
        self._wrong = Buckets(WRONG_KEYS)

    async def run(self, one: Operation, request: web.Request) -> web.Response:
        """Runs one operation. Raises ApiProblem, DecisionRefused, StorageError."""
        site = site_of(request)
        bearer = await self._bearer(site, request)
        if one.scope not in bearer.scopes:
            log.warning("api_access_denied", route=one.path)
            raise ApiProblem("forbidden", 403, f"This key is not good for that; it needs the scope {one.scope}.")
        given = await _given(one, request)
        seen = _seen(request) if one.needs_version else None
        work = partial(_work, one, site, bearer, path=dict(request.match_info), given=given, seen=seen)
        found = await (site.services.store.read if one.method == "GET" else site.services.store.write)(work)
        return _answer(request, found)

    async def _bearer(self, site: Site, request: web.Request) -> Bearer:
        """Returns the key of a request. Raises ApiProblem for a missing or wrong key and for too many requests."""
        address = site.routes.clients.address(request)
        scheme, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise ApiProblem("no_key", 401, "Send a key: `Authorization: Bearer mitsprache_…` (docs/reference/api.md).")
        if wait := self._wrong.wait(address):  # before the database is asked
            raise _too_many(wait)
        store, digest = site.services.store, access_keys.key_digest(site.services.keys, key.strip())
        found = await store.read(partial(access_keys.find_bearer, wanted=digest))
        if found is None:
            self._wrong.take(address)
            log.warning("api_key_refused")
            raise ApiProblem("wrong_key", 401, "This key is not valid (any more).")
        if wait := self._requests.take(found.key.label):
            raise _too_many(wait)
        now = datetime.now(UTC)
        if found.is_idle(now):
            log.info("api_key_used")
            await store.write(partial(record_api_key_use, key_id=found.key.id, now=now))
        return found


def _work(
    one: Operation,
    site: Site,
    bearer: Bearer,
    connection: Connection,
    *,
    path: dict[str, str],
    given: Any,
    seen: str | None,
) -> BaseModel:
    services = site.services
    member = bearer.member
    now = datetime.now(UTC)
    context = ModerationContext(
        connection,
        services.keys,
        services.ids,
        now=now,
        staff_id=member.id,
        name=member.name,
        actor=bearer.actor,
    )
    folder = services.settings.data / media.FOLDER
    note, second = Auditor(services.keys, bearer.actor), site.options.publish_needs_second
    tools = PublishContext(services.ids, now, services.settings.zone(), folder, note, needs_second=second)
    action = SCOPE_ACTIONS[one.scope]
    address = site.options.public_url
    return one.run(
        ApiCall(context, bearer, tools, path=path, given=given, action=action, seen=seen, public_url=address)
    )


async def _given(one: Operation, request: web.Request) -> Any:
    """Validates the query or body. Raises ApiProblem."""
    try:
        if one.method == "GET":
            return one.given.validate_python(dict(request.query))
        async with asyncio.timeout(site_of(request).routes.limits.body_seconds):
            body = await request.read()
        if body and request.content_type != "application/json":
            raise ApiProblem("media_type", 415, "Send JSON: `Content-Type: application/json`.")
        return one.given.validate_json(body or b"{}")
    except ValidationError as error:
        raise problems.validation_problem(error) from None
    except TimeoutError:
        raise ApiProblem("slow", 408, "The body took too long.") from None


def _seen(request: web.Request) -> str | None:
    """Returns the version a decision is about; None for `*`."""
    wanted = request.headers.get(hdrs.IF_MATCH, "").strip()
    if not wanted:
        raise ApiProblem(
            "version_missing", 428, "Say which version the decision is about: `If-Match` with the ETag you read."
        )
    return None if wanted == "*" else wanted.strip('"')


def _answer(request: web.Request, found: BaseModel) -> web.Response:
    status = 202 if getattr(found, "agreement", None) else 200
    body = to_json(found.model_dump(mode="json"))
    response = web.Response(body=body, status=status, content_type="application/json")
    version = getattr(found, "version", None)
    if version:
        response.headers[hdrs.ETAG] = tag = f'"{version}"'
        if request.method == "GET" and request.headers.get(hdrs.IF_NONE_MATCH, "").strip() == tag:
            response = web.Response(status=304, headers={hdrs.ETAG: tag})
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response


async def _describe(request: web.Request) -> web.Response:
    """Returns the OpenAPI document; it needs no key."""
    return web.Response(body=to_json(openapi_document()), content_type="application/json")


async def _nowhere(request: web.Request) -> web.Response:
    raise ApiProblem("unknown", 404, "There is nothing here; /api/openapi.json lists what there is.")


def _decently(handler: Handler) -> Handler:
    """Converts every error to problem+json, without stack traces."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiProblem as error:
            problem = error
        except DecisionRefused as refusal:
            problem = problems.refusal_problem(refusal)
        except web.HTTPRequestEntityTooLarge:
            problem = ApiProblem("too_large", 413, "This is too much at once.")
        except StorageError as error:
            log.error("api_request_failed", **error_place(error))
            problem = ApiProblem("trouble", 503, "The database does not answer; try again a little later.", wait=5)
        except Exception as error:  # noqa: BLE001 - a response must not contain a stack trace
            if has_left(request, error):
                return web.Response(status=NOT_SENT)
            log.error("api_request_failed", **error_place(error))
            problem = ApiProblem("trouble", 500, "Internal error. It has been logged.")
        return problem.response()

    return answered


def _too_many(wait: float) -> ApiProblem:
    return ApiProblem("too_many", 429, "Too many requests; wait a little.", wait=wait)
