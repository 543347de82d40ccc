"""The CHANGELOG holds releases; changes since the last one are files in changes/."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
KINDS = [kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]]
SENTENCES = re.compile(r"(?!- )\S.*[.)]\n?", re.DOTALL)


def is_fragment(name: str, text: str) -> bool:
    """Whether towncrier takes the file, and its text reads as sentences of one paragraph."""
    is_named = re.fullmatch(rf"\+[a-z0-9-]+\.({'|'.join(KINDS)})\.md", name)
    return bool(is_named and SENTENCES.fullmatch(text)) and "\n\n" not in text


def test_every_file_in_changes_is_a_fragment():
    found = [path for path in (ROOT / "changes").iterdir() if path.name != "README.md"]
    assert [path.name for path in found if not is_fragment(path.name, path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("parquet.added.md", "`export` writes Parquet files."),
        ("+parquet.new.md", "`export` writes Parquet files."),
        ("+parquet.added.txt", "`export` writes Parquet files."),
        ("+parquet.added.md", "- `export` writes Parquet files."),
        ("+parquet.added.md", "`export` writes"),
        ("+parquet.added.md", ""),
        ("+parquet.added.md", "One.\n\nTwo."),
    ],
)
def test_a_wrong_fragment_is_noticed(name, text):
    assert is_fragment("+parquet.added.md", "`export` writes Parquet files.\n")
    assert not is_fragment(name, text)


def test_the_readme_of_changes_lists_all_kinds():
    page = (ROOT / "changes" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^- `(\w+)`", page, re.MULTILINE) == KINDS


def test_the_changelog_holds_releases_in_whole_sentences():
    head, marker, releases = (
        (ROOT / "CHANGELOG.md").read_text("utf-8").partition("<!-- towncrier release notes start -->\n")
    )
    assert marker
    assert not re.search(r"^(##|-) ", head, re.MULTILINE), "a change goes into changes/"
    versions = re.findall(r"^## (.*) \(\d{4}-\d\d-\d\d\)$", releases, re.MULTILINE)
    assert versions[0] == PROJECT["project"]["version"]
    allowed = re.compile(rf"## .*|### ({'|'.join(map(str.title, KINDS))})|- .*[.)]|[A-Z].*\.|")
    assert [line for line in releases.splitlines() if not allowed.fullmatch(line)] == []
