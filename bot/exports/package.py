"""`export`: the answers of a consultation as a folder or ZIP file for people and their tools.

Everything is written beside the target first and moved there when it is whole: nobody ever meets half an export.
"""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.counting import subject
from bot.counting.counts import CountRow, Counts, counted, published_rows
from bot.counting.responses import randomness, stream
from bot.counting.subject import Subject
from bot.errors import HouseError, Say
from bot.exports import codebook, opendata, workbook
from bot.exports.codebook import MISSING
from bot.exports.ideas import Ideas
from bot.exports.liesmich import liesmich
from bot.exports.metadata import PROFILES, Profile, metadata
from bot.exports.staging import check_target, staged
from bot.exports.tables import LONG, Table, View, long_rows, to_the_second, to_the_week, wide_head, wide_row
from bot.house import furnished
from bot.publicity import figures_are_public
from bot.results import published
from bot.settings import Settings
from storage.store import Store

ROWS: Final = ("answers_long.csv", "answers_wide.csv", "answers_wide_excel.csv")
COUNTS: Final = "counts.csv"
ABOUT: Final = ("codebook.csv", "metadata.json", "LIESMICH.txt")
WORKBOOK: Final = "tabellen.xlsx"
"""What everybody may have is opened by double clicks: CSV for programs looks broken in a German Excel."""


class Wish(NamedTuple):
    """What is to be exported, where to, and how much of it."""

    slug: str
    out: Path
    profile: str = "analysis"
    zone: tzinfo = UTC
    seed: int | None = None
    """Makes order and ids of the analysis profile foreseeable: for tests only."""
    is_workbook: bool = False
    """One Excel file instead of CSV files."""


def export(settings: Settings, wish: Wish, say: Say, complain: Say) -> None:
    """The command. Raises HouseError."""
    with furnished(settings, complain) as (store, _):
        number = write(store, wish._replace(zone=settings.zone()), datetime.now(UTC))
    say(f"{wish.out}: {number} participation{'' if number == 1 else 's'}, profile {wish.profile}")


def write(store: Store, wish: Wish, now: datetime) -> int:
    """Writes an export; gives the number of participations in it. Raises HouseError."""
    check_target(wish.out)
    profile = _known_profile(wish.profile)
    with store.reading() as connection:
        found = subject.find(connection, wish.slug)
        if profile == "public" and not figures_are_public(found.flow.consultation, found.newest, now):
            raise HouseError(
                f"the figures of {wish.slug} are hidden until it is closed (`results: at_close` in its file); "
                "use --profile analysis inside the house, or wait"
            )
        with staged(wish.out, is_public=profile == "public") as folder:
            if not wish.is_workbook:
                return _fill(connection, found, wish, profile, folder, now)
            tables = folder / "tables"
            tables.mkdir()
            number = _fill(connection, found, wish, profile, tables, now)
            workbook.bind(found, tables, folder / f"{found.newest.slug}.xlsx", wish.zone, now)
            shutil.rmtree(tables)
            return number


def _known_profile(name: str) -> Profile:
    for profile in PROFILES:
        if name == profile:
            return profile
    raise HouseError(f"--profile {name}: there is {', '.join(PROFILES)}")


def _fill(connection: Connection, found: Subject, wish: Wish, profile: Profile, folder: Path, now: datetime) -> int:
    with ExitStack() as closing:
        if profile == "public":
            counts = counted(connection, found)
            tables = _write_counts(connection, counts, folder, closing)
        else:
            counts = Counts(found)
            tables = (*ROWS, *_write_rows(connection, counts, wish, folder, closing))
        Table(folder / "codebook.csv", codebook.head(found), closing).write(codebook.rows(found))
    has_workbook = profile == "public" and not wish.is_workbook
    files = [*tables, *([WORKBOOK] if has_workbook else ()), *ABOUT]
    data = metadata(found, profile, counts, now, files)
    text = json.dumps(data, ensure_ascii=False, indent=2)
    (folder / "metadata.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")
    guide = liesmich(found, profile, now, files)
    (folder / "LIESMICH.txt").write_text(guide, encoding="utf-8", newline="\r\n")  # for the editor of old Windows
    if has_workbook:
        # The same answers, the same file: it says when the consultation was published, not when it was exported.
        workbook.bind(found, folder, folder / WORKBOOK, wish.zone, found.newest.published_at)
    return counts.responses


def _write_counts(connection: Connection, counts: Counts, folder: Path, closing: ExitStack) -> tuple[str, ...]:
    """What everybody may see: counts, and what is released of proposals. Gives the names of the files."""
    labels = {code.value: german for code, (german, _) in MISSING.items()}
    Table(folder / COUNTS, CountRow._fields, closing).write(published_rows(counts, labels))
    return (COUNTS, *opendata.write(published.of(connection, counts.subject, counts), folder, closing))


def _write_rows(
    connection: Connection, counts: Counts, wish: Wish, folder: Path, closing: ExitStack
) -> tuple[str, ...]:
    """The long and the wide files, and what people proposed, in one go. Gives the names of files about proposals."""
    found = counts.subject
    is_raw = wish.profile == "raw"
    chance = randomness(wish.seed)
    view = (
        View(lambda response: response.session.pseudonym, to_the_second, True)
        if is_raw
        else View(lambda response: f"{chance.getrandbits(64):016x}", to_the_week(wish.zone), False)
    )
    long = Table(folder / ROWS[0], LONG, closing)
    wide = Table(folder / ROWS[1], wide_head(found), closing)
    excel = Table(folder / ROWS[2], wide_head(found), closing, excel=True)
    ideas = Ideas(connection, found, view, folder, closing)
    for response in stream(connection, found, None if is_raw else chance):
        counts.add(response)
        name = view.name_of(response)
        row = wide_row(found, response, name, view)
        long.write(long_rows(found, response, name, view))
        wide.write([row])
        excel.write([row])
        ideas.add(response, name)
    ideas.close()
    return ideas.files
