"""The commands around keys, and the examples of docs/reference/api.md run as they stand there."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from bot.cli import accounts
from bot.cli import api_keys as key_commands
from bot.common.errors import CommandError
from bot.settings import Settings
from bot.web.api.registry import ROOT
from storage.core.store import Store
from tests.support.api_client import hire, key_for, served
from tests.support.databases import only_sqlite
from tests.support.held_answers import publish_held
from tests.support.ideas import open_consultation, submit

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


@pytest.fixture
def settings(tmp_path):
    settings = Settings(data=tmp_path)
    for name, role in (("Aylin", "facilitator"), ("Bora", "admin"), ("Cem", "helper")):
        accounts.create_account(settings, name, role, lambda _: None)
    return settings


def said(run, *arguments) -> list[str]:
    lines: list[str] = []
    run(*arguments, lines.append)
    return lines


def test_a_key_is_shown_once_and_stored_nowhere(settings, tmp_path) -> None:
    shown, _ = said(key_commands.create_api_key, settings, "Aylin", ["moderate|read"], "mein-kiez")
    key = shown.rpartition(": ")[2]
    assert shown.startswith("Aylin (moderate, read; mein-kiez): mitsprache_")
    (line,) = said(key_commands.list_api_keys, settings)
    label = key.split("_")[1]
    assert line.startswith(f"{label}  Aylin  moderate,read  mein-kiez  since ")
    for file in tmp_path.rglob("*.db*"):
        assert key.rpartition("_")[2].encode() not in file.read_bytes()
    assert said(key_commands.revoke_key_by_label, settings, label.lower()) == [f"The key {label} is revoked."]
    assert "revoked" in said(key_commands.list_api_keys, settings)[0]
    with pytest.raises(CommandError, match="there is no key"):
        key_commands.revoke_key_by_label(settings, label, print)


@pytest.mark.parametrize(
    ("name", "scopes", "slug", "reason"),
    [
        ("Dora", ["read"], "", "no active account 'Dora'"),
        ("Bora", ["read", "moderate"], "", "whose keys cannot have --scope moderate; there is read"),
        ("Cem", ["read"], "", "there is none"),
        ("Aylin", ["everything"], "", "--scope everything: there is read, moderate, publish"),
        ("Aylin", [" "], "", "there is read, moderate, publish"),
        ("Aylin", ["read"], "nowhere", "no consultation is called 'nowhere'"),
    ],
)
def test_nonsense_is_refused(settings, name, scopes, slug, reason) -> None:
    with pytest.raises(CommandError, match=re.escape(reason)):
        key_commands.create_api_key(settings, name, scopes, slug, print)


async def ran(examples: list[str], given: dict[str, str]) -> str:
    """What these examples print."""
    script = "set -e\n" + "\necho\n".join(examples)
    run = await asyncio.create_subprocess_exec(
        "sh", "-c", script, env=given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await run.communicate()
    assert (run.returncode, err) == (0, b"")
    return out.decode()


@only_sqlite
@pytest.mark.skipif(not shutil.which("curl"), reason="docs/reference/api.md: there is no curl")
async def test_the_examples_of_the_documentation_work(store: Store) -> None:
    examples = re.findall(r"^```sh\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 5
    kiez = open_consultation(store, "mein-kiez")
    with store.begin() as connection:
        idea = submit(connection, kiez, 1, "Mehr Bänke im Park. Erika M.")
    async with served(store) as house:
        given = {
            "KEY": key_for(store, hire(store, "Aylin")),
            "HOST": house.base,
            "CODE": idea.code,
            "PATH": "/usr/bin:/bin",
        }
        text = await ran(examples[:-1], given)
        assert publish_held(store) == 1
        text += await ran(examples[-1:], given)
    assert "urn:mitsprache:problem" not in text, text
    assert f'"code":"{idea.code}"' in text
    assert "Drei Bänke werden gebaut." in text
    assert '"state":"archived"' in text


def test_the_documentation_names_every_operation_of_its_examples() -> None:
    paths = re.findall(r"\$HOST(/[\w/$-]*)", DOCS.read_text(encoding="utf-8"))
    assert len(paths) > 8
    assert all(path.startswith(ROOT) for path in paths)
