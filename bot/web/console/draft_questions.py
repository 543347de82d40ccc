"""The questions of a draft as cards: add, move, copy, delete, edit; each step can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web

from bot.authoring.condition_forms import (
    ANSWERED,
    MOST,
    AnswerGroup,
    ConditionForm,
    ConditionRow,
    answer_groups,
    read_condition,
    write_condition,
)
from bot.authoring.draft_fields import DraftField, FieldChoice, field_name, index_path, shown_value, value_at
from bot.authoring.draft_texts import mark_changed
from bot.authoring.drafts import DraftChanged, DraftUnusable
from bot.authoring.question_forms import (
    ListField,
    TypeForm,
    copied_question,
    entry_fields,
    first_words,
    new_entry,
    new_question,
    setting_fields,
    type_form,
    type_names,
)
from bot.authoring.yaml_edit import EditRefused, arrange, insert_entry, plain_data, set_values
from bot.web.console.draft_autosave import autosaved, is_autosave
from bot.web.console.draft_editing import (
    EditConflict,
    EditedDraft,
    ShownField,
    apply_form,
    base_of_form,
    conflict_page,
    draft_page,
    edited_draft,
    issues_below,
    see_draft,
    store_change,
)
from bot.web.console.draft_media import PROBLEMS as MEDIA_PROBLEMS
from bot.web.console.draft_media import media_places
from bot.web.console.issue_words import ToldIssue
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from flows.questions.base import Where, registry

QUESTIONS: Final = ("questions",)
LONGEST_TEXT: Final = 1_000
_DONE: Final = {"up": "moved", "down": "moved", "before": "moved", "copy": "copied", "delete": "deleted"}
"""Steps with a whole question, and what the next page says about each."""


class QuestionCard(NamedTuple):
    """One question in the list."""

    key: str
    number: int
    text: str
    type_name: str
    only_if: str
    """In words: what must have been said before; "" without a condition."""
    faults: list[ToldIssue]
    hints: list[ToldIssue]


class EntryForm(NamedTuple):
    """One entry of a list in the open card."""

    fields: list[ShownField]


class ListForm(NamedTuple):
    """A list of the open card: its entries, and the name of the field for one more."""

    about: ListField
    entries: list[EntryForm]
    adding: str


class OpenCard(NamedTuple):
    """The form of the open question."""

    texts: list[ShownField]
    settings: list[ShownField]
    lists: list[ListForm]
    condition: ConditionForm
    rows: list[ConditionRow]
    groups: list[AnswerGroup]
    form: TypeForm
    other_issues: list[ToldIssue]


def entries_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the questions of a file that have a key and a type."""
    found = data.get("questions")
    return [it for it in found if isinstance(it, dict)] if isinstance(found, list) else []


@console_page("GET", "/consultations/{slug}/questions", "consultations.change")
async def show_questions(visit: Visit) -> web.StreamResponse:
    """Lists the questions; the address says which one is open."""
    return await _page(visit, await edited_draft(visit), visit.request.query.get("open", ""))


@console_page("POST", "/consultations/{slug}/questions", "consultations.change")
async def add_question(visit: Visit) -> web.StreamResponse:
    """Adds a question at the end, and opens it."""
    edited = await edited_draft(visit)
    kind, text = visit.field("type"), visit.field("text")[:LONGEST_TEXT]
    if kind not in registry():
        raise web.HTTPNotFound
    entries = entries_of(edited.data)
    question = new_question(kind, text, edited.language, {str(it.get("key")) for it in entries})

    def change(content: str) -> str:
        return mark_changed(content, insert_entry(content, QUESTIONS, len(entries), question), edited.language)

    try:
        await store_change(visit, edited.draft, change)
    except DraftChanged:
        return await _page(visit, await edited_draft(visit), problem="changed", status=409)
    except (EditRefused, DraftUnusable) as refused:
        return await _page(visit, edited, problem=getattr(refused, "reason", "unreadable"), status=422)
    key = str(question["key"])
    return see_draft(visit, edited, "questions", "added", anchor=f"q-{key}", open=key)


