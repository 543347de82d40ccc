"""The menu beside the pages of a consultation: what exists in its state, and what the role permits."""

from __future__ import annotations

import pytest

from bot.staff.policy import may
from bot.web.console.consultation_menu import consultation_menu
from bot.web.console.overview import ConsultationSummary, Waiting
from storage.core.store import Store
from storage.tables.consultations import ConsultationStateNow
from storage.tables.participations import Tally
from storage.tables.staff import Role
from tests.support.browser import serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import NOW, open_consultation

BASE = "/console/consultations/park"


def ends(state: ConsultationStateNow, role: Role) -> list[str]:
    summary = ConsultationSummary(
        consultation_id=1,
        slug="park",
        title="Park",
        state=state,
        languages=("de",),
        is_sample=False,
        number=1,
        published_by="",
        tally=Tally(0, 0, 0),
        waiting=Waiting(0, 0),
        opens_at=None,
        closes_at=None,
        published_at=NOW,
    )
    groups = consultation_menu(summary, BASE, BASE, lambda action: may(role, action))
    return [entry.path.removeprefix(BASE) for group in groups for entry in group.entries]


EDITED = ("", "/about", "/questions", "/languages")


@pytest.mark.parametrize(
    ("state", "role", "expected"),
    [
        (
            "open",
            "kernteam",
            [
                *EDITED,
                "/file",
                "/preview",
                "/test",
                "/publish",
                "/spread",
                "/live",
                "/reading",
                "/answers",
                "/results",
                "/files",
            ],
        ),
        ("open", "observer", ["", "/spread", "/live", "/results", "/files"]),
        ("draft", "kernteam", [*EDITED, "/preview", "/test", "/publish"]),
        ("archived", "kernteam", ["", "/file", "/preview", "/live", "/reading", "/answers", "/results", "/files"]),
    ],
)
def test_it_has_what_exists_and_is_permitted(state: ConsultationStateNow, role: Role, expected: list[str]) -> None:
    assert ends(state, role) == expected


@only_sqlite
async def test_every_page_of_a_consultation_has_it(store: Store) -> None:
    open_consultation(store)
    async with serving(store) as house:
        browser = signed_in(house, hired(store, role="kernteam"))
        for end in ends("open", "kernteam"):
            await browser.get(BASE + end)
            assert browser.status == 200, end
            assert f'<a href="{BASE}{end}" aria-current="page">' in browser.page.html
        assert 'class="side"' not in (await browser.get("/console/")).page.html
