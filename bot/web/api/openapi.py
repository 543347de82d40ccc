"""The OpenAPI 3.1 document, generated from the registered operations."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from bot.web.api.problems import CONTENT_TYPE, ProblemOut
from bot.web.api.registry import OPERATIONS, Nothing, Operation

_REF: Final = "#/components/schemas/{model}"
_PROBLEMS: Final = ("401", "403", "404", "409", "412", "422", "428", "429", "503")


@cache
def openapi_document() -> dict[str, Any]:
    """Returns the whole document."""
    schemas, components = _schemas()
    paths: dict[str, Any] = {}
    for one in OPERATIONS.values():
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    problem = {"content": {CONTENT_TYPE: {"schema": schemas["problem"]}}, "description": "Why not, in words."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mitsprache", "version": "1", "description": "See docs/reference/api.md."},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "responses": {"Problem": problem},
        },
        "security": [{"key": []}],
    }


def _schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the schemas of all inputs ("in NAME") and outputs ("out NAME"), and the models they refer to."""
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    for one in OPERATIONS.values():
        wanted.append((f"in {one.name}", "validation", one.given))
        wanted.append((f"out {one.name}", "serialization", TypeAdapter(one.answer)))
    wanted.append(("problem", "serialization", TypeAdapter(ProblemOut)))
    found, shared = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    return {name: schema for (name, _), schema in found.items()}, shared.get("$defs", {})


def _operation(one: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    parameters = [_parameter(name, "path", {"type": "string"}) for name in re.findall(r"{(\w+)}", one.path)]
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"Needs the scope `{one.scope}`.",
    }
    if one.method == "GET":
        parameters += _query(one.given)
    elif not _is_empty(one):
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[f"in {one.name}"]}},
        }
    if one.needs_version:
        parameters.append(_parameter("If-Match", "header", {"type": "string"}))
    ok = {"description": "Done.", "content": {"application/json": {"schema": schemas[f"out {one.name}"]}}}
    refused = {status: {"$ref": "#/components/responses/Problem"} for status in _PROBLEMS}
    return described | {"parameters": parameters, "responses": {"200": ok, **refused}}


def _query(given: TypeAdapter[Any]) -> list[dict[str, Any]]:
    schema = given.json_schema(ref_template=_REF)
    return [
        _parameter(name, "query", {key: value for key, value in about.items() if key != "title"}, required=False)
        for name, about in schema.get("properties", {}).items()
    ]


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _is_empty(one: Operation) -> bool:
    return one.given.core_schema.get("cls") is Nothing