@console_page("POST", "/consultations/{slug}/questions/{key}", "consultations.change")
async def change_question(visit: Visit) -> web.StreamResponse:
    """Stores the form of a question, or takes the step that its button names."""
    edited, key = await edited_draft(visit), visit.part("key")
    entries = entries_of(edited.data)
    index = next((at for at, it in enumerate(entries) if it.get("key") == key), None)
    if index is None:
        return await _page(visit, edited, problem="question_gone", status=409)
    fields, base = _fields_of(edited, entries[index], entries[:index]), await base_of_form(visit, edited)
    if is_autosave(visit):
        then = partial(_with_condition_of, visit, edited.language, key=key, base=base)
        return await autosaved(visit, edited, fields, partial(_shown_in_card, key=key), then)
    step, _, about = visit.field("act").partition(":")
    change = partial(_after_form, visit, edited.language, key=key, step=step, about=about, base=base)
    try:
        await apply_form(visit, edited, fields, change)
    except EditConflict as conflict:
        return await conflict_page(visit, edited, conflict)
    except DraftChanged:
        return await _page(visit, await edited_draft(visit), key, "changed", 409)
    except (EditRefused, DraftUnusable) as refused:
        return await _page(visit, edited, key, getattr(refused, "reason", "unreadable"), 422)
    is_open = "f" in visit.form and step not in ("close", "delete")
    anchor = "" if step == "delete" else f"q-{key}"
    query = {"open": key} if is_open else {}
    return see_draft(visit, edited, "questions", _DONE.get(step, "saved"), anchor=anchor, **query)


def _moved(text: str, key: str, step: str, about: str) -> str:
    """Moves, copies or deletes a question; `before` moves it before the question `about`, or to the end for ""."""
    entries = entries_of(plain_data(text))
    index = next((at for at, it in enumerate(entries) if it.get("key") == key), None)
    if index is None:
        raise EditRefused
    order = list(range(len(entries)))
    if step == "delete":
        order.remove(index)
    elif step == "copy":
        order.insert(index + 1, index)
    elif step == "before":
        order = _placed_before(
            order, index, next((at for at, it in enumerate(entries) if it.get("key") == about), None)
        )
    elif 0 <= (to := index + (1 if step == "down" else -1)) < len(entries):
        order[index], order[to] = order[to], order[index]
    text = arrange(text, QUESTIONS, order)
    if step == "copy":
        taken = {str(it.get("key")) for it in entries}
        text = set_values(text, {("questions", index + 1, "key"): copied_question(entries[index], taken)})
    return text


def _placed_before(order: list[int], index: int, before: int | None) -> list[int]:
    """Returns the order with one question before another one; at the end if there is no other one (any more)."""
    if index == before:
        return order
    rest = [it for it in order if it != index]
    at = len(rest) if before is None else rest.index(before)
    return [*rest[:at], index, *rest[at:]]


def _with_condition_of(visit: Visit, language: str, text: str, *, key: str, base: Any) -> str:
    """Stores the condition of the form."""
    where, entries = _place_of(text, key)
    return mark_changed(text, _with_condition(visit, text, where, entries, base), language)


def _place_of(text: str, key: str) -> tuple[Where, list[dict[str, Any]]]:
    """Returns the path of a question, and all questions. Raises EditRefused if it is gone."""
    data = plain_data(text)
    where = index_path(data, ("questions", key))
    if where is None:
        raise EditRefused
    return where, entries_of(data)


