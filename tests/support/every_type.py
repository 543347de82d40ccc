"""One consultation with every question type there is, and words that answer each question in a chat.

The types are found in the registry, their definitions and replies in their golden files: a new type comes in by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from bot.common.i18n.phrase_catalogues import load_phrases
from flows.definition import Consultation
from flows.dialogue import engine
from flows.facts import DEFAULT_FACTS
from flows.flow import Flow
from flows.messages import MsgIn
from flows.questions.base import registry
from tests.support.app import consultation
from tests.test_flows.golden_files import read

SLUG: Final = "alles"
OWN_WORDS: Final = "Ein Brunnen am Eingang"
ONE: Final = "1"
_NOW: Final = datetime(2027, 3, 1, tzinfo=UTC)
_SKIP: Final = "überspringen"
_ELSE: Final = "etwas anderes"
_ALWAYS: Final = "consent"
"""Asked first: sensitive questions need it."""


class TypedQuestion(NamedTuple):
    """A question of the session, and what a person says to it."""

    key: str
    title: str
    words: tuple[str, ...]
    is_answered: bool
    """Whether it was not skipped in the end, as a question may be whose answer is never finished by words alone."""


def every_type() -> Consultation:
    """A consultation with each type once, and once more with "something else" where a type offers that."""
    names = [_ALWAYS, *(name for name in sorted(registry()) if name != _ALWAYS)]
    questions = [_definition(name) for name in names]
    questions += [
        _definition(name) | {"key": f"else_{name}", "text": _text(f"Anderes zu {name}?"), "other": True}
        for name in names
        if "other" in registry()[name].model_fields
    ]
    return consultation(SLUG, questions, languages={"de": {}})


def typed_questions(asked: Consultation) -> list[TypedQuestion]:
    """The questions in order, as the session asks them, each with the words after which it goes on."""
    flow = Flow(asked, {"de": load_phrases("de")}, "code")
    titles = flow.localized["de"].titles
    session = engine.start(flow, receipt="", language="de", facts=DEFAULT_FACTS).session
    found = []
    while session.at:
        key, said = session.at, list[str]()
        for words in (*_words(key, flow), _SKIP):
            if session.at == key:
                msg = MsgIn("dry", "", "1", _NOW, text=words)
                session = engine.resume(flow, session, msg, facts=DEFAULT_FACTS).session
                said.append(words)
        assert session.at != key, f"{key} is not answered by {said}"
        found.append(TypedQuestion(key, titles[key], tuple(said), _SKIP not in said))
    assert [question.key for question in found] == list(flow.questions), "each is asked"
    return found


def _definition(name: str) -> dict[str, Any]:
    given = {field: value for field, value in read(name)["definition"].items() if not _names_another(field)}
    return given | {"key": f"q_{name}", "text": _text(f"Was zu {name}?")}


def _names_another(field: str) -> bool:
    return field in {"ask_if", "exits", "from"} or field.endswith("_from")


def _text(words: str) -> dict[str, str]:
    return {"de": words}


def _words(key: str, flow: Flow) -> tuple[str, ...]:
    if key.endswith("_other"):
        return (OWN_WORDS,)
    question = flow.question(key)
    if key.startswith("else_"):
        return (_ELSE, "fertig")
    replies = read(question.type)["replies"]["de"]
    whole = (row for row, outcome in replies if isinstance(row, str) and outcome[:2] == "= ")
    begun = (row for row, outcome in replies if isinstance(row, str) and outcome[:2] == "~ ")
    return (answer,) if (answer := next(whole, "")) else (next(begun, ONE), ONE)
