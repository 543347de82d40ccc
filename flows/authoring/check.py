"""Checks before publishing, beyond the schema: completeness, translations, logic, consent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from flows.authoring import advice, braces, images, logic, sizes
from flows.authoring.sizes import NARROWEST, ChannelLimits
from flows.commands.words import Command, CommandMatcher
from flows.conditions import Condition, Equal
from flows.definition import Consultation, ContactPerson
from flows.languages import LANGUAGES
from flows.phrases import Phrases
from flows.questions.base import Problem, Question, Where
from flows.understanding.text import clean_text, fold
from flows.wording import Review, Text

_FILLED_IN = ("title", "asks", "why", "readers", "decides", "feedback", "audience")
_PLACEHOLDER = re.compile(r"[\W_]*(?:todo|tbd|tba|fixme|x{2,}|n/?a|lorem ipsum.*)?[\W_]*", re.IGNORECASE | re.DOTALL)
_LEICHTE_SPRACHE = re.compile(r"\bleichte[rn]?[ -]sprache\b", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check_consultation(
    consultation: Consultation, catalogues: Mapping[str, Phrases], limits: ChannelLimits = NARROWEST
) -> list[Problem]:
    """Returns all problems of a consultation, each with its path in the file; publishing fails unless all are warnings.

    `catalogues` are the bot's own phrases: they count for the length of messages, and answers should not equal a
    command.
    """
    problems = [
        *_filled_in(consultation),
        *_contact_and_dates(consultation),
        *_languages(consultation, catalogues),
        *_texts(consultation),
        *_recordings(consultation),
        *images.image_problems(consultation),
        *(
            Problem(("questions", index, *where), reason, remedy, warning)
            for index, node in enumerate(consultation.questions)
            for where, reason, remedy, warning in node.problems()
        ),
        *_added_keys(consultation),
        *_consent(consultation),
        *_own_consent(consultation),
        *braces.brace_problems(consultation),
        *logic.logic_problems(consultation),
    ]
    if not consultation.asked():
        problems.append(Problem(("questions",), "nothing is asked", "add at least one question"))
    sound = not any(not problem.warning for problem in problems)
    problems += _chat_words(consultation, catalogues)
    if sound:
        problems += sizes.size_problems(consultation, catalogues, limits)
    return [*problems, *advice.advice(consultation)]


def _filled_in(consultation: Consultation) -> Iterator[Problem]:
    named: list[tuple[Where, Text]] = [((name,), getattr(consultation, name)) for name in _FILLED_IN]
    named.append((("retention", "remains"), consultation.retention.remains))
    named.append((("contact", "name"), consultation.contact.name))
    for where, text in named:
        for tag, wording in text.items():
            if _PLACEHOLDER.fullmatch(wording.text):
                yield Problem(
                    (*where, tag),
                    f"“{wording.text}” is a placeholder",
                    "write the text; residents need this information",
                )


def _contact_and_dates(consultation: Consultation) -> Iterator[Problem]:
    yield from _contact(consultation.contact)
    yield from _dates(consultation)


def _contact(contact: ContactPerson) -> Iterator[Problem]:
    if not any(way.strip() for way in (contact.phone, contact.email, contact.web)):
        yield Problem(
            ("contact",),
            "there is no way to contact this person",
            "give a phone number, an email address or a web page",
        )
    if contact.phone and not re.search(r"\d{3}", contact.phone.replace(" ", "")):
        yield Problem(("contact", "phone"), f"“{contact.phone}” is not a phone number", "write digits")
    if contact.email and not _EMAIL.fullmatch(contact.email):
        yield Problem(("contact", "email"), f"“{contact.email}” is not an email address", "write name@example.org")
    if contact.web and not contact.web.startswith(("https://", "http://")):
        yield Problem(("contact", "web"), f"“{contact.web}” is not a web address", "begin with https://")


def _dates(consultation: Consultation) -> Iterator[Problem]:
    opens, closes = consultation.opens, consultation.closes
    if opens and closes and closes < opens:
        yield Problem(("closes",), f"it closes ({closes}) before it opens ({opens})", "swap or correct the two dates")
    if closes is None and not consultation.sample:
        reason = "the closing date is missing, so residents cannot know when it ends and when answers are deleted"
        yield Problem(("closes",), reason, "add closes: year-month-day", True)


def _languages(consultation: Consultation, catalogues: Mapping[str, Phrases]) -> Iterator[Problem]:
    offered = consultation.languages
    for tag, offer in offered.items():
        where = ("languages", tag)
        if tag not in LANGUAGES:
            yield Problem(where, f"the language “{tag}” is not known", f"use {', '.join(LANGUAGES)}")
        elif tag not in catalogues:
            known = ", ".join(catalogues)
            yield Problem(where, f"the bot has no phrases in “{tag}”", f"offer only {known}, or add a catalogue")
        if offer.fallback is not None and offer.fallback not in offered:
            yield Problem(
                where, f"the fallback “{offer.fallback}” is not an offered language", "name an offered language"
            )
        elif tag in _chain(tag, consultation.fallbacks):
            yield Problem(where, "the fallbacks form a circle", "remove the fallback of one of them")
    yield from _untranslated(consultation)
    yield from _unused_or_unreviewed(consultation)


def _untranslated(consultation: Consultation) -> Iterator[Problem]:
    offered = consultation.languages
    borrowed: Counter[str] = Counter()
    for path, text in consultation.texts():
        for tag in offered:
            if tag in text.languages():
                continue
            if text.languages().isdisjoint(_chain(tag, consultation.fallbacks)):
                yield Problem(path, f"the text is missing in “{tag}”", f"translate it, or give “{tag}” a fallback")
            else:
                borrowed[tag] += 1
    for tag, count in borrowed.items():
        reason = f"texts missing and shown in “{offered[tag].fallback}” instead: {count}"
        yield Problem(("languages", tag), reason, "translate them when you can", True)


def _chain(tag: str, fallbacks: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the chain of fallbacks of a language; stops before a repetition."""
    chain: list[str] = []
    while (after := fallbacks.get(chain[-1] if chain else tag)) and after not in chain:
        chain.append(after)
    return tuple(chain)


