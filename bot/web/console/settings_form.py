"""The form of the settings: its values, what is wrong with them, and how readable the chosen colour is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from bot.common.colours import DARK_PAGE, LIGHT_PAGE, READABLE, contrast, darkened, for_dark_pages
from bot.settings import WebSettings
from bot.web.console.visit import Visit
from bot.web.page_settings import EDITABLE, PageSettings

_UNSEEN: Final = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""Characters that are not seen but change what is: controls, and overrides of the direction of writing."""


class Readability(NamedTuple):
    """The contrast of a colour on light pages, and of its shade for dark pages; `instead`: a darker colour."""

    on_light: float
    on_dark: float
    instead: str

    @property
    def is_good(self) -> bool:
        return self.on_light >= READABLE


def readability(colour: str) -> Readability | None:
    """Returns how readable a colour is as text and behind white text; None for anything that is no colour."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        return None
    return Readability(
        contrast(colour, LIGHT_PAGE), contrast(for_dark_pages(colour), DARK_PAGE), darkened(colour, READABLE)
    )


def typed_values(visit: Visit, page_settings: PageSettings) -> dict[str, Any]:
    """Returns the values of the form, without those that the file fixes. Invisible characters are left out."""
    found: dict[str, Any] = {
        name: _UNSEEN.sub("", visit.field(name)).replace("\r\n", "\n").strip()
        for name in EDITABLE
        if name != "languages"
    }
    found["languages"] = list(visit.form.get("languages", []))
    return {name: it for name, it in found.items() if name not in page_settings.fixed}


def problems_of(page_settings: PageSettings, values: Mapping[str, Any]) -> dict[str, str]:
    """Returns what is wrong, by field: a key of `SETTING_PROBLEMS`."""
    try:
        page_settings.merged(dict(values))
    except ValidationError as error:
        return {str(it["loc"][0]): str(it["loc"][0]) for it in error.errors()}
    return {}


def without_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values that differ from those of a new installation: they are what is stored."""
    defaults = WebSettings()
    return {
        name: it for name, it in values.items() if it not in (getattr(defaults, name), list(getattr(defaults, name)))
    }
