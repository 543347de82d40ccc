"""The path of a session through a flow: passed nodes, the open question, and nodes that are still reachable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from flows.conditions import All, AnyOf, Condition, Equal, Not, OpenTest, Test, ValueOf
from flows.errors import EndlessFlowError
from flows.questions.base import END, LEAVE, Exit, Node, Question
from flows.session import Session

_OUT: Final = frozenset({END, LEAVE})


class CompiledExit(NamedTuple):
    """A compiled exit of a node."""

    test: Test | None
    test_open: OpenTest | None
    to: str


class CompiledNode(NamedTuple):
    """A compiled node, without its texts."""

    key: str
    waits: bool
    is_guarded: bool
    """Whether its answer is kept only if the question is certainly on the path."""
    test: Test | None
    test_open: OpenTest | None
    own_test: Test | None
    """`test` without the consent that a sensitive question needs."""
    exits: tuple[CompiledExit, ...]

    @property
    def branches(self) -> bool:
        """Whether an answer may decide if this node, or which one after it, is visited."""
        return bool(self.test or self.exits)


class Path(NamedTuple):
    """The path for given answers: the keys passed, the open question ("" if none), and its end."""

    passed: tuple[str, ...]
    open: str
    end: str
    answered: int = 0
    """The number of questions passed; the other nodes in `passed` ask nothing."""


def conditions_of(nodes: Iterable[Node]) -> dict[str, Condition | None]:
    """Returns the condition of each node: its own and, for a sensitive question, an earlier consent."""
    found: dict[str, Condition | None] = {}
    agreed: list[Condition] = []
    for node in nodes:
        condition = node.ask_if
        if agreed and _is_guarded(node):
            consent = AnyOf(any=tuple(agreed))
            condition = All(all=(condition, consent)) if condition else consent
        found[node.key] = condition
        if node.asks_consent:
            agreed.append(Equal(equal=ValueOf(question=node.key, value=True)))
    return found


def condition_questions(nodes: Iterable[Node]) -> dict[str, frozenset[str]]:
    """Returns for each node the questions whose answers decide whether it is asked: those in its own condition and in
    the conditions of exits before it.
    """
    found: dict[str, frozenset[str]] = {}
    before = frozenset[str]()
    for node in nodes:
        found[node.key] = before.union(_questions_in(node.ask_if))
        before = before.union(*(_questions_in(way.condition) for way in node.leaving()))
    return found


def _questions_in(condition: Condition | None) -> frozenset[str]:
    return frozenset(it.question for it in condition.comparisons()) if condition else frozenset()


def compile_steps(nodes: Iterable[Node]) -> dict[str, CompiledNode]:
    """Compiles the nodes, in order."""
    every = list(nodes)
    conditions = conditions_of(every)
    return {node.key: _step(node, conditions[node.key]) for node in every}


def _step(node: Node, condition: Condition | None) -> CompiledNode:
    test, test_open = (condition.compile(), condition.compile_open()) if condition else (None, None)
    own_test = node.ask_if.compile() if node.ask_if else None
    exits = tuple(
        CompiledExit(
            way.condition.compile() if way.condition else None,
            way.condition.compile_open() if way.condition else None,
            way.to,
        )
        for way in _exits_of(node)
    )
    return CompiledNode(
        key=node.key,
        waits=node.waits,
        is_guarded=_is_guarded(node),
        test=test,
        test_open=test_open,
        own_test=own_test,
        exits=exits,
    )


def _exits_of(node: Node) -> Iterator[Exit]:
    """Yields the exits of a node; one with a follow-up leaves them to that where it is asked."""
    follow_up = node.follow_up()
    for way in node.leaving():
        condition = way.condition
        if follow_up is not None and follow_up.ask_if is not None:
            passed_by = Not.model_validate({"not": follow_up.ask_if})
            condition = All(all=(passed_by, condition)) if condition else passed_by
        yield Exit.model_validate({"if": condition, "to": way.to})


def _is_guarded(node: Node) -> bool:
    return node.needs_own_consent or (isinstance(node, Question) and node.sensitive)


def _is_asked(step: CompiledNode, answers: Mapping[str, Any]) -> bool:
    return step.test is None or step.test(answers)


def _exit_taken(step: CompiledNode, answers: Mapping[str, Any]) -> str:
    """Returns the destination of the first exit that is open; "" if none is, so that the next node follows."""
    return next((way.to for way in step.exits if way.test is None or way.test(answers)), "")


def find_path(steps: Mapping[str, CompiledNode], session: Session) -> Path:
    """Returns the path to the first open question, or to the end. Raises EndlessFlowError for a jump backwards."""
    answers, missing = session.answers, session.missing
    passed: list[str] = []
    jump, answered = "", 0
    for key, step in steps.items():
        if jump not in {"", key}:
            continue
        jump = ""
        if not _is_asked(step, answers):
            continue
        if step.waits:
            if not (key in answers or key in missing):
                return Path(tuple(passed), key, "", answered)
            answered += 1
        passed.append(key)
        if step.exits:
            jump = _exit_taken(step, answers)
        if jump in _OUT:
            return Path(tuple(passed), "", jump, answered)
    if jump:
        raise EndlessFlowError(f"the exit leads to {jump!r}, which is an earlier node or does not exist")
    return Path(tuple(passed), "", END, answered)


def reachable(steps: Mapping[str, CompiledNode], session: Session) -> frozenset[str]:
    """Returns the nodes that some answer to the open questions leads to. An answered sensitive question is included
    only if every answer leads to it.
    """
    return frozenset(_Reach(steps, session).on())


class _Reach:
    """Follows all paths at once, node by node; an unknown test may go either way."""

    def __init__(self, steps: Mapping[str, CompiledNode], session: Session) -> None:
        self._steps, self._session = steps, session
        self._number = {key: number for number, key in enumerate(steps)}
        self._stored = frozenset(session.stored_keys())
        self._arrived = {0}
        self._farthest = 0
        """The farthest node reached so far; nodes before it may be skipped."""
        self._answers: dict[str, Any] = {}
        self._unsure: set[str] = set()

    def on(self) -> Iterator[str]:
        for number, (key, step) in enumerate(self._steps.items()):
            if number not in self._arrived:
                continue
            asked = self._verdict(step.test_open)
            if asked is False:
                self._go(number + 1)
                continue
            is_certain = asked is True and self._farthest <= number
            if self._is_kept(step, is_certain=is_certain):
                yield key
            self._leave(number, step, is_asked=asked is True)

    def _is_kept(self, step: CompiledNode, *, is_certain: bool) -> bool:
        """Whether the node counts as on the path; records its answer for the tests of later nodes."""
        key, session = step.key, self._session
        if step.is_guarded and not is_certain and key in self._stored:
            self._unsure.add(key)  # it may be asked again
            return False
        if key in session.answers:
            self._answers[key] = session.answers[key]
        if step.waits and key not in session.missing and not (is_certain and key in session.answers):
            self._unsure.add(key)
        return True

    def _leave(self, number: int, step: CompiledNode, *, is_asked: bool) -> None:
        """Records the nodes that follow this one."""
        for way in step.exits:
            taken = self._verdict(way.test_open)
            if taken is False:
                continue
            self._go(self._number.get(way.to, len(self._steps)))
            if taken:
                if is_asked:
                    return
                break
        self._go(number + 1)

    def _verdict(self, test: OpenTest | None) -> bool | None:
        return True if test is None else test(self._answers, self._unsure)

    def _go(self, to: int) -> None:
        self._arrived.add(to)
        self._farthest = max(self._farthest, to)


def off_path(steps: Mapping[str, CompiledNode], session: Session, path: Path) -> tuple[str, ...]:
    """Returns the keys with stored data whose questions are not on the path."""
    is_all_passed = path.answered == len(session.answers) + len(session.missing)  # only answered questions are passed
    if is_all_passed and all(key == path.open or key in path.passed for key in session.also_stored):
        return ()
    stored = session.stored_keys()
    # A node passed because of a dropped answer may have to be dropped too, so all nodes are checked.
    on = reachable(steps, session)
    return tuple(key for key in stored if key not in on)
