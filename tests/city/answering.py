"""Generates answers to each question type: the messages until it is answered, and the intended value.

Numbers, labels and buttons are taken from the bot's messages, as residents do; their meaning comes from `survey.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

from flows.messages import QuickReply
from tests.city.chat import WORDS, Heard, Line, Talk, tap
from tests.city.survey import LATER, LATER_AT, Question, Value


class Speaker(NamedTuple):
    """The answering resident: language, number and random source."""

    language: str
    number: int
    chance: random.Random
    revision: int
    is_paper: bool

    def word(self, name: str) -> str:
        return WORDS[self.language][name]

    def offered(self, question: Question) -> tuple[str, ...]:
        is_longer = self.revision > 1 and question.key == LATER_AT
        return (*question.offered, *LATER) if is_longer else question.offered

    def label(self, question: Question, code: str) -> str:
        return {**question.options, **LATER}[code][self.language]

    def shows(self, question: Question, heard: Heard) -> bool:
        """Whether the last message asks this question."""
        return heard[-1].title == question.text[self.language]


def answer(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    """Answers; gives what was meant, and what the bot said then."""
    return (yield from _ANSWERS[question.type](question, heard, speaker))


def _one(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    codes = speaker.offered(question)
    place = _drawn(speaker, len(codes))
    code = codes[place]
    value: Value = code == "true" if question.type == "consent" else int(code) if question.type == "scale" else code
    reply = heard[-1].quick_replies[place]
    lines = [tap(reply), Line(reply.label)]
    if reply.number and question.type != "scale":
        lines.append(Line(str(reply.number)))
    if question.options:
        lines.append(Line(speaker.label(question, code)))
    return value, (yield speaker.chance.choice(lines))


def _drawn(speaker: Speaker, options: int) -> int:
    """The first ones are the most popular; the last ones have a few people."""
    return min(int(speaker.chance.expovariate(1.2)), options - 1)


def _several(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    codes = speaker.offered(question)
    alone = question.more.get("exclusive", "none" if question.type == "traits" else "")
    wanted = _some(speaker, [code for code in codes if code != alone], int(question.more.get("max", 2)))
    if alone and speaker.chance.random() < 0.15:
        wanted = [alone]
    is_typed = not any(reply.chosen for reply in heard[-1].quick_replies) and speaker.chance.random() < 0.6
    if is_typed:
        numbers = [str(codes.index(code) + 1) for code in wanted]
        heard = yield Line(", ".join(numbers))
    return wanted, (yield from _until_chosen(question, heard, speaker, codes, wanted))


def _until_chosen(
    question: Question, heard: Heard, speaker: Speaker, codes: Sequence[str], wanted: Sequence[str]
) -> Talk[Heard]:
    """Taps until exactly these are chosen, first taking away what is not wanted, then says that this is all."""
    for _ in range(2 * len(codes) + 1):
        if not speaker.shows(question, heard):
            return heard
        replies = dict(zip(codes, _options(heard), strict=False))
        wrong = [code for code in codes if replies[code].chosen and code not in wanted]
        wrong += [code for code in codes if not replies[code].chosen and code in wanted]
        if not wrong:
            return (yield Line(speaker.word("done")))
        heard = yield tap(replies[wrong[0]])
    raise AssertionError(f"{question.key}: {wanted} cannot be chosen")


def _options(heard: Heard) -> list[QuickReply]:
    """The buttons of options, without those that take a point away."""
    return [it for it in heard[-1].quick_replies if it.number]


def _some(speaker: Speaker, codes: Sequence[str], most: int) -> list[str]:
    chosen = {codes[_drawn(speaker, len(codes))] for _ in range(speaker.chance.randint(1, most))}
    return [code for code in codes if code in chosen]


def _order(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    codes = list(speaker.offered(question))
    first = codes[_drawn(speaker, len(codes))]
    others = speaker.chance.sample([code for code in codes if code != first], speaker.chance.randint(1, len(codes) - 1))
    ranked = [first, *others]
    heard = yield Line(" ".join(str(codes.index(code) + 1) for code in ranked))
    return ranked, (yield from _done(question, heard, speaker))


def _done(question: Question, heard: Heard, speaker: Speaker) -> Talk[Heard]:
    return (yield Line(speaker.word("done"))) if speaker.shows(question, heard) else heard


def _amounts(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    codes = speaker.offered(question)
    if question.costs:
        return (yield from _bought(question, heard, speaker, codes))
    left, given = int(question.more["budget"]), dict.fromkeys(codes, 0)
    for code in speaker.chance.sample(codes, 3):
        given[code] = speaker.chance.randint(0, left)
        left -= given[code]
    if not any(given.values()):
        given[codes[0]] = 1
    heard = yield Line(", ".join(f"{codes.index(code) + 1}: {amount}" for code, amount in given.items()))
    return {code: n for code, n in given.items() if n}, (yield from _done(question, heard, speaker))


def _bought(question: Question, heard: Heard, speaker: Speaker, codes: Sequence[str]) -> Talk[tuple[Value, Heard]]:
    wanted = _some(speaker, codes, 2)
    heard = yield from _until_chosen(question, heard, speaker, codes, wanted)
    return {code: question.costs[code] for code in wanted}, heard


def _pairs(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    if speaker.is_paper:
        return (yield from _pairs_on_paper(question, heard, speaker))
    codes = {speaker.label(question, code): code for code in question.offered}
    decided: list[str] = []
    while speaker.shows(question, heard):
        if len(decided) >= question.more["min"] and speaker.chance.random() < 0.5:
            heard = yield Line(speaker.word("done"))
            break
        replies = heard[-1].quick_replies
        first, second = (codes[reply.label] for reply in replies[:2])
        drawn = speaker.chance.choices((0, 1, 2), (5, 4, 1))[0]
        decided.append((f"{first}>{second}", f"{second}>{first}", f"{first}={second}")[drawn])
        heard = yield speaker.chance.choice([tap(replies[drawn]), Line(str(drawn + 1))])
    return list(decided), heard


def _pairs_on_paper(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    """A sheet shows all pairs at once; what is ticked is typed in together."""
    pairs = speaker.chance.sample([*combinations(question.offered, 2)], speaker.chance.randint(2, 5))
    ticked = [">".join(speaker.chance.sample(pair, 2)) for pair in pairs]
    return ticked, (yield Line(" ".join(ticked)))


def _number(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    value = speaker.chance.randint(0, 40) / 2
    said = f"{value:g}".replace(".", "," if speaker.language in {"de", "tr"} else ".")
    return value, (yield Line(f"{said} km" if speaker.chance.random() < 0.3 else said))


def _age(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    place = speaker.chance.choices(range(8), (1, 1, 3, 20, 25, 10, 8, 2))[0]
    years = (4, 9, 16, 22, 33, 50, 60, 71)[place]
    lines = [tap(heard[-1].quick_replies[place]), Line(str(years))]
    return question.codes[place], (yield speaker.chance.choice(lines))


_WISHES = {
    "de": ["Mehr Grün", "=1+1 Bänke", "„Ruhe“; und Schatten", "Eine Zeile\nund noch eine", "+49 Wege"],
    "en": ["More green", "-5 cars", 'Call it "ours"', "@all: benches, please", "A tab\there"],
    "tr": ["Daha çok ağaç", "Çocuklar için yer", "Gölge istiyorum"],
    "ar": ["مزيد من الأشجار", "ظل ومقاعد", "مكان هادئ"],
}


def _words(question: Question, heard: Heard, speaker: Speaker) -> Talk[tuple[Value, Heard]]:
    said = f"{speaker.chance.choice(_WISHES[speaker.language])} ({speaker.number}/{speaker.chance.randrange(10_000)})"
    return said, (yield Line(said))


_ANSWERS: dict[str, Callable[[Question, Heard, Speaker], Talk[tuple[Value, Heard]]]] = {
    "choice": _one,
    "scale": _one,
    "consent": _one,
    "district": _one,
    "choices": _several,
    "sectors": _several,
    "traits": _several,
    "rank": _order,
    "points": _amounts,
    "pairwise": _pairs,
    "number": _number,
    "age_band": _age,
    "text": _words,
}
