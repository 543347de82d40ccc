"""Every transcript is played again, through the live path and a real database, and must read the same."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.consultations.publishing import Desk, publish_samples
from bot.ids import Ids
from storage import migrate
from storage.store import Store
from tests.conversation import replay

FOLDER = Path(__file__).parent / "transcripts"
ALL = sorted(FOLDER.glob("*.txt"))


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the samples, made once and copied for each transcript."""
    file = tmp_path_factory.mktemp("house") / "mitsprache.db"
    store = Store(f"sqlite:///{file}")
    migrate.upgrade(store)
    faults = publish_samples(store, Desk(Ids(), datetime.now(UTC), ZoneInfo("UTC")))
    assert not [fault for fault in faults if not fault.warning]
    store.dispose()
    return file


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
async def test_transcript(path, furnished, tmp_path, request):
    file = tmp_path / "mitsprache.db"
    shutil.copyfile(furnished, file)
    played = await replay(Store(f"sqlite:///{file}"), path)
    if request.config.getoption("update_transcripts"):
        path.write_text(played, encoding="utf-8")
    assert played.splitlines() == path.read_text(encoding="utf-8").splitlines()


def test_every_transcript_says_what_it_is_about():
    assert ALL
    assert [path.name for path in ALL if not path.read_text(encoding="utf-8").startswith("# ")] == []
