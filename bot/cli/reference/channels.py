"""What each channel guarantees, what it cannot do by nature, and what it can do besides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from adapters.base import (
    Closing,
    Fetching,
    Forgetting,
    Hooked,
    Introducing,
    Previewing,
    Reachable,
    Reporting,
    ShowingImages,
)
from adapters.guarantees import GUARANTEES, channel_classes, exceptions_of
from bot.cli.reference.markdown import item, paragraph

_INTRODUCTION: Final = (
    "`tests/test_adapters/test_contract.py` runs each guarantee against each channel, with a counterpart of the "
    "messenger. *No* means that the guarantee makes no sense with the channel; the reason is below. A channel declares "
    "its exceptions itself (`cannot` of its class); [channels.md](../develop/channels.md) shows how to write one."
)
_ABILITIES: Final = (
    ("sends images as files", ShowingImages),
    ("hands over voice messages and pictures", Fetching),
    ("stores data of its own, which an erasure deletes", Forgetting),
    ("shows what the bot is for before the first message", Introducing),
    ("has an address for posters and links", Reachable),
    ("can receive messages at a webhook", Hooked),
    ("reports later that a message did not arrive", Reporting),
    ("shows in advance how a message will look", Previewing),
    ("sends the last messages after `stop`", Closing),
)


def lines() -> Iterator[str]:
    yield from paragraph(_INTRODUCTION)
    names = [*channel_classes()]
    yield from ("## Guarantees", "")
    yield from _table(
        "guarantee", names, [(_words(each), [_gives(name, each) for name in names]) for each in GUARANTEES]
    )
    yield from ("## What a guarantee means", "")
    for each, meaning in GUARANTEES.items():
        yield from item(f"**{_words(each)}**: {meaning}")
    yield from ("", "## Guarantees that a channel does not give", "")
    for name in names:
        for each, reason in exceptions_of(name).items():
            yield from item(f"{name}, {_words(each)}: {reason}")
    yield from ("", "## Abilities beyond the guarantees", "")
    classes = channel_classes().values()
    yield from _table("ability", names, [(said, [issubclass(it, part) for it in classes]) for said, part in _ABILITIES])


def _table(about: str, names: list[str], rows: list[tuple[str, list[bool]]]) -> Iterator[str]:
    yield f"| {about} | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for said, cells in rows:
        yield f"| {said} | {' | '.join('yes' if cell else 'no' for cell in cells)} |"
    yield ""


def _gives(channel: str, guarantee: str) -> bool:
    return guarantee not in exceptions_of(channel)


def _words(guarantee: str) -> str:
    return guarantee.replace("_", " ")