def _unused_or_unreviewed(consultation: Consultation) -> Iterator[Problem]:
    """Yields texts in languages that are not offered, and texts without a review."""
    unused: dict[str, Where] = {}
    unreviewed: Counter[str] = Counter()
    for path, text in consultation.texts():
        for tag in text.languages():
            if tag not in consultation.languages:
                unused.setdefault(tag, (*path, tag))
            elif consultation.review_of(text, tag) is Review.UNREVIEWED:
                unreviewed[tag] += 1
    for tag, where in unused.items():
        reason = f"there are texts in “{tag}”, but the language is not offered"
        yield Problem(where, reason, "add it under languages, or correct the tag", True)
    for tag, count in unreviewed.items():
        reason = f"texts without a review: {count}"
        yield Problem(("languages", tag), reason, "have a speaker review them, then write review: reviewed", True)


def _texts(consultation: Consultation) -> Iterator[Problem]:
    proven = consultation.is_leichte_sprache()
    for path, text in consultation.texts():
        for tag, wording in text.items():
            if not proven and _LEICHTE_SPRACHE.search(wording.text):
                reason = "only texts checked by target readers may be called “Leichte Sprache”"
                yield Problem((*path, tag), reason, "write “Einfache Sprache”, or have all de-simple texts checked")
            if clean_text(wording.text) != wording.text:
                reason = "the text contains invisible or uncommon characters"
                yield Problem((*path, tag), reason, "retype it, or paste it as plain text")


def _recordings(consultation: Consultation) -> Iterator[Problem]:
    """Yields recordings without a text in the same language, which are never played."""
    for index, node in enumerate(consultation.questions):
        for tag in node.audio:
            where = ("questions", index, "audio", tag)
            if tag not in consultation.languages:
                reason = f"there is a recording in “{tag}”, but the language is not offered"
                yield Problem(where, reason, "add it under languages, or correct the tag", True)
            elif tag not in node.text.languages():
                reason = f"there is a recording in “{tag}”, but no text"
                yield Problem(where, reason, f"write the text in “{tag}”, or it will never be heard", True)


def _added_keys(consultation: Consultation) -> Iterator[Problem]:
    """Yields questions with the key of one that a type adds."""
    added = {it.key: node.key for node in consultation.questions for it in node.expanded() if it is not node}
    for index, node in enumerate(consultation.questions):
        if node.key in added:
            reason = f"“{node.key}” is also the key of a part of “{added[node.key]}”"
            yield Problem(("questions", index, "key"), reason, "choose another key")


