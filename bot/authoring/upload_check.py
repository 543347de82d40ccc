"""Checks an uploaded consultation file in a process of its own: `python -m bot.authoring.upload_check`, started by
`check_upload`.

A hostile file may take long or much memory to parse; conversations do not wait for it, and the process is killed after
some seconds.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from bot.authoring import yaml_source
from bot.authoring.file_check import CheckedFile, check_parsed_file
from bot.common.child_process import read_task, report, run_module
from bot.consultations.definition_issues import DefinitionIssue
from flows.definition import Consultation

JOB: Final = "bot.authoring.upload_check"
LONGEST_SECONDS: Final = 30.0
MOST_ISSUES: Final = 200


class CheckFailed(Exception):
    """The check took too long or did not end as it should."""


async def check_upload(content: bytes, name: str) -> str:
    """Returns the result of the check in the form that `read_check` reads. Raises CheckFailed."""
    last: dict[str, Any] = {}

    async def take(line: dict[str, Any]) -> None:
        last.update(line)

    task = {"content": base64.b64encode(content).decode(), "name": name}
    try:
        status = await run_module(JOB, task, take, LONGEST_SECONDS)
    except TimeoutError as error:
        raise CheckFailed from error
    if status or "checked" not in last:
        raise CheckFailed
    return json.dumps(last["checked"], ensure_ascii=False)


def read_check(text: str) -> CheckedFile:
    """Returns the result of a check."""
    data = json.loads(text)
    consultation = None
    if data["content"] is not None:
        consultation = Consultation.model_validate({**data["content"], "revision": data["revision"]})
    issues = tuple(DefinitionIssue._make((*said, tuple(where))) for *said, where in data["issues"])
    lines = {tuple(where): line for where, line in data["lines"]}
    return CheckedFile(consultation, issues, lines=lines, text=data.get("text", ""))


def _in_plain(checked: CheckedFile) -> dict[str, Any]:
    consultation = checked.consultation
    return {
        "content": None if consultation is None else consultation.model_dump(mode="json"),
        "revision": consultation and consultation.revision,
        # errors first: the cut must not turn a broken file into one that can be published
        "issues": sorted(checked.issues, key=lambda it: it.warning)[:MOST_ISSUES],
        "lines": [[list(where), line] for where, line in checked.lines.items()],
        "text": checked.text,
    }


def print_check() -> None:
    """Checks the content of the task and prints the result."""
    task = read_task()
    found = yaml_source.parse_bytes(base64.b64decode(task["content"]), task["name"])
    report(checked=_in_plain(check_parsed_file(found, task["name"])))


if __name__ == "__main__":
    print_check()
