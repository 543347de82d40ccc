"""Writes the templates of the catalogues and merges each language with them. No text is lost.

The template of a domain (`flows/locale/DOMAIN.pot`) lists all ids with their places and the notes for translators.
Notes are written by hand in the template and kept; places and the line "Filled in" are written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from string import Formatter
from textwrap import wrap
from typing import Final, NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from bot.cli.maintenance.phrase_places import Places
from bot.common.i18n import phrase_catalogues
from bot.common.i18n.phrase_catalogues import DOMAINS, domains_of, entries, phrase_id, plural_forms

_PREFIXES: Final = {
    "web.": "pages",
    "results.": "pages",
    "desk.": "staff",
    "button.desk.": "staff",
    "staff.": "staff",
    "console.": "console",
    "push.": "staff",
    "button.push.": "staff",
    # The message itself, which residents read.
    **dict.fromkeys(
        ("push.reminder", "push.new", "push.asks", "push.minutes", "push.how", "push.because", "push.stop"), "dialogue"
    ),
}
_FILLED_IN: Final = "Filled in: "
_HEADER: Final = """\
msgid ""
msgstr ""
"Project-Id-Version: mitsprache\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural}\\n"

"""


class Entry(NamedTuple):
    """A phrase in one language: its message for each context ("sie", "du", or "" where one text serves both)."""

    messages: dict[str, Message]

    @property
    def texts(self) -> dict[str, tuple[str, ...]]:
        return {context: plural_forms(message) for context, message in self.messages.items()}


class TemplateEntry(NamedTuple):
    """A phrase in the template."""

    phrase: str
    is_plural: bool
    has_forms_of_address: bool
    notes: tuple[str, ...]
    files: tuple[str, ...]


def domain_of(phrase: str) -> str:
    """Returns the domain of a phrase: the longest prefix decides.

    >>> domain_of("web.home.title"), domain_of("push.stale"), domain_of("push.new"), domain_of("help")
    ('pages', 'staff', 'dialogue', 'dialogue')
    """
    found = [prefix for prefix in _PREFIXES if phrase.startswith(prefix)]
    return _PREFIXES[max(found, key=len)] if found else "dialogue"


def is_generated(note: str) -> bool:
    """Whether a note of the template is written by the program, not by hand."""
    return note.startswith(_FILLED_IN)


def template_path(domain: str) -> Path:
    return phrase_catalogues.FOLDER / f"{domain}.pot"


def read_template(domain: str) -> Catalog:
    """Returns the template of a domain; an empty one if there is none yet."""
    path = template_path(domain)
    return read_po(BytesIO(path.read_bytes())) if path.exists() else Catalog()


def read_entries(language: str) -> dict[str, Entry]:
    """Returns all phrases of a language, from every domain, with those that another tool has marked as obsolete."""
    found: dict[str, Entry] = {}
    for domain in domains_of(language):
        catalogue = phrase_catalogues.read_catalogue(language, domain)
        add_entries(found, (*entries(catalogue), *catalogue.obsolete.values()))
    return found


def add_entries(found: dict[str, Entry], messages: Iterable[Message]) -> None:
    """Adds messages; a text that is already there stays."""
    for message in messages:
        if any(plural_forms(message)):
            found.setdefault(phrase_id(message), Entry({})).messages.setdefault(message.context or "", message)


def merged_template(languages: Mapping[str, Mapping[str, Entry]], places: Places) -> list[TemplateEntry]:
    """Returns all entries of all domains: those of the templates in their order, then new ones by id.

    An id belongs to the template if the old template, a language or a call in the code names it.
    """
    old = {phrase_id(it): it for domain in DOMAINS for it in entries(read_template(domain))}
    german = languages["de"]
    asked = sorted(phrase for phrase in places.asked if "." in phrase)
    known = [*old, *(phrase for texts in languages.values() for phrase in texts), *asked]
    return [_template_entry(phrase, old.get(phrase), german, languages, places) for phrase in dict.fromkeys(known)]


def _names_filled_in(text: str) -> list[str]:
    """Returns the note about the names in braces, in lines."""
    names = dict.fromkeys(name for _, name, _, _ in Formatter().parse(text) if name)
    return [_FILLED_IN + line for line in wrap(", ".join(f"{{{name}}}" for name in names), 60)]


def _template_entry(
    phrase: str,
    old: Message | None,
    german: Mapping[str, Entry],
    languages: Mapping[str, Mapping[str, Entry]],
    places: Places,
) -> TemplateEntry:
    notes = [line for line in (old.auto_comments if old else ()) if not is_generated(line)]
    forms = next(filter(any, german[phrase].texts.values()), None) if phrase in german else None
    is_plural = len(forms) > 1 if forms else bool(old and old.pluralizable)
    notes += _names_filled_in(forms[-1]) if forms else []
    has_forms = any("du" in entry[phrase].texts for entry in languages.values() if phrase in entry)
    return TemplateEntry(phrase, is_plural, has_forms, tuple(notes), tuple(places.files(phrase)))


def template_text(template: Iterable[TemplateEntry], domain: str) -> str:
    """Returns the text of a template."""
    header = _HEADER.format(language="", plural="nplurals=2; plural=(n != 1);")
    catalogue = _with_header(header)
    for entry in template:
        if domain_of(entry.phrase) == domain:
            for context in ("sie", "du") if entry.has_forms_of_address else ("",):
                _add(catalogue, entry, context, None)
    return header + written(catalogue)


def catalogue_text(template: Iterable[TemplateEntry], domain: str, language: str, known: Mapping[str, Entry]) -> str:
    """Returns the text of a catalogue merged with the template.

    A language that distinguishes forms of address gets both of them; the second is a copy where there was one text.
    """
    plural = phrase_catalogues.read_catalogue(language, DOMAINS[0]).plural_forms
    header = _HEADER.format(language=language, plural=plural)
    catalogue = _with_header(header)
    contexts = ("sie", "du") if any("du" in entry.messages for entry in known.values()) else ("sie",)
    for entry in template:
        if domain_of(entry.phrase) == domain:
            found = known[entry.phrase].messages if entry.phrase in known else {}
            for context in contexts if entry.has_forms_of_address else ("",):
                source = next((it for it in (context, "sie", "") if it in found), "")
                _add(catalogue, entry, context, found.get(source))
    return header + written(catalogue)


def _with_header(header: str) -> Catalog:
    return read_po(BytesIO(header.encode()))


def _add(catalogue: Catalog, entry: TemplateEntry, context: str, known: Message | None) -> None:
    """Adds an entry with the texts, comments and flags of a known message."""
    id_ = (entry.phrase, entry.phrase) if entry.is_plural else entry.phrase
    texts = plural_forms(known) if known else ()
    string = (texts or ("",) * catalogue.num_plurals) if entry.is_plural else (texts[0] if texts else "")
    message = Message(id_, string, auto_comments=entry.notes, context=context or None)
    message.locations = [(file, None) for file in entry.files]  # type: ignore[misc]
    if known:
        message.user_comments = list(known.user_comments)
        message.flags = set(known.flags)
    catalogue[id_] = message


def written(catalogue: Catalog) -> str:
    """Returns the text of a catalogue without its header."""
    out = BytesIO()
    write_po(out, catalogue, width=0, omit_header=True, include_lineno=False, ignore_obsolete=True)
    return out.getvalue().decode("utf-8").lstrip("\n")
