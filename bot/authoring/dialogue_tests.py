"""Recorded runs as tests: a version goes live only if the same answers lead to the same questions.

A run stores the messages and, after each, the key of the question that is open. Texts are not compared, so a corrected
typing error breaks no run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.authoring.preview_run import PlayedRun, PreviewStep, compile_preview, play_run
from bot.consultations.definition_issues import DefinitionIssue
from flows.definition import Consultation
from flows.flow import Flow
from storage.tables.consultations import find_consultation
from storage.tables.dialogue_tests import StoredDialogue, dialogue_tests_of

END: Final = "+end"
"""Stands for the end of the chat. No key of a question contains a plus sign."""
LONGEST_NAME: Final = 80
MOST_TESTS: Final = 50


class DialogueTest(NamedTuple):
    """A recorded run. `expected` are the open questions: at the beginning, and after each step."""

    name: str
    language: str
    overheard: bool
    steps: tuple[PreviewStep, ...]
    expected: tuple[str, ...]

    def to_json(self) -> str:
        return json.dumps(
            {
                "language": self.language,
                "overheard": self.overheard,
                "begins": self.expected[0],
                "steps": [
                    {"say": it.text, "tap": it.choice, "then": then}
                    for it, then in zip(self.steps, self.expected[1:], strict=True)
                ],
            },
            ensure_ascii=False,
        )


class DialogueResult(NamedTuple):
    """How a version passes a recorded run. `number`: of the first message after which it differs (0: the beginning),
    None if it passes. `expected` and `found`: the keys of the questions, "" at the summary, `END` at the end.
    """

    test: DialogueTest
    number: int | None = None
    said: str = ""
    expected: str = ""
    found: str = ""


def record_dialogue(
    name: str, flow: Flow, language: str, steps: Sequence[PreviewStep], *, overheard: bool
) -> DialogueTest:
    """Returns a run with the questions that are open in this version."""
    played = play_run(flow, language, steps, overheard=overheard)
    return DialogueTest(name, language, overheard, tuple(steps[: len(played.steps) - 1]), _open_keys(played))


def read_dialogue(stored: StoredDialogue) -> DialogueTest:
    """Reads a stored run."""
    data = json.loads(stored.content)
    steps = tuple(PreviewStep(it["say"], it["tap"]) for it in data["steps"])
    expected = (data["begins"], *(it["then"] for it in data["steps"]))
    return DialogueTest(stored.name, data["language"], data["overheard"], steps, expected)


def check_dialogue(flow: Flow, test: DialogueTest) -> DialogueResult:
    """Plays a recorded run with a version. A language that is not offered any more is replaced by the main one."""
    language = test.language if test.language in flow.languages else flow.consultation.main_language
    played = play_run(flow, language, test.steps, overheard=test.overheard)
    found = _open_keys(played)
    for number, expected in enumerate(test.expected):
        now = found[number] if number < len(found) else END
        if now != expected:
            said = played.steps[number].said if number < len(played.steps) else ""
            return DialogueResult(test, number, said, expected, now)
    return DialogueResult(test)


def check_dialogues(connection: Connection, consultation_id: int, definition: Consultation) -> list[DialogueResult]:
    """Plays all recorded runs of a consultation with a version."""
    stored = dialogue_tests_of(connection, consultation_id)
    flow = compile_preview(definition) if stored else None
    return [check_dialogue(flow, read_dialogue(it)) for it in stored if flow]


def broken_dialogues(connection: Connection, definition: Consultation, name: str) -> Iterator[DefinitionIssue]:
    """Returns an error for each recorded run that a version does not pass. `name`: that of the file."""
    found = find_consultation(connection, definition.slug)
    return dialogue_issues(check_dialogues(connection, found.id, definition) if found else (), name)


def dialogue_issues(results: Iterable[DialogueResult], name: str) -> Iterator[DefinitionIssue]:
    """Yields an error for each run that is not passed. `name`: that of the file."""
    for it in results:
        if it.number is not None:
            reason = f"the recorded run “{it.test.name}” differs after message {it.number}: {it.expected} was expected"
            remedy = "correct the questions, or accept the new way in the console, under “Try it out”"
            yield DefinitionIssue(name, 1, f"{reason}, {it.found} is asked", remedy)


def stored_dialogue(test: DialogueTest, consultation_id: int, changed_by: str, now: datetime) -> StoredDialogue:
    """Returns a run as it is stored."""
    return StoredDialogue(
        consultation_id=consultation_id,
        name=test.name,
        content=test.to_json(),
        changed_by=changed_by,
        changed_at=now,
    )


def _open_keys(played: PlayedRun) -> tuple[str, ...]:
    keys = [it.at for it in played.steps]
    return (*keys[:-1], END) if played.has_ended else tuple(keys)
