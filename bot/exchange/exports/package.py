"""`export`: writes the answers of a consultation as a folder or a ZIP file.

Everything is written to a temporary folder first and then moved, so that a partial export is never visible.
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
from bot.common.progress import Watch
from bot.consultations import stored_revisions
from bot.consultations.visibility import figures_are_public
from bot.exchange.exports import codebook, ideas, opendata
from bot.exchange.exports.codebook import MISSING
from bot.exchange.exports.data_package import PACKAGE, data_package
from bot.exchange.exports.metadata import PROFILES, ParticipationTotals, Profile, export_metadata
from bot.exchange.exports.readme_text import readme_text
from bot.exchange.exports.sheets import CsvFolder, Sheet, static_sheet, to_the_second, write_sheets
from bot.exchange.exports.staging import check_target, staged_output
from bot.exchange.exports.tables import (
    LONG,
    Chunk,
    LongRows,
    NamedParticipation,
    ProfileView,
    WideRows,
    to_the_week,
    wide_head,
)
from bot.exchange.exports.workbook import Workbook
from bot.proposals import publication
from bot.results.counts import participation_reader
from bot.results.counts.answer_dataset import AnswerDataset, load_dataset
from bot.results.counts.counts import CONTEXTS, MERGED, ParticipationCounts
from bot.results.counts.participation_reader import ParticipationAnswers, randomness, stream_participations
from bot.results.counts.rows import NO_ANSWER, CountRow
from bot.results.editions.renewal import renew_edition
from bot.results.published import PublishedResults
from storage.core.store import Store

ROWS: Final = ("answers_long.csv", "answers_wide.csv", "answers_wide_excel.csv")
COUNTS: Final = "counts.csv"
ABOUT: Final = ("codebook.csv", "metadata.json", "LIESMICH.txt")
_LABELS: Final = {NO_ANSWER: "ohne Antwort", MERGED: "andere, zusammengefasst"}
WORKBOOK: Final = "tabellen.xlsx"
"""Public files are opened by double click; German Excel misreads the plain CSV files."""


class ExportRequest(NamedTuple):
    """The options of an export."""

    slug: str
    out: Path
    profile: str = "analysis"
    zone: tzinfo = UTC
    seed: int | None = None
    """Makes order and ids of the analysis profile deterministic; for tests only."""
    is_workbook: bool = False
    """Whether to write one Excel file instead of CSV files."""
    purpose: str = ""
    """The purpose of reading raw data."""
    watch: Watch = lambda _: None
    """Receives the number of participations read so far."""


def write_export(store: Store, wish: ExportRequest, now: datetime) -> int:
    """Writes an internal export, or updates and writes the public one; returns its number of answered participations, 0
    if suppressed as too small. Raises CommandError.
    """
    check_target(wish.out)
    profile = known_profile(wish.profile)
    if profile == "public":
        renew_edition(store, wish.slug)
        return write_public(store, wish, now).participations or 0
    with store.reading() as connection:
        found = load_dataset(connection, wish.slug, trials=profile == "raw", now=now)
        counts, chance = ParticipationCounts(found), randomness(wish.seed)
        view = _view(wish, chance)
        long, wide = Sheet(ROWS[0], LONG, LongRows(found, view)), WideRows(found, view)
        sheets = [
            long,
            Sheet(ROWS[1], wide_head(found), wide, ROWS[2]),
            *ideas.proposal_sheets(connection, found, view),
        ]

        def about() -> dict[str, Any]:
            totals = ParticipationTotals(counts.responses, counts.begun, counts.finished)
            return export_metadata(
                found, profile, totals, {name: dict(counts.contexts[name]) for name in CONTEXTS}, now
            )

        people = stream_participations(connection, found, None if profile == "raw" else chance)
        portions = _portions(people, counts, view, wish.watch)
        _write(ExportPackage(found, profile, sheets, about), wish, portions, now)
        return counts.responses


def write_public(
    store: Store, wish: ExportRequest, now: datetime, shown: PublishedResults | None = None
) -> PublishedResults:
    """Writes the public export of the newest edition, or of the edition `shown`; returns the package.

    Counts nothing. Raises CommandError if the figures are not public, or if there is no edition yet.
    """
    check_target(wish.out)
    if shown is None:
        with store.reading() as connection:
            shown = publication.public_figures(connection, wish.slug)
            if shown is None:
                raise CommandError(_no_edition(connection, wish.slug))
    tables = opendata.open_data_sheets(shown)
    about = partial(_about_public, shown, now)
    sheets = [static_sheet(COUNTS, CountRow._fields, _count_rows(shown)), *tables]
    card = {opendata.CARD: opendata.data_card(shown)}
    _write(ExportPackage(shown.subject, "public", sheets, about, card), wish, [], now)
    return shown


def _no_edition(connection: Connection, slug: str) -> str:
    live = stored_revisions.live_revision(connection, slug)
    consultation = stored_revisions.read_revision(live)
    if consultation and not figures_are_public(consultation, live, datetime.now(UTC)):
        return (
            f"the figures of {slug} are hidden until it is closed (`results: at_close` in its file); "
            "use --profile analysis internally, or wait"
        )
    return f"the figures of {slug} are not computed yet; try again in a moment"


def known_profile(name: str) -> Profile:
    """Returns the profile with this name. Raises CommandError for an unknown one."""
    for profile in PROFILES:
        if name == profile:
            return profile
    raise CommandError(f"--profile {name}: there is {', '.join(PROFILES)}")


class ExportPackage(NamedTuple):
    """The content of an export."""

    subject: AnswerDataset
    profile: Profile
    sheets: Sequence[Sheet]
    """All sheets except the codebook, which comes last."""
    about: Callable[[], dict[str, Any]]
    """Returns the content of `metadata.json` after all rows are read."""
    more: Mapping[str, str] = MappingProxyType({})
    """Further texts, by file name."""


def _write(package: ExportPackage, wish: ExportRequest, portions: Iterable[Chunk], now: datetime) -> None:
    """Writes a package as requested: files or one workbook; a public package has both."""
    found, is_public = package.subject, package.profile == "public"
    has_files, has_workbook = not wish.is_workbook, wish.is_workbook or is_public
    workbook_name = WORKBOOK if has_files else f"{found.newest.slug}.xlsx"
    with staged_output(wish.out, is_public=is_public) as folder, ExitStack() as closing:
        # The same answers give the same file; beside other files, it also states when the consultation was published.
        made_at = found.newest.published_at if has_files else now
        book = Workbook(found, wish.zone, made_at, closing, folder) if has_workbook else None
        sheets = [*package.sheets, codebook.codebook_sheet(found)]
        with ExitStack() as files:
            targets = [*([CsvFolder(folder, files)] if has_files else ()), *([book] if book else ())]
            write_sheets(sheets, chain(portions, [()]), targets, participation_reader.CHUNK_SIZE)
        more = {PACKAGE: data_package(found, package.profile, sheets, opendata.LICENCE if is_public else None)}
        more.update(package.more)
        tables = chain.from_iterable(sheet.files for sheet in package.sheets)
        names = [*tables, *more, *([workbook_name] if book and has_files else ()), *ABOUT]
        guide = readme_text(found, package.profile, now, names)
        if has_files:
            about = json.dumps({**package.about(), "files": names}, ensure_ascii=False, indent=2)
            _write_texts(folder, {**more, ABOUT[1]: f"{about}\n"}, guide)
        if book:
            book.save(folder / workbook_name, guide)


def _write_texts(folder: Path, texts: Mapping[str, str], guide: str) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    # CRLF for the editor of old Windows versions.
    (folder / ABOUT[2]).write_text(guide, encoding="utf-8", newline="\r\n")


def _portions(
    people: Iterable[ParticipationAnswers], counts: ParticipationCounts, view: ProfileView, watch: Watch
) -> Iterator[Chunk]:
    """Yields the participations in batches, counted and named."""
    people, read = iter(people), 0
    while some := list(islice(people, participation_reader.CHUNK_SIZE)):
        for response in some:
            counts.add(response)
        yield [NamedParticipation(response, view.name_of(response)) for response in some]
        read += len(some)
        watch(read)


def _view(wish: ExportRequest, chance: Random) -> ProfileView:
    """Returns which data of participations the profile contains."""
    if wish.profile == "raw":
        return ProfileView(lambda response: response.session.pseudonym, to_the_second, True)
    return ProfileView(lambda _: f"{chance.getrandbits(64):016x}", to_the_week(wish.zone), False)


def _count_rows(shown: PublishedResults) -> Iterator[CountRow]:
    labels = {code.value: german for code, (german, _) in MISSING.items()} | _LABELS
    for row in shown.rows:
        is_ours = row.kind == "missing" or row.code == MERGED
        yield row._replace(label=labels.get(row.code, "")) if is_ours else row


def _about_public(shown: PublishedResults, now: datetime) -> dict[str, Any]:
    balance = {name: shown.balance(name) for name in CONTEXTS}
    totals = ParticipationTotals(shown.participations, shown.begun, shown.finished)
    about = export_metadata(shown.subject, "public", totals, balance, now)
    made_at = shown.edition.made_at.isoformat(timespec="seconds")
    return about | {"edition": shown.edition.number, "made_at": made_at}
