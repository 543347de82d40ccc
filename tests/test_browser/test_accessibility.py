"""axe finds nothing on any page, light and dark; what is tapped is large enough, and nothing sticks out."""

import pytest

from flows.languages import LANGUAGES
from tests.test_browser import axe
from tests.test_browser.looks import Look

PAGES = ("/", "/c/mein-kiez", "/c/mein-kiez/resume", "/accessibility", "/privacy", "/nowhere")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_without_a_conversation(world, language):
    tab = await world.tab(f"/?lang={language}")
    look = Look(world, f"page-{language}")
    # All languages share the templates: one of each direction is looked at wholly.
    for path in PAGES if language in {"de", "ar"} else PAGES[:2]:
        if path != "/":
            await tab.go(path)
        await look(tab, path.strip("/").replace("/", "-") or "start")
    look.check()


async def test_the_checker_finds_what_is_wrong(world):
    tab = await world.tab("/?lang=en")
    await tab.evaluate("document.querySelector('label[for=code]').remove()")
    await tab.evaluate("document.body.style.cssText = 'color: #aaa; background: #fff'; 1")
    found = "\n".join(await axe.faults(tab))
    assert "label: #code" in found
    assert "color-contrast" in found
