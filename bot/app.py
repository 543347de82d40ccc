"""Composition root: builds the parts from settings, starts and stops them. Nothing is opened at import time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Connection

from adapters.base import Channel, Closing, Reporting
from bot.authoring.channel_images import show_images_on
from bot.authoring.media import FOLDER as MEDIA
from bot.broadcasts.outcome_notifications import OutcomeNotifier, run_notifications
from bot.broadcasts.sending import Broadcaster, BroadcastProcessor
from bot.common import audit, database_mark
from bot.common.begin_counter import BeginCounter
from bot.common.erasure_log import ErasureLog
from bot.common.errors import Say
from bot.common.i18n.bot_profile import introduce_to_channels
from bot.common.ids import Ids
from bot.common.integrity import keep_looking
from bot.common.keys import FILE, Keys, load_matching_keys, load_or_create_keys
from bot.common.logs import error_place
from bot.common.sources import SYSTEM, Sources
from bot.consultations.catalogue import Catalogue
from bot.consultations.fact_loader import FactLoader
from bot.conversations import path_cleanup
from bot.conversations.batch import BatchProcessor
from bot.conversations.hourly_jobs import run_hourly_jobs, write_begin_counts
from bot.conversations.inbox import Conversations
from bot.conversations.outcome_handlers import drop_exports, fetch_attachments, scrub_database
from bot.conversations.people_cache import PeopleCache
from bot.conversations.senders import SenderResolver
from bot.conversations.turns import TurnProcessor
from bot.delivery.attachments.fetcher import AttachmentFetcher
from bot.delivery.attachments.files import FOLDER, AttachmentFolder
from bot.delivery.outbox import Outbox
from bot.exchange.exports.service import ExportService
from bot.privacy.re_erasure import erase_again
from bot.privacy.scrubbing import Scrubber
from bot.proposals import facts
from bot.proposals.answer_drafts import run_publication
from bot.proposals.pool import StatementPools
from bot.proposals.similar_proposals import keep_indexes_ready
from bot.proposals.status_lookup import StatusLookup
from bot.proposals.vote_scan import keep_scanning_votes
from bot.results.editions.service import EditionService
from bot.settings import Settings
from bot.staff.agreement_notices import AgreementNotifier, run_agreement_notices
from bot.staff.chat.dispatcher import StaffChat
from bot.web.services import Maintenance
from storage import migrate
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.contacts import any_encrypted_address
from storage.tables.messages import probe_write
from storage.tables.triggers import load_triggers

LAST_SENDS_SECONDS = 3.0
"""How long messages are still sent during shutdown; the rest waits in the table for the next start."""
AGAIN_SECONDS = 60.0
"""Delay before a failed background task restarts."""

log = structlog.get_logger()
Work = Callable[[], Awaitable[None]]


def tune_garbage_collector() -> None:
    """Makes the cyclic garbage collector run less often; called by the main programs once all parts are built.

    Hardly any code here creates cycles, but every batch creates thousands of small tuples. With the default thresholds
    a fifth of the time was spent on scanning long-lived objects (compiled consultations, models).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@dataclass(slots=True)
