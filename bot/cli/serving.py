"""`serve`: runs the service until it is stopped."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

import structlog

from adapters.base import Channel
from adapters.web.accepting import raise_file_limit
from adapters.web.hub import WebHub
from bot.app import App, build, tune_garbage_collector
from bot.cli import owner_link
from bot.cli.context import command_context
from bot.cli.maintenance.service_tasks import ServiceMaintenance
from bot.common import audit_anchor
from bot.common.errors import CommandError, Say, program_call, unusable_path
from bot.common.keys import Keys
from bot.common.remedies import remedy
from bot.delivery.channels import WEB, open_channels
from bot.delivery.service_lock import ServiceLock, hold_service_lock
from bot.settings import RENAMED, Settings
from bot.web.server import WebServer
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.revisions import RevisionHead, list_live_revision_heads

log = structlog.get_logger()

LOOK_SECONDS: Final = 2.0
"""Interval of the health check of channels."""


def run_service(settings: Settings, say: Say) -> None:
    """Serves until Ctrl-C or SIGTERM, then stops gracefully. Raises as `command_context` does."""
    say = _undisturbed(say)
    raise_file_limit()
    channels: dict[str, Channel] = {WEB: WebHub(WEB), **open_channels(settings)}
    with (
        single_instance(settings.data, say),
        hold_service_lock(settings) as lock,
        command_context(settings, say) as (store, keys),
    ):
        _note_settings(store, keys, settings, say)
        asyncio.run(_serve(settings, channels, store=store, keys=keys, say=say, lock=lock))


def _note_settings(store: Store, keys: Keys, settings: Settings, say: Say) -> None:
    """Records changed settings in the audit log. The service starts even if that fails."""
    renamed = {".".join(old): ".".join(new) for old, new in RENAMED.items()}
    try:
        audit_anchor.note_settings(store, keys, settings.data, settings, renamed)
    except (OSError, StorageError) as error:
        say(f"Which settings changed could not be recorded in the audit log ({error}); run `doctor`.")


def _undisturbed(say: Say) -> Say:
    """Wraps `say` so that a closed output or a full disk does not stop the conversations."""

    def attempt(text: str) -> None:
        with suppress(OSError, ValueError):
            say(text)

    return attempt


async def _serve(
    settings: Settings, channels: dict[str, Channel], store: Store, keys: Keys, say: Say, lock: ServiceLock | None
) -> None:
    stop = asyncio.Event()
    _on_signals(stop)
    app = build(settings, channels, store=store, keys=keys)
    app.maintenance = ServiceMaintenance(settings)
    tune_garbage_collector()
    web = WebServer(app)
    async with app.running(), lock.kept(app.outbox) if lock else nullcontext():
        try:
            port = await web.start(settings.host, settings.port)
            open_now = await store.read(list_live_revision_heads)
            # Before the first line: the service is ready once it has said where it listens.
            link = await owner_link.first_link_or_reason(store, keys, settings.data, _page(settings, port))
            for line in filter(None, (*_welcome(settings, port, open_now), link)):
                say(line)
            log.info("serving", port=port, pid=os.getpid(), count=len(channels))
            await _watch(app, stop, say, lock)
            say("Ich beende, was begonnen ist … · Finishing what was begun …")
        finally:
            await web.stop()
    log.info("stopped")


async def _watch(app: App, stop: asyncio.Event, say: Say, lock: ServiceLock | None) -> None:
    """Until the service stops, prints each problem of the application once, and again when it is solved. Raises
    CommandError if another service has taken over.

    Does not log them, because these sentences name servers and accounts.
    """
    known: dict[str, str] = {}
    while not stop.is_set():
        for place, problem in _problems(app):
            if problem != known.get(place, ""):
                say(f"{place}: {problem or 'works again'}")
                known[place] = problem
        if lock and lock.lost:
            raise lock.lost
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)


def _problems(app: App) -> Iterator[tuple[str, str]]:
    """Returns the optional parts with the error of each, "" if it works."""
    error = app.error
    yield "database", f"{error} What to do: {remedy(error)}" if error else ""
    yield from ((f"[channels.{name}]", channel.trouble()) for name, channel in app.channels.items())


def _welcome(settings: Settings, port: int, published: list[RevisionHead]) -> Iterator[str]:
    """Prints the addresses of the pages."""
    if settings.port not in {0, port}:
        yield (f"Port {settings.port} ist belegt, darum {port}. · Port {settings.port} is taken, so it is {port}.")
    page = _page(settings, port)
    chat = f"{program_call()} play {published[0].slug if published else 'SLUG'}"
    yield f"Mitsprache läuft: {page} · Im Terminal chatten: {chat}"
    yield f"Mitsprache is running: {page} · Chat in the terminal: {chat}"
    yield f"Daten · Data: {settings.data.absolute()}"
    if samples := ", ".join(revision.slug for revision in published if revision.sample):
        yield f"Beispiele zum Ausprobieren · Samples to try out: {samples}"
    yield f"Für das Team · For the team: {page}assist ({program_call()} staff add NAME --role facilitator)"
    yield "Stopp · Stop: Ctrl-C"


def _page(settings: Settings, port: int) -> str:
    """Returns the address of the start page on this machine."""
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(settings.host, settings.host)  # noqa: S104 - only named
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _on_signals(stop: asyncio.Event) -> None:
    """Ctrl-C or SIGTERM stops gracefully; a second one stops immediately."""
    loop = asyncio.get_running_loop()

    def ask() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)


@contextmanager
def single_instance(data: Path, say: Say) -> Iterator[None]:
    """Ensures that one service at a time runs on a data folder: two would send every pending message twice.

    `play` and the other commands may run beside it. Raises CommandError.
    """
    path = data / "serve.lock"
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable_path(error, "--data") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.read(descriptor, 20).decode("ascii", "replace").strip() or "?"
        os.close(descriptor)
        raise CommandError(
            f"{data.absolute()}: Mitsprache is already running here (process {pid}); stop it first, "
            "or use another folder with --data"
        ) from error
    except OSError:
        say("Dieser Datenordner kennt keine Sperren: bitte nur einmal starten. · No locks in this data folder.")
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
