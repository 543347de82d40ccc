"""What axe-core finds in a page: rules of WCAG 2.2 up to AA and best practice, light and dark."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from tests.test_browser.browser import Tab

LIBRARY: Final = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS: Final = ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice")
COLOURS: Final = ("color-contrast", "link-in-text-block")
"""The rules that can say something else in the dark."""
_RUN: Final = """axe.run(document, {resultTypes: ["violations"], runOnly: ONLY}).then(found =>
  found.violations.flatMap(rule => rule.nodes.map(node =>
    rule.id + ": " + node.target.join(" ") + " " + node.html.slice(0, 160) + " " + node.failureSummary)))"""


@cache
def _library() -> str:
    return LIBRARY.read_text(encoding="utf-8")


async def faults(tab: Tab, *, checks_dark: bool = True) -> list[str]:
    """Everything that is not accessible in what the tab shows now."""
    if not await tab.evaluate("typeof axe === 'object'"):
        await tab.run(_library())
    found = await _run(tab, {"type": "tag", "values": TAGS})
    if not checks_dark:
        return found
    await tab.media(prefers_color_scheme="dark")
    found += [f"dark: {fault}" for fault in await _run(tab, {"type": "rule", "values": COLOURS})]
    await tab.media()
    return found


async def _run(tab: Tab, only: dict[str, object]) -> list[str]:
    return list(await tab.evaluate(_RUN.replace("ONLY", json.dumps(only))))