class App:
    """All parts of a running installation."""

    settings: Settings
    store: Store
    keys: Keys
    ids: Ids
    catalogue: Catalogue
    channels: Mapping[str, Channel]
    outbox: Outbox
    conversations: Conversations
    broadcaster: Broadcaster
    attachment_fetcher: AttachmentFetcher
    pools: StatementPools
    erasure_log: ErasureLog
    scrubber: Scrubber
    editor: EditionService
    exporter: ExportService
    begin_counter: BeginCounter = field(default_factory=BeginCounter)
    maintenance: Maintenance | None = None
    """Set by `serve`, for the console."""

    @property
    def error(self) -> StorageError | None:
        """Returns the known error that prevents storing or erasing, if any."""
        return self.store.damage or self.store.error or self.erasure_log.error

    async def look(self) -> StorageError | None:
        """Probes the database and returns `error`.

        Without traffic a write error, or its end, would go unnoticed; so the probe writes if the last write failed.
        """
        with suppress(StorageError):
            await self.store.read(load_triggers)
            if self.store.error:
                await self.store.write(probe_write)
        return self.error

    def wake_outbox(self) -> None:
        """Looks for new committed notices, after a transaction has stored some."""
        self.outbox.look_for_broadcasts()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs all parts inside this block; on exit, finishes the current work and closes the store.

        An error that ends the main tasks also ends the block, so that the supervisor restarts the process.
        """
        here = asyncio.current_task()
        assert here is not None  # noqa: S101 - for the type checker: coroutines run in tasks
        await self.outbox.load()
        work = [asyncio.create_task(self.conversations.run()), asyncio.create_task(self.outbox.run())]
        beside = [asyncio.create_task(_keep_running(run)) for run in self._beside()]

        def alarm(done: asyncio.Task[None]) -> None:
            if _fault(done):
                here.cancel()

        for task in work:
            task.add_done_callback(alarm)
        try:
            introduce_to_channels(self.channels.values())
            show_images_on(self.channels.values(), self.settings.data / MEDIA)
            for name, channel in self.channels.items():
                if isinstance(channel, Reporting):
                    channel.report_to(partial(self.outbox.report, name))
                await channel.start(self.conversations.receive)
            yield
        except asyncio.CancelledError:
            error = next(filter(None, map(_fault, work)), None)
            if error is None:
                raise
            raise error from None
        finally:
            for task in work:
                task.remove_done_callback(alarm)  # an error from here on must not interrupt the shutdown
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
            await self._finish(*work)

    def _beside(self) -> list[Work]:
        """Returns the background work."""
        teller = OutcomeNotifier(self.keys, self.ids, self.settings.web.public_url)
        asked = AgreementNotifier(self.keys, self.ids, self.settings.web.public_url)
        return [
            partial(
                run_hourly_jobs,
                self.store,
                self.keys,
                self.erasure_log,
                self.settings.backup_days,
                renew=self.editor.renew,
                begin_counter=self.begin_counter,
            ),
            self.editor.run,
            self.exporter.run,
            self.broadcaster.run,
            self.attachment_fetcher.run,
            self.scrubber.run,
            partial(run_publication, self.store, self.keys, self.ids),
            partial(run_notifications, self.store, teller, self.outbox.look_for_broadcasts),
            partial(run_agreement_notices, self.store, asked, self.outbox.look_for_broadcasts),
            partial(keep_scanning_votes, self.store, self.pools),
            partial(keep_looking, self.store),
            partial(keep_indexes_ready, self.store),
        ]

    async def _finish(self, conversing: asyncio.Task[None], sending: asyncio.Task[None]) -> None:
        """Stops receiving, commits the current batch, sends its replies for a short time, and closes."""
        for channel in self.channels.values():
            await channel.stop()
        conversing.cancel()
        await asyncio.wait([conversing])
        if not sending.done():
            with suppress(TimeoutError, StorageError):
                async with asyncio.timeout(LAST_SENDS_SECONDS):
                    await self.outbox.drained()
        sending.cancel()
        await asyncio.wait([sending])
        for channel in self.channels.values():
            if isinstance(channel, Closing):
                await channel.close()
        with suppress(TimeoutError, StorageError):
            async with asyncio.timeout(LAST_SENDS_SECONDS):
                await write_begin_counts(self.store, self.begin_counter, datetime.now(UTC))
        await self.store.close()


async def _keep_running(work: Work) -> None:
    """Runs background work until cancelled and restarts it after an error."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - any error restarts it
            log.error("background_work_restarted", **error_place(error))
        await asyncio.sleep(AGAIN_SECONDS)


