"""Answers messages that consist of the code of a contribution, in the main menu and within a consultation."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from bot.consultations.batch_context import BatchContext
from bot.consultations.catalogue import Catalogue
from bot.consultations.open_question import repeat_open_question
from bot.consultations.participant import Person
from bot.proposals.codes import parse_proposal_code
from bot.proposals.contribution_status import ContributionStatus, contribution_statuses, status_lines
from flows.messages import MsgIn
from flows.renderer import Renderer


class StatusLookup:
    """Answers messages that are nothing but a code. The session of the contact does not change."""

    def __init__(self, catalogue: Catalogue, public_url: str) -> None:
        self._catalogue = catalogue
        self._public_url = public_url
        self._known: dict[str, ContributionStatus] = {}
        self._codes: dict[int, str] = {}
        """The contributions of the current batch, by message."""

    def look(self, connection: Connection, arrived: Sequence[MsgIn]) -> None:
        """Loads the contributions that the codes of a batch refer to; nearly every batch has none."""
        self._codes = {id(msg): code for msg in arrived if (code := _code_of(msg))}
        self._known = contribution_statuses(connection, sorted({*self._codes.values()})) if self._codes else {}

    def receive(self, batch: BatchContext, person: Person, msg: MsgIn) -> bool:
        """Answers a code; returns False for other messages. In a consultation an unknown code may be an answer."""
        code = self._codes.get(id(msg))
        status = self._known.get(code or "")
        if code is None or (status is None and (person.participation is not None or not _is_surely_a_code(msg.text))):
            return False
        renderer = self._renderer(person, msg)
        if status is None:
            lines = [renderer.text("account.unknown", code=code)]
        else:
            page = f"{self._public_url}/p/{code}" if self._public_url else ""
            lines = status_lines(status, renderer.text, renderer.language, page)
        batch.say(person, renderer.message("\n".join(lines)))
        repeat_open_question(batch, person)
        return True

    def _renderer(self, person: Person, msg: MsgIn) -> Renderer:
        if person.participation is not None:
            return person.participation.published.flow.localized[person.participation.session.language].renderer
        return self._catalogue.main_menu.renderer(person.language, msg.language_hint, person.form)


def _code_of(msg: MsgIn) -> str | None:
    return None if msg.choice or msg.edits or msg.is_group else parse_proposal_code(msg.text)


def _is_surely_a_code(text: str) -> bool:
    """Whether a message can only be a code: a word such as "Parkbaenk" consists of the same characters."""
    return any(char.isdigit() or char in "-#" for char in text)
