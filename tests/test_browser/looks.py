"""What is looked at in every state: axe, sizes of what is tapped, nothing that sticks out; and a picture of it."""

from __future__ import annotations

from typing import Final

from tests.test_browser import axe
from tests.test_browser.browser import Tab
from tests.test_browser.conftest import World

_STICKS_OUT: Final = """(() => {
  const root = document.documentElement, wide = [];
  if (root.scrollWidth <= root.clientWidth) return wide;
  for (const element of document.querySelectorAll("body *")) {
    const box = element.getBoundingClientRect();
    if (box.width > 1 && (box.right > root.clientWidth + 1 || box.left < -1)) wide.push(element.outerHTML.slice(0, 90));
  }
  return [root.scrollWidth + " > " + root.clientWidth, ...wide];
})()"""
# Links within a sentence are as high as its lines; 2.5.8 knows that, and so do people.
_SMALL: Final = """Array.from(document.querySelectorAll("a, button, summary, input, select, textarea"))
  .filter(element => {
    if (!element.checkVisibility() || element.matches(".skip, [type=hidden]")) return false;
    const target = element.closest("label") || element;
    const box = target.getBoundingClientRect();
    const isText = element.matches("a") && getComputedStyle(element).display === "inline"
      && element.parentElement.textContent.trim() !== element.textContent.trim();
    return !isText && (box.width < 44 || box.height < 44);
  })
  .map(element => {
    const box = element.getBoundingClientRect();
    return element.outerHTML.slice(0, 120) + ` is ${box.width} × ${box.height}`;
  })"""


class Look:
    """Looks at the states of one way through the pages; keeps all faults, so that one run tells them all."""

    def __init__(self, world: World, name: str, *, checks_axe: bool = True) -> None:
        self._world, self._name, self._checks_axe = world, name, checks_axe
        self.faults: list[str] = []
        self.states: list[str] = []

    async def __call__(self, tab: Tab, state: str, *, checks_dark: bool = True) -> None:
        self.states.append(state)
        await tab.still()
        found = [f"sticks out: {it}" for it in await tab.evaluate(_STICKS_OUT)]
        found += [f"small: {it}" for it in await tab.evaluate(_SMALL)]
        if self._checks_axe:
            found += await axe.faults(tab, checks_dark=checks_dark)
        self.faults += [f"{self._name}, {state}: {fault}" for fault in found]
        await self._world.picture(tab, f"{self._name}-{state}", shows_fault=bool(found))

    def check(self) -> None:
        assert self.states, "nothing was looked at"
        assert not self.faults, "\n".join(dict.fromkeys(self.faults))
