"""Space, type and radius come from the scales of style.css, and every rule stands in one of its layers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.web.assets import FOLDER

SHEETS = sorted(FOLDER.glob("*.css"), key=lambda path: path.name)
LAYERS = ("reset", "base", "components", "pages")
LAYERS_OF = {"style.css": LAYERS, "console.css": ("base", "frame", "controls", "surfaces")}
"""The layers of the sheets that define scales: of the pages of residents, and of the console. Every other sheet comes
after style.css and is of its last layer.
"""
SCALES = {
    "s": r"(?:scroll-)?(?:margin|padding)(?:-(?:block|inline)(?:-(?:start|end))?)?|(?:column-|row-)?gap",
    "t": r"font-size|font",
    "r": r"border-(?:start-start-|start-end-|end-start-|end-end-)?radius",
}
"""The properties that take values of each scale."""
ROOT_SIZE = re.compile(r"html[^{},]*(?:, html[^{},]*)*\{[^}]*\}|@page[^{]*\{[^}]*\}")
"""How large a rem is, on screen and on paper; and the margins of the paper."""
_LENGTH = re.compile(r"(?<![\w.-])-?\d*\.?\d+(?:rem|em|px|pt|mm)\b")


def without_comments(sheet: str) -> str:
    return re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)


def off_the_scale(sheet: str) -> list[str]:
    """Declarations with a length of their own, or with a value of another scale."""
    rules = ROOT_SIZE.sub("", without_comments(sheet))
    found = []
    for scale, properties in SCALES.items():
        for name, value in re.findall(rf"(?<![\w-])({properties})\s*:\s*([^;}}]+)", rules):
            named = set(re.findall(r"var\(--([a-z])\d\)", value))
            if _LENGTH.search(value) or named - {scale}:
                found.append(f"{name}: {value}")
    return found


def layers(sheet: str) -> list[str]:
    """The layer of each block at the top level; the text before the brace where it is no layer."""
    depth, start, found = 0, 0, []
    text = re.sub(r"@layer [^{;]*;", "", without_comments(sheet))
    for place, character in enumerate(text):
        if character == "{":
            if depth == 0:
                found.append(text[start:place].strip())
            depth += 1
        if character == "}":
            depth -= 1
            start = place + 1
    return found


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_every_length_is_of_its_scale(sheet: Path):
    assert off_the_scale(sheet.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_every_rule_is_in_a_layer(sheet: Path):
    allowed = {f"@layer {name}" for name in LAYERS_OF.get(sheet.name, LAYERS[-1:])}
    found = layers(sheet.read_text(encoding="utf-8"))
    assert [it for it in found if it not in allowed and not it.startswith("@page")] == []


@pytest.mark.parametrize("name", LAYERS_OF)
def test_the_layers_are_declared_in_their_order(name: str):
    sheet = (FOLDER / name).read_text(encoding="utf-8")
    assert f"@layer {', '.join(LAYERS_OF[name])};" in sheet
    assert layers(sheet) == [f"@layer {layer}" for layer in LAYERS_OF[name]]


@pytest.mark.parametrize("name", LAYERS_OF)
def test_every_step_of_a_scale_is_used(name: str):
    own = [FOLDER / name] if name == "console.css" else [it for it in SHEETS if it.name != "console.css"]
    text = "".join(sheet.read_text(encoding="utf-8") for sheet in own)
    defined = re.findall(r"(--[str]\d):", text)
    assert len(defined) == len(set(defined)) > 15
    assert [it for it in defined if f"var({it})" not in text] == []


def test_values_off_the_scale_are_found():
    sheet = "@layer base { p { margin: 0 .7rem; padding: var(--s1) } .a { gap: var(--t1); font-size: 13px } }"
    assert off_the_scale(sheet) == ["margin: 0 .7rem", "gap: var(--t1)", "font-size: 13px "]
    assert layers("p { margin: 0 } " + sheet) == ["p", "@layer base"]
