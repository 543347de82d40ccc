"""axe finds nothing, on any page, in any state, light and dark."""

import pytest

from flows.languages import LANGUAGES
from tests.test_browser import axe


@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_without_a_conversation(world, language):
    tab = await world.tab(f"/?lang={language}")
    for path in ("/", "/c/mein-kiez", "/c/mein-kiez/resume", "/accessibility", "/privacy", "/nowhere"):
        if path != "/":
            await tab.go(path)
        await axe.check(tab, f"{path} in {language}")
        await world.picture(tab, f"page-{path.strip('/').replace('/', '-') or 'start'}-{language}")


async def test_the_checker_finds_what_is_wrong(world):
    tab = await world.tab("/?lang=en")
    await tab.evaluate("document.querySelector('label[for=code]').remove()")
    await tab.evaluate("document.body.style.cssText = 'color: #aaa; background: #fff'; 1")
    with pytest.raises(AssertionError, match=r"(?s)label: #code.*color-contrast"):
        await axe.check(tab, "a page without a label")
    tab.complaints.clear()
