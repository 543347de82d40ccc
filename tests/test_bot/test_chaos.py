"""Runs a slice of every chaos test, and checks that their instruments detect losses."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest

from tests.chaos.disk import Disk, Entry, entries
from tests.chaos.fault import Fault, NotPossible, Result, all_faults, run
from tests.chaos.faults.kill import Kill, is_good
from tests.chaos.faults.unreadable import UnreadableMatrix
from tests.chaos.kills import Report
from tests.chaos.ledger import Ledger, Verdict
from tests.chaos.mangling import JUNK, mangled
from tests.chaos.talk import Count, account
from tests.support.timeouts import PATIENCE
from tests.test_adapters.harness import harness_of

SEED = 20261130
KILLS = {name: kind for name, kind in all_faults().items() if issubclass(kind, Kill)}
OTHERS = {name: kind for name, kind in all_faults().items() if name not in KILLS}


@pytest.mark.long(30)
@pytest.mark.parametrize("name", OTHERS)
async def test_a_fault_loses_and_doubles_nothing(
    name: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    kind = OTHERS[name]
    if hasattr(kind, "limit_seconds"):
        monkeypatch.setattr(kind, "limit_seconds", PATIENCE)
    if issubclass(kind, UnreadableMatrix):
        monkeypatch.setattr(kind, "homeserver", request.getfixturevalue("homeserver"))
    try:
        result = await run(kind, tmp_path, kind.slice, SEED)
    except NotPossible as reason:
        pytest.skip(str(reason))
    assert result.is_good, result.line()


@pytest.mark.long(60)
@pytest.mark.parametrize("name", KILLS)
async def test_kills_lose_nothing_and_repeat_within_the_bound(name, tmp_path, request, monkeypatch):
    kind = KILLS[name]
    fixture = harness_of(kind.channel).fixture
    monkeypatch.setattr(kind, "counterpart", request.getfixturevalue(fixture) if fixture else None)
    monkeypatch.setattr(kind, "people", 3)
    fault = kind(tmp_path, kind.slice, 20261125)
    await fault.prepare()
    result = Result(name)
    await fault.check(result)
    report = fault.report
    assert result.is_good, result.line()
    assert sum(report.kills.values()) == kind.slice
    assert report.answers > kind.slice / 2, "too little was said for the kills to mean anything"
    assert_silent(report, tmp_path)


def assert_silent(report: Report, folder: Path) -> None:
    """The apps logged something, and neither words nor addresses nor secrets."""
    lines = (folder / "house.log").read_text(encoding="utf-8")
    assert "Wunsch" not in lines
    assert not [secret for secret in report.secrets if secret in lines]
    for line in lines.splitlines():
        json.loads(line)


def test_the_account_finds_what_is_missing_doubled_and_late():
    row = [
        "Willkommen",
        "Was fehlt?",
        "Was fehlt? → Wunsch 1 von P7.",
        "bisher: Wunsch 1 von P7. Was fehlt?",
        "→ Wunsch 2 von P7.",
    ]
    assert account(row, 7, 2) == Count(0, 0, 0)
    assert account([*row[:3], row[2], *row[3:]], 7, 2) == Count(0, 1, 0)
    assert account([*row[:3], row[4]], 7, 2) == Count(1, 0, 0)
    assert account([*row[:3], row[4], row[3]], 7, 2) == Count(0, 0, 1)
    assert account(row, 7, 3) == Count(2, 0, 0)


def test_a_report_with_losses_is_not_good():
    assert is_good(Report("telegram", doubled_messages=3, doubled_per_kill=1))
    assert not is_good(Report("telegram", doubled_per_kill=2))
    assert not is_good(Report("matrix", doubled_per_kill=1))
    assert not is_good(Report("matrix", lost_answers=1))
    assert not is_good(Report("matrix", lost_messages=1))
    assert not is_good(Report("matrix", doubled_answers=1))


@pytest.mark.parametrize(
    ("stored", "wrong"),
    [
        ({"anna": [(2, 2)]}, ""),
        ({"anna": [(3, 3)]}, ""),  # under way at the end, and stored
        ({"anna": [(1, 1)]}, "1 lost (anna 2: 1)"),
        ({}, "1 lost (anna 2: nothing)"),
        ({"anna": [(2, 3)]}, "1 doubled (anna 2: version 3)"),
        ({"anna": [(2, 2), (1, 1)]}, "1 doubled (anna: 2 rows)"),
        ({"anna": [(2, 2)], "ben": [(1, 1)]}, "1 deleted, and there (ben)"),
    ],
)
def test_the_ledger_finds_what_is_lost_doubled_and_back(stored, wrong):
    ledger = Ledger()
    anna, ben = ledger.person("anna"), ledger.person("ben")
    anna.sent, anna.acknowledged = 3, 2
    ben.sent = ben.acknowledged = 1
    ben.asked_to_erase = ben.erased = True
    verdict = ledger.verdict(stored)
    assert isinstance(verdict, Verdict)
    assert "; ".join(verdict.wrong) == wrong


class TestDisk:
    """What a power cut leaves of a few writes."""

    @pytest.fixture
    def disk(self, tmp_path: Path) -> Disk:
        (tmp_path / "old").write_bytes(b"o" * 1024)
        return Disk(tmp_path, "/d")

    def play(self, disk: Disk, *steps: tuple[str, str, int, bytes]) -> None:
        for what, path, offset, content in steps:
            disk.play(Entry(0, what, 1, f"/d/{path}".rstrip("/"), offset, content))

    def test_what_was_synced_is_there_and_the_rest_is_not(self, disk: Disk):
        self.play(disk, ("w", "old", 0, b"a"), ("b", "old", 0, b""), ("s", "old", 0, b""), ("w", "old", 1, b"b"))
        left = disk.cut("dropped", random.Random(1))
        assert left == {"old": b"a" + b"o" * 1023}

    def test_what_was_written_during_a_sync_is_not_synced(self, disk: Disk):
        self.play(disk, ("b", "old", 0, b""), ("w", "old", 0, b"a"), ("s", "old", 0, b""))
        assert disk.cut("dropped", random.Random(1)) == {"old": b"o" * 1024}

    def test_sectors_arrive_each_by_itself(self, disk: Disk):
        self.play(disk, ("w", "old", 0, b"1" * 1024), ("w", "old", 0, b"2" * 1024))
        chance = random.Random(1)
        left = {(disk.cut("torn 512", chance)["old"] or b"") for _ in range(200)}
        assert left == {bytes([a]) * 512 + bytes([b]) * 512 for a in b"o12" for b in b"o12"}

    def test_names_need_the_sync_of_their_folder(self, disk: Disk):
        new = [("c", "new", 0, b""), ("w", "new", 0, b"n"), ("b", "new", 0, b""), ("s", "new", 0, b"")]
        self.play(disk, *new, ("r", "old", 0, b"/d/new"))
        assert disk.cut("dropped", random.Random(1)) == {"old": b"o" * 1024, "new": b"n"}
        self.play(disk, ("b", "", 0, b""), ("s", "", 0, b""))
        assert disk.cut("dropped", random.Random(1)) == {"old": b"n", "new": None}

    def test_without_syncs_nothing_is_kept(self, disk: Disk):
        for what in "wbs":
            disk.play(Entry(0, what, 1, "/d/old", 0, b"a" if what == "w" else b""), ignoring_syncs=True)
        assert disk.cut("dropped", random.Random(1)) == {"old": b"o" * 1024}

    def test_a_journal_that_breaks_off_is_read_up_to_there(self):
        head = b"Rw" + (6).to_bytes(2, "little") + (7).to_bytes(4, "little") + (3).to_bytes(4, "little") + bytes(4)
        whole = head + (9).to_bytes(8, "little") + b"/d/old" + b"abc"
        assert list(entries(whole + whole[:-1])) == [Entry(len(whole), "w", 7, "/d/old", 9, b"abc")]


def test_mangled_messages_stay_whole_around_what_was_replaced():
    chance = random.Random(SEED)
    made = {mangled({"id": "1", "text": {"a": ["b"]}, "keep": 1}, chance, frozenset({"keep"})) for _ in range(300)}
    assert all(it.startswith(b"{") and it.endswith(b"}") and b'"keep": 1' in it for it in made)
    assert any(junk in it for it in made for junk in JUNK.values())
    assert b'{"text": {"a": ["b"]}, "keep": 1}' in made, "something is left out"


async def test_a_fault_that_is_never_over_is_cleared_up(tmp_path: Path):
    ended = []

    class Broken(Fault):
        async def prepare(self) -> None: ...

        async def disturb(self, number: int) -> None:
            raise AssertionError("it broke")

        async def check(self, result: Result) -> None: ...

        async def clean_up(self) -> None:
            await asyncio.sleep(0)
            ended.append(True)

    with pytest.raises(AssertionError, match="it broke"):
        await run(Broken, tmp_path, 1, SEED)
    assert ended == [True]