def _fault(task: asyncio.Task[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


def open_store(settings: Settings, say: Say | None = None) -> tuple[Store, Keys]:
    """Opens the database, upgrades it, and loads the secret key; creates both if they are missing.

    Repeats logged erasures after a restore, and reports the number to `say`. Removes stored answers that are not on the
    path of their participation.

    Raises OSError, the classes of `storage.core.errors` and `SecretError`; StoreMissing and StoreForeign if the
    database does not belong to this folder, unless `settings.is_fresh`.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(settings.database())
    try:
        if not settings.is_fresh:
            database_mark.check_database(settings.data, store)
        moved = migrate.upgrade(store, hiding=partial(_fitting_keys, settings.data / FILE))
        store.belongs_to = database_mark.write_mark(settings.data, store)
        with store.reading() as connection:
            keys = _fitting_keys(settings.data / FILE, connection)
        if moved.before and moved.before != moved.now:
            entry = audit.operator()._replace(door="system").did("migrate", f"{moved.before} to {moved.now}")
            store.run(lambda connection: audit.record_entry(connection, keys, entry))
            store.scrub()  # the journal still holds the previous rows
        erasure_log = ErasureLog(settings.data, keys)
        erasure_log.folder.mkdir(mode=0o700, exist_ok=True)  # created here, so that a missing log is noticed later
        if back := erase_again(store, keys, erasure_log):
            log.warning("erasures_repeated", count=sum(map(len, back)))
            if say:
                say(f"Repeated erasures of restored records ({back.in_words()}).")
        path_cleanup.clean_paths(store, erasure_log, keys)
        return store, keys
    except BaseException:
        store.dispose()
        raise


def _fitting_keys(path: Path, connection: Connection) -> Keys:
    """Loads the keys that encrypted the addresses in the database; creates keys only for an empty database."""
    sealed = any_encrypted_address(connection)
    return load_or_create_keys(path) if sealed is None else load_matching_keys(path, sealed.sealed, sealed.lookup)


def _keep_current(cache: PeopleCache, store: Store, outbox: Outbox) -> None:
    """Lets the cache of contacts forget rows that other writers change."""
    store.on_other_writes = cache.clear
    outbox.on_changes = cache.forget
    outbox.on_flush = cache.note_write


def build(
    settings: Settings,
    channels: Mapping[str, Channel],
    *,
    store: Store,
    keys: Keys,
    sources: Sources = SYSTEM,
) -> App:
    """Builds and connects all parts. Requires a running event loop. `sources`: clock and random for conversations."""
    ids = Ids(keys.order_masks, sources.now, sources.random)
    catalogue = Catalogue(public_url=settings.web.public_url)
    outbox = Outbox(store, keys, channels, sources.now)
    proactive = frozenset(name for name, channel in channels.items() if channel.limits.is_proactive)
    overheard = frozenset(name for name, channel in channels.items() if not channel.limits.is_confidential)
    staff_chat = StaffChat(settings, catalogue, proactive, list(channels))
    enquiries = StatusLookup(catalogue, settings.web.public_url)
    pools = StatementPools(sources.steady)
    fact_loader = FactLoader(facts.proposal_fact_sources(pools, keys.pseudonym, sources.draw_seed))
    erasure_log = ErasureLog(settings.data, keys)
    senders = SenderResolver(keys, catalogue, proactive, outbox.waits)
    turns = TurnProcessor(
        keys,
        catalogue,
        staff_chat=staff_chat,
        enquiries=enquiries,
        fact_loader=fact_loader,
        senders=senders,
        overheard=overheard,
    )
    _keep_current(senders.people_cache, store, outbox)
    batches = BatchProcessor(
        keys, catalogue, ids=ids, erasure_log=erasure_log, senders=senders, turns=turns, sources=sources
    )
    folder = AttachmentFolder(settings.data / FOLDER, keys)
    attachment_fetcher = AttachmentFetcher(store, keys, channels, folder, settings.attachment_megabytes * 1_000_000)
    scrubber = Scrubber(store, settings.zone())
    exporter = ExportService(store, settings.data, settings.zone(), settings.web.public_url)
    handlers = (fetch_attachments(attachment_fetcher.wake), drop_exports(exporter.drop_files), scrub_database(scrubber))
    conversations = Conversations(store, batches, outbox=outbox, outcome_handlers=handlers, now=sources.now)
    broadcaster = Broadcaster(store, outbox, BroadcastProcessor(settings, keys, proactive, list(channels)))
    return App(
        settings=settings,
        store=store,
        keys=keys,
        ids=ids,
        catalogue=catalogue,
        channels=channels,
        outbox=outbox,
        conversations=conversations,
        broadcaster=broadcaster,
        attachment_fetcher=attachment_fetcher,
        pools=pools,
        erasure_log=erasure_log,
        scrubber=scrubber,
        editor=EditionService(store),
        exporter=exporter,
    )
