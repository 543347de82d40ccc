"""Scripts of others are those that the list names, byte for byte, and only pages of the console and the screen of a
hall load them."""

from __future__ import annotations

import hashlib

from bot.web.assets import VENDOR
from bot.web.console.reading import HTMX_CONFIG
from bot.web.context import TEMPLATES


def test_each_vendored_script_is_the_one_that_is_listed() -> None:
    listed = (VENDOR / "README.md").read_text("utf-8")
    scripts = sorted(VENDOR.glob("*.js"))
    assert scripts
    for script in scripts:
        assert f"`{script.name}`" in listed
        assert hashlib.sha256(script.read_bytes()).hexdigest() in listed
        assert (VENDOR / f"{script.name.removesuffix('.min.js')}-LICENSE").exists()


def test_no_page_of_residents_loads_vendored_scripts() -> None:
    pages = {path for path in TEMPLATES.rglob("*.html") if ".min.js" in path.read_text("utf-8")}
    assert pages
    assert {path.relative_to(TEMPLATES).parts[0] for path in pages} - {"console"} == {"public"}
    assert {path.name for path in pages if path.parent.name == "public"} == {"screen.html"}
    assert not [path for path in TEMPLATES.rglob("*.html") if "hx-on" in path.read_text("utf-8")]


def test_htmx_evaluates_nothing_and_adds_no_style() -> None:
    assert '"allowEval": false' in HTMX_CONFIG
    assert '"includeIndicatorStyles": false' in HTMX_CONFIG
