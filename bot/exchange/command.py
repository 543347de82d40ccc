"""`import` and `export --format`: files of other programs, in and out.

A kind is a module in `bot/exchange/kinds/`: with `read(path, language)` it can be imported, with
`write(content, folder)` exported. Nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from bot.errors import HouseError, Say, program
from bot.exchange import content, definition, kinds, taking
from bot.exchange.bundle import Bundle
from bot.exchange.taking import Taken, Wish
from bot.exports.staging import staged
from bot.house import desk, furnished
from bot.settings import Settings
from flows.languages import LANGUAGES
from storage.store import Store

READ: Final = "read"
WRITE: Final = "write"


def names(what: str) -> list[str]:
    """The kinds that can be read, or written."""
    found = (it.name for it in pkgutil.iter_modules(kinds.__path__))
    return [name for name in found if hasattr(import_module(f"{kinds.__name__}.{name}"), what)]


def _of_kind(kind: str, what: str) -> Any:
    if kind not in names(what):
        raise HouseError(
            f"{kind!r} is no kind that can be {'imported' if what == READ else 'exported'}; "
            f"there is {', '.join(names(what))}"
        )
    return getattr(import_module(f"{kinds.__name__}.{kind}"), what)


def take(store: Store, settings: Settings, kind: str, path: Path, wish: Wish) -> tuple[Bundle, Taken]:
    """Reads a file and takes it into the store. Raises HouseError; then nothing was taken."""
    if wish.language not in LANGUAGES:
        raise HouseError(f"--lang {wish.language}: there is {', '.join(LANGUAGES)}")
    bundle: Bundle = _of_kind(kind, READ)(path, wish.language)
    wish = wish._replace(slug=wish.slug or definition.slug_of(bundle.title))
    tools = desk(settings)
    return bundle, store.run(lambda connection: taking.take(connection, bundle, wish, tools))


def import_(settings: Settings, kind: str, path: Path, wish: Wish, say: Say, complain: Say) -> None:
    """The command. Raises HouseError."""
    with furnished(settings, complain) as (store, _):
        bundle, taken = take(store, settings, kind, path, wish)
    for remark in bundle.remarks:
        complain(remark)
    state = "made, open" if wish.is_open else "made, closed (--open opens it to residents)"
    say(f"{taken.slug}: {state if taken.is_new else 'was there'}; source {bundle.source}")
    if bundle.statements:
        say(f"{taken.statements:,} statements taken over, {taken.known_statements:,} were there")
    say(f"{taken.votes:,} votes taken over, {taken.known_votes:,} were there")
    say(f"Look at it: {program()} results {taken.slug}")


def export(settings: Settings, slug: str, kind: str, out: Path, say: Say, complain: Say) -> None:
    """The command. Raises HouseError."""
    write = _of_kind(kind, WRITE)
    with furnished(settings, complain) as (store, _), store.reading() as connection:
        found = content.load(connection, slug, settings.web.public_url)
    with staged(out) as folder:
        files = write(found, folder)
    say(f"{out}: {', '.join(files)}" if len(files) > 1 else f"{out} is written")
