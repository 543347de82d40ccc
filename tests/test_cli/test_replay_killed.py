"""`replay` killed again and again: started again it goes on, and the export equals that of an undisturbed run."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli import exporting
from bot.exchange.exports import package
from bot.settings import Settings
from storage.core.store import Store
from tests.support.app import consultation, publish, rows
from tests.support.databases import make_tables
from tests.support.sizes import size

PEOPLE = size("people in a killed replay")
KILLS = size("kills of a replay")
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+]00:00)")
ROOT = Path(__file__).parents[2]
SAID = ("/start park", "Deutsch", "ja", "Wunsch {}", "ändern 1", "nein", "absenden")


def record(path: Path) -> int:
    """All people mixed, each in order; each wish is unique."""
    began = datetime(2026, 11, 20, 8, tzinfo=UTC)
    lines = [
        {
            "channel": "town",
            "address": f"p{person}",
            "external_id": f"p{person}/{step}",
            "text": words.format(person),
            "sent_at": (began + timedelta(seconds=step * PEOPLE + person)).isoformat(),
        }
        for step, words in enumerate(SAID)
        for person in range(PEOPLE)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def play(recording: Path, url: str, folder: Path, kills: int) -> list[dict[str, int]]:
    """What became of each life of a replay into this database."""
    store = Store(url)
    publish(store, consultation())
    store.dispose()
    words = [str(recording), url, str(folder / "data"), str(kills), "20261125"]
    said = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_replay", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr[-2000:]
    settings = Settings(data=folder / "data", database_url=url, publish_samples=False)
    exporting.export_answers(
        settings, package.ExportRequest("park", folder / "export", "raw"), lambda _: None, lambda _: None
    )
    return [json.loads(line) for line in said.stdout.splitlines()]


def exported(folder: Path) -> dict[str, bytes]:
    """Every file of an export, by name; tables person by person, because ids are drawn by lot, and without the moments
    at which the app took a person in and let them go."""
    found = {}
    for file in sorted((folder / "export").iterdir()):
        if not file.name.startswith("answers_"):
            found[file.name] = _MOMENT.sub(b"", file.read_bytes())
            continue
        with file.open(newline="", encoding="utf-8-sig") as lines:
            table = list(csv.DictReader(lines, delimiter=";" if "excel" in file.name else ","))
        people = defaultdict(list)
        for row in table:
            name = row.pop("response_id")
            people[name].append("\t".join(it for column, it in row.items() if column not in {"started_at", "ended_at"}))
        assert len(people) == PEOPLE, file.name
        found[file.name] = "\n\n".join(sorted(map("\n".join, people.values()))).encode()
    return found


@pytest.mark.long(35)
def test_kills_of_a_replay_change_nothing(database, tmp_path):
    recording, calm, killed = tmp_path / "all.jsonl", tmp_path / "calm", tmp_path / "killed"
    lines = record(recording)
    for folder in (calm, killed):
        folder.mkdir()
    make_tables(url := f"sqlite:///{calm}/house.db")
    assert play(recording, url, calm, 0) == [{"done": lines, "killed": False}]
    lives = play(recording, database.url, killed, KILLS)
    assert sum(life["killed"] for life in lives) == KILLS
    assert lives[-1] == {"done": lines, "killed": False}
    within = [life["done"] for life in lives if life["killed"] and 0 < life["done"] < lines]
    assert len(within) > KILLS / 3, f"too few of the kills hit the work itself: {lives}"
    assert exported(killed) == exported(calm)
    store = Store(database.url)
    assert rows(store, "SELECT count(*) FROM dead_letters") == [(0,)]
    store.dispose()
