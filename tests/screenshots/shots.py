"""The list of images. A new page is one line here, and one line in `docs/guide/de` and `docs/guide/en`."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from storage.tables.staff import Role
from tests.support.seeded import PLACE, SLUG

GUIDE: Final = Path(__file__).parents[2] / "docs" / "guide"
LANGUAGES: Final = ("de", "en")
_OF: Final = f"/console/consultations/{SLUG}"


class Shot(NamedTuple):
    """One image."""

    name: str
    path: str
    by: Role | None = "facilitator"
    """The role of the member who sees the page; None for a visitor."""
    height: int = 720
    """Of the image in pixels."""

    def file(self, language: str) -> Path:
        """The file of this image in the guide."""
        return GUIDE / language / "images" / f"{self.name}.png"


SHOTS: Final = (
    Shot("sign-in", "/console/sign-in", None),
    Shot("home", "/console/", height=560),
    Shot("new", "/console/consultations/new"),
    Shot("consultation", _OF),
    Shot("questions", f"{_OF}/questions"),
    Shot("preview", f"{_OF}/preview"),
    Shot("publish", f"{_OF}/publish"),
    Shot("live", f"{_OF}/live"),
    Shot("reading", f"{_OF}/reading", height=900),
    Shot("results", f"{_OF}/results"),
    Shot("files", f"{_OF}/files"),
    Shot("file", f"{_OF}/file"),
    Shot("spread", f"{_OF}/spread?place={PLACE}"),
    Shot("team", "/console/team", "admin"),
    Shot("settings", "/console/settings", "admin"),
)
