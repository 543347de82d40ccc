"""The code of a poster counts on messengers, too: in a link, and as people type it."""

from __future__ import annotations

import pytest

from storage.core.store import Store
from tests.support.app import consultation, publish, rows, running, say


@pytest.fixture
def store(store: Store) -> Store:
    publish(store, consultation(keywords=["stadtpark"]))
    return store


def place(store: Store) -> list[str | None]:
    return [code for (code,) in rows(store, "SELECT place_code FROM sessions")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("/start park_BIB7", "BIB7"),
        ("/start park BIB7", "BIB7"),
        ("park BIB7", "BIB7"),
        ("Park bib7", "bib7"),
        ("stadtpark JUG-2", "JUG-2"),
        ("/start park", None),
        ("park", None),
    ],
)
async def test_a_code_after_the_name_counts(store: Store, text: str, code: str | None) -> None:
    async with running(store) as (app, channel):
        await say(app, channel.msg("anna", text))
        assert place(store) == [code]


@pytest.mark.parametrize("text", ["park bitte", "Mehr BIB7", "/start nix_BIB7"])
async def test_other_words_are_no_code(store: Store, text: str) -> None:
    async with running(store) as (app, channel):
        await say(app, channel.msg("anna", text))
        assert place(store) == [None]  # the only consultation begins with any words


async def test_within_a_consultation_words_are_an_answer(store: Store) -> None:
    async with running(store) as (app, channel):
        for text in ("/start park", "Deutsch", "ja", "park 2030"):
            await say(app, channel.msg("anna", text))
        assert dict(rows(store, "SELECT question_key, value FROM answers"))["wish"] == '"park 2030"'
        await say(app, channel.msg("anna", "/start park_BIB7"))
        assert place(store) == [None]
