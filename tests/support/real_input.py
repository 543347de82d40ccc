"""Real input: replays 1,116 people of a real consultation and checks every exported answer.

    python -m tests.support.real_input [--data DIR] [--database URL]

Source: the Austrian climate assembly of 2022, gathered with Polis (see the README beside the data; CC BY 4.0, The
Computational Democracy Project). The data is read in place and never copied into the project.

The twelve shown statements with the most votes become choice questions. Each person's last votes become chat messages:
the start, for every statement a vote as people type it (number, label, synonym, with a typo) or a skip where the person
did not vote, and the submission. Questions are asked in a fixed order, so a person's messages follow the questions, not
the order in which the person voted; the times are those of the person's votes in rising order, a skip has the time of
what came before it, and across people the messages are interleaved by time.

A second round sends every line twice, the repeat up to 500 lines later. Both times the exported matrix must be the
source matrix, cell for cell.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import lzma
import random
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from bot.authoring.publishing import PublishContext, publish_file
from bot.cli import replay
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.conversations import recording
from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from bot.settings import Settings
from storage import migrate
from storage.core.store import Store
from storage.tables.contacts import find_addresses
from storage.tables.revisions import find_live_revision

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "polis-austria-klimarat"
STATEMENTS = 12
FURTHEST_REPEAT = 500
SEED = 2022
CHANNELS = ("matrix", "telegram", "web")

CODES = {"1": "agree", "-1": "disagree", "0": "pass", "": "skipped"}
"""The source's votes and what is stored for them here; no vote becomes a skip."""
LABELS = {"agree": "Stimme zu", "disagree": "Stimme nicht zu", "pass": "Enthalte mich"}
SYNONYMS = {"agree": ["dafür"], "disagree": ["dagegen"], "pass": ["Enthaltung", "neutral"]}
TYPED = {
    "agree": ("1", "Stimme zu", "stimme zu!", "1️⃣", "Dafür", "ich bin dafür", "eins", "Stimmme zu", "STIMME ZU 👍"),
    "disagree": ("2", "Stimme nicht zu", "2.", "dagegen", "Ich bin dagegen.", "zwei", "stimme nciht zu", "٢"),
    "pass": ("3", "Enthalte mich", "enthaltung", "Neutral", "ich enthalte mich", "drei", "Enthlate mich", "Nr. 3"),
    "skipped": ("überspringen", "Überspringen!", "/skip", "skip", "ueberspringen", "auslassen"),
    "start": ("/start {slug}", "start {slug}", "{slug}", "!start {slug}"),
    "submit": ("absenden", "Absenden!", "/absenden", "submit"),
}


class Study(NamedTuple):
    """The part of the source that is played: statements by id, and each person's votes and their times."""

    statements: dict[str, str]
    votes: dict[str, dict[str, str]]
    """Person → statement → code, `skipped` where there is none."""
    moments: dict[str, list[int]]
    """Person → milliseconds of the votes on these statements; of any vote where there is none on these."""


class Round(NamedTuple):
    """One way of sending everything."""

    slug: str
    doubled: bool


ROUNDS = (Round("klimarat", False), Round("klimarat-doppelt", True))


class DifferenceError(Exception):
    """The exported answers differ from the input."""


