"""Every path of the web server, from the routes of the application."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from adapters.web.hub import WebHub
from bot.app import build
from bot.cli.reference.markdown import first_paragraph, item, paragraph
from bot.common.keys import Keys
from bot.settings import Settings
from bot.web.api.registry import OPERATIONS
from bot.web.server import build_application
from storage import migrate
from storage.core.store import Store

_GROUPS: Final = (
    ("/api/", "API"),
    ("/assist", "Pages of helpers and moderators"),
    ("/help-out", "Pages of helpers and moderators"),
    ("/kiosk", "Kiosk"),
    ("/room", "Live meetings"),
    ("", "Public pages"),
)


def lines() -> Iterator[str]:
    yield from paragraph(
        "The paths of the web server, with their methods. `{slug}` is the name of a consultation. Paths stay; a path "
        "that moves redirects with 308. [web.md](../operate/web.md) describes the pages, [api.md](api.md) the API and "
        "[web-protocol.md](../develop/web-protocol.md) the transports of the chat page."
    )
    by_group: dict[str, list[str]] = defaultdict(list)
    for (path, words), methods in _routes().items():
        group = next(group for start, group in _GROUPS if path.startswith(start))
        by_group[group] += item(f"`{path}` ({', '.join(sorted(methods))}): {words}".removesuffix(": "))
    for group in dict.fromkeys(group for _, group in reversed(_GROUPS)):
        yield from (f"## {group}", "", *by_group[group], "")


def _routes() -> dict[tuple[str, str], set[str]]:
    """Returns the methods of each path and its description."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    operations = {(str(one.method), one.path): first_paragraph(one.run) for one in OPERATIONS.values()}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'reference.db'}")
        try:
            migrate.upgrade(store)
            settings = Settings.model_validate({"data": folder})
            app = build(settings, {"web": WebHub()}, store=store, keys=Keys(b"0" * 32))
            for route in build_application(app).router.routes():
                resource = route.resource
                path = re.sub(r"\.[0-9a-f]{12}\.", ".HASH.", resource.canonical if resource else "")
                words = operations.get((route.method, path)) or _description(route.handler)
                if route.method != "HEAD":
                    found[path, words].add(route.method.replace("*", "any method"))
        finally:
            store.dispose()
    return dict(sorted(found.items()))


def _description(handler: Any) -> str:
    """Returns the first sentence about a handler, whether it is wrapped or not."""
    while isinstance(handler, partial):
        handler = next((word for word in handler.args if callable(word)), handler.func)
    text = first_paragraph(handler) if getattr(handler, "__module__", "").startswith(("bot.", "adapters.")) else ""
    text = re.sub(r"^`[A-Z]+ /[^`]*`: ", "", text).rstrip(".:")
    return text[:1].upper() + text[1:]
