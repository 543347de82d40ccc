"""Every transcript is played again, through the live path and a real database, and must read the same."""

from pathlib import Path

import pytest

from tests.support.transcript_player import replay

FOLDER = Path(__file__).parent / "transcripts"
ALL = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
async def test_transcript(path, sample_store, request):
    played = await replay(sample_store, path)
    if request.config.getoption("update_transcripts"):
        path.write_text(played, encoding="utf-8")
    assert played.splitlines() == path.read_text(encoding="utf-8").splitlines()


def test_every_transcript_says_what_it_is_about():
    assert ALL
    assert [path.name for path in ALL if not path.read_text(encoding="utf-8").startswith("# ")] == []
