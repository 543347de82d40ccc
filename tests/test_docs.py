"""What can be set, called and typed is documented, and what is documented exists."""

import asyncio
import importlib.util
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from adapters.matrix.options import MatrixSettings
from adapters.telegram.options import TelegramSettings
from bot import settings
from bot.cli import main
from bot.delivery import channels
from bot.settings import Settings
from flows.questions.base import registry
from tests.support.app import consultation, publish, running
from tests.support.timeouts import PATIENCE

ROOT = Path(__file__).parents[1]
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "mitsprache.example.toml").read_text(encoding="utf-8")


def commands() -> Mapping[str, Any]:
    group = typer.main.get_command(main.app)
    assert isinstance(group, typer.core.TyperGroup)
    return {name: command for name, command in group.commands.items() if not command.hidden}


def old_names() -> set[str]:
    group = typer.main.get_command(main.app)
    assert isinstance(group, typer.core.TyperGroup)
    return {name for name, command in group.commands.items() if command.hidden}


def test_every_setting_stands_in_the_table_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", SETTINGS.partition("\n## Old names\n")[0], re.MULTILINE))
    assert rows.keys() == Settings.model_fields.keys()
    for name, field in Settings.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        assert rows[name] in {f"`{default}`", "empty", "none"}, name


def test_the_example_shows_every_setting_with_its_default(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("MITSPRACHE_")]:
        monkeypatch.delenv(name)
    every = in_force(EXAMPLE.partition("# [channels.")[0] + EXAMPLE[EXAMPLE.index("# [push]") :])
    assert tomllib.loads(every).keys() == Settings.model_fields.keys() - {"channels"}
    (tmp_path / "x.toml").write_text(every, encoding="utf-8")
    assert settings.load_settings(tmp_path / "x.toml") == Settings()


@pytest.mark.parametrize(
    ("model", "secret"),
    [(TelegramSettings, {"token": f"1234:{'a' * 30}"}), (MatrixSettings, {"password": "a long one"})],
)
def test_example_shows_every_channel_setting_with_default(model, secret):
    found = tomllib.loads(in_force(EXAMPLE))["channels"]
    shown = found[model.__name__.removesuffix("Settings").lower()]
    assert shown.keys() | secret.keys() == model.model_fields.keys()
    needed = {name: shown[name] for name, field in model.model_fields.items() if field.is_required() and name in shown}
    given, least = model.model_validate(shown | secret), model.model_validate(needed | secret)
    worked_out = {name for name, value in least if value is None}  # from others, or from the data folder
    assert given.model_dump(exclude=worked_out) == least.model_dump(exclude=worked_out)
    if isinstance(given, TelegramSettings):
        assert given.at_once() == least.at_once()


def in_force(example: str) -> str:
    """What stands in comments, as settings; the names of files with secrets are left out."""
    return re.sub(r"^# (?=\w+ = |\[[\w.]+\])(?!\w+_file)", "", example, flags=re.MULTILINE)


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
    section = OPERATE.partition("\n## Commands\n")[2].partition("\n## ")[0]
    described = set(re.findall(r"^\| `([\w-]+)[^|]*` \| [A-Z]", section, re.MULTILINE))
    assert described - {"test"} == set(commands())


def test_old_names_of_commands_are_documented():
    sentence = re.search(r"^Version 0\.1 also takes.*$", OPERATE, re.MULTILINE)
    assert sentence
    found = re.findall(r"`([\w-]+)` \(`([\w-]+)`\)", sentence[0])
    assert {old for old, _ in found} == old_names()
    assert {new for _, new in found} <= set(commands())


def test_old_names_of_settings_are_documented():
    section = SETTINGS.partition("\n## Old names\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|$", section, re.MULTILINE)
    assert dict(rows) == {".".join(old): ".".join(new) for old, new in settings.RENAMED.items()}


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]), ids=lambda page: page.name)
def test_what_a_page_points_to_is_there(page):
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]), ids=lambda page: page.name)
def test_modules_and_folders_that_a_page_names_exist(page):
    named = re.findall(r"`((?:bot|adapters|flows|storage|tests)/[\w/.-]+)`", page.read_text(encoding="utf-8"))
    placeholders = {"adapters/folder.py"} | {name for name in named if re.search("[A-Z]{4}", name)}
    there = [name for name in named if name in placeholders or (ROOT / name).exists() or (ROOT / f"{name}.py").exists()]
    assert sorted(set(named) - set(there)) == []


def test_every_class_the_glossary_names_exists():
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z]\w+[a-z]\w*)`", glossary))
    assert named
    assert named - {name for name, _ in classes()} == set()
    modules = re.findall(r"`((?:bot|adapters|flows|storage)(?:\.\w+)+)`", glossary)
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def classes() -> Iterator[tuple[str, Path]]:
    for path in [path for folder in ("bot", "adapters", "flows", "storage") for path in (ROOT / folder).rglob("*.py")]:
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield name, path


def test_every_page_can_be_found_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in ROOT.glob("docs/*.md") if f"docs/{page.name}" not in readme] == []


def test_every_question_type_is_documented():
    page = (ROOT / "docs" / "consultations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (\w+)", page, re.MULTILINE)) >= registry().keys()


async def test_the_channel_of_the_how_to_works(store, tmp_path, monkeypatch):
    """Copied from the page into `adapters/`, configured, written to, answered by."""
    (code,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "channels.md").read_text("utf-8"), re.M | re.S)
    file = tmp_path / "folder.py"
    file.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("adapters.folder", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "adapters.folder", module)
    spec.loader.exec_module(module)
    box = tmp_path / "box"
    given = Settings.model_validate({"data": tmp_path, "channels": {"box": {"type": "folder", "path": box}}})
    (finding,) = await asyncio.to_thread(lambda: list(channels.channel_findings(given)))
    assert finding == (False, f"[channels.box]: {box} is missing: make this folder")
    publish(store, consultation())
    async with running(store, channels.open_channels(given)):
        async with asyncio.timeout(PATIENCE):
            while not (box / "out").is_dir():
                await asyncio.sleep(0.01)
            (box / "in" / "anna-1.txt").write_text("/start park", encoding="utf-8")
            while not list((box / "out").glob("anna-*.txt")):
                await asyncio.sleep(0.01)
            while list((box / "in").iterdir()):
                await asyncio.sleep(0.01)
    (finding,) = await asyncio.to_thread(lambda: list(channels.channel_findings(given)))
    assert finding.is_well