def _after_form(visit: Visit, language: str, text: str, *, key: str, step: str, about: str, base: Any) -> str:
    """Stores the condition and a new entry, and takes a step with an entry of a list."""
    where, entries = _place_of(text, key)
    question = entries[int(where[1])]
    before, text = text, _with_condition(visit, text, where, entries, base)
    for found in type_form(str(question.get("type"))).lists:
        listed = question.get(found.name)
        some = listed if isinstance(listed, list) else []
        if added := visit.field(f"new-{found.name}")[:LONGEST_TEXT]:
            text = _with_entry(text, (*where, found.name), new_entry(found, added, language, some), some)
        elif about.startswith(f"{found.name}:"):
            text = arrange(text, (*where, found.name), _order_of(len(some), step, about))
    text = mark_changed(before, text, language)
    return _moved(text, key, step, about) if step in _DONE else text


def _with_entry(text: str, where: tuple[str | int, ...], entry: dict[str, Any], listed: Sequence[Any]) -> str:
    return insert_entry(text, where, len(listed), entry) if listed else set_values(text, {where: [entry]})


def _order_of(count: int, step: str, about: str) -> list[int]:
    """Returns the order of entries after a step; `about` ends with the index of the entry."""
    said = about.rpartition(":")[2]
    index = int(said) if said.isdecimal() and len(said) < 4 else count
    order = list(range(count))
    to = index + {"entry-up": -1, "entry-down": 1}.get(step, 0)
    if index >= count or not 0 <= to < count:
        return order
    if step == "entry-delete":
        order.remove(index)
    else:
        order[index], order[to] = order[to], order[index]
    return order


def _with_condition(visit: Visit, text: str, where: Where, entries: Sequence[dict[str, Any]], base: Any) -> str:
    """Stores the condition of the form; one that the form cannot show stays, and one that the member did not change."""
    if "when" not in visit.form:
        return text
    index = int(where[1])
    question, earlier = entries[index], entries[:index]
    before = read_condition(question.get("ask_if"))
    began = read_condition(value_at(base, ("questions", str(question.get("key")), "ask_if")))
    rows = []
    for number in range(MOST):
        answer = visit.field(f"answer-{number}")
        if answer and not (number == 0 and visit.field("when") == "always"):
            rows.append(ConditionRow("is_not" if visit.field(f"verb-{number}") == "is_not" else "is", answer))
    if visit.field("when") == "always":
        rows = []
    after = ConditionForm("any" if visit.field("join") == "any" else "all", tuple(rows))
    written = write_condition(after, earlier)
    is_same = after in (before, began) or (before.is_complex and visit.field("when") == "kept")
    return text if is_same else set_values(text, {(*where, "ask_if"): written})


def _fields_of(edited: EditedDraft, question: dict[str, Any], earlier: list[dict[str, Any]]) -> list[DraftField]:
    language, key = edited.language, str(question.get("key"))
    fields = [*_text_fields(question, language), *setting_fields(question, earlier, language)]
    for found in type_form(str(question.get("type"))).lists:
        listed = question.get(found.name)
        for some in entry_fields(key, found, len(listed) if isinstance(listed, list) else 0, language):
            fields += some
    return fields


def _text_fields(question: dict[str, Any], language: str) -> list[DraftField]:
    key = str(question.get("key"))
    names = ("text", "hint") if "hint" in registry()[str(question.get("type"))].model_fields else ("text",)
    wheres = [("questions", key, name, language) for name in names]
    return [DraftField(field_name(it), it, "long", is_required=it[2] == "text") for it in wheres]


async def _page(visit: Visit, edited: EditedDraft, key: str = "", problem: str = "", status: int = 200) -> web.Response:
    entries = entries_of(edited.data)
    cards = [_card(visit, edited, at, it) for at, it in enumerate(entries)]
    opened = next((at for at, it in enumerate(entries) if it.get("key") == key), None)
    card = None if opened is None else _open_card(edited, entries[opened], opened, entries[:opened])
    return await draft_page(
        visit,
        "questions.html",
        edited,
        problem,
        status,
        cards=cards,
        opened=key if card else "",
        card=card,
        media=media_places(edited.data, entries[opened], edited.language) if opened is not None else [],
        media_problem=MEDIA_PROBLEMS.get(visit.request.query.get("media", ""), ""),
        kinds=sorted((FieldChoice(*it) for it in type_names(visit.locale.tag)), key=lambda it: it.label),
        answered=ANSWERED,
    )


