"""The worked examples in the docstrings hold."""

import doctest
import importlib
import pkgutil

import pytest

from bot import results


@pytest.mark.parametrize("name", [it.name for it in pkgutil.iter_modules(results.__path__)])
def test_the_examples_hold(name):
    assert not doctest.testmod(importlib.import_module(f"bot.results.{name}")).failed
