"""The catalogues held against each other and against the program that says them."""

import gettext
import re
from collections import Counter
from collections.abc import Iterator
from string import Formatter

import pytest
from babel.core import Locale
from babel.messages.catalog import Message

from bot.common.i18n import phrase_catalogues
from bot.common.i18n.phrase_catalogues import CONSOLE_LANGUAGES
from flows.authoring.readability import simple_hints
from flows.commands.words import Command, CommandMatcher
from flows.languages import LANGUAGES as NAMES
from flows.understanding.text import fold

LANGUAGES = phrase_catalogues.catalogue_languages()
# These address the person, so there must be a second text for the other form of address.
ADDRESSES = {
    "de": re.compile(r"\b(Sie|Ihr|Ihre[nmrs]?|Ihnen)\b"),
    "de-simple": re.compile(r"\b(Sie|Ihr|Ihre[nmrs]?|Ihnen)\b"),
    "tr": re.compile(
        r"\w(iniz|ınız|unuz|ünüz|siniz|sınız|sunuz|sünüz|yorsunuz)\b|\b(siz|size|sizi|sizin|sizden)\b", re.I
    ),
    "ru": re.compile(r"\b(вы|вас|вам|вами|ваш\w*)\b|\w(йте|(?<!защ)ите|(?<!анк)ете|ёте|ьте)\b", re.I),
    "uk": re.compile(r"\b(ви|вас|вам|вами|ваш\w*)\b|\w(йте|іть|ите|ете|єте|їте)\b", re.I),
    # "защите" and "анкете" are nouns. Polish says neither Pan nor Pani, and asks by "proszę" with an infinitive.
    "pl": re.compile(r"\b(proszę|państw\w*|pan|pana|panu|panem|pani|panią)\b", re.I),
}
INFORMAL = {
    "de": re.compile(r"\b(du|dich|dir|dein\w*)\b", re.I),
    "de-simple": re.compile(r"\b(du|dich|dir|dein\w*)\b", re.I),
    "ru": re.compile(r"\b(ты|тебя|тебе|тобой|тво\w+)\b|\w(ешь|ишь)\b|\b(на)?пиши\b|\bвыбери\b", re.I),
    "uk": re.compile(r"\b(ти|тебе|тобі|тобою|тво\w+)\b|\w(еш|єш|иш|їш)\b|\b(на)?пиши\b|\bвибери\b", re.I),
    # Buttons may say "wpisz" and "zapisz", as everywhere.
    "pl": re.compile(r"\b(ty|ciebie|cię|tobie|tobą|tw[oó]j\w*)\b|\w(esz|(?<!p)isz|ysz)\b|\b(napisz|wybierz)\b", re.I),
}
ANONYMOUS = re.compile("anonym|anonim|аноним|анонім", re.I)
DENIED = re.compile(r"\b(nicht|not|değil\w*|nie|не|а не)\b", re.I)


def messages(language: str) -> Iterator[Message]:
    for domain in phrase_catalogues.domains_of(language):
        yield from phrase_catalogues.entries(phrase_catalogues.read_catalogue(language, domain))