def _consent(consultation: Consultation) -> Iterator[Problem]:
    """Yields sensitive questions without an earlier consent, or asked on channels that are not confidential."""
    asked_before = False
    for index, node in enumerate(consultation.questions):
        asked_before = asked_before or node.asks_consent
        if not isinstance(node, Question):
            continue
        if node.sensitive and not asked_before:
            reason = "a sensitive question is asked without consent"
            yield Problem(("questions", index), reason, "ask a question of type consent before it")
        if node.sensitive and not node.web_only:
            reason = "a sensitive question is also asked on channels where third parties can read the answers"
            yield Problem(("questions", index), reason, "add web_only: true, unless this is intended", True)
        if node.web_only and node.asks_consent:
            reason = "consent asked on the web only cannot cover the other channels"
            yield Problem(("questions", index, "web_only"), reason, "ask for consent everywhere")


def _own_consent(consultation: Consultation) -> Iterator[Problem]:
    """Yields questions about the contact that lack a consent of their own."""
    optional = {it.key for it in consultation.questions if isinstance(it, Question) and it.is_optional_consent}
    claimed: dict[str, str] = {}
    for index, node in enumerate(consultation.questions):
        if not node.needs_own_consent:
            continue
        where = ("questions", index, "ask_if")
        consent = _given_consent(node.ask_if)
        if consent not in optional:
            reason = f"“{node.key}” is asked without a consent of its own"
            remedy = (
                "ask a consent that is not required before it, and write ask_if: {equal: {question: …, value: true}}"
            )
            yield Problem(where, reason, remedy)
        elif (other := claimed.setdefault(consent, node.key)) != node.key:
            reason = f"“{other}” and “{node.key}” share one consent"
            yield Problem(where, reason, "ask a separate consent for each")


def _given_consent(condition: Condition | None) -> str:
    """Returns the key of the consent that a condition demands; "" if it demands something else."""
    if isinstance(condition, Equal) and condition.equal.value is True:
        return condition.equal.question
    return ""


def _chat_words(consultation: Consultation, catalogues: Mapping[str, Phrases]) -> Iterator[Problem]:
    commands = CommandMatcher(catalogues[tag] for tag in consultation.languages if tag in catalogues)
    yield from _keywords(consultation, commands)
    yield from _answer_words(consultation, commands)


def _keywords(consultation: Consultation, commands: CommandMatcher) -> Iterator[Problem]:
    """Yields keywords that cannot start the consultation."""
    for where, word in [
        (("slug",), consultation.slug),
        *((("keywords", n), w) for n, w in enumerate(consultation.keywords)),
    ]:
        folded = fold(word)
        if len(folded) < 2 or folded.isdigit():
            yield Problem(where, f"“{word}” is too short for a keyword", "use a word of at least two letters")
        elif commands.find(folded):
            yield Problem(where, f"“{word}” is the word of a command", "choose a word without another meaning")


def _answer_words(consultation: Consultation, commands: CommandMatcher) -> Iterator[Problem]:
    """Yields labels and synonyms that are also the word of a command."""
    for where, word in _answers(consultation):
        if "synonyms" in where and where[-1] not in LANGUAGES:
            yield Problem(where, f"the language “{where[-1]}” is not known", "correct the tag", True)
        parsed = commands.find(fold(word))
        if parsed and parsed.command is Command.STOP:
            yield Problem(
                where, f"“{word}” is also the word that stops the chat", "choose another word for this answer", True
            )
        elif parsed:
            reason = f"“{word}” is also the word of the command {parsed.command}; here it counts as the answer"
            yield Problem(where, reason, "choose another word if both may be needed", True)


def _answers(consultation: Consultation) -> Iterator[tuple[Where, str]]:
    """Yields every label and synonym that is accepted as an answer."""
    for index, node in enumerate(consultation.questions):
        for number, option in enumerate(node.listed_options()):
            where = ("questions", index, "options", number)
            for tag, wording in option.label.items():
                yield (*where, "label", tag), wording.text
            for tag, synonyms in option.synonyms.items():
                yield from (((*where, "synonyms", tag), word) for word in synonyms)
