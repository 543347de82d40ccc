"""Makes the exports that members of the team ask for in the console, each in its own process, one at a time.

The file lies in a folder of the data folder until it is fetched, at most for an hour. The jobs are rows
(`storage.tables.export_jobs`): those that wait survive a restart, the one that runs is aborted by it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from bot.common.child_process import Tell, run_module
from bot.common.logs import error_place
from bot.exchange.exports.kinds import export_kind
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables import export_jobs
from storage.tables.consultations import consultation_slug
from storage.tables.export_jobs import ExportJob, change_export_job

log = structlog.get_logger()

FOLDER: Final = "exports"
JOB: Final = "bot.exchange.exports.job"
FILE_KEPT: Final = timedelta(hours=1)
"""How long a file waits to be fetched; it is also removed when it was fetched, and after an erasure."""
ROWS_KEPT: Final = timedelta(days=30)
"""How long the list names a job."""
MOST_OF_MEMBER: Final = 3
MOST_WAITING: Final = 20
"""Jobs that wait or run, of one member and of all."""
LOOK_SECONDS: Final = 60.0
LONGEST_SECONDS: Final = 3600.0
"""A job that takes longer is killed."""

Make = Callable[[dict[str, Any], Tell], Awaitable[int]]
"""Runs a job; returns the exit status of its process. Raises TimeoutError."""


class ExportsFull(Exception):
    """Too many jobs wait already."""


class ExportService:
    """Runs the jobs, and removes their files."""

    def __init__(self, store: Store, data: Path, zone: tzinfo, public_url: str, make: Make | None = None) -> None:
        self._store = store
        self._folder = data / FOLDER
        self._task = {"url": store.url, "data": str(data), "zone": str(zone), "public_url": public_url}
        self.make = make or partial(run_module, JOB, seconds=LONGEST_SECONDS)
        self._woken = asyncio.Event()
        self._running: tuple[int, asyncio.Task[str]] | None = None

    def path(self, job: ExportJob) -> Path:
        """Returns the place of the file of a job."""
        kind = export_kind(job.kind)
        return self._folder / f"{job.id}{kind.suffix if kind else '.zip'}"

    def wake(self) -> None:
        """Starts the next job at once."""
        self._woken.set()

    async def cancel(self, job: ExportJob) -> bool:
        """Aborts a job that waits or runs, and removes its file. Returns False if it has ended already."""
        change = partial(change_export_job, job_id=job.id, before=("waiting", "running"))
        is_changed = await self._store.write(lambda it: change(it, state="aborted", ended_at=_now()))
        if self._running and self._running[0] == job.id:
            self._running[1].cancel()
        return is_changed

    async def drop_files(self) -> None:
        """Removes all files after an erasure, because they may contain what was erased. A running job is aborted."""
        if self._running:
            self._running[1].cancel()
        if self._folder.is_dir():
            await self._store.write(export_jobs.expire_export_files)
            await self._remove_old()

    async def run(self) -> None:
        """Runs one job after another until it is cancelled. Failures are logged."""
        # A write empties the caches of stored data, so each is left out where there is nothing to change.
        if await self._store.read(_is_anything_unsettled):
            await self._store.write(lambda connection: export_jobs.settle_export_jobs(connection, _now()))
        while True:
            try:
                await self._remove_old()
                while await self._store.read(export_jobs.oldest_waiting_export_job):
                    if job := await self._store.write(_begin_next):
                        await self._finish(job, await self._made(job))
            except (StorageError, OSError) as error:
                log.error("export_jobs_failed", **error_place(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            self._woken.clear()

    async def _made(self, job: ExportJob) -> str:
        """Runs a job; returns its final state."""
        work = asyncio.create_task(self._process(job))
        self._running = (job.id, work)
        try:
            await asyncio.wait([work])
        finally:
            work.cancel()  # when this service itself is cancelled
            await asyncio.wait([work])  # its process has ended then
            self._running = None
        return "aborted" if work.cancelled() else work.result()

    async def _process(self, job: ExportJob) -> str:
        slug = await self._store.read(partial(consultation_slug, consultation_id=job.consultation_id))
        task = {**self._task, "belongs_to": self._store.belongs_to, "slug": slug, "kind": job.kind}
        self._folder.mkdir(mode=0o700, exist_ok=True)
        last: dict[str, Any] = {}

        async def tell(line: dict[str, Any]) -> None:
            last.update(line)
            if "percent" in line:
                change = partial(change_export_job, job_id=job.id, before=("running",), progress=line["percent"])
                await self._store.write(change)

        try:
            status = await self.make({**task, "out": str(self.path(job))}, tell)
        except TimeoutError:
            status = -1
        if "fault" in last or (status and not last.get("refused")):
            log.error("export_failed", consultation_id=job.consultation_id, **last.get("fault", {"status": status}))
        return "done" if last.get("done") and not status else "failed"

    async def _finish(self, job: ExportJob, state: str) -> None:
        path = self.path(job)
        if state == "done":
            path.chmod(0o600)
        size = path.stat().st_size if state == "done" else None
        values = {"state": state, "size": size, "progress": 100 if size else 0, "ended_at": _now()}
        is_changed = await self._store.write(
            lambda connection: change_export_job(connection, job.id, ("running",), **values)
        )
        if state != "done" or not is_changed:
            await self._remove_old()

    async def _remove_old(self) -> None:
        """Removes the files that waited too long and those of no job, and old rows."""
        if await self._store.read(_is_anything_old):
            await self._store.write(_expire)
        kept = {str(number) for number in await self._store.read(_kept)}
        await asyncio.to_thread(_remove_others, self._folder, kept)


def add_export_job(connection: Connection, job: ExportJob) -> None:
    """Adds a waiting job. Raises ExportsFull if the member, or all members together, have too many."""
    own = export_jobs.count_unfinished_export_jobs(connection, job.staff_id)
    if own >= MOST_OF_MEMBER or export_jobs.count_unfinished_export_jobs(connection) >= MOST_WAITING:
        raise ExportsFull
    export_jobs.insert_export_jobs(connection, [job])


def is_available(job: ExportJob, now: datetime) -> bool:
    """Whether the file of a job can be fetched."""
    return job.state == "done" and job.ended_at is not None and now < job.ended_at + FILE_KEPT


def _begin_next(connection: Connection) -> ExportJob | None:
    job = export_jobs.oldest_waiting_export_job(connection)
    if job is None or not change_export_job(connection, job.id, ("waiting",), state="running"):
        return None
    return job


def _is_anything_unsettled(connection: Connection) -> bool:
    """Whether a former process left jobs behind that it ran or sent."""
    return any(export_jobs.export_job_ids(connection, state) for state in ("running", "sending"))


def _is_anything_old(connection: Connection) -> bool:
    now = _now()
    files = export_jobs.export_jobs_ended_before(connection, "done", now - FILE_KEPT)
    return bool(files) or export_jobs.has_export_jobs_before(connection, now - ROWS_KEPT)


def _expire(connection: Connection) -> None:
    """Marks files that waited too long, and deletes old rows."""
    now = _now()
    for number in export_jobs.export_jobs_ended_before(connection, "done", now - FILE_KEPT):
        change_export_job(connection, number, ("done",), state="expired")
    export_jobs.delete_export_jobs_before(connection, now - ROWS_KEPT)


def _kept(connection: Connection) -> list[int]:
    """Returns the ids of the jobs whose files stay."""
    return [*export_jobs.export_job_ids(connection, "done"), *export_jobs.export_job_ids(connection, "sending")]


def _remove_others(folder: Path, kept: set[str]) -> None:
    """Removes everything in the folder but the files of these jobs: also what a killed process left there."""
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.stem not in kept:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _now() -> datetime:
    return datetime.now(UTC)
