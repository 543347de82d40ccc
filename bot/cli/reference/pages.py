"""The generated pages of docs/reference by file name."""

from __future__ import annotations

from bot.cli.reference import channels, chat_words, commands, log_events, question_types, routes, settings_page, tables
from bot.cli.reference.markdown import finish_page


def reference_pages() -> dict[str, str]:
    """Returns the text of each page. The same code gives the same text, on every machine."""
    return {
        "settings.md": finish_page("settings", settings_page.lines()),
        "commands.md": finish_page("commands", commands.lines()),
        "channels.md": finish_page("channels", channels.lines()),
        "chat-words.md": finish_page("chat words", chat_words.lines()),
        "question-types.md": finish_page("question types", question_types.lines()),
        "tables.md": finish_page("tables and views", tables.lines()),
        "routes.md": finish_page("web routes", routes.lines()),
        "log-events.md": finish_page("log events", log_events.lines()),
    }
