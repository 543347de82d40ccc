"""Reads a file into a checked consultation, or returns its issues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from bot.authoring import media, yaml_source
from bot.authoring.error_texts import explain_validation_error
from bot.common.i18n import phrase_catalogues
from bot.consultations.definition_issues import DefinitionIssue, line_of_path, path_in_words
from flows.authoring.check import check_consultation
from flows.authoring.sizes import NARROWEST, ChannelLimits
from flows.definition import Consultation
from flows.phrases import Phrases
from flows.questions.base import Where


class CheckedFile(NamedTuple):
    """The result of a check. `consultation` is None for a file that does not fit the model."""

    consultation: Consultation | None
    issues: tuple[DefinitionIssue, ...]
    media: Mapping[str, Path] = {}
    """The required recordings and images by media name; empty if the file names none."""
    lines: Mapping[Where, int] = {}
    """The lines of its parts in the file."""
    text: str = ""
    """The file as it was written; "" if there is none."""

    @property
    def publishable(self) -> Consultation | None:
        """Returns the consultation if there are only warnings, else None."""
        return None if any(not error.warning for error in self.issues) else self.consultation


def read_consultation_file(path: Path, catalogues: Mapping[str, Phrases] | None = None) -> CheckedFile:
    """Reads and checks a file. Never raises: every problem is returned as an issue with its line.

    >>> read_consultation_file(Path("nowhere.yaml")).issues[0].reason
    'there is no such file'
    """
    return check_parsed_file(yaml_source.load_yaml(path), str(path), catalogues, path.parent)


def check_parsed_file(
    found: yaml_source.ParsedFile,
    name: str,
    catalogues: Mapping[str, Phrases] | None = None,
    folder: Path | None = None,
    limits: ChannelLimits = NARROWEST,
) -> CheckedFile:
    """Checks parsed data (of a form or a test).

    Recordings and images are paths in `folder`; without a folder they must be media names, as in a published revision.
    """
    if found.data is None and found.issues:
        return CheckedFile(None, found.issues)
    if not isinstance(found.data, dict):
        return CheckedFile(
            None, (*found.issues, DefinitionIssue(name, 1, "this is not a consultation", "begin with “slug: …”"))
        )
    try:
        consultation = Consultation.model_validate(found.data)
    except ValidationError as error:
        return CheckedFile(None, _sorted([*found.issues, *_model_issues(error, found, name)]))
    except RecursionError:
        return CheckedFile(
            None, (*found.issues, DefinitionIssue(name, 1, "this is nested too deeply", "use fewer levels"))
        )
    problems = check_consultation(consultation, catalogues if catalogues is not None else all_phrases(), limits)
    consultation, files, unusable = media.find_media(consultation, folder)
    issues = [
        DefinitionIssue(
            name,
            line_of_path(it.where, found.lines),
            reason=_at(path_in_words(it.where, found.data), it.reason),
            remedy=it.remedy,
            warning=it.warning,
            where=it.where,
        )
        for it in (*problems, *unusable)
    ]
    return CheckedFile(consultation, _sorted([*found.issues, *issues]), files, found.lines, found.text)


def canonical_content(consultation: Consultation) -> str:
    """Returns the stored form of a consultation: canonical, so that equal consultations have equal content.

    Names are sorted. The order of the languages is kept, because the model writes them as a list.
    """
    data = consultation.model_dump(mode="json")
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def content_digest(stored: str) -> str:
    """Returns the SHA-256 of stored content, which identifies a revision."""
    return hashlib.sha256(stored.encode()).hexdigest()


def all_phrases() -> dict[str, Phrases]:
    """Returns the phrases in every available language."""
    return {language: phrase_catalogues.load_phrases(language) for language in phrase_catalogues.catalogue_languages()}


_CONTAINERS = frozenset({"questions", "options", "exits", "contact", "retention", "languages"})


def _model_issues(error: ValidationError, found: yaml_source.ParsedFile, name: str) -> Iterator[DefinitionIssue]:
    for where, reason, remedy in explain_validation_error(error):
        line, said = line_of_path(where, found.lines), _at(path_in_words(_containers(where), found.data), reason)
        yield DefinitionIssue(name, line, said, remedy, where=where)


def _containers(where: Where) -> Where:
    """Returns the part of a path that identifies the question, option or exit; the sentence itself names the field."""
    kept: Where = ()
    for before, part in zip(("", *where), where, strict=False):
        is_entry = isinstance(part, int) and before in _CONTAINERS
        if is_entry or (part in _CONTAINERS and part != where[-1]):
            kept = (*kept, part)
    return kept


def _at(words: str, reason: str) -> str:
    return f"{words}: {reason}" if words else reason


def _sorted(issues: list[DefinitionIssue]) -> tuple[DefinitionIssue, ...]:
    """Sorts the issues in the order of the file and removes duplicates."""
    said = {it._replace(where=()): it for it in sorted(issues, key=lambda error: error.line, reverse=True)}
    return tuple(sorted(said.values(), key=lambda error: error.line))
