"""The texts of the reading page: what waits or is released, each with its question, flags, translations and similar
texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import Connection

from bot.consultations.answer_text import strip_media_mark
from bot.consultations.stored_revisions import parse_content
from bot.proposals.moderation_rules import ModerationItem, load_items
from bot.proposals.similar_proposals import SimilarProposal, find_similar_proposals
from flows.definition import Consultation
from flows.languages import language_name
from flows.questions.base import Question
from flows.questions.district import DISTRICTS
from storage.tables.attachments import ListedAttachment, attachments_of_sessions
from storage.tables.moderation import NewProposalText
from storage.tables.revisions import revisions_by_id
from storage.tables.staff import staff_names
from storage.tables.waiting_texts import moderation_queue

PAGE_SIZE: Final = 25
MOST_ALIKE: Final = 40
"""Similar texts of one text."""
PERSONAL_FLAGS: Final = frozenset({"email", "phone", "iban", "sensitive"})
"""Reliable flags of personal data: such a text is released alone, after a look at it."""

ReadingState = Literal["waiting", "released", "hidden", "merged"]
SHOWN: Final[tuple[ReadingState, ...]] = get_args(ReadingState)
"""The states that the page lists: what was decided can be taken back there at any time."""


class Alike(NamedTuple):
    """A waiting text that resembles another one, with the version that is shown."""

    proposal_id: int
    code: str
    text: str
    language: str
    version: str


class TranslationShown(NamedTuple):
    """A translation with its state: who wrote it, and who of the team reviewed it ("" if there is none)."""

    row: NewProposalText
    name: str
    """The language, in itself."""
    reviewer: str

    @property
    def is_by_machine(self) -> bool:
        return self.row.translator == "machine"


class ReadingText(NamedTuple):
    """One text of the list."""

    item: ModerationItem
    question: str
    """The question of an open answer, "" for a proposal."""
    language: str
    district: str
    flags: list[str]
    similar: list[SimilarProposal]
    alike: list[Alike]
    translations: list[TranslationShown]
    attachments: list[ListedAttachment]
    """The recordings and pictures of an open answer."""

    @property
    def words(self) -> str:
        """Returns the text without the mark of a recording or picture, which stands beside its file."""
        text = self.item.proposal.text
        return strip_media_mark(text) if self.attachments else text

    @property
    def is_personal(self) -> bool:
        return not PERSONAL_FLAGS.isdisjoint(self.flags)


def reading_ids(connection: Connection, consultation_id: int, state: ReadingState, after_id: int) -> list[int]:
    """Returns the ids of one page and of the text that follows it, oldest first."""
    return moderation_queue(connection, consultation_id, state, after_id=after_id, limit=PAGE_SIZE + 1)


def reading_texts(
    connection: Connection, consultation_id: int, ids: Sequence[int], language: str, *, with_similar: bool = True
) -> dict[int, ReadingText]:
    """Loads these texts for a reader of this language, in the order of their ids."""
    items = load_items(connection, list(ids))
    proposals = [it.proposal for it in items.values() if with_similar and not it.answer and it.state == "waiting"]
    similar = find_similar_proposals(connection, consultation_id, proposals, MOST_ALIKE) if proposals else {}
    groups = _groups(similar)
    others = load_items(connection, sorted({number for group in groups.values() for number in group}))
    questions = questions_of(connection, items.values(), language)
    attachments = attachments_shown(connection, items.values())
    names = staff_names(connection, sorted(_reviewers(items.values())))
    return {
        number: ReadingText(
            item=item,
            question=questions.get(number, ("", False))[0],
            language=language_name(item.proposal.language),
            district=DISTRICTS.get(item.proposal.district or "", item.proposal.district or ""),
            flags=flags_shown(item, questions),
            similar=similar.get(number, []),
            alike=_alike(groups.get(number, []), others),
            translations=translations_shown(item, names),
            attachments=attachments.get(number, []),
        )
        for number, item in items.items()
    }


def attachments_shown(connection: Connection, items: Iterable[ModerationItem]) -> dict[int, list[ListedAttachment]]:
    """Returns the attachments of each open answer."""
    answers = {(it.answer.session_id, it.answer.question_key): it.answer.id for it in items if it.answer}
    sessions = sorted({session_id for session_id, _ in answers})
    found: dict[int, list[ListedAttachment]] = {}
    for row in attachments_of_sessions(connection, sessions) if sessions else ():
        if number := answers.get((row.session_id, row.question_key)):
            found.setdefault(number, []).append(row)
    return found


def questions_of(connection: Connection, items: Iterable[ModerationItem], language: str) -> dict[int, tuple[str, bool]]:
    """Returns the question of each open answer in this language, and whether it is sensitive."""
    asked = {it.proposal.id: (it.answer.revision_id, it.proposal.question_key) for it in items if it.answer}
    revisions = revisions_by_id(connection, sorted({revision_id for revision_id, _ in asked.values()}))
    definitions = {number: parse_content(it.content, it.consultation_id) for number, it in revisions.items()}
    found = {number: _question(definitions.get(id_), key, language) for number, (id_, key) in asked.items()}
    return {number: it for number, it in found.items() if it}


def _question(definition: Consultation | None, key: str | None, language: str) -> tuple[str, bool] | None:
    node = next((it for it in definition.nodes() if it.key == key), None) if definition else None
    if definition is None or node is None:
        return None
    tag = language if language in node.text.languages() else definition.main_language
    return node.text.in_language(tag, {}), isinstance(node, Question) and node.sensitive


def flags_shown(item: ModerationItem, questions: dict[int, tuple[str, bool]]) -> list[str]:
    """Returns the flags of a text, and "sensitive" if it answers a sensitive question."""
    _, is_sensitive = questions.get(item.proposal.id, ("", False))
    return [*item.flags, *(["sensitive"] if is_sensitive else [])]


def translations_shown(item: ModerationItem, names: dict[int, str]) -> list[TranslationShown]:
    """Returns the translations of a text, with the names of these members as reviewers."""
    return [
        TranslationShown(row, language_name(tag), names.get(_reviewer(item, tag) or 0, ""))
        for tag, row in item.texts.items()
    ]


def _reviewer(item: ModerationItem, language: str) -> int | None:
    """Returns the member of the last decision about a reviewed translation."""
    text = item.texts.get(language)
    decisions = (it for it in reversed(item.decisions) if it.kind == "translate" and it.reason == language)
    last = next(decisions, None)
    return last.staff_id if last and text and text.reviewed else None


def _reviewers(items: Iterable[ModerationItem]) -> set[int]:
    return {found for item in items for tag in item.texts if (found := _reviewer(item, tag))}


def _groups(similar: Mapping[int, Sequence[SimilarProposal]]) -> dict[int, list[int]]:
    """Returns the waiting texts that resemble each text. A group is listed once, below its first text of the page."""
    listed: set[int] = set()
    groups: dict[int, list[int]] = {}
    for number, found in similar.items():
        waiting = [it.proposal.id for it in found if it.state == "waiting"]
        if number not in listed and waiting:
            groups[number] = waiting
            listed.update(waiting)
    return groups


def _alike(group: Iterable[int], items: dict[int, ModerationItem]) -> list[Alike]:
    found = [items[number] for number in group if number in items]
    return [Alike(it.proposal.id, it.proposal.code, it.proposal.text, it.proposal.language, it.version) for it in found]
