"""Describes a consultation as a data set: all its revisions, and its questions as variables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.consultations import stored_revisions
from bot.consultations.catalogue import Catalogue
from bot.consultations.flow_cache import FlowCache
from bot.consultations.visibility import takes_no_answers
from bot.results.counts import question_meaning
from bot.results.counts.disclosure import UNPROTECTED
from bot.results.counts.question_meaning import AskedQuestion, Labels
from bot.results.counts.values import code_of
from flows.definition import Consultation
from flows.flow import Flow
from flows.questions.base import Question
from flows.renderer import Renderer
from flows.tally import PER_OPTION, Tally
from flows.values import Value
from storage.tables.revisions import PublishedRevision, revisions_once_live

RESPONSE_COLUMNS: Final = (
    "response_id",
    "consultation",
    "revision",
    "status",
    "channel",
    "language",
    "mode",
    "place_code",
)
TIME_COLUMNS: Final = ("started_at", "ended_at")
COUNTED_COLUMN: Final = "answered"
"""The last column of the wide files: 1 where the participation counts (`storage.tables.participations`)."""
_FLOWS: Final = FlowCache[Flow](kept_bytes=16_000_000)
"""The revisions that were described last, by all that a flow without links is compiled from."""


class QuestionWording(NamedTuple):
    """The wording of a question in some revisions."""

    revisions: tuple[int, ...]
    question: Question
    labels: Labels


@dataclass(frozen=True, slots=True)
class Variable:
    """A question over all revisions in which it has the same meaning (`bot.results.counts.question_meaning`).

    Texts are those of the newest of these revisions.
    """

    key: str
    id: str
    """The unique name of the variable: the key. If an older version let a key change its meaning, the key denotes the
    newest meaning; an earlier meaning is named by the key and the last revision that used it ("safety.1").
    """
    name: str
    """The column in the wide files: the id, unless another column has that name."""
    tally: Tally
    question: Question
    codes: tuple[str, ...]
    """The possible answers, if there is a finite number, in the order in which they are offered; removed ones last."""
    labels: Labels
    """Code → language → label; if the label changed, both."""
    options: tuple[str, ...]
    """The options of all revisions that contain it, in the order of the definition; removed ones last."""
    possible: frozenset[str]
    """The codes that an answer consists of, unless it is a number or free text."""
    wordings: tuple[QuestionWording, ...]
    """The newest first."""
    revisions: tuple[int, ...]
    is_earlier: bool
    """Whether the key has another meaning now."""

    @property
    def is_several(self) -> bool:
        """Whether an answer can refer to several options."""
        return self.tally in PER_OPTION

    def columns(self) -> tuple[str, ...]:
        """Returns its columns in the wide files. No key contains a dot, so they never clash with another question."""
        if self.is_several:
            return (self.name, *(f"{self.name}.{code}" for code in self.codes))
        if self.tally == "text":
            return (self.name, f"{self.name}.missing", f"{self.name}.withheld")
        return (self.name,)


@dataclass(frozen=True, slots=True)
class AnswerDataset:
    """A consultation as counted and exported."""

    newest: PublishedRevision
    revisions: tuple[PublishedRevision, ...]
    flows: Mapping[int, Flow]
    """The compiled revisions by id."""
    variables: tuple[Variable, ...]
    asked: Mapping[tuple[int, str], Variable]
    """The variable of each revision (by id) and question key."""
    is_over: bool = False
    """Whether answers are no longer accepted."""
    is_inner: bool = False
    """Whether nothing is suppressed: for the core team."""
    is_without_bursts: bool = False
    """Whether participations that began in a burst of their network are not counted: for the core team."""

    @property
    def flow(self) -> Flow:
        return self.flows[self.newest.id]

    @property
    def language(self) -> str:
        """Returns the language of the labels in the files."""
        return self.flow.consultation.main_language

    @property
    def min_cell_size(self) -> int:
        """Returns the threshold of published figures; `disclosure.UNPROTECTED` for the core team."""
        return UNPROTECTED if self.is_inner else self.flow.consultation.smallest_cell

    def number_of(self, revision_id: int) -> int:
        return next(revision.number for revision in self.revisions if revision.id == revision_id)

    def revisions_of(self, variable: Variable) -> list[int]:
        """Returns the ids of the revisions that contain it."""
        return [revision.id for revision in self.revisions if revision.number in variable.revisions]


def _in_order(
    every: Sequence[PublishedRevision], newest: PublishedRevision, among: Collection[int]
) -> tuple[PublishedRevision, ...]:
    """Returns the revisions among these ids, or all if none is. The live one is the last, also after going back."""
    chosen = [it for it in every if it.id in among] or every
    return tuple(sorted(chosen, key=lambda it: it.id == newest.id))


def load_dataset(
    connection: Connection,
    slug: str,
    *,
    trials: bool = False,
    among: Collection[int] = (),
    now: datetime | None = None,
) -> AnswerDataset:
    """Loads the consultation of this name, open or closed, as of `now`; with `trials` also a test. Raises CommandError,
    which names other consultations.

    `among` restricts the revisions by id, e.g. to those that existed at the time of a count. If the live revision is
    not among them, the last one counts as the newest.
    """
    newest = stored_revisions.live_revision(connection, slug, trials=trials)
    every = revisions_once_live(connection, newest.consultation_id)
    revisions = _in_order(every, newest, among)
    newest = revisions[-1] if among else newest
    flows = {revision.id: _flow_of(connection, revision) for revision in revisions}
    variables = tuple(_variables(revisions, flows))
    ids = {revision.number: revision.id for revision in revisions}
    asked = {(ids[number], variable.key): variable for variable in variables for number in variable.revisions}
    return AnswerDataset(
        newest=newest,
        revisions=revisions,
        flows=flows,
        variables=variables,
        asked=asked,
        is_over=takes_no_answers(newest, now or datetime.now(UTC)),
    )


def _flow_of(connection: Connection, revision: PublishedRevision) -> Flow:
    """Returns the compiled revision. Raises UnreadableError if an incompatible version wrote it."""
    key = (revision.content, revision.content_hash, revision.is_trial)
    return _FLOWS.get_or_compile(key, len(revision.content), lambda: Catalogue().revision(connection, revision.id).flow)


def revisions_with_same_meaning(connection: Connection, newest: PublishedRevision, key: str) -> frozenset[int]:
    """Returns the ids of the revisions in which this key has the meaning of the newest one; compiles nothing."""
    if newest.number == 1:
        return frozenset({newest.id})
    revisions = revisions_once_live(connection, newest.consultation_id)
    asked = [(it.id, node) for it in revisions if (node := _questions(it.content).get(key)) is not None]
    places = question_meaning.group_by_meaning([it for _, it in asked])
    return frozenset(asked[place][0] for place in (places[0] if places else ()))


@lru_cache(64)
def _questions(content: str) -> dict[str, AskedQuestion]:
    consultation = Consultation.model_validate_json(content)
    asked = (node for node in consultation.nodes() if isinstance(node, Question))
    return {node.key: AskedQuestion(node, tuple(consultation.languages)) for node in asked}


def _variables(revisions: Sequence[PublishedRevision], flows: Mapping[int, Flow]) -> Iterator[Variable]:
    """Yields the questions of the newest revision in order, then those of earlier revisions, then earlier meanings."""
    asked_in: dict[str, list[PublishedRevision]] = {}
    for revision in reversed(revisions):
        for key in flows[revision.id].questions:
            asked_in.setdefault(key, []).insert(0, revision)
    earlier: list[Variable] = []
    for key, found in asked_in.items():
        newest, *others = question_meaning.group_by_meaning([_asked(flows[revision.id], key) for revision in found])
        yield _variable(key, [found[place] for place in newest], flows)
        earlier += (_variable(key, [found[place] for place in it], flows, is_earlier=True) for it in others)
    yield from earlier


def _asked(flow: Flow, key: str) -> AskedQuestion:
    return AskedQuestion(flow.question(key), tuple(flow.consultation.languages))


def _variable(
    key: str, revisions: Sequence[PublishedRevision], flows: Mapping[int, Flow], *, is_earlier: bool = False
) -> Variable:
    """Returns the variable of these revisions, which are given oldest first."""
    wordings = tuple(_wordings(key, revisions, flows))
    question, id_ = wordings[0].question, f"{key}.{revisions[-1].number}" if is_earlier else key
    tally = _tally([wording.question for wording in wordings])
    renderers = {tag: localized.renderer for tag, localized in flows[revisions[-1].id].localized.items()}
    labels = _labels_over(wordings, renderers)
    options = tuple(dict.fromkeys(option.value for it in wordings for option in it.question.listed_options()))
    return Variable(
        key=key,
        id=id_,
        name=f"q.{id_}" if id_ in (*RESPONSE_COLUMNS, *TIME_COLUMNS, COUNTED_COLUMN) else id_,
        tally=tally,
        question=question,
        codes=() if tally == "pairs" else tuple(labels),
        labels=labels,
        options=options,
        possible=frozenset(labels),
        wordings=wordings,
        revisions=tuple(revision.number for revision in revisions),
        is_earlier=is_earlier,
    )


def _wordings(key: str, revisions: Sequence[PublishedRevision], flows: Mapping[int, Flow]) -> Iterator[QuestionWording]:
    """Yields the different wordings, the newest first."""
    found: list[tuple[Question, Labels, list[int]]] = []
    for revision in reversed(revisions):
        flow = flows[revision.id]
        question, labels = flow.question(key), _labels(flow, key)
        same = next((it for it in found if it[0] == question and it[1] == labels), None)
        if same is None:
            found.append(same := (question, labels, []))
        same[2].insert(0, revision.number)
    return (QuestionWording(tuple(numbers), question, labels) for question, labels, numbers in found)


def _labels_over(wordings: Sequence[QuestionWording], renderers: Mapping[str, Renderer]) -> Labels:
    """Returns the label of each code in the newest wording that has it, and its earlier labels."""
    found: dict[str, dict[str, str]] = {}
    for wording in wordings:
        for code, by_language in wording.labels.items():
            texts = found.setdefault(code, {})
            texts |= {language: text for language, text in by_language.items() if language not in texts}
    for code, texts in found.items():
        for language, earlier in _called_before(code, wordings).items():
            if language in texts and language in renderers:
                quoted = ", ".join(f"„{label}“" for label in earlier)
                texts[language] = renderers[language].text(
                    "results.called_before", label=texts[language], earlier=quoted
                )
    return found


def _called_before(code: str, wordings: Sequence[QuestionWording]) -> dict[str, list[str]]:
    """Returns different labels of this code in earlier wordings, by language; punctuation makes no difference."""
    found: dict[str, dict[str, str]] = {}
    for wording in wordings:
        label = dict(question_meaning.own_labels(wording.question)).get(code)
        for language, text in label.items() if label else ():
            found.setdefault(language, {}).setdefault(question_meaning.comparable_label(text.text), text.text)
    return {language: [*names.values()][1:] for language, names in found.items() if len(names) > 1}


def _tally(questions: Sequence[Question]) -> Tally:
    """Returns how answers are counted. If some wordings allow several options, all answers are read as several."""
    return "many" if any(question.tally == "many" for question in questions) else questions[0].tally


def _labels(flow: Flow, key: str) -> dict[str, dict[str, str]]:
    """Returns code → language → label of all parts of answers, in the order in which they are offered."""
    question = flow.question(key)
    values = question.values()
    if values is None:
        return {
            it.value: {tag: localized.renderer.localized(it.label) for tag, localized in flow.localized.items()}
            for it in question.listed_options()
        }
    possible = (True, False) if values is bool else values if isinstance(values, frozenset) else ()
    prompt = flow.localized[flow.languages[0]].questions[key].prompt
    offered = [reply.parsed.value for reply in prompt.quick_replies]

    def place(value: Value) -> tuple[bool, int, str]:
        code = code_of(value)
        return code not in offered, offered.index(code) if code in offered else 0, "" if value is True else code

    return {
        code_of(value): {
            language: localized.questions[key].label(value) for language, localized in flow.localized.items()
        }
        for value in sorted(possible, key=place)
    }
