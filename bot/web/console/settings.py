"""The settings that a city changes: name, appearance, imprint, languages; checks of channels and system; backup.

What file or environment set is shown and cannot be changed here. Each change is a new version, which can be taken back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.common.audit import record_entry
from bot.common.errors import CommandError
from bot.common.i18n.locale import offered_languages
from bot.common.logo_images import LogoRefused, clean_logo
from bot.delivery.channels import channel_findings
from bot.web.console.registry import console_page
from bot.web.console.settings_form import problems_of, readability, typed_values, without_defaults
from bot.web.console.visit import Visit, id_in, visit_time
from bot.web.page_settings import EDITABLE, LOGO, logo_of, values_of
from storage.core.errors import Duplicate, StorageError
from storage.tables.page_settings import (
    PageSettingsVersion,
    StoredLogo,
    insert_logos,
    insert_page_settings,
    logo_by_digest,
    newest_page_settings,
    newest_page_settings_number,
    page_settings_by_version,
)

MOST_VERSIONS: Final = 10
"""Versions that the page lists."""


@console_page("GET", "/settings", "settings.change")
async def show_settings(visit: Visit) -> web.StreamResponse:
    """Shows the settings."""
    return await _page(visit)


@console_page("POST", "/settings", "settings.change", takes_file=True)
async def change_settings(visit: Visit) -> web.StreamResponse:
    """Stores a new version, in force at once, if no other owner changed something meanwhile."""
    current = visit.site.page_settings
    values, logo = typed_values(visit, current), None
    problems = problems_of(current, values)
    if visit.file is not None:
        try:
            kind, content = clean_logo(visit.file.content)
            logo = StoredLogo(sha256(content).digest(), kind, content, visit.now)
        except LogoRefused as refused:
            problems[LOGO] = refused.flaw
    if problems:
        return await _page(visit, problems=problems, typed=values)
    kept = None if visit.field("no_logo") else current.values.get(LOGO)
    chosen = {**without_defaults(values), LOGO: logo.digest.hex() if logo else kept}
    # What the file fixes today may be free again tomorrow.
    stored = {name: it for name, it in current.values.items() if name in current.fixed} | chosen
    return await _store(visit, stored, [logo] if logo else [])


@console_page("POST", "/settings/restore", "settings.change")
async def restore_settings(visit: Visit) -> web.StreamResponse:
    """Stores an earlier version again (0: everything as in a new installation)."""
    number = id_in(visit.field("version"))
    if number is None:
        raise web.HTTPNotFound
    found = await visit.read(partial(page_settings_by_version, version=number))
    if found is None and number != 0:
        raise web.HTTPNotFound
    return await _store(visit, values_of(found) if found else {}, [])


@console_page("POST", "/settings/channels", "settings.change")
async def check_channels(visit: Visit) -> web.StreamResponse:
    """Asks each channel now, as `doctor` does."""
    found = await asyncio.to_thread(lambda: list(channel_findings(visit.site.services.settings)))
    return await _page(visit, channel_findings=found)


@console_page("POST", "/settings/health", "settings.change")
async def check_health(visit: Visit) -> web.StreamResponse:
    """Runs the checks of `doctor`."""
    maintenance = visit.site.services.maintenance
    if maintenance is None:
        return await _page(visit, problem="no_maintenance")
    return await _page(visit, health=await asyncio.to_thread(maintenance.findings))


@console_page("POST", "/settings/backup", "settings.change")
async def begin_backup(visit: Visit) -> web.StreamResponse:
    """Begins a backup, unless one runs; the page then shows its progress."""
    maintenance = visit.site.services.maintenance
    if maintenance is None:
        return await _page(visit, problem="no_maintenance")
    visit.request.app[BACKUPS].begin(visit, maintenance.back_up)
    return visit.see("/settings", to="backup")


async def _store(visit: Visit, values: dict[str, Any], logos: Iterable[StoredLogo]) -> web.Response:
    """Stores a version and puts it into force. Answers 409 if another one was stored since the form was loaded."""
    base = id_in(visit.field("base"))
    content = json.dumps({name: it for name, it in sorted(values.items()) if it is not None}, ensure_ascii=False)

    def work(connection: Connection) -> tuple[PageSettingsVersion, StoredLogo | None] | None:
        number = newest_page_settings_number(connection)
        if base != number:
            return None
        before = newest_page_settings(connection)
        for logo in logos:
            if logo_by_digest(connection, logo.digest) is None:
                insert_logos(connection, [logo])
        version = PageSettingsVersion(number + 1, content, visit.now, visit.member.name)
        insert_page_settings(connection, [version])
        changed = _changed(values_of(before[0]) if before else {}, values_of(version))
        visit.note(connection, "settings.change", f"version {version.version}", ", ".join(changed) or "nothing")
        return version, logo_of(connection, values_of(version))

    try:
        stored = await visit.write(work)
    except Duplicate:
        stored = None
    if stored is None:
        return await _page(visit, problem="changed_meanwhile")
    visit.site.page_settings.apply(*stored)
    return visit.see("/settings", done="settings")


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


async def _page(visit: Visit, problem: str = "", **values: Any) -> web.Response:
    site = visit.site
    await site.page_settings.refresh()
    current, problems, typed = site.page_settings, values.get("problems", {}), values.get("typed", {})
    versions = await visit.read(partial(newest_page_settings, limit=MOST_VERSIONS))
    shown = {name: typed.get(name, getattr(current.current, name)) for name in EDITABLE}
    status = 422 if problems else 409 if problem else 200
    return visit.page(
        "settings.html",
        status=status,
        shown=shown,
        fixed=current.fixed,
        problems=problems,
        is_wrong=bool(problems),
        problem=problem,
        colour=readability(str(shown["accent"])),
        all_languages=offered_languages(),
        versions=versions,
        base=current.version,
        channels={name: section.type for name, section in site.services.settings.channels.items()},
        channel_findings=values.get("channel_findings"),
        health=values.get("health"),
        faults=sum(not it.is_well for it in values.get("health", ())),
        backup=visit.request.app[BACKUPS].job,
        backup_folder=str(site.services.settings.backup_folder.absolute()),
        done=visit.done(),
    )


class BackupJob(NamedTuple):
    """A backup that was begun in the console."""

    state: Literal["running", "done", "failed"]
    begun_at: datetime
    folder: str = ""
    megabytes: float = 0
    error: str = ""
    """In English, as the command prints it."""


@dataclass(slots=True)
class BackupJobs:
    """The newest backup of this process; at most one runs."""

    job: BackupJob | None = None
    _task: asyncio.Task[None] | None = None

    def begin(self, visit: Visit, back_up: Callable[[], Path]) -> None:
        """Begins a backup in a thread, unless one runs."""
        if self.job is not None and self.job.state == "running":
            return
        self.job = BackupJob("running", visit.now)
        self._task = asyncio.create_task(self._run(visit, back_up))

    async def _run(self, visit: Visit, back_up: Callable[[], Path]) -> None:
        begun = visit.now
        try:
            folder = await asyncio.to_thread(back_up)
            size = await asyncio.to_thread(_size, folder)
        except (CommandError, OSError) as error:
            self.job = BackupJob("failed", begun, error=str(error))
            return
        except BaseException:
            self.job = BackupJob("failed", begun)
            raise
        self.job = BackupJob("done", begun, str(folder.absolute()), size / 1_000_000)
        entry, keys = visit.actor.did("backup", folder.name, at=visit_time()), visit.site.services.keys
        try:
            await visit.write(lambda connection: record_entry(connection, keys, entry))
        except StorageError as error:
            self.job = self.job._replace(error=str(error))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


BACKUPS: Final = web.AppKey("console-backups", BackupJobs)
