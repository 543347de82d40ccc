"""The arguments of `/push`, in the words of each language."""

import pytest

from bot.broadcasts import segments
from bot.common.i18n import phrase_catalogues
from bot.staff.chat import argument_parser
from bot.staff.chat.argument_parser import PushArguments
from flows.commands.subscriptions import TOPICS
from flows.understanding.text import fold

WORDS = argument_parser.vocabulary(
    phrase_catalogues.load_phrases(tag).words("words.push") for tag in phrase_catalogues.catalogue_languages()
)
PLAIN = {"everybody", *segments.KEYS, *TOPICS, "and", "or", "not", "at", "per", "hour", "reminder", "sample", ""}
VERBS = {"status", "pause", "resume", "recall"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", PushArguments("", "", None, False)),
        (
            "(Bezirk = neukölln oder thema=Kieze)",
            PushArguments("(district=neukölln or topic=neighbourhoods)", "", None, False),
        ),
        (
            "teilgenommen=kieze und nicht begonnen=alle",
            PushArguments("took_part=kieze and not began=alle", "", None, False),
        ),
        ("am 2026-12-01 20 pro Stunde", PushArguments("", "2026-12-01", 20, False)),
        ("ab 1.12.2026 um 18.30 Uhr, alle", PushArguments("everybody", "1.12.2026 18.30", None, False)),
        ("erinnerung at 2026-12-01 18:00", PushArguments("", "2026-12-01 18:00", None, True)),
        ("Bezirk=01 Beispiel", PushArguments("district=01", "", None, False, is_sample=True)),
        ("--sample", PushArguments("", "", None, False, is_sample=True)),
        ("dil=tr ve channel=telegram", PushArguments("language=tr and channel=telegram", "", None, False)),
    ],
)
def test_reads_what_people_type(text: str, read: PushArguments) -> None:
    assert argument_parser.parse_push_arguments(text, WORDS) == read


def test_every_word_means_something_and_one_thing_only() -> None:
    assert set(WORDS.values()) <= PLAIN | VERBS
    means: dict[str, set[str]] = {}
    for tag in phrase_catalogues.catalogue_languages():
        for word, plain in argument_parser.vocabulary(
            [phrase_catalogues.load_phrases(tag).words("words.push")]
        ).items():
            assert word == fold(word)
            means.setdefault(word, set()).add(plain)
    assert {word: found for word, found in means.items() if len(found) > 1} == {}
    assert not {word for word, plain in WORDS.items() if word != plain} & (PLAIN | VERBS), "nor hides a plain one"
