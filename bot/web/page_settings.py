"""Settings of the pages in force: those of file and environment, and for all others what owners set in the console.

A key that file or environment sets cannot be changed in the console. Changes take effect in this process at once, and
in other processes within `SECONDS`.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection

from bot.common.i18n.locale import available_languages
from bot.settings import WebSettings
from bot.web.assets import Assets
from bot.web.consultation_cache import PATIENCE_SECONDS
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.page_settings import (
    PageSettingsVersion,
    StoredLogo,
    logo_by_digest,
    newest_page_settings,
    newest_page_settings_number,
)

SECONDS: Final = 2.0
EDITABLE: Final = (
    "organisation",
    "accent",
    "accessibility_contact",
    "privacy_url",
    "imprint_url",
    "imprint",
    "languages",
)
"""Settings of the section `[web]` that the console changes."""
LOGO: Final = "logo"
"""The key of the digest of the logo, which exists in the console only."""


class _Stored(NamedTuple):
    version: PageSettingsVersion
    logo: StoredLogo | None


class PageSettings:
    """The settings in force. `given` are those of file and environment."""

    def __init__(self, store: Store, given: WebSettings, assets: Assets) -> None:
        self._store = store
        self._given = given
        self._assets = assets
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self.version = 0
        self.values: dict[str, Any] = {}
        """What owners set, valid or not."""
        self.current = given
        self.logo: StoredLogo | None = None

    @property
    def fixed(self) -> frozenset[str]:
        """The keys that file or environment set."""
        return frozenset(EDITABLE) & self._given.model_fields_set

    @property
    def logo_url(self) -> str:
        """The address of the logo, "" without one."""
        return f"/logo/{self.logo.digest.hex()}" if self.logo else ""

    @property
    def share_image_url(self) -> str:
        """The address of the image that messengers show beside a link: a logo in PNG, else our own."""
        is_picture = self.logo is not None and self.logo.content_type == "image/png"
        return self.logo_url if is_picture else self._assets.url("share.png")

    def languages(self) -> tuple[str, ...]:
        """Returns the languages that pages offer."""
        chosen = self.current.languages
        return tuple(tag for tag in available_languages() if tag in chosen) or available_languages()

    def merged(self, values: dict[str, Any]) -> WebSettings:
        """Returns the settings that would be in force with these values. Raises ValidationError."""
        own = {key: it for key, it in values.items() if key in EDITABLE and key not in self.fixed}
        checked = WebSettings.model_validate(own)
        return self._given.model_copy(update={key: getattr(checked, key) for key in own})

    async def refresh(self) -> None:
        """Reads the newest version if the last reading is too old. Without the database the settings stay; a page waits
        for an answer of it for `PATIENCE_SECONDS` only.
        """
        if time.monotonic() - self._read_at < SECONDS:
            return
        self._read_at = time.monotonic()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.wait([self._reading], timeout=PATIENCE_SECONDS)

    async def _read(self) -> None:
        known = self.version
        try:
            found = await self._store.read(lambda connection: _newest(connection, known))
        except StorageError:
            return
        if found is not None:
            self.apply(found.version, found.logo)

    def apply(self, version: PageSettingsVersion, logo: StoredLogo | None) -> None:
        """Puts a version into force. Values that this program does not accept are left out."""
        if version.version < self.version:
            return
        self.version, self.values, self.logo = version.version, values_of(version), logo
        try:
            self.current = self.merged(self.values)
        except ValidationError as error:
            wrong = {str(it["loc"][0]) for it in error.errors()}
            self.current = self.merged({key: it for key, it in self.values.items() if key not in wrong})
        self._assets.use_accent(self.current.accent)


def values_of(version: PageSettingsVersion) -> dict[str, Any]:
    """Returns the values of a version."""
    found = json.loads(version.content)
    return found if isinstance(found, dict) else {}


def logo_of(connection: Connection, values: dict[str, Any]) -> StoredLogo | None:
    """Returns the logo that these values name."""
    digest = values.get(LOGO)
    return logo_by_digest(connection, bytes.fromhex(digest)) if digest else None


def _newest(connection: Connection, known: int) -> _Stored | None:
    """Returns the version in force, None if it is the known one."""
    if newest_page_settings_number(connection) == known:
        return None
    version = newest_page_settings(connection)[0]
    return _Stored(version, logo_of(connection, values_of(version)))
