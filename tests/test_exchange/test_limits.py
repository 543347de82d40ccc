"""Files made to exhaust a reader: each is refused in little memory and time."""

from __future__ import annotations

import lzma
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.tolerant_json import parse_json
from bot.exchange import archives, files, xlsx_reader
from bot.exchange.files import ImportFolder
from bot.exchange.formats import decidim, pds
from bot.exchange.rejected_rows import BadFile, RejectedRows

MB = 1024 * 1024
MAIN = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = "</sheetData></worksheet>"
HEAD = '<row r="1"><c t="inlineStr"><is><t>Titel</t></is></c></row>'


@contextmanager
def within(seconds: float, megabytes: float) -> Iterator[None]:
    """Allows at most this processor time and this memory, beside what the test itself has made."""
    tracemalloc.start()
    begun = time.process_time()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - begun < seconds
    assert peak < megabytes * MB, f"{peak / MB:.0f} MB"


def packed(path: Path, name: str, parts: Iterable[str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as member:
        for part in parts:
            member.write(part.encode())
    return path


def sheet(tmp_path: Path, *parts: str) -> Path:
    return packed(tmp_path / "ideen.xlsx", "xl/worksheets/sheet1.xml", (MAIN, HEAD, *parts, END))


def refused(path: Path) -> str:
    with pytest.raises(BadFile) as caught:
        list(xlsx_reader.xlsx_rows(path, ("Titel",)))
    return str(caught.value)


def test_a_dense_sheet_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = sheet(tmp_path, *["<row/>" * 100_000] * 200)
    assert path.stat().st_size < 1.5 * MB
    with within(2, 5):
        assert "to 1, as no table is" in refused(path)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("<row/>" * 2_000, "there are more than 1000 cells"),
        (f"<row>{'<c/>' * 2_000}</row>", "there are more than 1000 cells"),
        ('<row><c r="XFD2"/></row>', "there are more than 1000 cells"),
        (f"<row>{'<x/>' * 101_000}</row>", "a row has more than 100,000 parts"),
        ("<x>" * 40 + "</x>" * 40, "nested too deeply"),
        (f"<row><c><v>{'7' * 1_200_000}</v></c></row>", "a cell is longer than any spreadsheet allows"),
        (f"<row><c>{'<v>' * 40}</c></row>", "nested too deeply"),
    ],
)
def test_cells_depth_and_length_of_a_sheet(tmp_path: Path, monkeypatch, part: str, reason: str) -> None:
    monkeypatch.setattr(xlsx_reader, "_MOST_CELLS", 1000)
    assert reason in refused(sheet(tmp_path, part))


def test_memory_of_a_sheet_does_not_grow_with_its_rows(tmp_path: Path) -> None:
    row = '<row><c t="inlineStr"><is><t>Bänke &amp; Tische</t></is></c></row>'
    path = sheet(tmp_path, *[row * 1_000] * 8, "<extLst>" + "<ext/>" * 50_000 + "</extLst>")
    with within(20, 5):
        assert sum(cells["Titel"] == "Bänke & Tische" for _, cells in xlsx_reader.xlsx_rows(path, ("Titel",))) == 8_000


def test_members_of_a_zip_file(tmp_path: Path) -> None:
    path = tmp_path / "viele.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(archives.MAX_MEMBERS + 1):
            archive.writestr(str(number), b"")
    with pytest.raises(BadFile, match="more than 1,000 files"):
        ImportFolder(path)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(30_000):
            archive.writestr(f"{number:050}", b"")
    with within(1, 2), pytest.raises(BadFile, match="more than 1,000 files"):
        ImportFolder(path)
    dense = packed(tmp_path / "dicht.zip", "comments.csv", ["0" * MB] * 30)
    with within(2, 5), pytest.raises(BadFile, match="to 1, as no table is"):
        ImportFolder(dense).read("comments.csv")


