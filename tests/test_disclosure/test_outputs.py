"""All public outputs of drawn consultations against the attacker: no person is determined, and most figures are
visible.

`pytest tests/test_disclosure/test_outputs.py -k together -s --consultations 1000 --editions 3`, with `-o
faulthandler_timeout=0`, draws more of them, reads three editions in a row and reports the findings;
`--from-consultation 500` begins with the one of that number.
"""

from __future__ import annotations

import csv
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from bot.proposals import publication
from bot.results import comparison_basis
from bot.results.counts import disclosure, exposure, moments
from bot.results.counts.disclosure import OTHERS
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.revisions import find_live_revision
from tests.test_disclosure import city
from tests.test_disclosure.attacker import Attack, Cell, Figure
from tests.test_disclosure.city import OPTIONS, STATEMENTS, Person

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LEADS = {"why": ("way", "car"), "ill": ("ok", "true")}
"""Which answer leads to a question."""
Rows = list[dict[str, str]]
Edition = dict[str, Rows]
"""The files of a public export, by name."""


class NoWorkbook:
    """In the place of the workbook: takes no rows, leaves an empty file."""

    def __init__(self, *_: object) -> None:
        pass

    def begin(self, _: object) -> tuple[()]:
        return ()

    def save(self, target: Path, _: str) -> None:
        target.touch()


@pytest.fixture
def stores(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Iterator[Store]]:
    """Empty apps, one after another. They write no workbook: it is made of the tables that are read here."""
    monkeypatch.setattr(package, "Workbook", NoWorkbook)

    def fresh() -> Iterator[Store]:
        for place in range(10**6):
            folder = tmp_path / str(place)
            folder.mkdir()
            store = Store(f"sqlite:///{shutil.copy(sqlite_template, folder / 'mitsprache.db')}")
            yield store
            store.dispose()
            shutil.rmtree(folder)

    found = fresh()
    yield found
    found.close()  # type: ignore[attr-defined]


def read(store: Store, folder: Path) -> Edition:
    """The public data: the tables of the open data. Pages and the API show the same edition; that is checked."""
    shutil.rmtree(folder, ignore_errors=True)
    package.write_export(store, ExportRequest("park", folder, "public"), NOW)
    found = {}
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.name] = list(csv.DictReader(file))
    with store.reading() as connection:
        newest = find_live_revision(connection, "park")
        assert newest is not None
        codes = [row["code"] for row in found["ratings.csv"]]
        votes = publication.public_votes(connection, newest.consultation_id, codes)
    for row in found["ratings.csv"]:
        told = votes[row["code"]]
        assert [row["agrees"], row["disagrees"], row["passes"], row["votes"]] == [
            "" if n is None else str(n) for n in (told.agree, told.disagree, told.passed, told.people)
        ]
    return found


