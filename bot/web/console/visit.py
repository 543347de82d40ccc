"""One request of a signed-in member: the member, the language, the form, and how to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from bot.common.audit import Act, Actor, record_entry
from bot.common.i18n.locale import Locale
from bot.common.sources import system_now
from bot.proposals.moderation_decisions import ModerationContext
from bot.staff.accounts import Accounts
from bot.staff.assignments import assigned_consultations
from bot.staff.console_sessions import SignedIn
from bot.staff.policy import Action, may
from bot.web.console.consultation_menu import consultation_menu
from bot.web.console.form_upload import UploadedFile
from bot.web.console.labels import DONE_PHRASES
from bot.web.console.overview import ConsultationSummary
from bot.web.console.rendering import BASE, ConsoleMenuEntry, console_response, see_other
from bot.web.context import Site
from storage.tables.staff import StaffMember

ID_DIGITS: Final = 19
T = TypeVar("T")

MENU: Final[dict[str, tuple[str, Action]]] = {
    f"{BASE}/": ("console.home", "account.own"),
    f"{BASE}/consultations": ("console.consultations", "consultations.list"),
    f"{BASE}/team": ("console.team", "accounts.manage"),
    f"{BASE}/audit": ("console.audit", "audit.read"),
    f"{BASE}/settings": ("console.settings", "settings.change"),
}
"""The places of the menu: path, phrase, and the permission that each needs."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in member."""

    request: web.Request
    site: Site
    signed_in: SignedIn
    csrf: str
    locale: Locale
    now: datetime
    form: Mapping[str, list[str]] = field(default_factory=dict)
    file: UploadedFile | None = None
    """The file of a form that may upload one."""

    @property
    def member(self) -> StaffMember:
        return self.signed_in.member

    @property
    def actor(self) -> Actor:
        """The member, for the audit log."""
        return Actor(self.member.name, self.member.role, "page")

    def may(self, action: Action) -> bool:
        return may(self.member.role, action)

    def field(self, name: str) -> str:
        """Returns the first value of a form field, without surrounding blanks; "" if it is missing."""
        return next(iter(self.form.get(name, [])), "").strip()

    def done(self) -> str:
        """Returns what the address says was done, "" for anything unknown."""
        found = self.request.query.get("done", "")
        return found if found in DONE_PHRASES else ""

    def part(self, name: str) -> str:
        """Returns a part of the path."""
        return self.request.match_info[name]

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs a query on an unchanging snapshot. Raises the classes of `storage.core.errors`."""
        return await self.site.services.store.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Runs one transaction. Raises the classes of `storage.core.errors`."""
        return await self.site.services.store.write(work)

    def accounts(self, connection: Connection) -> Accounts:
        services = self.site.services
        return Accounts(connection, services.keys, services.ids, self.now)

    def moderation(self, connection: Connection) -> ModerationContext:
        """Returns the context of decisions of this member, within this transaction."""
        services, member = self.site.services, self.member
        return ModerationContext(
            connection,
            services.keys,
            new_id=services.ids,
            now=self.now,
            staff_id=member.id,
            name=member.name,
            actor=self.actor,
        )

    def note(self, connection: Connection, act: Act, about: str, purpose: str = "") -> None:
        """Records an act of the member in the audit log, within this transaction."""
        record_entry(connection, self.site.services.keys, self.actor.did(act, about, purpose))

    async def assigned(self) -> frozenset[int] | None:
        """Returns the ids of the consultations in which the member acts; None for all."""
        return await self.read(partial(assigned_consultations, member=self.member, now=self.now))

    def page(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """Renders a page of the console."""
        return console_response(self.request, template, status=status, **self.head(values.get("summary")), **values)

    def head(self, summary: ConsultationSummary | None = None) -> dict[str, Any]:
        """Returns what the head and the forms of every page need. `summary`: the consultation of the page, if it is
        about one.
        """
        here = self.request.path
        entries = [
            ConsoleMenuEntry(path, phrase, is_here=here == path, is_around=path != f"{BASE}/" and here.startswith(path))
            for path, (phrase, action) in MENU.items()
            if self.may(action)
        ]
        base = f"{BASE}/consultations/{summary.slug}" if summary else ""
        groups = consultation_menu(summary, base, here, self.may) if summary else []
        return {
            "csrf": self.csrf,
            "menu": entries,
            "menu_groups": groups,
            "member_name": self.member.name,
            "visit": self,
        }

    def see(self, path: str, **query: str) -> web.Response:
        """Redirects to another page of the console (303); `path` begins with a slash."""
        return see_other(f"{BASE}{path}" + (f"?{urlencode(query)}" if query else ""))


def id_in(text: str) -> int | None:
    """Returns the id in a text of a form or an address; None for anything that is no id (63 bits)."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS
    return int(text) if is_number and int(text) < 1 << 63 else None


def visit_time() -> datetime:
    """Returns the time of a request."""
    return system_now()
