"""`replay` answers every question type from a recording, as the channel did that it was made on."""

from __future__ import annotations

from tests.support.app import publish, rows
from tests.support.every_type import SLUG, every_type, typed_questions
from tests.test_cli.test_replay import feed, said, write  # noqa: F401 - `write` is a fixture


async def test_every_type_is_replayed(empty, write):  # noqa: F811 - the fixture
    publish(empty, every_type())
    asked = typed_questions(every_type())
    words = [f"/start {SLUG}", *(it for question in asked for it in question.words), "absenden"]
    report = await feed(empty, write(*(said("a", number, line) for number, line in enumerate(words))))
    assert (report.messages, report.errors) == (len(words), 0)
    found = dict(rows(empty, "SELECT question_key, value IS NOT NULL FROM answers"))
    assert found.keys() == {question.key for question in asked}
    assert [question.key for question in asked if question.is_answered and not found[question.key]] == []
    assert rows(empty, "SELECT status FROM sessions") == [("completed",)]
