"""`export`: the answers of a consultation as a folder or ZIP file for people and their tools.

Everything is written beside the target first and moved there when it is whole: nobody ever meets half an export.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.errors import HouseError
from bot.exports import codebook, counting, subject
from bot.exports.codebook import MISSING
from bot.exports.counting import Counts
from bot.exports.liesmich import liesmich
from bot.exports.metadata import PROFILES, Profile, metadata
from bot.exports.responses import randomness, stream
from bot.exports.subject import Subject
from bot.exports.tables import LONG, Table, View, long_rows, to_the_second, to_the_week, wide_head, wide_row
from bot.house import furnished
from bot.settings import Settings
from storage.store import Store

ROWS: Final = ("answers_long.csv", "answers_wide.csv", "answers_wide_excel.csv")
ABOUT: Final = ("codebook.csv", "metadata.json", "LIESMICH.txt")
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a ZIP: the true one would make equal exports differ."""


class Wish(NamedTuple):
    """What is to be exported, where to, and how much of it."""

    slug: str
    out: Path
    profile: str = "analysis"
    zone: tzinfo = UTC
    seed: int | None = None
    """Makes order and ids of the analysis profile foreseeable: for tests only."""


def export(settings: Settings, wish: Wish, say: Callable[[str], None], complain: Callable[[str], None]) -> None:
    """The command. Raises HouseError."""
    with furnished(settings, complain) as store:
        number = write(store, wish._replace(zone=settings.zone()), datetime.now(UTC))
    say(f"{wish.out}: {number} participation{'' if number == 1 else 's'}, profile {wish.profile}")


def write(store: Store, wish: Wish, now: datetime) -> int:
    """Writes an export; gives the number of participations in it. Raises HouseError."""
    _check_target(wish.out)
    profile = _known_profile(wish.profile)
    with store.reading() as connection:
        found = subject.find(connection, wish.slug)
        with _staged(wish) as folder:
            return _fill(connection, found, wish, profile, folder, now)


def _known_profile(name: str) -> Profile:
    for profile in PROFILES:
        if name == profile:
            return profile
    raise HouseError(f"--profile {name}: there is {', '.join(PROFILES)}")


def _fill(connection: Connection, found: Subject, wish: Wish, profile: Profile, folder: Path, now: datetime) -> int:
    files = [*(("counts.csv",) if profile == "public" else ROWS), *ABOUT]
    counts = Counts(found)
    with ExitStack() as closing:
        if profile == "public":
            for response in stream(connection, found):
                counts.add(response)
            labels = {code.value: german for code, (german, _) in MISSING.items()}
            Table(folder / "counts.csv", counting.HEAD, closing).write(counting.rows(counts, labels))
        else:
            _write_rows(connection, counts, wish, folder, closing)
        Table(folder / "codebook.csv", codebook.head(found), closing).write(codebook.rows(found))
    data = metadata(found, profile, counts, now, files)
    text = json.dumps(data, ensure_ascii=False, indent=2)
    (folder / "metadata.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")
    guide = liesmich(found, profile, now, files)
    (folder / "LIESMICH.txt").write_text(guide, encoding="utf-8", newline="\r\n")  # for the editor of old Windows
    return counts.responses


def _write_rows(connection: Connection, counts: Counts, wish: Wish, folder: Path, closing: ExitStack) -> None:
    """The long and the wide files, in one go."""
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
    for response in stream(connection, found, None if is_raw else chance):
        counts.add(response)
        name = view.name_of(response)
        row = wide_row(found, response, name, view)
        long.write(long_rows(found, response, name, view))
        wide.write([row])
        excel.write([row])


def _check_target(out: Path) -> None:
    """Raises HouseError where something stands already. An empty folder may be there."""
    if not out.name:
        raise HouseError(f"--out {out}: names no folder or file of its own; add a name")
    try:
        is_folder = out.is_dir() and not _is_zip(out)
        is_taken = any(out.iterdir()) if is_folder else os.path.lexists(out)
    except OSError as fault:
        raise HouseError(f"--out {out}: cannot be looked at ({fault.strerror}); choose another place") from fault
    if is_taken:
        what = "the folder is not empty" if is_folder else "this is there already"
        raise HouseError(f"--out {out}: {what}; give another name")


def _is_zip(out: Path) -> bool:
    return out.suffix.lower() == ".zip"


@contextmanager
def _staged(wish: Wish) -> Iterator[Path]:
    """A folder to write into, which becomes the target at the end, or vanishes. Raises HouseError."""
    out = wish.out.absolute()
    with ExitStack() as closing:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
            closing.callback(shutil.rmtree, staging, ignore_errors=True)
            folder = staging / "export"
            folder.mkdir()
            yield folder
            whole = folder
            if _is_zip(out):
                whole = staging / "export.zip"
                _pack(folder, whole)
            # Only the public profile is for everybody's eyes.
            mode = 0o644 if _is_zip(out) else 0o755
            whole.chmod(mode if wish.profile == "public" else mode & 0o700)
            _check_target(out)
            whole.rename(out)
        except OSError as fault:
            reason = fault.strerror or type(fault).__name__
            raise HouseError(f"--out {wish.out}: cannot be written ({reason}); choose another place") from fault


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for file in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(file.name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, package.open(entry, "w") as part:
                shutil.copyfileobj(source, part)
