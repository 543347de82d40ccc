"""The checker of accessibility finds what is wrong. `test_every_page.py` looks at every page with it."""

from tests.test_browser import axe


async def test_the_checker_finds_what_is_wrong(world):
    tab = await world.tab("/?lang=en")
    await tab.evaluate("document.querySelector('label[for=code]').remove()")
    await tab.evaluate("document.body.style.cssText = 'color: #aaa; background: #fff'; 1")
    found = "\n".join(await axe.faults(tab))
    assert "label: #code" in found
    assert "color-contrast" in found
