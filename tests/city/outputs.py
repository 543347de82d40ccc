"""Reads all outputs of the program about the city from the outside: files, terminal, pages, API."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from bot.cli import main
from tests.city.survey import SLUG
from tests.city.town import Town
from tests.support.data_package import package_errors
from tests.test_exchange.test_workbook import sheets

Row = dict[str, str]
Rows = list[Row]
Sheet = list[list[str | float]]

PAGES = ("de", "ar")
"""Languages in which the result page is read."""


class Table(NamedTuple):
    """A table of a page: the heading above it, its caption, the cells of its rows."""

    heading: str
    caption: str
    rows: list[list[str]]
    card: str
    """The id of the card that contains it, or ""."""


class Outputs(NamedTuple):
    """All outputs of one moment."""

    raw: dict[str, Rows]
    analysis: dict[str, Rows]
    public: dict[str, Rows]
    open_data: dict[str, Rows]
    raw_book: dict[str, Sheet]
    public_book: dict[str, Sheet]
    results: dict[str, Any]
    lines: list[str]
    pages: dict[str, Page]
    api: dict[str, list[dict[str, Any]]]
    package_errors: list[str]
    """Errors of the data packages of all profiles."""


async def read(town: Town, folder: Path) -> Outputs:
    """Asks for everything, by commands beside the serving app and over HTTP."""
    folder.mkdir()
    with town.store.begin() as connection:
        # Else figures of few people wait, as told before: that is looked at in `tests/test_disclosure`.
        connection.exec_driver_sql("DELETE FROM edition_rows")
        connection.exec_driver_sql("DELETE FROM editions WHERE NOT is_last")

    def exported(profile: str, *more: str) -> Path:
        out = folder / f"{profile}{len(more)}{'.xlsx' if more else ''}"
        purpose = ("--purpose", "the ledger") if profile == "raw" else ()
        command(town, "export", SLUG, "--out", str(out), "--profile", profile, *more, *purpose)
        return out

    folders = [exported(profile) for profile in ("raw", "analysis", "public")]
    raw, analysis, public = map(_tables, folders)
    pages = {}
    for language in PAGES:
        wanted = {"Accept-Language": language}
        async with town.session.get(f"{town.base}/results/{SLUG}", headers=wanted) as answer:
            assert answer.status == 200
            pages[language] = Page(await answer.text())
    async with town.session.get(f"{town.base}/open-data/{SLUG}.zip") as answer:
        assert answer.status == 200, await answer.text()
        packed = await answer.read()
    return Outputs(
        raw,
        analysis,
        public,
        _packed(packed),
        sheets(exported("raw", "--format", "xlsx")),
        sheets(exported("public", "--format", "xlsx")),
        json.loads(command(town, "results", SLUG, "--json")),
        command(town, "results", SLUG).splitlines(),
        pages,
        await _api(town),
        [error for it in folders for error in package_errors(it)],
    )


def command(town: Town, *words: str) -> str:
    """What a command says. It must succeed."""
    result = CliRunner().invoke(main.app, ["--config", str(town.config), *words])
    assert result.exit_code == 0, (words, result.output, result.exception)
    return result.output


def _tables(folder: Path) -> dict[str, Rows]:
    return {path.name: table(path.read_text(encoding="utf-8-sig"), path.name) for path in folder.glob("*.csv")}


def _packed(content: bytes) -> dict[str, Rows]:
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        names = [name for name in files.namelist() if name.endswith(".csv")]
        return {name: table(files.read(name).decode("utf-8"), name) for name in names}


def table(text: str, name: str) -> Rows:
    delimiter = ";" if "excel" in name else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


async def _api(town: Town) -> dict[str, list[dict[str, Any]]]:
    """What other programs read, all pages of each list."""
    client, found = town.client(), dict[str, list[dict[str, Any]]]()
    for name in ("proposals", "ratings", "texts"):
        after, found[name] = "", []
        while after is not None:
            reply = await client.get(f"/consultations/{SLUG}/{name}?limit=50&after={after}")
            assert reply.status == 200, reply.text
            found[name] += reply.json["items"]
            after = reply.json["next"]
    for name in ("", "answered"):
        reply = await client.get(f"/consultations/{SLUG}/{name}".rstrip("/"))
        found[name or "consultation"] = [reply.json]
    return found


class Page(HTMLParser):
    """The result page: its tables under their headings, its facts, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self.facts: dict[str, str] = {}
        self.text = ""
        self._heading = self._term = self._caption = self._card = ""
        self._within: list[str] = []
        self._words: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"h1", "h2", "h3", "dt", "dd", "th", "td", "caption"}:
            self._words = []
        if tag == "li" and given.get("id"):
            self._card = given["id"] or ""
        if tag == "ol" or tag == "section":
            self._card = ""
        if tag == "table":
            self._rows, self._caption = [], ""
        if tag == "tr":
            self._rows.append([])

    def handle_endtag(self, tag: str) -> None:
        words = " ".join("".join(self._words).split())
        match tag:
            case "h1" | "h2" | "h3":
                self._heading = words
            case "ol":
                self._card = ""
            case "caption":
                self._caption = words
            case "dt":
                self._term = words
            case "dd":
                self.facts[self._term] = words
            case "th" | "td":
                self._rows[-1].append(words)
            case "table":
                self.tables.append(Table(self._heading, self._caption, self._rows, self._card))

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        self.text += data

    def under(self, heading: str) -> Iterable[Table]:
        return (it for it in self.tables if it.heading == heading)
