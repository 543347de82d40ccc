"""Files of GNU gettext (PO) for translators: the place of a text is its context, the text in the main language its id.

Format: https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html. Plural forms do not occur.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from babel.messages.pofile import normalize, unescape

from bot.exchange.translator_files.content import (
    MOST_TEXTS,
    TranslatedText,
    TranslatorFile,
    UnusableTranslation,
    version_in,
)

_LINE: Final = re.compile(r'(?:(msgctxt|msgid|msgstr)\s+)?("(?:[^"\\]|\\.)*")')
_HEADER: Final = re.compile(r"([\w-]+):[ \t]*(.*)")
_NAMES: Final = ("msgctxt", "msgid", "msgstr")


def write_po(file: TranslatorFile) -> bytes:
    """Returns the file; texts that must be read again are marked as fuzzy."""
    head = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Language": file.language,
        "X-Source-Language": file.source_language,
        "X-Draft-Version": file.version,
    }
    header = "".join(f"{name}: {value}\n" for name, value in head.items())
    parts = [f'msgid ""\nmsgstr {normalize(header)}\n']
    parts += (
        ("#, fuzzy\n" if it.is_unread and it.text else "")
        + f"msgctxt {normalize(it.place)}\nmsgid {normalize(it.source)}\nmsgstr {normalize(it.text)}\n"
        for it in file.texts
    )
    return "\n".join(parts).encode()


def read_po(content: bytes) -> TranslatorFile:
    """Reads a file. Raises UnusableTranslation."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableTranslation("unreadable") from error
    texts: list[TranslatedText] = []
    head: dict[str, str] = {}
    for entry in _entries(text):
        place, source, said = (entry.get(name, "") for name in _NAMES)
        if not source and not place:
            head |= dict(_HEADER.findall(said))
        elif place:
            texts.append(TranslatedText(place, source, said))
        if len(texts) > MOST_TEXTS:
            raise UnusableTranslation("unreadable", "too many texts")
    version = version_in(head.get("X-Draft-Version", ""))
    return TranslatorFile(head.get("Language", ""), head.get("X-Source-Language", ""), version, texts)


def _entries(text: str) -> Iterator[dict[str, str]]:
    """Yields the parts of each entry by keyword. Raises UnusableTranslation."""
    parts: dict[str, list[str]] = {}
    name = ""
    for keyword, said in _lines(text):
        if keyword and (keyword in parts or (keyword != "msgstr" and "msgstr" in parts)):
            yield _joined(parts)
            parts = {}
        name = keyword or name
        if not name:
            raise UnusableTranslation("unreadable")
        parts.setdefault(name, []).append(said)
    if parts:
        yield _joined(parts)


def _joined(parts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: "".join(said) for name, said in parts.items()}


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yields the keyword of each line, "" where a text continues, and its text. Raises UnusableTranslation."""
    for line in text.splitlines():
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        found = _LINE.fullmatch(plain)
        if found is None:
            raise UnusableTranslation("unreadable")
        yield found[1] or "", unescape(found[2])
