"""Forms of a matrix: all its open rows in one table, sent to the bot row by row."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import dropwhile
from typing import Final, NamedTuple

from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import Form
from bot.web.public.form_chat import FormChat
from bot.web.public.form_model import FormChoice, FormStep
from flows.commands.words import Command
from flows.questions.base import Node
from flows.tokens import Token

_GAP: Final = "|"
_ROW: Final = "row"
MOST_ROWS: Final = 12


class TableRow(NamedTuple):
    """One row: its question key, what it rates, and the steps of the scale."""

    key: str
    label: str
    choices: tuple[FormChoice, ...]


class FormTable(NamedTuple):
    """The rows of a matrix that are still open, below its question."""

    title: str
    rows: tuple[TableRow, ...]


def form_table(published: PublishedConsultation, step: FormStep) -> FormTable | None:
    """Returns the table of the current question; None if it is no matrix, or if only one row is asked again."""
    keys = {option.parsed.key for option in step.options}
    nodes = published.consultation.nodes()
    current = next((node for node in nodes if node.key in keys), None)
    if current is None or not current.table or step.earlier is not None:
        return None
    rows = _rows_from(current, nodes)
    if len(rows) < 2:
        return None
    return FormTable(
        published.text(current.text, step.language), tuple(_table_row(published, step, node) for node in rows)
    )


def _rows_from(current: Node, nodes: Iterable[Node]) -> list[Node]:
    """Returns this row and the later ones of the same matrix."""
    return [node for node in dropwhile(lambda it: it is not current, nodes) if node.table == current.table]


def _table_row(published: PublishedConsultation, step: FormStep, node: Node) -> TableRow:
    label = published.text(node.row_text, step.language) if node.row_text else ""
    choices = (
        option._replace(token=option.parsed._replace(key=node.key).format()) for option in (*step.options, *step.others)
    )
    return TableRow(node.key, label, tuple(choices))


def is_table(data: Form) -> bool:
    """Whether a submitted form is that of a table."""
    return _ROW in data


async def submit_table(chat: FormChat, step: FormStep, sent: str, data: Form) -> str:
    """Sends an answer for each row; returns the phrase of the error, or ""."""
    chosen = _chosen(data)
    if not all(chosen):
        return "web.form.each_row"
    labels = {choice.parsed.value: choice.label for choice in (*step.options, *step.others)}
    for number, token in enumerate(chosen):
        label = labels.get(Token.parse(token).value, "")
        await chat.send(f"{sent}-{number}", choice=token, label=label)
    return ""


async def skip_table(chat: FormChat, sent: str, pressed: FormChoice, data: Form) -> bool:
    """Skips every row, if "skip" was pressed; tells whether it was."""
    if pressed.parsed.command != Command.SKIP:
        return False
    for number, _ in enumerate(_chosen(data)):
        await chat.send(f"{sent}-{number}", choice=pressed.token, label="" if number else pressed.label)
    return True


def submitted_rows(data: Form) -> str:
    """Returns the chosen answers in one text, to be shown beside an error."""
    return _GAP.join(_chosen(data))


def chosen_tokens(written: str) -> frozenset[str]:
    """Returns the answers that were chosen before an error."""
    return frozenset(written.split(_GAP))


def _chosen(data: Form) -> list[str]:
    """Returns the token chosen in each row, in order; "" where none is."""
    keys = [str(key) for key in data.getall(_ROW, [])][:MOST_ROWS]
    return [str(data.get(f"{_ROW}-{key}", ""))[:80] for key in keys]