def _shown_in_card(edited: EditedDraft, key: str) -> list[ShownField]:
    """Returns the fields of the open question with the result of the check."""
    entries = entries_of(edited.data)
    index = next((at for at, it in enumerate(entries) if it.get("key") == key), None)
    if index is None:
        return []
    card = _open_card(edited, entries[index], index, entries[:index])
    listed = [field for found in card.lists for entry in found.entries for field in entry.fields]
    return [*card.texts, *card.settings, *listed]


def _card(visit: Visit, edited: EditedDraft, index: int, entry: dict[str, Any]) -> QuestionCard:
    issues = issues_below(edited, ("questions", index))
    kind = str(entry.get("type"))
    names = dict(type_names(visit.locale.tag))
    return QuestionCard(
        key=str(entry.get("key")),
        number=index + 1,
        text=first_words(entry.get("text"), edited.language),
        type_name=names.get(kind, kind),
        only_if=_condition_words(visit, edited, index, entry),
        faults=[it for it in issues if not it.warning],
        hints=[it for it in issues if it.warning],
    )


def _condition_words(visit: Visit, edited: EditedDraft, index: int, entry: dict[str, Any]) -> str:
    """Returns a condition in words: "Lampen: Nein", and what joins two of them."""
    form = read_condition(entry.get("ask_if"))
    if form.is_complex:
        return visit.locale.text("console.ask.condition_in_file")
    said = []
    groups = answer_groups(entries_of(edited.data)[:index], edited.language)
    labels = {value: (group.title, label) for group in groups for value, label in group.answers}
    for row in form.rows:
        title, label = labels.get(row.answer, (row.answer, ""))
        label = {"yes": visit.locale.text("console.ask.yes"), "no": visit.locale.text("console.ask.no")}.get(
            label, label
        )
        label = label or visit.locale.text("console.ask.anything")
        phrase = "console.ask.said_not" if row.verb == "is_not" else "console.ask.said"
        said.append(visit.locale.text(phrase, question=title, answer=label))
    join = visit.locale.text("console.ask.or" if form.join == "any" else "console.ask.and")
    return f" {join} ".join(said)


def _open_card(edited: EditedDraft, entry: dict[str, Any], index: int, earlier: list[dict[str, Any]]) -> OpenCard:
    place, key, language = ("questions", index), str(entry.get("key")), edited.language
    seen: list[ToldIssue] = []

    def shown(field: DraftField, depth: int) -> ShownField:
        issues = issues_below(edited, (*place, *field.where[2:depth]))
        seen.extend(issues)
        return ShownField(field, str(field.where[depth - 1]), shown_value(field, edited.data), issues)

    texts = [shown(it, 3) for it in _text_fields(entry, language)]
    settings = [shown(it, 3) for it in setting_fields(entry, earlier, language)]
    lists = []
    for found in type_form(str(entry.get("type"))).lists:
        listed = entry.get(found.name)
        count = len(listed) if isinstance(listed, list) else 0
        some = [
            EntryForm([shown(it, 5 if at else 4) for at, it in enumerate(fields)])
            for fields in entry_fields(key, found, count, language)
        ]
        lists.append(ListForm(found, some, f"new-{found.name}"))
    condition = read_condition(entry.get("ask_if"))
    rows = [*condition.rows, *([ConditionRow("is", "")] * MOST)][:MOST]
    return OpenCard(
        texts=texts,
        settings=settings,
        lists=lists,
        condition=condition,
        rows=rows,
        groups=answer_groups(earlier, language),
        form=type_form(str(entry.get("type"))),
        other_issues=[it for it in issues_below(edited, place) if it not in seen],
    )
