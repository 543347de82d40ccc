"""The golden files of the question types: a definition, its prompts, and what replies are taken for.

An outcome reads: `= "value"` taken as it is, `≈ "value"` guessed (the person is told), `∅ code` no answer and why,
`~ ["draft"] message` an answer in the making, `! hint` not understood. A reply is a text, or an object with `tap`,
`media`, `place`, `draft`, `text`, `times` (the text repeated). In outcomes the bot's own sentences stand by their id:
a better translation changes nothing here.

`pytest --update-golden` rewrites prompts and outcomes, to be read in the diff.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flows.questions
from bot.common.i18n.phrase_catalogues import catalogue_languages, load_phrases
from flows.messages import Location, MsgIn, MsgOut
from flows.phrases import FormOfAddress
from flows.questions.base import LocalizedQuestion, Node, registry
from flows.questions.outcomes import Accepted, Interpreted, Invalid, ParseResult, PartialAnswer, Reply
from flows.renderer import Renderer
from flows.understanding.text import clean_text, fold
from flows.values import Missing

FOLDER = Path(__file__).parent / "golden"
# Ten characters are what a published revision is called by at most; the longest tokens come from it.
CODE = "c123456789"
NAMED = frozenset({"proposal", "statements", "hint", "choices", "number", "rank", "points", "pairwise"})
TYPES = sorted(registry())
assert flows.questions.__path__


def read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return data


def write(name: str, data: dict[str, Any]) -> None:
    """One reply per line, so that a diff shows what changed."""

    def plain(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    rows = {
        language: ",\n".join(f"      {plain(row)}" for row in data["replies"][language]) for language in data["replies"]
    }
    replies = ",\n".join(f'    "{language}": [\n{lines}\n    ]' for language, lines in rows.items())
    head = json.dumps({key: data[key] for key in ("definition", "prompts")}, ensure_ascii=False, indent=2)
    text = f'{head.removesuffix("}").rstrip()},\n  "replies": {{\n{replies}\n  }}\n}}\n'
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def node_of(definition: dict[str, Any]) -> Node:
    return registry()[definition["type"]].model_validate(definition)


def ask(
    definition: dict[str, Any], language: str, form: FormOfAddress = "sie", renderer: type[Renderer] = Renderer
) -> LocalizedQuestion:
    fallbacks = dict.fromkeys((tag for tag in catalogue_languages() if tag != "de"), "de")
    return node_of(definition).localize(renderer(CODE, language, load_phrases(language), form, fallbacks))


LABELS = frozenset(
    {
        *("number.decimal", "points.unit", "pairwise.even", "proposal.differs"),
        *(f"statements.{word}" for word in ("agree", "disagree", "pass", "important", "unimportant")),
    }
)


class PhraseIdRenderer(Renderer):
    """Says the name of a sentence instead of the sentence; labels, and what people may type, are the real ones."""

    def text(self, phrase: str, /, **values: object) -> str:
        said = super().text(phrase, **values)
        if phrase.partition(".")[0] not in NAMED or phrase in LABELS:
            return said
        return f"<{' '.join([phrase, *(f'{name}={value}' for name, value in values.items())])}>"


def reply_of(row: str | dict[str, Any]) -> tuple[Reply, Any]:
    """A reply as the engine makes it, and the draft it comes upon."""
    given: dict[str, Any] = {"text": row} if isinstance(row, str) else row
    text = clean_text(given.get("text", "") * given.get("times", 1))
    place = Location(*given["place"]) if "place" in given else None
    msg = MsgIn(
        "test", "me", "1", datetime(2026, 11, 23, tzinfo=UTC), text, media=given.get("media", ""), location=place
    )
    return Reply(text, fold(text), given.get("tap", ""), msg), given.get("draft")


def shown(msg: MsgOut) -> str:
    """A message with its quick replies, as a test reads it."""
    replies = " | ".join(f"{reply.number or ''} {reply.label}".strip() for reply in msg.quick_replies)
    return f"{msg.text} [{replies}]" if replies else msg.text


def outcome(parsed: ParseResult) -> str:
    match parsed:
        case Invalid():
            return f"! {parsed.hint}"
        case Interpreted():
            return f"≈ {json.dumps(parsed.value, ensure_ascii=False)}"
        case PartialAnswer():
            return f"~ {json.dumps(parsed.value, ensure_ascii=False)} {shown(parsed.msg)}"
        case Accepted():
            happened = " ".join(type(event).__name__ for event in parsed.events)
            said = f" {parsed.echo}" if parsed.echo else ""
            return f"= {json.dumps(parsed.value, ensure_ascii=False)} {happened}{said}"
        case Missing():
            return f"∅ {parsed.value}"
    return f"= {json.dumps(parsed, ensure_ascii=False)}"
