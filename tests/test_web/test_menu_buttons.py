"""Buttons of a page between questions: what leads to all consultations is a link to the start page."""

from __future__ import annotations

import pytest

from bot.web.context import template_environment
from bot.web.public.form_model import FormChoice


def drawn(token: str) -> str:
    parts = template_environment().get_template("parts.html").module
    return str(parts.way(FormChoice(token, "Start", 1, False, 0), "go")).strip()  # type: ignore[attr-defined]


def test_the_menu_of_all_consultations_is_the_start_page():
    assert drawn("lobby..start") == '<a class="button go" href="/">Start</a>'


@pytest.mark.parametrize("token", ["lobby..start.park", "571587..start", "lobby..delete"])
def test_other_words_stay_buttons(token: str):
    assert drawn(token) == f'<button class="go" name="do" value="{token}">Start</button>'
