"""`play`: chat in the terminal, through the same path as every other channel."""

from __future__ import annotations

import asyncio
import queue
import secrets
import shutil
import textwrap
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

from adapters.base import Channel
from adapters.console import ConsoleChannel
from adapters.numbered import numbered_text
from bot.app import App, build
from bot.authoring import state_texts
from bot.cli.context import command_context
from bot.common.errors import CommandError, Say, program_call
from bot.common.i18n import phrase_catalogues
from bot.consultations import stored_revisions
from bot.conversations import transcripts
from bot.settings import Settings
from flows.commands.words import Command
from flows.dialogue.main_menu import CODE
from flows.messages import MsgOut
from flows.tokens import Token
from flows.understanding.text import clean_text
from storage.core.store import Store
from storage.tables.consultations import find_consultation
from storage.tables.revisions import PublishedRevision, list_live_revisions

Show = Callable[[MsgOut], None]
ReadLine = Callable[[], Awaitable[str | None]]
"""Returns the next typed line; None at the end of the input."""
WIDEST: Final = 88
PATIENCE_SECONDS: Final = 5.0
"""How long a chat waits for an unreachable database."""


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """Options of `play`. Without slug the chat starts in the main menu, without address as a new contact."""

    slug: str = ""
    language: str = ""
    address: str = ""
    record: Path | None = None


class ConsoleChat:
    """A chat between the terminal and the app. `write` receives the transcript."""

    def __init__(self, make: Callable[[Mapping[str, Channel]], App], show: Show, write: Say, address: str) -> None:
        self.channel = ConsoleChannel(self._shown, address=address)
        self.app = make({self.channel.name: self.channel})
        self.messages: list[MsgOut] = []
        self._show = show
        self._write = write
        self._is_hidden = False
        self._known = transcripts.NOTHING

    async def begin(self, slug: str = "", language: str = "") -> None:
        """Opens a consultation or the main menu, in a given language if there is one."""
        self._known = await self._look_up()
        if language:
            await self.choose_language(language)
        await self.say(f"/start {slug}".strip())

    async def choose_language(self, language: str) -> None:
        """Chooses a language as its button in the main menu does, without printing the menu."""
        self._write(f"@ language: {language}\n")
        self._is_hidden = True
        await self._answered("", choice=Token.of_command(CODE, Command.LANGUAGE, language).format())
        self._is_hidden = False
        self._known = await self._look_up()

    async def say(self, text: str, line: str = "", **more: Any) -> None:
        """Sends one message (`line`: its transcript line); returns when the replies are stored."""
        self._write(transcripts.resident_line(line or clean_text(text)))
        await self._answered(text, **more)
        known = await self._look_up()
        for news in known.news(self._known):
            self._write(transcripts.stored_line(news))
        self._known = known

    async def _answered(self, text: str, **more: Any) -> None:
        """Submits a message and waits until all replies are sent. Raises the `StorageError` that prevents storing it:
        other channels wait for the database, but the user at a terminal needs the error.
        """

        async def exchange() -> None:
            await self.channel.type(text, **more)
            await self.app.outbox.drained()

        work = asyncio.ensure_future(exchange())
        while not (await asyncio.wait([work], timeout=PATIENCE_SECONDS))[0]:
            if self.app.error:
                work.cancel()
                raise self.app.error
        work.result()

    def _shown(self, msg: MsgOut) -> None:
        if not self._is_hidden:
            self.messages.append(msg)
            self._write(transcripts.bot_line(msg))
            self._show(msg)

    async def _look_up(self) -> transcripts.StoredFacts:
        find = partial(
            transcripts.load_stored_facts,
            keys=self.app.keys,
            catalogue=self.app.catalogue,
            channel=self.channel.name,
            address=self.channel.address,
        )
        return await self.app.store.read(find)


def run_play(settings: Settings, wish: PlayOptions, source: TextIO, out: TextIO, say: Say) -> None:
    """Chats until the input ends. `out` receives the messages of the bot, `say` those of the program.

    Raises `CommandError` and the errors of `command_context`.
    """
    interactive = source.isatty() and out.isatty()
    address = wish.address or secrets.token_hex(6)
    with command_context(settings, say) as (store, keys):
        check_play_options(store, wish, settings.zone())
        if interactive:
            say("Ende · End: Ctrl-D\n")
        make = partial(build, settings, store=store, keys=keys)
        with _recording(wish.record) as write:

            async def live(read_line: ReadLine) -> None:
                chat = ConsoleChat(make, partial(print_message, out), write, address)
                async with chat.app.running():
                    await chat.begin(wish.slug, wish.language)
                    while (line := await read_line()) is not None:
                        await chat.say(line)

            beside(live, typed(source, interactive=interactive))
    if interactive:
        again = " ".join(filter(None, [program_call(), "play", wish.slug, "--address", address]))
        say(f"\nWeitermachen · To go on: {again}")


