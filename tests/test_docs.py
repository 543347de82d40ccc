"""What can be set, called and typed is documented, and what is documented exists."""

import asyncio
import importlib
import importlib.util
import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from adapters.telegram.options import TelegramSettings
from bot import settings
from bot.cli.reference.pages import reference_pages
from bot.cli.reference.settings_page import channel_settings
from bot.delivery import channels
from bot.settings import Settings
from tests.support.app import consultation, publish, running
from tests.support.file_format import FormatField, format_sections
from tests.support.timeouts import PATIENCE

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLE = (ROOT / "mitsprache.example.toml").read_text(encoding="utf-8")
CHANNELS = dict(channel_settings())


def test_generated_pages_are_current():
    """`python -m bot.cli.reference` writes them."""
    stale = [
        name
        for name, text in reference_pages().items()
        if (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") != text
    ]
    assert stale == []


def test_the_example_shows_every_setting_with_its_default(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("MITSPRACHE_")]:
        monkeypatch.delenv(name)
    every = in_force(EXAMPLE.partition("# [channels.")[0] + EXAMPLE[EXAMPLE.index("# [push]") :])
    assert tomllib.loads(every).keys() == Settings.model_fields.keys() - {"channels"}
    (tmp_path / "x.toml").write_text(every, encoding="utf-8")
    assert settings.load_settings(tmp_path / "x.toml").model_dump() == Settings().model_dump()


def test_every_package_with_a_channel_to_configure_is_found():
    written = {
        path.parent.name for path in ROOT.glob("adapters/*/*.py") if "def open_channel" in path.read_text("utf-8")
    }
    assert CHANNELS.keys() == written


@pytest.mark.parametrize("name", CHANNELS)
def test_example_shows_every_channel_setting_with_default(name):
    model, section = CHANNELS[name], EXAMPLE.partition(f"# [channels.{name}]")[2].partition("[")[0]
    assert section, f"mitsprache.example.toml has no section [channels.{name}]: add it"
    secret = dict.fromkeys(re.findall(r"^# (\w+)_file = ", section, re.MULTILINE), f"1234:{'a' * 30}")
    shown = tomllib.loads(in_force(EXAMPLE))["channels"][name]
    assert shown.keys() | secret.keys() == model.model_fields.keys()
    needed = {key: shown[key] for key, field in model.model_fields.items() if field.is_required() and key in shown}
    given, least = model.model_validate(shown | secret), model.model_validate(needed | secret)
    worked_out = {key for key, value in least if value is None}  # from others, or from the data folder
    assert given.model_dump(exclude=worked_out) == least.model_dump(exclude=worked_out)
    if isinstance(given, TelegramSettings) and isinstance(least, TelegramSettings):
        assert given.at_once() == least.at_once()


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_setting_stands_on_its_page(name):
    page = (ROOT / "docs" / "operate" / f"{name}.md").read_text(encoding="utf-8")
    fields = CHANNELS[name].model_fields.keys()
    assert [key for key in fields if not re.search(rf"\b{key}(_file)?\b", page)] == []


def in_force(example: str) -> str:
    """What stands in comments, as settings; the names of files with secrets are left out."""
    return re.sub(r"^# (?=\w+ = |\[[\w.]+\])(?!\w+_file)", "", example, flags=re.MULTILINE)


def test_the_example_changes_nothing_as_it_is():
    assert tomllib.loads(EXAMPLE) == {}


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_lines_of_pages_are_below_100_columns(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 99] == []


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_of_a_page_lead_to_pages_and_headings(page):
    links = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", without_code(page.read_text(encoding="utf-8")))
    broken = [link for link in links if is_broken(page, link)]
    assert broken == []


def is_broken(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them; the second of two equal ones ends in `-1`."""
    found: Counter[str] = Counter()
    anchors = set()
    for heading in re.findall(r"^#+ (.+)$", without_code(page.read_text(encoding="utf-8")), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).replace(" ", "-")
        anchors.add(f"{anchor}-{found[anchor]}" if found[anchor] else anchor)
        found[anchor] += 1
    return anchors


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def test_the_guide_has_each_page_in_both_languages():
    pages = {
        language: {
            page.name: [len(mark) for mark in re.findall(r"^(#+) ", page.read_text(encoding="utf-8"), re.MULTILINE)]
            for page in (ROOT / "docs" / "guide" / language).glob("*.md")
        }
        for language in ("de", "en")
    }
    assert pages["de"]
    assert pages["de"] == pages["en"], "pages or their headings differ"


def test_pages_that_code_and_texts_name_exist():
    missing = []
    for file in tracked_texts():
        for name, anchor in re.findall(r"\bdocs/([a-z/-]+\.md)(?:#([\w-]+))?", file.read_text(encoding="utf-8")):
            page = ROOT / "docs" / name
            if not page.exists() or (anchor and anchor not in anchors(page)):
                missing.append((page_name(file), f"docs/{name}", anchor))
    assert missing == []


def tracked_texts() -> list[Path]:
    """Files of the repository that may name a page; files an earlier version wrote are left out."""
    folders = [ROOT / name for name in ("adapters", "bot", "changes", "docs", "flows", "storage", "tests")]
    suffixes = {".py", ".md", ".js", ".css", ".html", ".yaml", ".toml", ".po"}
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes]
    return [*(path for path in files if "upgrades" not in path.parts), *ROOT.glob("*.md"), *ROOT.glob("*.toml")]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_modules_and_folders_that_a_page_names_exist(page):
    named = re.findall(r"`((?:bot|adapters|flows|storage|tests)/[\w/.-]+)`", page.read_text(encoding="utf-8"))
    placeholders = {"adapters/folder.py"} | {name for name in named if re.search("[A-Z]{4}", name)}
    there = [name for name in named if name in placeholders or (ROOT / name).exists() or (ROOT / f"{name}.py").exists()]
    assert sorted(set(named) - set(there)) == []


def test_every_class_the_glossary_names_exists():
    glossary = (ROOT / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z]\w+[a-z]\w*)`", glossary))
    assert named
    assert named - {name for name, _ in classes()} == set()
    modules = re.findall(r"`((?:bot|adapters|flows|storage)(?:\.\w+)+)`", glossary)
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def classes() -> Iterator[tuple[str, Path]]:
    for path in [path for folder in ("bot", "adapters", "flows", "storage") for path in (ROOT / folder).rglob("*.py")]:
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield name, path


def test_the_index_links_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if page != "README.md" and f"]({page})" not in index] == []
    assert "](docs/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_file_format_page_has_every_field_once():
    page = (ROOT / "docs" / "reference" / "file-format.md").read_text(encoding="utf-8")
    described: dict[str, list[FormatField]] = {}
    for heading, section in re.findall(r"^### (.+)\n((?:(?!#).*\n?)*)", page, re.MULTILINE):
        assert heading not in described
        whole = re.sub(r"\n +", " ", section)
        rows = re.findall(r"^- `(\w+)` · (.+?) · (.+?) · (.+)$", whole, re.MULTILINE)
        assert len(rows) == len(re.findall(r"^- `", whole, re.MULTILINE)), f"an entry without a meaning: {heading}"
        described[heading] = [FormatField(*row[:3]) for row in rows]
    wanted = format_sections()
    assert described.keys() == wanted.keys()
    for heading, fields in wanted.items():
        assert described[heading] == fields, "\n".join(
            [
                f"docs/reference/file-format.md, {heading}:",
                *(f"- `{it.name}` · {it.type} · {it.default} ·" for it in fields),
            ]
        )


def test_the_compose_file_sets_known_settings(monkeypatch, tmp_path):
    services = YAML(typ="safe").load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    url = tmp_path / "database-url"
    url.write_text("postgresql://mitsprache:secret@database/mitsprache", encoding="utf-8")
    given = services["mitsprache"]["environment"]
    for name, value in (given | {"MITSPRACHE_DATABASE_URL_FILE": str(url), "MITSPRACHE_DATA": "/data"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    found = settings.load_settings()
    assert found.web.public_url == "https://mitsprache.example"
    assert found.database().startswith("postgresql://")


async def test_the_channel_of_the_how_to_works(store, tmp_path, monkeypatch):
    """Copied from the page into `adapters/`, configured, written to, answered by."""
    (code,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs" / "develop" / "channels.md").read_text("utf-8"), re.M | re.S
    )
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
