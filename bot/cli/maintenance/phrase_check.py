"""`i18n check`: what is wrong with the catalogues. Each finding names file, id and remedy. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import Final

from bot.cli.maintenance import phrase_template
from bot.cli.maintenance.phrase_places import Places, find_places
from bot.cli.maintenance.phrase_template import Entry, domain_of
from bot.cli.maintenance.phrase_update import wanted_files
from bot.common.i18n import phrase_catalogues
from bot.common.i18n.phrase_catalogues import DOMAINS, FOLDER, domains_of, entries, phrase_id

_UPDATE: Final = "run `python3 -m bot i18n update`"
_SOURCE: Final = "de"


def findings() -> list[str]:
    """Returns one sentence per fault: unknown, unused and missing ids, placeholders, plurals, notes, word lists."""
    languages = {tag: phrase_template.read_entries(tag) for tag in phrase_catalogues.catalogue_languages()}
    places = find_places()
    return [
        *_unknown_or_unused(languages[_SOURCE], places),
        *_missing(languages),
        *_broken_texts(languages),
        *_without_note(),
        *_words(),
        *_outdated(languages, places),
    ]


def _unknown_or_unused(source: Mapping[str, Entry], places: Places) -> Iterator[str]:
    for phrase, files in sorted(places.asked.items()):
        if "." in phrase and phrase not in source:
            yield f"{', '.join(sorted(files))}: the phrase {phrase} is in no catalogue: {_UPDATE}, then write its texts"
    for phrase in source:
        if not places.files(phrase):
            yield (
                f"flows/locale/{domain_of(phrase)}.pot: no code uses {phrase}: "
                "delete its entry in the template and in each language"
            )


def _missing(languages: Mapping[str, Mapping[str, Entry]]) -> Iterator[str]:
    known = dict.fromkeys(phrase for texts in languages.values() for phrase in texts)
    for tag, texts in languages.items():
        for phrase in known:
            if domain_of(phrase) not in domains_of(tag):
                continue
            if phrase not in texts or not (texts[phrase].texts.keys() & {"", "sie"}):
                yield f"{_file(tag, phrase)}: {phrase} has no text: write its msgstr"


def _broken_texts(languages: Mapping[str, Mapping[str, Entry]]) -> Iterator[str]:
    """Compares placeholders with the German text. A plural form may spell its number out: "two questions"."""
    for tag, texts in languages.items():
        plurals = phrase_catalogues.read_catalogue(tag, DOMAINS[0]).num_plurals
        for phrase, entry in texts.items():
            if (german := languages[_SOURCE].get(phrase)) is None:
                continue
            model = next(iter(german.texts.values()))
            for forms in entry.texts.values():
                if error := _form_error(forms, model, plurals):
                    yield f"{_file(tag, phrase)}: {phrase} {error}"


def _form_error(forms: Sequence[str], model: Sequence[str], plurals: int) -> str:
    """Returns what is wrong with the forms of a text, compared with the German ones; "" if nothing is."""
    is_plural, wanted = len(model) > 1, _placeholders(model[-1])
    if len(forms) != (plurals if is_plural else 1):
        return f"has {len(forms)} plural forms: write {plurals}"
    if not all(forms):
        return f"has an empty plural form: write all {plurals}"
    needed = wanted - {"n"} if is_plural else wanted
    if _placeholders(forms[-1]) != wanted or not all(needed <= _placeholders(form) <= wanted for form in forms):
        return (
            f"has other placeholders than German: use {', '.join(f'{{{name}}}' for name in sorted(wanted)) or 'none'}"
        )
    return ""


def _without_note() -> Iterator[str]:
    for domain in DOMAINS:
        for message in entries(phrase_template.read_template(domain)):
            if message.context != "du" and all(map(phrase_template.is_generated, message.auto_comments)):
                yield (
                    f"flows/locale/{domain}.pot: {phrase_id(message)} has no note for translators: "
                    f"write a line `#. where it is shown` above it, then {_UPDATE}"
                )


def _words() -> Iterator[str]:
    source = phrase_catalogues.read_words(_SOURCE)
    for tag in phrase_catalogues.catalogue_languages():
        words = phrase_catalogues.read_words(tag)
        for name in source.keys() ^ words.keys():
            where = tag if name in source else _SOURCE
            yield f"flows/locale/{where}/words.toml: the list {name.removeprefix('words.')} is missing: write it"
        for name, accepted in words.items():
            if not accepted:
                yield f"flows/locale/{tag}/words.toml: the list {name.removeprefix('words.')} is empty: write a word"


def _outdated(languages: Mapping[str, Mapping[str, Entry]], places: Places) -> Iterator[str]:
    """Places are compared by `update` only: code that moves needs no new catalogues."""
    for path, text in wanted_files(languages, places).items():
        if not path.exists() or _without_places(path.read_text("utf-8")) != _without_places(text):
            yield f"{path.relative_to(FOLDER.parents[1])}: is not up to date with the code: {_UPDATE}"
    for tag in languages:
        if (FOLDER / f"{tag}.po").exists():
            yield f"flows/locale/{tag}.po: has the former layout: {_UPDATE}"


def _without_places(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#:")]


def _placeholders(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:  # a single brace
        return {text}


def _file(tag: str, phrase: str) -> str:
    return f"flows/locale/{tag}/{domain_of(phrase)}.po"
