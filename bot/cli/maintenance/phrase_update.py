"""`i18n update`: brings templates and catalogues up to date with the code. No text is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from bot.cli.maintenance import phrase_template
from bot.cli.maintenance.phrase_places import Places, find_places
from bot.cli.maintenance.phrase_template import Entry, add_entries
from bot.common.errors import Say
from bot.common.i18n import phrase_catalogues
from bot.common.i18n.phrase_catalogues import DOMAINS, FOLDER, domains_of, entries, phrase_id, plural_forms


def update_catalogues(say: Say) -> None:
    """Writes the templates, merges each language and takes over files of the former layout, one per language."""
    former = {tag: path for tag in phrase_catalogues.catalogue_languages() if (path := FOLDER / f"{tag}.po").exists()}
    places = find_places()
    languages = {tag: _with_former(tag, former.get(tag), places) for tag in phrase_catalogues.catalogue_languages()}
    changed = [path for path, text in wanted_files(languages, places).items() if _write(path, text)]
    for path in former.values():
        path.unlink()
    say(f"{len(changed)} files changed" if changed else "everything is up to date")
    for path in (*changed, *former.values()):
        say(f"  {path.relative_to(FOLDER.parents[1])}")


def wanted_files(languages: Mapping[str, Mapping[str, Entry]], places: Places) -> dict[Path, str]:
    """Returns the text of each template and catalogue as the code and the languages want it."""
    template = phrase_template.merged_template(languages, places)
    files = {phrase_template.template_path(it): phrase_template.template_text(template, it) for it in DOMAINS}
    for tag, known in languages.items():
        for domain in domains_of(tag):
            path = phrase_catalogues.catalogue_path(tag, domain)
            files[path] = phrase_template.catalogue_text(template, domain, tag, known)
    return files


def _words_in(message: Message) -> list[str]:
    """Returns the words of a list that a former file has in one text, separated by commas."""
    words = plural_forms(message)[0].replace("،", ",").split(",")
    return [word.strip() for word in words if word.strip()]


def _mark_review(message: Message) -> None:
    """Replaces the flag `fuzzy` by the mark of texts without a review."""
    message.user_comments = [phrase_catalogues.UNREVIEWED] if "fuzzy" in message.flags else []
    message.flags.discard("fuzzy")


def _with_former(language: str, path: Path | None, places: Places) -> dict[str, Entry]:
    """Returns the phrases of a language with those in use that only its former file has; adds to `words.toml`."""
    known = phrase_template.read_entries(language)
    if path is None:
        return known
    messages = list(entries(read_po(BytesIO(path.read_bytes()))))
    lists = {phrase_id(it): it for it in messages if phrase_id(it).startswith("words.")}
    missing = lists.keys() - phrase_catalogues.read_words(language).keys()
    words = {name.removeprefix("words."): _words_in(it) for name, it in lists.items() if name in missing}
    if words:
        with phrase_catalogues.catalogue_path(language, "words", ".toml").open("a", encoding="utf-8") as file:
            file.write(words_text(words))
    for message in messages:
        _mark_review(message)
    add_entries(known, (it for it in messages if _is_taken_over(phrase_id(it), places)))
    return known


def _is_taken_over(phrase: str, places: Places) -> bool:
    return bool(places.files(phrase)) and not phrase.startswith("words.")


def words_text(words: Mapping[str, list[str]]) -> str:
    """Returns word lists as TOML, one word per line so that a change of one word is a change of one line."""
    lists = []
    for name, accepted in words.items():
        key = json.dumps(name) if "." in name else name
        lists.append("\n".join([f"{key} = [", *(f"  {json.dumps(it, ensure_ascii=False)}," for it in accepted), "]\n"]))
    return "\n".join(lists)


def _write(path: Path, text: str) -> bool:
    if path.exists() and path.read_text("utf-8") == text:
        return False
    path.write_text(text, "utf-8")
    return True
