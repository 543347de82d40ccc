"""Each reader of files returns a result or one sentence for any bytes and any cells; no other error leaves it."""

from __future__ import annotations

import io
import json
import lzma
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.authoring import yaml_source
from bot.authoring.file_check import check_parsed_file
from bot.exchange.formats import meinberlin
from bot.exchange.known_formats import format_called, format_names
from bot.exchange.rejected_rows import BadFile, RejectedRows
from bot.exchange.translator_files.content import TranslatedText, TranslatorFile, UnusableTranslation
from bot.exchange.translator_files.po import write_po
from bot.exchange.translator_files.upload import read_translation
from bot.exchange.translator_files.xlsx import write_xlsx
from bot.exchange.xlsform.convert import convert_form
from bot.exchange.xlsform.notes import UnusableForm
from tests.support.sizes import size
from tests.support.workbooks import workbook
from tests.test_exchange import test_kinds as kinds
from tests.test_exchange.test_polis import COMMENTS, PEOPLE, SUMMARY, VOTES

Parts = Mapping[str, bytes]
"""The members of a ZIP file by name, or the content of a file under the name ""."""
SIGNS = "\0|\ufeff|\"|'|;|,|\n|\r|\t|\\|{|[|]|}|:|#|!|*|&a|- |? |=1+1|\u202e|\u0663|²|😀|<a>|</a>|<!--|&#0;|&x;|]]>"
NUMBERS = "0|-1|1e999|nan|NaN|null|true|1,5|2027-02-30|25:61|\\ud83d"
SNIPPETS = [it.encode() for it in (*SIGNS.split("|"), *NUMBERS.split("|"), "|", "9" * 30, "x" * 11_000)]
SNIPPETS += [b"\xff", b"\xed\xa0\x80"]


class Reader(NamedTuple):
    """A reader of one kind of file, with files that it accepts."""

    read: Callable[[Path], object]
    suffix: str
    seeds: tuple[Parts, ...]


