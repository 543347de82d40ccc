"""Takes out of each lock the entries of those before it: `python -m tests.support.lock_layers`, after locking again.

uv writes each lock whole. Installed together, run, test and dev are the same packages (docs/operate/install.md).
"""

from __future__ import annotations

import re

from bot.bootstrap import install


def entries_of(text: str) -> list[str]:
    """Return the requirements of a lock, each with its hashes."""
    return [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]


def added(whole: str, *before: str) -> str:
    """Return what a lock adds to the others.

    >>> added("a==1\\nb==2\\n", "a==1\\n")
    'b==2\\n'
    """
    known = {entry for text in before for entry in entries_of(text)}
    return "".join(f"{entry}\n" for entry in entries_of(whole) if entry not in known)


def main() -> None:
    before: list[str] = []
    for level in install.LEVELS:
        file = install.lock_of(level)
        text = added(file.read_text(encoding="utf-8"), *before)
        file.write_text(text, encoding="utf-8")
        before.append(text)


if __name__ == "__main__":
    main()
