"""What can be set, called and typed is documented, and what is documented exists."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from bot import cli, settings
from bot.settings import Settings

ROOT = Path(__file__).parents[1]
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "mitsprache.example.toml").read_text(encoding="utf-8")


def commands() -> Mapping[str, Any]:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, typer.core.TyperGroup)
    return group.commands


def test_every_setting_stands_in_the_table_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", SETTINGS, re.MULTILINE))
    assert rows.keys() == Settings.model_fields.keys()
    for name, field in Settings.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        assert rows[name] in {f"`{default}`", "empty", "none"}, name


def test_the_example_shows_every_setting_with_its_default(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("MITSPRACHE_")]:
        monkeypatch.delenv(name)
    every = re.sub(r"^# (?=\w+ = |\[\w+\]$)(?!\w+_file)", "", EXAMPLE, flags=re.MULTILINE)
    assert tomllib.loads(every).keys() == Settings.model_fields.keys() - {"channels"}
    (tmp_path / "x.toml").write_text(every, encoding="utf-8")
    assert settings.load(tmp_path / "x.toml") == Settings()


def test_the_example_changes_nothing_as_it_is():
    assert tomllib.loads(EXAMPLE) == {}


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_and_option_is_documented(name):
    row = re.search(rf"^\| `{name}[ `].*$", OPERATE, re.MULTILINE)
    assert row, f"docs/operate.md has no row for {name}"
    general = {"--config", "--data", "--help", "-h"}
    options = {word for option in commands()[name].params for word in option.opts if word.startswith("-")}
    assert [option for option in sorted(options - general) if option not in row[0]] == []


def test_no_command_is_documented_that_is_not_there():
    described = set(re.findall(r"^\| `(\w+)[^|]*` \| [A-Z]", OPERATE, re.MULTILINE))
    assert described - {"test"} == set(commands())