def check_play_options(store: Store, wish: PlayOptions, zone: tzinfo = UTC) -> None:
    """Refuses a consultation that does not exist or is not open, and a language that it does not have.

    Raises CommandError, which names the alternatives.
    """
    with store.reading() as connection:
        found = list_live_revisions(connection, trials=True)
    revisions = {revision.slug: revision for revision in found}
    known = phrase_catalogues.catalogue_languages()
    if wish.slug:
        if wish.slug not in revisions:
            raise CommandError(_not_open(store, wish.slug, found, zone))
        consultation = stored_revisions.read_revision(revisions[wish.slug])
        if consultation is None:
            raise CommandError(f"{wish.slug} cannot be read; run `{program_call()} doctor`")
        known = tuple(consultation.languages)
    if wish.language and wish.language not in known:
        raise CommandError(f"--lang {wish.language}: not offered here; use one of {', '.join(known)}")


def _not_open(store: Store, slug: str, found: Sequence[PublishedRevision], zone: tzinfo) -> str:
    """Returns why a consultation is not open, and the remedy. Raises CommandError if it was never live."""
    with store.reading() as connection:
        if find_consultation(connection, slug):
            live = stored_revisions.live_revision(connection, slug)
            return f"{slug}: {state_texts.next_step_text(live, datetime.now(UTC), zone)}"
    listed = [revision.slug for revision in found if not revision.is_trial]
    there_is = f"there is {', '.join(listed)}" if listed else "nothing is published yet"
    return f"no open consultation is called {slug!r}; {there_is}"


def print_message(out: TextIO, msg: MsgOut) -> None:
    """Prints a message and an empty line. A terminal gets lines wrapped at words, a pipe the plain text."""
    lines = numbered_text(msg).split("\n")
    if out.isatty():
        width = min(shutil.get_terminal_size().columns, WIDEST)
        lines = [part for line in lines for part in wrapped(line, width)]
    out.write("\n".join(lines) + "\n\n")
    out.flush()


def wrapped(line: str, width: int) -> list[str]:
    """Wraps one line, with its indentation and that of its number preserved.

    No direction marks are added: terminals that support right-to-left text take the direction from the line itself.

    >>> wrapped("  1  Parks und Bäume", 16)
    ['  1  Parks und', '     Bäume']
    """
    number, gap, _ = line.lstrip().partition("  ")
    margin = len(line) - len(line.lstrip())
    if gap and number.isdigit():
        margin += len(number) + len(gap)
    parts = textwrap.wrap(line, width, subsequent_indent=" " * margin, break_long_words=False, break_on_hyphens=False)
    return parts or [""]


def typed(source: TextIO, *, interactive: bool) -> Iterator[str]:
    """Yields typed lines until the input ends or Ctrl-C, without empty ones."""
    with suppress(EOFError, KeyboardInterrupt):
        if interactive:
            with suppress(ImportError):  # arrow keys and corrections while typing, where Python was built with it
                import readline  # noqa: F401
            while True:
                if line := input("> ").strip():
                    yield line
        for line in source:
            if text := line.strip():
                yield text


def beside(live: Callable[[ReadLine], Coroutine[Any, Any, None]], lines: Iterator[str]) -> None:
    """Runs `live` in its own thread and reads its lines on the main thread.

    Only here Ctrl-C interrupts the waiting for input and the line editor puts the terminal back in order.
    """
    wanted: queue.SimpleQueue[Future[str | None] | None] = queue.SimpleQueue()
    errors: list[BaseException] = []

    async def read_line() -> str | None:
        line: Future[str | None] = Future()
        wanted.put(line)
        return await asyncio.wrap_future(line)

    def work() -> None:
        try:
            asyncio.run(live(read_line))
        except BaseException as error:  # noqa: BLE001 - raised again below, on the main thread
            errors.append(error)
        finally:
            wanted.put(None)

    thread = threading.Thread(target=work, name="application")
    thread.start()
    ended = False
    while True:
        try:
            line = wanted.get()
        except KeyboardInterrupt:
            ended = True
            continue
        if line is None:
            break
        if line.set_running_or_notify_cancel():
            line.set_result(None if ended else next(lines, None))
    thread.join()
    if errors:
        raise errors[0]


@contextmanager
def _recording(path: Path | None) -> Iterator[Say]:
    """Yields a function that writes transcript lines to a new file, or discards them."""
    if path is None:
        yield lambda _: None
        return
    try:
        file = path.open("x", encoding="utf-8", errors="replace")
    except FileExistsError as error:
        raise CommandError(f"{path}: exists already; give --record another name") from error
    except OSError as error:
        raise CommandError(f"{path}: cannot be written ({error.strerror}); give --record another name") from error

    def write(text: str) -> None:
        file.write(text)

    with file:
        yield write