def entries(language: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Form of address and id → all plural forms; the form is "" for the formal text."""
    return {
        ("du" if it.context == "du" else "", phrase_catalogues.phrase_id(it)): phrase_catalogues.plural_forms(it)
        for it in messages(language)
    }


def is_of_console(phrase: str) -> bool:
    return phrase.startswith("console.")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_language_of_the_house_has_a_catalogue():
    assert LANGUAGES == tuple(NAMES) == ("de", "de-simple", "en", "tr", "ar", "ru", "uk", "pl")
    assert {path.name for path in phrase_catalogues.FOLDER.iterdir() if path.is_dir()} == set(LANGUAGES)


def test_unknown_language_error_lists_the_known_ones():
    with pytest.raises(
        phrase_catalogues.PhrasesError, match=r"does not speak 'vi' yet; there is de, de-simple, en, tr, ar, ru"
    ):
        phrase_catalogues.load_phrases("vi")
    with pytest.raises(phrase_catalogues.PhrasesError):
        phrase_catalogues.load_phrases("../../etc/passwd")


@pytest.mark.parametrize("language", LANGUAGES)
class TestCatalogue:
    def test_says_exactly_the_same_phrases(self, language: str):
        expected = {name for _, name in entries("de") if language in CONSOLE_LANGUAGES or not is_of_console(name)}
        assert {name for form, name in entries(language) if not form} == expected

    def test_informal_phrases_are_formal_ones_too(self, language: str):
        formal = {name for form, name in entries(language) if not form}
        assert {form for form, _ in entries(language)} <= {"", "du"}
        assert {name for form, name in entries(language) if form} <= formal

    def test_no_id_stands_twice(self, language: str):
        ids = Counter((it.context, phrase_catalogues.phrase_id(it)) for it in messages(language))
        texts = [
            phrase_catalogues.catalogue_path(language, domain).read_text("utf-8")
            for domain in phrase_catalogues.domains_of(language)
        ]
        assert sum(len(re.findall(r'^msgid "[^"]', text, re.MULTILINE)) for text in texts) == len(ids)
        assert [it for it, count in ids.items() if count > 1] == []

    def test_no_text_is_empty_or_has_loose_ends(self, language: str):
        for (form, name), texts in entries(language).items():
            for text in texts:
                assert text.strip(), (form, name)
                assert text == text.strip() or name == "list.comma", (form, name)
                assert "  " not in text, (form, name)

    def test_has_the_placeholders_of_the_german_text(self, language: str):
        german = entries("de")
        for (form, name), texts in entries(language).items():
            # A plural form may spell its number out: "two questions".
            spelt = {"n"} if len(texts) > 1 else set()
            wanted = placeholders(german["", name][0])
            assert placeholders(texts[-1]) == wanted, (form, name)
            for text in texts:
                assert wanted - spelt <= placeholders(text) <= wanted, (form, name)

    def test_has_a_form_for_every_number(self, language: str):
        catalogue = phrase_catalogues.read_catalogue(language, "dialogue")
        plural = {name for (_, name), texts in entries("de").items() if len(texts) > 1}
        for (form, name), texts in entries(language).items():
            if name in plural:
                assert len(texts) == catalogue.num_plurals, (form, name)
        said = phrase_catalogues.load_phrases(language)
        for number in range(201):
            assert said.text("status.question", "sie", n=number, question="?")

    def test_names_no_command_twice(self, language: str):
        words = {command: phrase_catalogues.load_phrases(language).words(f"words.{command}") for command in Command}
        claimed = Counter(word for command in Command for word in {fold(word) for word in words[command]})
        assert [word for word, count in claimed.items() if count > 1] == []
        assert all(words.values())

    def test_the_words_it_tells_people_to_type_are_understood(self, language: str):
        commands = CommandMatcher([phrase_catalogues.load_phrases(language)])
        for form in ("sie", "du"):
            _, *lines = phrase_catalogues.load_phrases(language).text("help", form).splitlines()
            for word in re.sub(r" \(.*?\)", "", " · ".join(lines)).split(" · "):
                assert commands.find(fold(word)), word

    def test_every_word_list_is_a_list(self, language: str):
        said = phrase_catalogues.load_phrases(language)
        for name in phrase_catalogues.read_words("de"):
            assert said.words(name), name
            assert said.words(name) == [word.strip() for word in said.words(name)], name
        assert len(said.words("words.numbers")) == 13, "zero to twelve"

    def test_never_promises_leichte_sprache_or_anonymity(self, language: str):
        for texts in entries(language).values():
            for text in texts:
                assert not re.search(r"leichte[rn]? sprache", text, re.IGNORECASE)
                for sentence in re.split(r"[.!?]\s", text):
                    assert not ANONYMOUS.search(sentence) or DENIED.search(sentence), sentence


def test_no_word_means_two_commands_in_two_languages():
    # People mix languages, and all that are offered are understood at once.
    means: dict[str, set[Command]] = {}
    for language in LANGUAGES:
        for command in Command:
            for word in phrase_catalogues.load_phrases(language).words(f"words.{command}"):
                means.setdefault(fold(word), set()).add(command)
    assert {word: found for word, found in means.items() if len(found) > 1} == {}


@pytest.mark.parametrize("language", sorted(ADDRESSES))
def test_every_formal_text_has_an_informal_one(language: str):
    known = entries(language)
    for (form, name), texts in known.items():
        if form or is_of_console(name):  # the console says Sie to all members
            continue
        if any(ADDRESSES[language].search(text) for text in texts):
            assert ("du", name) in known, f"{name} has no text for du"
            assert not any(ADDRESSES[language].search(text) for text in known["du", name]), name


@pytest.mark.parametrize("language", sorted(INFORMAL))
def test_nobody_is_addressed_informally_by_mistake(language: str):
    for (form, name), texts in entries(language).items():
        if not form:
            assert not any(INFORMAL[language].search(text) for text in texts), name


def test_einfache_sprache_is_simple():
    for (_, name), texts in entries("de-simple").items():
        assert [hint for text in texts for hint in simple_hints(text)] == [], name


def test_knows_what_no_speaker_has_read():
    for language in LANGUAGES:
        everything = {name for _, name in entries(language)}
        assert phrase_catalogues.unreviewed_phrases(language) == (
            frozenset() if language in {"de", "en"} else everything
        )


def test_unreviewed_phrases_are_said_all_the_same():
    assert phrase_catalogues.load_phrases("tr").text("button.skip", "sie") == "Geç"
    assert phrase_catalogues.load_phrases("ar").text("choices.missing", "du", n=2) == "يرجى اختيار إجابتين أخريين."


@pytest.mark.parametrize(
    ("language", "one", "few", "many"),
    [
        ("ru", "ещё 1 ответ.", "ещё 3 ответа.", "ещё 5 ответов."),
        ("uk", "ще 1 відповідь.", "ще 3 відповіді.", "ще 5 відповідей."),
        ("pl", "jeszcze 1 odpowiedź.", "jeszcze 3 odpowiedzi.", "jeszcze 5 odpowiedzi."),
    ],
)
def test_slavic_languages_count_in_three_forms(language: str, one: str, few: str, many: str):
    for number, ending in ((1, one), (3, few), (5, many)):
        assert phrase_catalogues.load_phrases(language).text("choices.missing", "du", n=number).endswith(ending)
    # Russian and Ukrainian count 21 like 1, Polish like 5; eleven is many everywhere.
    like = {
        number: phrase_catalogues.load_phrases(language)
        .text("status.question", "sie", n=number, question="")
        .replace(f"{number} ", "")
        for number in (1, 5, 11, 21, 22, 112)
    }
    assert (like[21] == like[1]) == (language != "pl")
    assert like[11] == like[5] == like[112] != like[22]


# Turkish counts "5 soru", never "5 sorular": one form is enough, regardless of the verb.
@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "tr"])
def test_plural_forms_are_those_of_cldr(language: str):
    ours = gettext.c2py(phrase_catalogues.read_catalogue(language, "dialogue").plural_expr)
    of_cldr = Locale.parse(language.partition("-")[0]).plural_form
    together = {(of_cldr(number), ours(number)) for number in range(201)}
    assert len(together) == len({theirs for theirs, _ in together}) == len({form for _, form in together})


@pytest.mark.parametrize(
    ("language", "typed", "meant"),
    [
        ("ru", "Назад", "back"),
        ("ru", "nazad", "back"),
        ("ru", "Ещё раз!", "repeat"),
        ("ru", "еще раз", "repeat"),
        ("ru", "изменить 2", "change"),
        ("ru", "Стоп.", "stop"),
        ("uk", "далі", "continue"),
        ("uk", "мої дані", "mydata"),
        ("uk", "Допомога", "help"),
        ("pl", "pomiń", "skip"),
        ("pl", "pomin", "skip"),
        ("pl", "zmien 3", "change"),
        ("pl", "usun wszystko", "delete_all"),
        ("pl", "pomoc", "help"),
        ("pl", "dalej", "continue"),
    ],
)
def test_chat_words_as_people_type_them(language: str, typed: str, meant: str):
    spoken = CommandMatcher([phrase_catalogues.load_phrases(language)]).find(fold(typed))
    assert spoken
    assert spoken.command.value == meant


def test_a_damaged_catalogue_is_a_clear_error(tmp_path, monkeypatch):
    damaged = {"de": b'msgid "a"\nmsgstr "\xff"\n', "en": b'msgid "a"\nnonsense "b"\n'}
    monkeypatch.setattr(phrase_catalogues, "FOLDER", tmp_path)
    for language, content in damaged.items():
        (tmp_path / language).mkdir()
        (tmp_path / language / "pages.po").write_bytes(content)
        (tmp_path / language / "words.toml").write_bytes(content)
        with pytest.raises(phrase_catalogues.PhrasesError, match=rf"{language}/pages\.po cannot be read"):
            phrase_catalogues.read_catalogue(language, "pages")
        with pytest.raises(phrase_catalogues.PhrasesError, match=rf"{language}/words\.toml cannot be read"):
            phrase_catalogues.read_words(language)


def test_a_missing_phrase_names_file_key_and_remedy():
    with pytest.raises(KeyError, match=r"flows/locale/de/\*\.po have no phrase 'hint\.new': run .*i18n update"):
        phrase_catalogues.load_phrases("de").text("hint.new", "sie")
    with pytest.raises(KeyError, match=r"flows/locale/de/words\.toml has no list 'new'"):
        phrase_catalogues.load_phrases("de").words("words.new")


def test_unreviewed_and_fuzzy_texts_are_marked():
    marked = [Message("a", "b", user_comments=["review: none"]), Message("a", "b", flags=["fuzzy"])]
    assert [phrase_catalogues.is_unreviewed(it) for it in (*marked, Message("a", "b"))] == [True, True, False]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_way_back_that_is_named_is_understood(language):
    spoken = phrase_catalogues.load_phrases(language)
    known = {fold(word) for word in (Command.START, *spoken.words("words.start"))}
    assert fold(spoken.text("button.start", "sie")) in known