def test_xz_files(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "votes.csv.xz"
    path.write_bytes(lzma.compress(b"a,b\n") + lzma.compress(b"1,2\n"))
    assert ImportFolder(tmp_path).read(path.name) == b"a,b\n1,2\n", "two streams, as lzma.open"
    path.write_bytes(lzma.compress(b"a,b\n")[:-5])
    with pytest.raises(BadFile, match="it is damaged"):
        ImportFolder(tmp_path).read(path.name)
    path.write_bytes(lzma.compress(b"0" * 20 * MB))
    monkeypatch.setattr(archives, "MAX_XZ_MEMORY", MB)
    with within(1, 5), pytest.raises(BadFile, match="it is damaged"):
        ImportFolder(tmp_path).read(path.name)


def rows_of(content: bytes) -> tuple[int, RejectedRows]:
    aside = RejectedRows()
    return len(list(files.csv_rows("a.csv", content, ("id",), ",", aside))), aside


def test_cells_lines_and_records_of_a_table(monkeypatch) -> None:
    long = b"7," + b"x" * 1_100_000 + b"\n"
    with within(5, 30):
        read, aside = rows_of(b"id,text\n1,a\n" + long + b'2,"' + b"x\n" * 20_000 + b'"\n3,c\n')
    assert any("row 3: this is not valid CSV (the record is too long)" in line for line in aside.lines)
    assert read == 2, "the first and the last one"
    monkeypatch.setattr(files, "MAX_RECORDS", 10)
    with pytest.raises(BadFile, match="more than 10 rows"):
        rows_of(b"id\n" + b"1\n" * 11)


def test_quotation_marks_that_open_in_each_line_are_refused(monkeypatch) -> None:
    """Each line opens a cell at its end; every new start would read the rest of the file again."""
    monkeypatch.setattr(files, "MAX_REREAD_LINES", 50_000)
    with within(10, 40), pytest.raises(BadFile, match="too many unclosed quotation marks"):
        rows_of(b"id,text\n" + b'a"",",\n'.replace(b'"",', b'""",') * 100_000)


def json_file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[" + b"[]," * 2_100_000 + b"[]]", "more than 2,000,000 values"),
        (b"[" * 200_000, "this is not JSON"),
        (b'[{"a":' * 100_000, "this is not JSON"),
        (b'"' + b'\\"' * 200_000, "this is not JSON"),
        (b'[{"id": 1, "body": ' + b'{"a":' * 90 + b"1" + b"}" * 90 + b"}]", "nested too deeply"),
        (b" " * (files.MAX_JSON_BYTES + 1), "it has more than 32 MB"),
    ],
)
@pytest.mark.parametrize("read", [decidim.read_decidim, pds.read_pds])
def test_size_and_depth_of_json(tmp_path: Path, read: Callable[..., object], content: bytes, reason: str) -> None:
    path = json_file(tmp_path, content)
    with within(5, 150), pytest.raises(BadFile, match=reason if read is decidim.read_decidim else "a.json"):
        read(path, "de", RejectedRows())


def test_open_strings_cost_one_pass() -> None:
    with within(2, 50), pytest.raises(ValueError, match="cut off"):
        parse_json(b'["\xff' + b'\\"' * 100_000)


def test_notes_about_texts_are_counted_not_kept(tmp_path: Path) -> None:
    aside = RejectedRows()
    with within(5, 1):
        for number in range(20_000):
            with aside.row():
                aside.tell("contain markup", "a.csv", number)
    (remark,) = aside.remarks()
    assert remark.startswith("20,000 texts contain markup (a.csv, row 0;")
    assert remark.endswith("and 19,990 more).")
    with aside.row():
        aside.tell("are lost", "a.csv", 1)
        raise BadFile("a.csv", 1, "no", "nothing")
    assert len(list(aside.remarks())) == 1, "of a rejected row nothing is told"


def test_a_character_at_the_border_of_a_chunk_is_whole() -> None:
    text = "id,text\n" + "".join(f"{number},{'ä' * 999}\n" for number in range(3_000))
    read, aside = rows_of(b"\xef\xbb\xbf" + text.encode())
    assert (read, aside.count) == (3_000, 0)
