"""Writes the generated pages of docs/reference, or with `--check` says which are out of date.

`.venv/bin/python -m bot.cli.reference` runs in the folder of the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bot.cli.options import say
from bot.cli.reference.pages import reference_pages

FOLDER = Path("docs/reference")


def main(arguments: list[str]) -> int:
    """Returns the exit code: 1 if a page was or is out of date and `--check` is given."""
    is_check = "--check" in arguments
    stale = 0
    for name, text in reference_pages().items():
        page = FOLDER / name
        if page.exists() and page.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if not is_check:
            page.write_text(text, encoding="utf-8")
        say(f"{page} is out of date: run `python -m bot.cli.reference`" if is_check else f"{page} is written")
    return 1 if stale and is_check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
