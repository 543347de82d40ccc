"""For any messages and any number of kills: at every moment all stored answers are on the path.

Hypothesis walks through the samples and through consultations drawn by lot, over the real store: the batch that takes a
message, its transaction, and the tables, views and exports that others read. `--hypothesis-profile search` looks for
what is new; with `--thorough` or MITSPRACHE_PATH_EXAMPLES it looks longer (and wants `-o faulthandler_timeout=0`).
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from bot.authoring import file_check
from bot.common.erasure_log import ErasureLog
from bot.common.ids import Ids
from bot.common.sources import draw_seed
from bot.consultations.catalogue import Catalogue
from bot.consultations.fact_loader import FactLoader
from bot.conversations.batch import BatchProcessor
from bot.conversations.senders import SenderResolver
from bot.conversations.turns import TurnProcessor
from bot.proposals import facts, seed_statements
from bot.proposals.pool import StatementPools
from bot.proposals.status_lookup import StatusLookup
from bot.results.counts import answer_dataset
from bot.results.counts.answer_dataset import AnswerDataset
from bot.results.counts.participation_reader import stream_participations
from bot.settings import Settings
from bot.staff.chat.dispatcher import StaffChat
from flows.definition import Consultation
from flows.dialogue import engine
from flows.flow import Flow
from flows.messages import MsgIn, MsgOut, QuickReply
from flows.questions.base import Question
from flows.session import Session
from storage.core.store import Store
from storage.tables.revisions import find_live_revision
from tests.support.app import KEYS, consultation, publish
from tests.support.sizes import size

SAMPLES: Final = sorted(Path(engine.__file__).with_name("consultations").glob("*.yaml"))
EXAMPLES: Final = int(os.environ.get("MITSPRACHE_PATH_EXAMPLES", size("conversations of the path machine")))
PHASES: Final = (Phase.explicit, Phase.generate)
"""Without shrinking, which takes minutes here: the steps of one participation are few enough to be read."""
DRAWN: Final = 10
STATEMENTS: Final = ({"de": "Mehr Licht im Park."}, {"de": "Mehr Bänke im Park."}, {"de": "Weniger Autos."})
OPTIONS: Final = [{"value": it, "label": {"de": it.capitalize()}} for it in ("eins", "zwei", "drei")]
GIVEN: Final = "value IS NOT NULL OR missing IN ('skipped', 'refused', 'dont_know')"


def drawn(number: int) -> Consultation:
    """A consultation with conditions, exits, consents and sensitive questions, the same each time."""
    by_lot = random.Random(number)
    questions: list[dict[str, Any]] = []
    kinds = ["choice", "choices", "number", "consent", "text", "statements", "proposal", "sectors", "choice"]
    for at in range(by_lot.randint(5, 9)):
        kind = by_lot.choice(kinds)
        consents = [it["key"] for it in questions if it["type"] == "consent"]
        if kind == "sectors" and not consents:
            kind = "consent"
        questions.append(_question(by_lot, at, kind, questions, consents))
    questions.append({"key": "last", "type": "choice", "text": {"de": "Noch etwas?"}, "options": OPTIONS})
    return consultation(f"drawn-{number}", questions, languages={"de": {}})


def _question(
    by_lot: random.Random, at: int, kind: str, before: list[dict[str, Any]], consents: list[str]
) -> dict[str, Any]:
    made: dict[str, Any] = {"key": f"q{at}", "type": kind, "text": {"de": f"Frage {at}?"}}
    if kind in {"choice", "choices"}:
        made["options"] = OPTIONS
    elif kind == "statements":
        made |= {"seeds": STATEMENTS, "block": 2}
    if kind == "sectors":
        made["ask_if"] = {"equal": {"question": by_lot.choice(consents), "value": True}}
    elif before and by_lot.random() < 0.5:
        made["ask_if"] = _condition(by_lot, before)
    if kind in {"choice", "number", "text"} and consents and by_lot.random() < 0.4:
        made["sensitive"] = True
    if by_lot.random() < 0.25:
        to = by_lot.choice(["last", "end", "leave", "last"])
        made["exits"] = [{"if": _condition(by_lot, [*before, made]), "to": to}]
    return made


def _condition(by_lot: random.Random, before: list[dict[str, Any]]) -> dict[str, Any]:
    one = by_lot.choice(before)
    by_kind: dict[str, Any] = {
        "consent": {"equal": {"question": one["key"], "value": True}},
        "number": {"greater": {"question": one["key"], "than": 3}},
    }
    either = [{"equal": {"question": one["key"], "value": "eins"}}, {"answered": one["key"]}]
    held = by_kind.get(one["type"]) or (either[0] if one["type"] in {"choice", "choices"} else either[1])
    return {"not": held} if by_lot.random() < 0.3 else held


def published() -> list[Consultation]:
    samples = [file_check.read_consultation_file(path).publishable for path in SAMPLES]
    return [*(it for it in samples if it), *map(drawn, range(DRAWN))]


class Program:
    """The program as it takes batches; a new one knows only what is stored, and what is published."""

    def __init__(self, store: Store, data: Path, catalogue: Catalogue) -> None:
        ids, pools = Ids(KEYS.order_masks), StatementPools()
        meeting = SenderResolver(KEYS, catalogue, frozenset(), lambda channel, lookup: False)
        desk, enquiries = StaffChat(Settings(), catalogue, frozenset(), []), StatusLookup(catalogue, "")
        knowing = FactLoader(facts.proposal_fact_sources(pools, KEYS.pseudonym, draw_seed))
        turns = TurnProcessor(KEYS, catalogue, desk, enquiries, knowing, meeting, frozenset({"heard"}))
        self._store, self._batches = store, BatchProcessor(KEYS, catalogue, ids, ErasureLog(data, KEYS), meeting, turns)

    def take(self, *messages: MsgIn) -> list[MsgOut]:
        result = self._store.run(lambda connection: self._batches.work(connection, messages))
        assert not result.failures
        return [sent.message.msg for _, sent in result.messages]

    def die(self, *messages: MsgIn) -> None:
        """Is killed right before the commit."""

        def work(connection: Any) -> None:
            self._batches.work(connection, messages)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self._store.run(work)


class Talk(RuleBasedStateMachine):
    """One person after another, each of whom says anything at all."""

    store: Store
    data: Path
    catalogue: Catalogue
    slugs: tuple[str, ...]
    found: dict[str, AnswerDataset]
    people = 0

    @initialize(number=st.integers(0, 12), answers=st.lists(st.integers(0, 2), min_size=4, max_size=9))
    def begin(self, number: int, answers: list[int]) -> None:
        Talk.people += 1
        self.who, self.number = f"person {Talk.people}", 0
        self.slug = self.slugs[-1 - number % len(self.slugs)]
        self.program = Program(self.store, self.data, self.catalogue)
        self.offered: list[QuickReply] = []
        self.every: list[QuickReply] = []
        self.before: dict[str, str] = {}
        self.said = ""
        self.send(text=f"/start {self.slug}")
        self.send(text="Deutsch")
        self.answer_some(answers)

    @rule(number=st.integers(0, 30))
    def take_what_is_offered(self, number: int) -> None:
        if self.offered:
            self.send(choice=self.offered[number % len(self.offered)].token)

    @rule(number=st.integers(0, 200))
    def tap_an_old_button(self, number: int) -> None:
        if self.every:
            self.send(choice=self.every[number % len(self.every)].token)

    @rule(
        words=st.sampled_from(["ja", "nein", "eins", "zwei", "2", "5", "1 und 3", "fertig", "weiß nicht", "Mehr Bänke"])
    )
    def answer(self, words: str) -> None:
        self.send(text=words)

    @rule(numbers=st.lists(st.integers(0, 3), min_size=1, max_size=5))
    def answer_some(self, numbers: list[int]) -> None:
        for number in numbers:
            self.choose(number)

    @rule(changes=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 2)), min_size=1, max_size=4))
    def change(self, changes: list[tuple[int, int]]) -> None:
        for number, chosen in changes:
            self.send(text=f"/change {number}")
            self.choose(chosen)
            self.check()

    def check(self) -> None:
        """What holds at every moment, in the middle of a rule."""
        self.what_is_stored_is_on_the_path()
        self.nothing_sensitive_is_there_without_consent()
        self.nothing_on_the_path_is_lost()
        self.votes_belong_to_blocks_on_the_path()

    def choose(self, number: int) -> None:
        """An answer to the open question of any type."""
        session = Session.from_json(self.row()[2])
        kind = self.flow().nodes[session.at].type if session.at else ""
        answers = [reply for reply in self.offered if reply.number]
        if kind == "number":
            self.send(text=str(number))
        elif kind in {"text", "proposal"} and not answers:
            self.send(text="Mehr Bänke am Teich")
        elif answers:
            self.send(choice=answers[number % len(answers)].token)
            if kind in {"choices", "sectors", "rank"}:
                self.send(text="fertig")

    @rule(
        word=st.sampled_from(
            [
                "zurück",
                "weiter",
                "überspringen",
                "status",
                "sprache",
                "absenden",
                "start",
                "keine Angabe",
                "hilfe",
                "/start",
            ]
        )
    )
    def say_a_chat_word(self, word: str) -> None:
        self.send(text=word)

    @rule()
    def start_over(self) -> None:
        self.send(text="start")
        self.send(text="2")

    @rule()
    def stop_and_come_back(self) -> None:
        self.send(text="/stop")
        self.send(text=f"/start {self.slug}")

    @rule(back=st.integers(0, 6), words=st.sampled_from(["ja", "nein", "eins", "zwei", "4"]))
    def edit(self, back: int, words: str) -> None:
        self.send(text=words, edits=f"{self.who} {self.number - back}")

    @rule(words=st.sampled_from(["ja", "nein", "1"]))
    def two_at_once(self, words: str) -> None:
        self.note("")
        self.offer(self.program.take(self.message(text=words), self.message(text="1")))

    @rule()
    def be_killed(self) -> None:
        msg = self.message(text="1")
        self.program.die(msg)
        self.program = Program(self.store, self.data, self.catalogue)
        self.note(msg.text)
        self.offer(self.program.take(msg))

    def message(self, **given: Any) -> MsgIn:
        self.number += 1
        return MsgIn("c", self.who, f"{self.who} {self.number}", datetime.now(UTC) - timedelta(seconds=1), **given)

    def send(self, **given: Any) -> None:
        msg = self.message(**given)
        self.note(msg.choice or msg.text)
        self.offer(self.program.take(msg))

    def note(self, said: str) -> None:
        self.said, self.before = said, self.values()

    def offer(self, said: list[MsgOut]) -> None:
        self.every += [reply for msg in said for reply in msg.quick_replies]
        if said:
            self.offered = [*said[-1].quick_replies]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(sql), {"r": self.row()[0], "s": self.row()[1]})]

    def row(self) -> tuple[int, str, str, str, int]:
        """The newest participation in this consultation, which is this person's."""
        sql = (
            "SELECT s.id, s.pseudonym, s.state, s.status, s.revision_id FROM sessions s "
            "JOIN consultations c ON c.id = s.consultation_id WHERE c.slug = :slug ORDER BY s.id DESC LIMIT 1"
        )
        with self.store.reading() as connection:
            found = connection.execute(text(sql), {"slug": self.slug}).one()
        return found[0], found[1], found[2], found[3], found[4]

    def values(self) -> dict[str, str]:
        if not self.number or not self.has_begun():
            return {}
        return dict(self.rows("SELECT question_key, value FROM answers WHERE session_id = :r AND value IS NOT NULL"))

    def has_begun(self) -> bool:
        return self.number > 1

    def flow(self) -> Flow:
        found = self.catalogue.newest(self.slug)
        assert found
        return found.flow

    @precondition(has_begun)
    @invariant()
    def what_is_stored_is_on_the_path(self) -> None:
        session, flow = Session.from_json(self.row()[2]), self.flow()
        assert flow.off_path(session, flow.path(session)) == ()
        given = {key for (key,) in self.rows(f"SELECT question_key FROM answers WHERE session_id = :r AND ({GIVEN})")}
        assert given <= {*session.answers, *session.missing}
        assert set(session.answers) <= given
        assert set(self.values()) == set(session.answers)

    @precondition(has_begun)
    @invariant()
    def nothing_sensitive_is_there_without_consent(self) -> None:
        flow, values = self.flow(), self.values()
        agreed = [key for key, node in flow.nodes.items() if node.type == "consent" and values.get(key) == "true"]
        kept = [key for key in values if is_sensitive(flow, key)]
        assert agreed or not kept
        viewed = self.rows(
            "SELECT question_key FROM v_answers_long WHERE response_id = :s AND (value IS NOT NULL OR withheld = 1)"
        )
        assert {key for (key,) in viewed} == set(values)

    @precondition(has_begun)
    @invariant()
    def nothing_on_the_path_is_lost(self) -> None:
        session, flow = Session.from_json(self.row()[2]), self.flow()
        for key in self.before.keys() - session.answers.keys() - session.missing.keys():
            if self.said != "2" and "start_over" not in self.said:
                again = session._replace(also_stored=[*session.also_stored, key])
                assert key in flow.off_path(again, flow.path(again)), key

    @precondition(has_begun)
    @invariant()
    def votes_belong_to_blocks_on_the_path(self) -> None:
        session, flow = Session.from_json(self.row()[2]), self.flow()
        voted = {key for (key,) in self.rows("SELECT question_key FROM rating_events WHERE pseudonym = :s")}
        assert voted <= {*session.answers, *session.also_stored, *session.missing}
        pairs = "SELECT DISTINCT proposal_id FROM {} WHERE pseudonym = :s ORDER BY 1"
        assert self.rows(pairs.format("ratings")) == self.rows(pairs.format("rating_events"))
        assert None not in voted
        assert flow.questions

    @precondition(has_begun)
    @invariant()
    def exports_agree(self) -> None:
        if self.number % 4:
            return
        number = self.row()[0]
        with self.store.reading() as connection:
            if self.slug not in self.found:
                self.found[self.slug] = answer_dataset.load_dataset(connection, self.slug)
            (response,) = (
                it for it in stream_participations(connection, self.found[self.slug]) if it.session.id == number
            )
        assert {key for key, it in response.given.items() if it.value is not None} == set(self.values())


def is_sensitive(flow: Flow, key: str) -> bool:
    node = flow.nodes[key]
    return node.needs_own_consent or (isinstance(node, Question) and node.sensitive)


@pytest.fixture
def sample_store(store: Store) -> Store:
    every, ids = published(), Ids()
    publish(store, *every)
    with store.begin() as connection:
        for one in every:
            found = find_live_revision(connection, one.slug)
            assert found
            seed_statements.publish_seeds(connection, found.consultation_id, one, ids, datetime.now(UTC))
    return store


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.long
def test_the_path_decides_what_is_stored(sample_store: Store, data: Path):
    Talk.store, Talk.data, Talk.catalogue, Talk.found = sample_store, data, Catalogue(), {}
    Talk.slugs = tuple(it.slug for it in published())
    most = EXAMPLES if sample_store.dialect == "sqlite" else max(2, EXAMPLES // 6)
    run_state_machine_as_test(
        Talk, settings=settings(max_examples=most, stateful_step_count=15, deadline=None, phases=PHASES)
    )