def packed(parts: Parts) -> bytes:
    if "" in parts:
        return parts[""]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def unpacked(content: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def imported(kind: str) -> Callable[[Path], object]:
    """Reads as the command does: it collects rejected rows, and words its remarks."""

    def read(path: Path) -> object:
        aside = RejectedRows()
        found = format_called(kind).read(path, "de", aside)
        return found, list(aside.remarks())

    return read


def checked(path: Path) -> object:
    found = yaml_source.load_yaml(path)
    issues = check_parsed_file(found, "a.yaml").issues
    assert all(it.reason and it.remedy and it.line >= 1 for it in issues)
    return issues


def translated(path: Path) -> object:
    return read_translation(path.read_bytes(), "en")


@cache
def readers(folder: Path) -> dict[str, Reader]:
    book = kinds.sheet(folder / "seed.xlsx", kinds.IDEA, kinds.PLAIN, head=meinberlin.HEAD).read_bytes()
    bundle = {"comments.csv": COMMENTS, "votes.csv": VOTES, "summary.csv": SUMMARY}
    polis = {name: content.encode() for name, content in bundle.items()}
    located = json.dumps({"type": "FeatureCollection", "features": [kinds.LOCATED]}).encode()
    proposals = json.dumps(
        [{"id": 1, "title": {"de": "T"}, "body": {"de": "N"}, "published_at": "2026-01-01"}]
    ).encode()
    sample = Path("flows/consultations/buergerhaushalt.yaml").read_bytes()
    texts = TranslatorFile("en", "de", 1, [TranslatedText("title", "Park", "Park")])
    survey = [
        ["type", "name", "label", "relevant"],
        ["text", "a", "Was?", ""],
        ["select_one yn", "b", "Ja?", "${a} = 'x'"],
    ]
    form = workbook(survey=survey, choices=[["list_name", "name", "label"], ["yn", "y", "Ja"], ["yn", "n", "Nein"]])
    return {
        "decidim": Reader(imported("decidim"), "csv", ({"": kinds.DECIDIM.encode()},)),
        "decidim-json": Reader(imported("decidim"), "json", ({"": proposals},)),
        "meinberlin": Reader(imported("meinberlin"), "xlsx", (unpacked(book),)),
        "pds": Reader(imported("pds"), "geojson", ({"": located},)),
        "pb": Reader(imported("pb"), "pb", ({"": kinds.VOTED.encode()},)),
        "polis": Reader(
            imported("polis"), "zip", (polis, {**polis, "participants-votes.csv.xz": lzma.compress(PEOPLE.encode())})
        ),
        "yaml": Reader(checked, "yaml", ({"": sample},)),
        "translation-po": Reader(
            lambda path: read_translation(path.read_bytes(), "en"), "po", ({"": write_po(texts)},)
        ),
        "translation-xlsx": Reader(
            lambda path: read_translation(path.read_bytes(), "en"), "xlsx", (unpacked(write_xlsx(texts)),)
        ),
        "xlsform": Reader(lambda path: convert_form(path.read_bytes(), "form.xlsx", "de"), "xlsx", (unpacked(form),)),
    }


NAMES = [
    *("decidim", "decidim-json", "meinberlin", "pds", "pb", "polis", "yaml"),
    *("translation-po", "translation-xlsx", "xlsform"),
]
REFUSALS = (BadFile, UnusableForm, UnusableTranslation)
EDIT = st.tuples(
    st.sampled_from(["insert", "replace", "delete", "repeat", "cut"]),
    st.floats(0, 1),
    st.integers(1, 40),
    st.sampled_from(SNIPPETS) | st.binary(max_size=8),
)


def edited(content: bytes, edit: tuple[str, float, int, bytes]) -> bytes:
    what, where, length, snippet = edit
    start = int(where * len(content))
    end = min(len(content), start + length)
    match what:
        case "insert":
            return content[:start] + snippet + content[start:]
        case "replace":
            return content[:start] + snippet + content[end:]
        case "delete":
            return content[:start] + content[end:]
        case "repeat":
            return content[:end] + content[start:end] * length + content[end:]
        case _:
            return content[:start]


@st.composite
def files(draw: st.DrawFn, seeds: tuple[Parts, ...]) -> bytes:
    """Any bytes; a file with some edits, in a member if it is an archive; or an archive with edits of itself."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    parts = dict(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(sorted(parts)))
        if len(parts) > 1 and draw(st.integers(0, 9)) == 0:
            del parts[name]
        else:
            parts[name] = edited(parts[name], draw(EDIT))
    content = packed(parts)
    is_archive = "" not in parts
    return edited(content, draw(EDIT)) if is_archive and draw(st.integers(0, 9)) == 0 else content


def test_every_reader_is_tried() -> None:
    assert {name.partition("-")[0] for name in NAMES} >= set(format_names())


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_accepts_its_own_files(name: str, tmp_path: Path) -> None:
    reader = readers(tmp_path)[name]
    for seed in reader.seeds:
        path = tmp_path / f"a.{reader.suffix}"
        path.write_bytes(packed(seed))
        reader.read(path)


@pytest.mark.parametrize("name", ["meinberlin", "polis", "translation-xlsx", "xlsform"])
def test_an_archive_without_its_first_byte_is_refused(name: str, tmp_path: Path) -> None:
    """The part that begins before the file is refused if it is needed; other parts can still be read."""
    reader = readers(tmp_path)[name]
    path, parts, refused = tmp_path / f"a.{reader.suffix}", reader.seeds[0], 0
    for first in parts:
        path.write_bytes(packed({first: parts[first], **parts})[1:])
        try:
            reader.read(path)
        except REFUSALS:
            refused += 1
    assert refused


@pytest.mark.parametrize("name", NAMES)
def test_any_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    reader = readers(tmp_path)[name]
    path = tmp_path / f"a.{reader.suffix}"

    @settings(max_examples=size("files of each reader"), deadline=None, suppress_health_check=list(HealthCheck))
    @given(files(reader.seeds))
    def is_read_or_refused(content: bytes) -> None:
        path.write_bytes(content)
        try:
            reader.read(path)
        except REFUSALS:
            return

    is_read_or_refused()
