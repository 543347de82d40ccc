"""Checks consultation files before they are published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from bot.authoring import file_check
from bot.common.errors import Say
from bot.consultations.definition_issues import DefinitionIssue
from bot.proposals import waves
from flows.definition import Consultation


def check_files(files: Sequence[Path], say: Say) -> bool:
    """Prints one line per issue; returns True if there are only warnings."""
    found = [file_check.read_consultation_file(file) for file in files]
    here = {checked.consultation.slug for checked in found if checked.consultation}
    for file, checked in zip(files, found, strict=True):
        for error in (*checked.issues, *_elsewhere(file, checked.consultation, here)):
            say(str(error))
    return all(checked.publishable is not None for checked in found)


def _elsewhere(file: Path, consultation: Consultation | None, here: Set[str]) -> Iterator[DefinitionIssue]:
    """Warns about earlier waves outside these files; publishing looks them up in the store."""
    for slug in waves.earlier_consultations(consultation) if consultation else ():
        if slug not in here:
            reason = f"it takes proposals of “{slug}”, and “{slug}” is not among these files"
            yield DefinitionIssue(str(file), 1, reason, f"publish {slug} first, else this is refused", warning=True)


def json_schema() -> str:
    """Returns the JSON Schema of consultation files, for editors."""
    return json.dumps(Consultation.model_json_schema(), ensure_ascii=False, indent=2)
