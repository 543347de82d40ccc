"""Takes the images of the guide from a running service with invented data, in a real Chromium.

Without NAME all of them. Look at the images before you commit them.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from bot.authoring.publishing import PublishContext, publish_samples
from bot.common import logs
from bot.common.ids import Ids
from storage.core.store import Store
from storage.tables.revisions import find_live_revision
from tests.screenshots.palette import small_png
from tests.screenshots.shots import LANGUAGES, SHOTS, Shot
from tests.support import seeded
from tests.support.browser import Browser
from tests.support.console import hired, signed_in
from tests.support.databases import make_tables
from tests.support.houses import media_of
from tests.support.ideas import submit
from tests.test_browser.browser import Chromium, Tab, connected, find_chromium
from tests.test_browser.conftest import World
from tests.test_browser.test_every_page import take_cookies

WIDTH: Final = 1100
ORGANISATION: Final = {"de": "Stadt Musterhausen", "en": "City of Sampleton"}
PROPOSALS: Final = {
    "de": (
        "Mehr Bänke am Wasser, mit Lehne und Schatten.",
        "Eine Bank am See wäre schön, am liebsten im Schatten.",
        "Die Ampel an der Schule soll für Kinder länger grün sein.",
        "Ein Trinkbrunnen auf dem Marktplatz.",
        "Sonntags die Uferstraße für Autos sperren.",
    ),
    "en": (
        "More benches at the water, with a backrest and shade.",
        "A bench at the lake would be nice, in the shade if possible.",
        "The traffic light at the school should be green for longer.",
        "A drinking fountain on the market square.",
        "Close the riverside road to cars on Sundays.",
    ),
}
"""Invented texts that wait to be read, as residents may write them."""
WISHES: Final = {
    "de": ("Mehr Bänke", "Schatten im Sommer", "Ein Trinkbrunnen", "Sichere Wege für Kinder"),
    "en": ("More benches", "Shade in summer", "A drinking fountain", "Safe ways for children"),
}
PLACES: Final = {
    "de": ("am Wasser", "vor der Bibliothek", "auf dem Marktplatz"),
    "en": ("at the water", "at the library", "on the market square"),
}
"""With the wishes: twelve texts that were released."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.screenshots", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="NAME", help=", ".join(shot.name for shot in SHOTS))
    names = parser.parse_args().name
    program = find_chromium()
    if program is None:
        print("no Chromium here (on Debian: apt install chromium)")
        return 3
    if unknown := set(names) - {shot.name for shot in SHOTS}:
        print(f"there is no image {', '.join(sorted(unknown))}")
        return 2
    logs.configure_logs("json", "error", sys.stderr)
    chromium = Chromium(program)
    try:
        for language in LANGUAGES:
            asyncio.run(take(chromium, language, [it for it in SHOTS if not names or it.name in names]))
    finally:
        chromium.stop()
    return 0


async def take(chromium: Chromium, language: str, shots: Sequence[Shot]) -> None:
    """Takes the images in one language."""
    with tempfile.TemporaryDirectory(prefix="mitsprache-screenshots-") as folder:
        url = invented(Path(folder), language)
        async with connected(chromium) as line:
            world = World(line, Store(url), Path(folder))
            await world.open(organisation=ORGANISATION[language])
            try:
                tab, visitors = await world.tab(), dict[str, Browser]()
                for shot in shots:
                    await show(world, tab, visitors, shot, language)
                    await save(tab, shot.file(language))
            finally:
                await world.close()


def invented(folder: Path, language: str) -> str:
    """Makes a service with a consultation, answers, and texts to read; returns the address of its database."""
    sample, data = folder / "sample" / "mitsprache.db", folder / "data"
    for place in (sample.parent, data):
        place.mkdir()
    url = f"sqlite:///{data / seeded.DATABASE}"
    for database in (f"sqlite:///{sample}", url):
        make_tables(database)
    samples, store = Store(f"sqlite:///{sample}"), Store(url)
    publish_samples(samples, PublishContext(Ids(), datetime.now(UTC), UTC, media_of(sample)))
    samples.dispose()
    seeded.publish_sample(store, sample, data)
    seeded.seed(store)
    with store.begin() as connection:
        _say(connection, language)
    store.dispose()
    return url


def _say(connection: Connection, language: str) -> None:
    """Replaces the texts of the tests by texts that a reader understands."""
    live = find_live_revision(connection, seeded.SLUG)
    assert live
    words = [f"{wish} {place}." for wish in WISHES[language] for place in PLACES[language]]
    codes = connection.scalars(text("SELECT code FROM proposals ORDER BY code")).all()
    for number, code in enumerate(codes):
        changed = {"words": words[number % len(words)], "language": language, "code": code}
        connection.execute(text("UPDATE proposals SET text = :words, language = :language WHERE code = :code"), changed)
    for number, said in enumerate(PROPOSALS[language]):
        submit(connection, live.consultation_id, number + 1, said, language=language)


async def show(world: World, tab: Tab, visitors: dict[str, Browser], shot: Shot, language: str) -> None:
    """Opens the page as a member of its role."""
    if shot.by and shot.by not in visitors:
        name = {"facilitator": "Aylin Kaya", "admin": "Jonas Weber"}.get(shot.by, f"Kim {shot.by}")
        visitors[shot.by] = signed_in(world.house, hired(world.store, name, shot.by))
    await tab.size(WIDTH, shot.height)
    await tab.call("Emulation.setScrollbarsHidden", hidden=True)
    await tab.media(prefers_color_scheme="light")
    await tab.call("Network.clearBrowserCookies")
    visitor = visitors[shot.by] if shot.by else world.house.browser()
    await take_cookies(tab, visitor, language)
    await tab.go(shot.path)
    await tab.still()


async def save(tab: Tab, file: Path) -> None:
    """Writes the visible part of the page."""
    shot = await tab.call("Page.captureScreenshot", format="png")
    file.parent.mkdir(exist_ok=True)
    await asyncio.to_thread(file.write_bytes, small_png(base64.b64decode(shot["data"])))
    print(f"{file.parent.parent.name}/{file.name}: {file.stat().st_size // 1024} KB")


if __name__ == "__main__":
    sys.exit(main())
