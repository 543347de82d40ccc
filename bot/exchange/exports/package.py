"""`export`: the answers of a consultation as a folder or ZIP file for people and their tools.

Everything is written beside the target first and moved there when it is whole: nobody ever meets half an export.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import chain, islice
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from bot.common.errors import CommandError
from bot.consultations import stored_revisions
from bot.consultations.visibility import figures_are_public
from bot.exchange.exports import codebook, ideas, opendata
from bot.exchange.exports.codebook import MISSING
from bot.exchange.exports.metadata import PROFILES, Profile, Totals, metadata
from bot.exchange.exports.readme_text import liesmich
from bot.exchange.exports.sheets import CsvFolder, Sheet, to_the_second, whole
from bot.exchange.exports.sheets import write as write_sheets
from bot.exchange.exports.staging import check_target, staged
from bot.exchange.exports.tables import LONG, LongRows, Named, Portion, View, WideRows, to_the_week, wide_head
from bot.exchange.exports.workbook import Workbook
from bot.proposals import publication
from bot.results.counts import answer_dataset as subject
from bot.results.counts import responses
from bot.results.counts.answer_dataset import Subject
from bot.results.counts.counts import CONTEXTS, MERGED, Counts
from bot.results.counts.responses import Response, randomness, stream
from bot.results.counts.rows import NO_ANSWER, CountRow
from bot.results.editions.renewal import renew
from bot.results.published import Published
from storage.core.store import Store

ROWS: Final = ("answers_long.csv", "answers_wide.csv", "answers_wide_excel.csv")
COUNTS: Final = "counts.csv"
ABOUT: Final = ("codebook.csv", "metadata.json", "LIESMICH.txt")
_LABELS: Final = {NO_ANSWER: "ohne Antwort", MERGED: "andere, zusammengefasst"}
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
    purpose: str = ""
    """What raw data is read for."""


def write(store: Store, wish: Wish, now: datetime) -> int:
    """Writes an export for the house, or the public one, brought up to date before; gives the number of answered
    participations in it, 0 where those are too few to be told. Raises CommandError.
    """
    check_target(wish.out)
    profile = known_profile(wish.profile)
    if profile == "public":
        renew(store, wish.slug)
        return write_public(store, wish, now).participations or 0
    with store.reading() as connection:
        found = subject.find(connection, wish.slug, trials=profile == "raw", now=now)
        counts, chance = Counts(found), randomness(wish.seed)
        view = _view(wish, chance)
        long, wide = Sheet(ROWS[0], LONG, LongRows(found, view)), WideRows(found, view)
        sheets = [long, Sheet(ROWS[1], wide_head(found), wide, ROWS[2]), *ideas.sheets(connection, found, view)]

        def about() -> dict[str, Any]:
            totals = Totals(counts.responses, counts.begun, counts.finished)
            return metadata(found, profile, totals, {name: dict(counts.contexts[name]) for name in CONTEXTS}, now)

        people = stream(connection, found, None if profile == "raw" else chance)
        portions = _portions(people, counts, view)
        _write(Package(found, profile, sheets, about), wish, portions, now)
        return counts.responses


def write_public(store: Store, wish: Wish, now: datetime, shown: Published | None = None) -> Published:
    """Writes the public export of the newest edition, or of the one that is `shown`; gives what was written.

    Counts nothing. Raises CommandError where everybody may not see the figures, or no edition was made yet.
    """
    check_target(wish.out)
    if shown is None:
        with store.reading() as connection:
            shown = publication.public_figures(connection, wish.slug)
            if shown is None:
                raise CommandError(_no_edition(connection, wish.slug))
    tables = opendata.sheets(shown)
    about = partial(_about_public, shown, now)
    more = opendata.descriptions(shown, tables)
    sheets = [whole(COUNTS, CountRow._fields, _count_rows(shown)), *tables]
    _write(Package(shown.subject, "public", sheets, about, more), wish, [], now)
    return shown


def _no_edition(connection: Connection, slug: str) -> str:
    live = stored_revisions.live_revision(connection, slug)
    consultation = stored_revisions.read_revision(live)
    if consultation and not figures_are_public(consultation, live, datetime.now(UTC)):
        return (
            f"the figures of {slug} are hidden until it is closed (`results: at_close` in its file); "
            "use --profile analysis inside the house, or wait"
        )
    return f"the figures of {slug} are not put together yet; try again in a moment"


def known_profile(name: str) -> Profile:
    """The profile of this name. Raises CommandError where there is none."""
    for profile in PROFILES:
        if name == profile:
            return profile
    raise CommandError(f"--profile {name}: there is {', '.join(PROFILES)}")


class Package(NamedTuple):
    """What an export consists of."""

    subject: Subject
    profile: Profile
    sheets: Sequence[Sheet]
    """All but the codebook, which comes last."""
    about: Callable[[], dict[str, Any]]
    """What stands in `metadata.json`, once all rows were read."""
    more: Mapping[str, str] = MappingProxyType({})
    """Further descriptions of the sheets, by the names of their files."""


def _write(package: Package, wish: Wish, portions: Iterable[Portion], now: datetime) -> None:
    """Puts a package where the wish says, as files or as one workbook; everybody gets both of what is public."""
    found, is_public = package.subject, package.profile == "public"
    has_files, has_workbook = not wish.is_workbook, wish.is_workbook or is_public
    with staged(wish.out, is_public=is_public) as folder, ExitStack() as closing:
        # The same answers, the same file: with others beside it, it says when the consultation was published.
        made_at = found.newest.published_at if has_files else now
        book = Workbook(found, wish.zone, made_at, closing, folder) if has_workbook else None
        sheets = [*package.sheets, codebook.sheet(found)]
        with ExitStack() as files:
            targets = [CsvFolder(folder, files)] if has_files else []
            write_sheets(sheets, chain(portions, [()]), [*targets, *([book] if book else [])], responses.AT_ONCE)
        tables = [name for sheet in package.sheets for name in sheet.files]
        names = [*tables, *package.more, *([WORKBOOK] if has_files and has_workbook else ()), *ABOUT]
        guide = liesmich(found, package.profile, now, names)
        if has_files:
            about = json.dumps({**package.about(), "files": names}, ensure_ascii=False, indent=2)
            for name, text in {**package.more, ABOUT[1]: f"{about}\n"}.items():
                (folder / name).write_text(text, encoding="utf-8", newline="\n")
            (folder / ABOUT[2]).write_text(guide, encoding="utf-8", newline="\r\n")  # for the editor of old Windows
        if book:
            book.save(folder / (WORKBOOK if has_files else f"{found.newest.slug}.xlsx"), guide)


def _portions(people: Iterable[Response], counts: Counts, view: View) -> Iterator[Portion]:
    """The participations, counted and named, some at a time."""
    people = iter(people)
    while some := list(islice(people, responses.AT_ONCE)):
        for response in some:
            counts.add(response)
        yield [Named(response, view.name_of(response)) for response in some]


def _view(wish: Wish, chance: Random) -> View:
    """How much of participations is shown."""
    if wish.profile == "raw":
        return View(lambda response: response.session.pseudonym, to_the_second, True)
    return View(lambda _: f"{chance.getrandbits(64):016x}", to_the_week(wish.zone), False)


def _count_rows(shown: Published) -> Iterator[CountRow]:
    labels = {code.value: german for code, (german, _) in MISSING.items()} | _LABELS
    for row in shown.rows:
        is_ours = row.kind == "missing" or row.code == MERGED
        yield row._replace(label=labels.get(row.code, "")) if is_ours else row


def _about_public(shown: Published, now: datetime) -> dict[str, Any]:
    balance = {name: shown.balance(name) for name in CONTEXTS}
    totals = Totals(shown.participations, shown.begun, shown.finished)
    about = metadata(shown.subject, "public", totals, balance, now)
    made_at = shown.edition.made_at.isoformat(timespec="seconds")
    return about | {"edition": shown.edition.number, "made_at": made_at}
