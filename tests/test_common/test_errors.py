"""Texts that name the next command."""

import pytest

from bot.common.errors import program_call


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ([], "python3 -m bot"),
        (["publish", "park.yaml"], "python3 -m bot"),
        (["publish", "park.yaml", "--data", "/srv/park"], "python3 -m bot --data /srv/park"),
        (["--config", "our city.toml", "play"], "python3 -m bot --config 'our city.toml'"),
        (["play", "--data=x", "--config", "y"], "python3 -m bot --data x --config y"),
        (["play", "--data"], "python3 -m bot"),
    ],
)
def test_a_command_names_the_same_data(monkeypatch: pytest.MonkeyPatch, words: list[str], call: str) -> None:
    monkeypatch.setattr("sys.argv", ["bot", *words])
    assert program_call() == call