class Knowing:
    """What the attacker knows of people and reads in editions, as systems of equations, one for each part."""

    def __init__(self, people: Sequence[Person], editions: Sequence[Edition], *, is_closed: bool) -> None:
        self.people = people
        self.editions = editions
        self.is_closed = [is_closed and place == len(editions) - 1 for place in range(len(editions))]
        """Whether an edition was made after the end: then each question goes on by itself."""
        self.classes: dict[str, list[Person]] = {}
        for person in people:
            ways = f"{person.channel}|{person.language}"
            name = f"{' '.join(sorted(person.sectors))}|{person.edition}|{int(person.is_gone)}|{ways}"
            self.classes.setdefault(name, []).append(person)
        self.sizes = {name: len(members) for name, members in self.classes.items()}
        self._truth: dict[str, dict[Cell, int]] = {}

    def there(self, edition: int) -> list[str]:
        """The classes that are counted in an edition."""
        return [
            name
            for name, (one, *_) in self.classes.items()
            if one.edition <= edition and not (one.is_gone and edition > 0)
        ]

    def truth(self, question: str) -> dict[Cell, int]:
        """What each class answered, "" for nothing."""
        if question in self._truth:
            return self._truth[question]
        found = self._truth[question] = {}
        for who, members in self.classes.items():
            given = [self.answer(it, question) for it in members]
            for answer in (*self.answers(question), ""):
                found[Cell(who, question, answer)] = given.count(answer)
        return found

    @staticmethod
    def answers(question: str) -> tuple[str, ...]:
        kind, _, rest = question.partition(":")
        if kind == "vote":
            return ("1", "-1", "0")
        return ("yes",) if rest else {"ok": ("true", "false"), **OPTIONS}[kind]

    @staticmethod
    def answer(person: Person, question: str) -> str:
        kind, _, rest = question.partition(":")
        if kind == "vote":
            return str(person.votes.get(int(rest), ""))
        said = person.said.get(kind, "")
        if rest:
            return "yes" if isinstance(said, list) and rest in said else ""
        return str(said).lower() if isinstance(said, bool) else str(said)

    def figure(self, edition: int, question: str, answers: Sequence[str], n: int, *, rounded: bool = False) -> Figure:
        cells = {Cell(who, question, it): 1.0 for who in self.there(edition) for it in answers}
        return Figure(cells, n - 2 if rounded else n, n + 2 if rounded else n)

    def told_of(self, question: str, tell: Callable[[Edition, int], Iterator[Figure]]) -> Iterator[Figure]:
        """What each edition tells of a statement. Rows that may not go on yet stay as they were told last."""
        truth = self.truth(question)
        for edition, files in enumerate(self.editions):
            for state in range(edition, -1, -1):
                figures = list(tell(files, state))
                if all(it.low <= sum(truth[cell] for cell in it.cells) <= it.high for it in figures):
                    break
            yield from figures

    def counted(self, question: str) -> Iterator[Figure]:
        """What counts.csv tells of a question."""
        key, _, option = question.partition(":")
        for edition, files in enumerate(self.editions):
            rows = [row for row in files["counts.csv"] if row["question_key"] == key]
            yield from self._told(question, option, rows, self._moment_of(edition, key))
        if question in LEADS:
            for who, n in self.sizes.items():
                cells = {Cell(who, question, it): 1.0 for it in self.answers(question)}
                yield Figure({**cells, Cell(who, *LEADS[question]): -1.0}, -n, 0)

    def _told(self, question: str, option: str, rows: Rows, state: int) -> Iterator[Figure]:
        is_rounded = rows[0]["rounded"] == "1"
        for row in rows:
            answers = [row["code"]] if row["kind"] == "option" and not option else []
            answers = ["yes"] if row["kind"] == "chosen" and row["code"] == option else answers
            if answers and row["n"]:
                yield self.figure(state, question, answers, int(row["n"]), rounded=is_rounded)
        if not option and rows[0]["answered"]:
            n = int(rows[0]["answered"])
            yield self.figure(state, question, self.answers(question), n, rounded=is_rounded)
        unled = next(row["n"] for row in rows if (row["kind"], row["code"]) == ("missing", "not_asked"))
        if question in LEADS and unled:  # who came to it gave the answer that leads there; who did not may have
            lead, answer = LEADS[question]
            cells = self.figure(state, lead, [answer], 0).cells
            most = sum(self.sizes[who] for who in self.there(state)) - int(unled)
            yield Figure(cells, int(rows[0]["asked"]) - 2 * is_rounded, most + 2 * is_rounded)

    def _moment_of(self, edition: int, key: str) -> int:
        """Of which edition the numbers of a question are that another one tells: figures that may not go on yet stay as
        they were. The number of people is public, so the number of participations gives that away.
        """
        rows = self.editions[edition]["counts.csv"]
        mine = [row for row in rows if row["question_key"] == key]
        told = {row["n"] for row in rows if row["table"] == "participations"} - {""}
        for state in range(edition, 0, -1):
            is_one = not told or told == {str(len(self._answered(state)))}
            if (is_one or self.is_closed[edition]) and self._fits(mine, key, state):
                return state
        return 0

    def _answered(self, state: int) -> list[Person]:
        people = [it for name in self.there(state) for it in self.classes[name]]
        return [it for it in people if it.votes or it.said.keys() - {"ok"}]

    def _fits(self, rows: Rows, key: str, state: int) -> bool:
        """Whether all numbers of a question are those of this edition."""
        if rows[0]["answered"] and rows[0]["rounded"] != "1":
            answered = sum(key in it.said for it in self._answered(state))
            if answered != int(rows[0]["answered"]):
                return False
        options = OPTIONS[key] if key == "want" else ("",)
        for option in options:
            question = f"{key}:{option}" if option else key
            truth = {**self.truth(question), **(self.truth(LEADS[key][0]) if key in LEADS else {})}
            for it in self._told(question, option, rows, state):
                if not it.low <= sum(truth[cell] for cell in it.cells) <= it.high:
                    return False
        return True

    def rated(self, place: int) -> Iterator[Figure]:
        """What ratings.csv and agreement.csv tell of a statement."""
        question, code = f"vote:{place}", f"P-{place + 1}"
        columns = {"agrees": ("1",), "disagrees": ("-1",), "passes": ("0",), "votes": self.answers(question)}

        def whole(files: Edition, state: int) -> Iterator[Figure]:
            for row in (row for row in files["ratings.csv"] if row["code"] == code):
                for name, answers in columns.items():
                    if row[name]:
                        yield self.figure(state, question, answers, int(row[name]))

        def of(sector: str, files: Edition, state: int) -> Iterator[Figure]:
            mine = [row for row in files["agreement.csv"] if row["code"] == code]
            small = {row["sector"] for row in mine if row["reason"] == "merged"}
            counted = small if sector == OTHERS else {sector}
            for row in (row for row in mine if row["sector"] == sector):
                members = [who for who in self.there(state) if counted & set(who.partition("|")[0].split())]
                for name, wanted in (("agrees", ("1",)), ("seen", self.answers(question))):
                    if row[name] and members:
                        n = int(row[name])
                        yield Figure({Cell(who, question, it): 1.0 for who in members for it in wanted}, n, n)

        yield from self.told_of(question, whole)
        for sector in (*city.SECTORS, OTHERS):
            yield from self.told_of(question, partial(of, sector))

    def attacks(self) -> Iterator[Attack]:
        """All outputs of all editions, one system for each part that says nothing of the others."""
        systems = [
            ({**self.truth("way"), **self.truth("why")}, [*self.counted("way"), *self.counted("why")]),
            ({**self.truth("ok"), **self.truth("ill")}, [*self.counted("ok"), *self.counted("ill")]),
            (self.truth("good"), [*self.counted("good")]),
            *((self.truth(f"want:{it}"), [*self.counted(f"want:{it}")]) for it in OPTIONS["want"]),
            *((self.truth(f"vote:{place}"), [*self.rated(place)]) for place in range(STATEMENTS)),
        ]
        for truth, figures in systems:
            yield Attack(self.sizes, truth, figures)

    def visible(self) -> tuple[int, int]:
        """Over the questions that are not sensitive, in the first edition: how many answers are told, and are there."""
        seen = every = 0
        for key in ("way", "why", "want", "good", "ok"):
            base = sum(key in it.said for it in self.people if it.edition == 0)
            shown = [row for row in self.editions[0]["counts.csv"] if row["question_key"] == key]
            every += base
            seen += base * all(row["n"] for row in shown if row["kind"] in {"option", "chosen"})
        for place in range(STATEMENTS):
            base = sum(place in it.votes for it in self.people if it.edition == 0)
            every += base
            seen += base * any(
                row["code"] == f"P-{place + 1}" and row["agrees"] for row in self.editions[0]["ratings.csv"]
            )
        return seen, every


