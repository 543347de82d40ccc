"""Texts about broadcasts for the command line and the staff chat, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from bot.broadcasts.audience import AudienceCount
from bot.broadcasts.sending_times import SendingTimes
from bot.common.i18n import formats
from bot.settings import Settings
from flows.languages import LANGUAGES
from flows.messages import MsgOut, QuickReply
from flows.phrase_families import PUSH_BUTTONS, PUSH_OBSTACLES
from flows.renderer import Renderer
from storage.tables.broadcasts import StoredBroadcast

Translate = Callable[..., str]
"""Formats a phrase with its values, in the language of a chat or of the command line."""


_WORD: Final = re.compile(r"(?<![\w-])[a-z_]+(?![\w-])")


def describe_segment(push: StoredBroadcast, say: Translate, words: Iterable[str] = ()) -> str:
    """Describes the segment of a push. `words`: segment keywords of a language ("thema/topic", `words.push`)."""
    if push.segment == "everybody":
        return say("push.everybody")
    called: dict[str, str] = {}
    for entry in words:
        word, _, plain = entry.partition("/")
        called.setdefault(plain, word)
    return _WORD.sub(lambda found: called.get(found[0], found[0]), push.segment)


def describe_count(count: AudienceCount, say: Translate) -> Iterator[str]:
    """Describes a dry run: recipients by channel and language, and skipped contacts by reason."""
    yield say("push.count", number=count.total)
    for (channel, language), number in sorted(count.recipients.items()):
        yield say("push.cell", channel=channel, language=LANGUAGES[language].name, number=number)
    for obstacle, number in sorted(count.obstacles.items()):
        yield say("push.left_out", number=number, reason=say(PUSH_OBSTACLES[obstacle]))


def describe_time(settings: Settings, push: StoredBroadcast, now: datetime, say: Translate, language: str) -> str:
    """Describes when the first message is sent."""
    first = SendingTimes.of(settings).next_open(max(push.starts_at, now))
    if first <= now:
        return say("push.when_now")
    local = first.astimezone(settings.zone())
    return say("push.when", day=formats.date(local.date(), language), time=f"{local:%H:%M}")


def dry_run_message(
    settings: Settings, push: StoredBroadcast, count: AudienceCount, now: datetime, renderer: Renderer
) -> MsgOut:
    """Builds the dry run message of the staff chat, with buttons to confirm or cancel."""
    lines = [
        f"{push.slug}, {describe_segment(push, renderer.text, renderer.words('words.push'))}",
        *describe_count(count, renderer.text),
    ]
    if not count.total:
        return renderer.message("\n".join([*lines, renderer.text("push.nobody")]))
    lines += [describe_time(settings, push, now, renderer.text, renderer.language), renderer.text("push.confirm")]
    buttons = [
        QuickReply(renderer.command_token("push", verb, push.id), renderer.text(PUSH_BUTTONS[verb]))
        for verb in ("yes", "no")
    ]
    return renderer.message("\n".join(lines), buttons)