def read_study(data: Path) -> Study:
    """Reads the source. Raises OSError where it is not there."""
    shown: dict[str, str] = {}
    for row in _rows(data / "comments.csv"):
        if row["moderated"] == "1":
            shown[row["comment-id"]] = row["comment-body"]
    cast: Counter[str] = Counter()
    last: dict[tuple[str, str], int] = {}
    for row in _rows(data / "votes.csv.xz"):
        pair = row["voter-id"], row["comment-id"]
        cast[row["comment-id"]] += 1
        last[pair] = max(int(row["timestamp"]), last.get(pair, 0))
    chosen = sorted(shown, key=lambda number: (-cast[number], int(number)))[:STATEMENTS]
    votes: dict[str, dict[str, str]] = {}
    moments: dict[str, list[int]] = {}
    for row in _rows(data / "participants-votes.csv.xz"):
        person = row["participant"]
        votes[person] = {number: CODES[row[number]] for number in chosen}
        moments[person] = sorted(last[person, number] for number in chosen if (person, number) in last)
    for (person, _), moment in sorted(last.items(), key=lambda item: item[1]):
        if person in moments and not moments[person]:
            moments[person] = [moment]
    return Study({number: shown[number] for number in chosen}, votes, moments)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    open_ = lzma.open if path.suffix == ".xz" else open
    with open_(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def key_of(statement: str) -> str:
    return f"s{statement}"


def consultation(study: Study, slug: str) -> dict[str, Any]:
    """The statements as a consultation file."""
    text = {"de": "Klimarat 2022, Produktion und Konsum. Nachgespielt, um das Programm zu prüfen."}
    options = [
        {"value": code, "label": {"de": label}, "synonyms": {"de": SYNONYMS[code]}} for code, label in LABELS.items()
    ]
    data: dict[str, Any] = dict.fromkeys(("title", "asks", "why", "readers", "decides", "feedback", "audience"), text)
    return data | {
        "slug": slug,
        "sample": True,
        "languages": ["de"],
        "level": "consultation",
        "minutes": 3,
        "retention": {"days": 1, "remains": text},
        "contact": {"name": text, "hours": text, "email": "beispiel@example.org"},
        "questions": [
            {"key": key_of(number), "type": "choice", "text": {"de": body}, "options": options}
            for number, body in study.statements.items()
        ],
    }


def lines(study: Study, played: Round) -> Iterator[str]:
    """The recording, in the order of time."""
    chance = random.Random(SEED)
    said = sorted(
        (moment, person, number, words)
        for person in study.votes
        for number, (moment, words) in enumerate(_walk(study, person, played.slug, chance))
    )
    order = [(float(place), entry) for place, entry in enumerate(said)]
    if played.doubled:
        order += [(place + chance.uniform(0, FURTHEST_REPEAT), entry) for place, entry in order]
        order.sort(key=lambda item: item[0])
    for _, (moment, person, number, words) in order:
        yield json.dumps(
            {
                "channel": channel_of(person),
                "address": address_of(played, person),
                "external_id": f"{played.slug}/{person}/{number}",
                "text": words,
                "sent_at": datetime.fromtimestamp(moment / 1000, UTC).isoformat(),
            },
            ensure_ascii=False,
        )


def _walk(study: Study, person: str, slug: str, chance: random.Random) -> Iterator[tuple[int, str]]:
    """What one person types, with times."""
    moments = iter(study.moments[person])
    now = study.moments[person][0]
    yield now, chance.choice(TYPED["start"]).format(slug=slug)
    for code in study.votes[person].values():
        if code != "skipped":
            now = next(moments)
        yield now, chance.choice(TYPED[code])
    yield now, chance.choice(TYPED["submit"])


def channel_of(person: str) -> str:
    return CHANNELS[int(person) % len(CHANNELS)]


def address_of(played: Round, person: str) -> str:
    return f"{played.slug}-{person}"


async def play(study: Study, played: Round, store: Store, say: Callable[[str], None]) -> int:
    """Publishes, feeds, exports and compares one round; gives how many cells were compared. Raises DifferenceError."""
    keys = Keys(secrets.token_bytes(32))
    with tempfile.TemporaryDirectory() as folder:
        file, recorded, out = (Path(folder) / name for name in ("consultation.yaml", "said.jsonl", "export"))
        file.write_text(json.dumps(consultation(study, played.slug), ensure_ascii=False), encoding="utf-8")
        published = publish_file(store, file, PublishContext(Ids(), datetime.now(UTC), UTC))
        if not published.new:
            raise DifferenceError(
                "; ".join(map(str, published.issues)) or "this database was used before: give an empty one"
            )
        recorded.write_text("".join(f"{line}\n" for line in lines(study, played)), encoding="utf-8")
        found = recording.scan_recording(recorded, lambda bad: say(str(bad)))
        report = await replay.feed(recorded, found, Settings(data=Path(folder)), store, keys, lambda done: None)
        say(f"{played.slug}: {', '.join(' '.join(line.split()) for line in report.lines())}")
        _check_report(report, study, played)
        package.write_export(store, ExportRequest(played.slug, out, "raw"), datetime.now(UTC))
        compared = compare(study, played, out / "answers_wide.csv", names_of(study, played, store, keys))
        again = await replay.feed(recorded, found, Settings(data=Path(folder)), store, keys, lambda done: None)
    if (again.repeats, again.answers, again.said) != (report.messages, 0, 0):
        raise DifferenceError(f"{played.slug}: sent once more, it was not taken for a repeat: {again}")
    return compared


def _check_report(report: replay.ReplayReport, study: Study, played: Round) -> None:
    messages = len(study.votes) * (STATEMENTS + 2)
    expected = {
        "messages": messages * (2 if played.doubled else 1),
        "repeats": messages if played.doubled else 0,
        "answers": len(study.votes) * STATEMENTS,
        "errors": 0,
        "bad_lines": 0,
    }
    found = {name: getattr(report, name) for name in expected}
    if found != expected:
        raise DifferenceError(f"{played.slug}: {found} instead of {expected}")


def names_of(study: Study, played: Round, store: Store, keys: Keys) -> dict[str, str]:
    """Which response in the export is whose: known to who has both the secret key and the addresses, as here."""
    lookups = {keys.lookup(channel_of(person), address_of(played, person)): person for person in study.votes}
    with store.reading() as connection:
        found = find_addresses(connection, list(lookups))
        revision = find_live_revision(connection, played.slug)
    assert revision is not None
    return {
        keys.pseudonym(contact.contact_id, revision.consultation_id): lookups[lookup]
        for lookup, contact in found.items()
        if contact.contact_id is not None
    }


def compare(study: Study, played: Round, exported: Path, names: dict[str, str]) -> int:
    """Holds the exported matrix against the source; gives the number of equal cells. Raises DifferenceError."""
    with exported.open(encoding="utf-8", newline="") as file:
        rows = {names.get(row["response_id"], row["response_id"]): row for row in csv.DictReader(file)}
    if rows.keys() != study.votes.keys():
        strange = sorted(rows.keys() ^ study.votes.keys())[:5]
        raise DifferenceError(f"{played.slug}: {len(rows)} people instead of {len(study.votes)}, e.g. {strange}")
    unfinished = [person for person, row in rows.items() if row["status"] != "completed"]
    different = [
        f"person {person}, statement {number}: {rows[person][key_of(number)]!r} instead of {code!r}"
        for person, votes in study.votes.items()
        for number, code in votes.items()
        if rows[person][key_of(number)] != code
    ]
    if different or unfinished:
        raise DifferenceError(
            "\n".join([f"{len(different)} cells differ, {len(unfinished)} not submitted", *different[:20]])
        )
    return len(study.votes) * len(study.statements)


async def play_all(data: Path, store: Store, say: Callable[[str], None]) -> int:
    """All rounds, one after another in the same app. Raises DifferenceError."""
    study = read_study(data)
    return sum([await play(study, played, store, say) for played in ROUNDS])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.real_input", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--data", type=Path, default=DATA, help="where the source lies (default: %(default)s)")
    parser.add_argument("--database", metavar="URL", help="an empty database (default: SQLite in a temporary folder)")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(wish.database or f"sqlite:///{folder}/real.db")
        migrate.upgrade(store)
        try:
            compared = asyncio.run(play_all(wish.data, store, print))
        except (DifferenceError, OSError) as fault:
            print(fault, file=sys.stderr)
            return 1
        finally:
            store.dispose()
    print(f"{compared} cells compared, all equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
