"""What docstrings show is so: every example of every module is tried."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import adapters
import bot
import flows
import storage

WITH_SIDE_EFFECTS = {"storage.migrations.env"}
"""Alembic runs it; it migrates when it is imported."""


def modules() -> Iterator[str]:
    for package in (bot, adapters, flows, storage):
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        yield from (module.name for module in found if module.name not in WITH_SIDE_EFFECTS)


@pytest.mark.parametrize("name", sorted(modules()))
def test_the_examples_of(name: str) -> None:
    tried = doctest.testmod(importlib.import_module(name))
    assert not tried.failed