def looked_at(store: Store, seed: int, folder: Path, editions: int = 2) -> Knowing:
    """A drawn consultation, read in a live edition, and in others or the last one after more people came."""
    chance = random.Random(seed)
    size = chance.choice(city.LARGE_SIZES if seed % 20 == 19 else city.SIZES)
    later = [chance.choice((1, 2, 4, 6, 9, 20, size // 2)) for _ in range(editions - 1)]
    people = city.drawn(chance, size, *later)
    number = city.opened(store)
    found: list[Edition] = []
    is_closed = False
    for edition in range(editions):
        if edition == 1:
            city.left(store, [it for it in people if it.is_gone])
        city.joined(store, [it for it in people if it.edition == edition])
        is_closed = edition == editions - 1 and chance.random() < 0.5
        if is_closed:
            with store.begin() as connection:
                set_consultation_state(connection, number, "closed")
        found.append(read(store, folder))
    return Knowing(people, found, is_closed=is_closed)


@pytest.mark.long(60)
def test_all_outputs_together_determine_nobody(request: pytest.FixtureRequest, stores: Iterator[Store], tmp_path: Path):
    number, editions, start = (
        int(request.config.getoption(it)) for it in ("--consultations", "--editions", "--from-consultation")
    )
    shares: dict[int, list[float]] = {50: [], 200: []}
    likely, answers = Counter[str](), Counter[str]()
    determined: list[tuple[int, Cell]] = []
    for seed, store in zip(range(start, start + number), stores, strict=False):
        known = looked_at(store, seed, tmp_path / "open", editions)
        for attack in known.attacks():
            determined += [(seed, cell) for cell in attack.determined()]
            for cell, n in attack.likely():
                likely[cell.question.partition(":")[0]] += n
            answers.update(attack.given())
        people = sum(it.edition == 0 for it in known.people)
        seen, every = known.visible()
        for least, found in shares.items():
            if people >= least:
                found.append(seen / every)
    print(f"{number} consultations from {start}, {editions} editions: {len(determined)} determined, {likely} likely")
    print(f"of {answers} answers")
    for least, wanted in ((200, 0.98), (50, 0.90)):
        found = sorted(shares[least])
        fifth = found[len(found) // 20]
        print(f"from {least} participations {100 * fifth:.1f} % can be seen ({len(found)} consultations)")
        assert fifth >= wanted, f"from {least} participations"
    assert determined == []
    assert likely["ill"] == 0
    assert sum(likely.values()) <= sum(answers.values()) / 1000


@pytest.mark.parametrize("broken", ["groups", "editions"])
def test_the_attacker_breaks_a_rule_that_is_off(stores: Iterator[Store], tmp_path: Path, monkeypatch, broken: str):
    if broken == "groups":
        monkeypatch.setattr(disclosure, "suppression_reason", lambda row, rule: "")
        monkeypatch.setattr(exposure, "exposed_people", lambda parts, **_: 0)
        monkeypatch.setattr(disclosure.DisclosureRule, "threshold", 0)
    else:
        monkeypatch.setattr(comparison_basis, "unpublishable_changes", lambda *_: frozenset())
        monkeypatch.setattr(moments, "next_moments", lambda past, new, rule, **_: (new,))
    determined = likely = 0
    for seed, store in zip(range(12), stores, strict=False):
        attacks = list(looked_at(store, seed, tmp_path / "open").attacks())
        determined += any(attack.determined() for attack in attacks)
        likely += any(attack.likely() for attack in attacks)
    assert determined >= 4
    assert likely >= 2
