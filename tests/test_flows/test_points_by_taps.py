"""How many taps a budget takes on channels that show several steps for each option."""

from __future__ import annotations

import pytest

from flows.messages import QuickReply
from flows.questions.outcomes import PartialAnswer, Reply
from tests.test_flows.golden_files import ask

MOST_TAPS = 7
Amounts = tuple[tuple[str, int], ...]


def _definition(budget: int, step: int = 1, options: int = 3) -> dict[str, object]:
    labels = [{"value": f"o{n}", "label": {"de": f"Projekt {n}", "en": f"Project {n}"}} for n in range(options)]
    text = {"de": "Wofür?", "en": "What for?"}
    return {"key": "fund", "type": "points", "text": text, "budget": budget, "step": step, "options": labels}


def _replies(budget: int, step: int = 1) -> tuple[QuickReply, ...]:
    return tuple(reply for reply in ask(_definition(budget, step), "de").prompt.quick_replies if reply.steps)


def test_ten_points_take_seven_taps_at_most():
    """Every way to give ten points to three options, "done" included."""
    asked = ask(_definition(10), "de")
    buttons = [step.token.rpartition(".")[2] for reply in _replies(10) for step in reply.steps]
    taps: dict[Amounts, int] = {(): 0}
    reached: list[Amounts] = [()]
    for amounts in reached:
        for button in buttons:
            parsed = asked.parse(Reply(choice=button), dict(amounts))
            assert isinstance(parsed, PartialAnswer)
            assert isinstance(parsed.value, dict)
            after = tuple(parsed.value.items())
            if after not in taps:
                taps[after] = taps[amounts] + 1
                reached.append(after)
    spent = {amounts: n + 1 for amounts, n in taps.items() if sum(dict(amounts).values()) == 10}
    assert len(spent) == 66
    assert max(spent.values()) == MOST_TAPS


@pytest.mark.parametrize(
    ("budget", "step", "labels"),
    [
        (10, 1, ["−1", "+1", "+5", "Rest"]),
        (100, 1, ["−1", "+1", "+10", "Rest"]),
        (3, 1, ["−1", "+1", "Rest"]),
        (1_000_000, 50_000, ["−50\u202f000", "+50\u202f000", "+250\u202f000", "Rest"]),
    ],
)
def test_steps_fit_the_budget(budget, step, labels):
    assert [[it.label for it in reply.steps] for reply in _replies(budget, step)] == [labels] * 3


def test_the_tokens_of_steps_are_as_short_as_others():
    """The check of a consultation measures the tokens of its replies, of which "less" is the longest."""
    for reply in _replies(10):
        assert max(len(step.token) for step in reply.steps) == len(reply.token) + 1
