"""The six questions as a consultation of ours, and the app that asks them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.base import Channel
from bot.app import App
from bot.cli.bench import live, subject
from flows.definition import Consultation


def consultation() -> Consultation:
    """What the peers ask in `survey.py`, with everything else that a consultation of ours says."""
    yes_no = {"yes": "Ja", "no": "Nein"}
    places = {"park": "Park", "square": "Platz", "school": "Schulhof", "street": "Straße", "yard": "Hof"}
    questions: list[dict[str, Any]] = [
        _question("trees", "choice", "Soll es mehr Bäume geben?", options=_options(yes_no | {"maybe": "Vielleicht"})),
        _question("places", "choices", "Und wo?", options=_options(places)),
        _question("safety", "scale", "Wie sicher fühlen Sie sich?", min=1, max=5, min_label=_de("gar nicht"))
        | {"max_label": _de("sehr")},
        _question("minutes", "number", "Wie viele Minuten gehen Sie bis zum nächsten Park?", min=0, max=200),
        _question("wish", "text", "Was wünschen Sie sich?", max_length=500),
        _question("again", "choice", "Dürfen wir Sie wieder fragen?", options=_options(yes_no)),
    ]
    plain = subject.consultation().model_dump(exclude_unset=True, exclude_none=True)
    return Consultation.model_validate(plain | {"questions": questions})


@asynccontextmanager
async def house(database: Path, name: str, channel: Channel) -> AsyncIterator[App]:
    """A running app with this channel; AssertionError at the end where a message failed."""
    app = live.bench_app(f"sqlite:///{database}", {name: channel}, consultation())
    async with app.running():
        yield app
        await app.outbox.drained()
    if app.conversations.counts.failures:
        raise AssertionError("messages failed during the benchmark")


def _de(text: str) -> dict[str, str]:
    return {"de": text}


def _question(key: str, kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, "text": _de(text)} | more


def _options(labels: dict[str, str]) -> list[dict[str, Any]]:
    return [{"value": value, "label": _de(label)} for value, label in labels.items()]
