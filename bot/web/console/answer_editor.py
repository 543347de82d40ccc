"""The draft of an official answer: for one proposal, or the same one for several; with templates of reasons.

A form carries the version of each draft. If another member changed a draft meanwhile, nothing of either text is lost:
the page shows both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from bot.broadcasts.outcome_audience import audiences
from bot.proposals import answer_drafts
from bot.proposals.answer_drafts import DraftConflict, DraftKey
from bot.proposals.moderation_decisions import LONGEST_REASON
from bot.proposals.moderation_rules import DecisionRefused, RefusalReason
from bot.proposals.official_answers import (
    LONGEST_BODY,
    LONGEST_LINK,
    OfficialAnswer,
    cleaned_reason,
    required_languages,
)
from bot.web.console.answer_views import (
    MOST_AT_ONCE,
    AnswerPreview,
    DraftRow,
    answer_rows,
    draft_keys,
    own_rows,
    preview_answers,
)
from bot.web.console.answers import answer_outcomes, see_answers
from bot.web.console.consultations import own_consultation
from bot.web.console.overview import ConsultationSummary
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from flows.languages import LANGUAGES, language_name
from storage.tables.answer_drafts import (
    AnswerDraft,
    AnswerTemplate,
    delete_answer_template,
    insert_answer_templates,
    list_answer_templates,
)
from storage.tables.proposals import PUBLIC_STATUSES

LONGEST_NAME: Final = 100
NO_ANSWER: Final = OfficialAnswer("received", {})
"""The empty form: no status is chosen."""


class ReasonField(NamedTuple):
    """The field for the reason in one language. `number`: how many people read it; None for several proposals."""

    tag: str
    language: str
    is_required: bool
    number: int


class _Editor(NamedTuple):
    """What the page shows besides the form."""

    rows: list[DraftRow]
    reason_fields: list[ReasonField]
    further: list[ReasonField]
    """Languages that no subscriber of it reads."""
    templates: list[AnswerTemplate]
    previews: list[AnswerPreview]


class _Saved(NamedTuple):
    """What became of the drafts of a form. Those in `conflicts` and `refused` are as they were."""

    saved: tuple[int, ...]
    conflicts: dict[int, AnswerDraft | None]
    refused: dict[int, RefusalReason]


@console_page("GET", "/consultations/{slug}/answers/together", "answers.publish")
async def show_together(visit: Visit) -> web.StreamResponse:
    """Shows the form for one answer to several proposals (`item`: their codes)."""
    return await _show(visit, visit.request.query.getall("item", [])[:MOST_AT_ONCE])


@console_page("POST", "/consultations/{slug}/answers/together", "answers.publish")
async def save_together(visit: Visit) -> web.StreamResponse:
    """Saves the same draft for several proposals."""
    return await _act(visit)


@console_page("GET", "/consultations/{slug}/answers/{code}", "answers.publish")
async def show_answer(visit: Visit) -> web.StreamResponse:
    """Shows the answers to a proposal, and the form of the next one."""
    return await _show(visit, [visit.part("code")])


@console_page("POST", "/consultations/{slug}/answers/{code}", "answers.publish")
async def save_answer(visit: Visit) -> web.StreamResponse:
    """Saves the draft for a proposal."""
    return await _act(visit)


async def _show(visit: Visit, codes: Sequence[str]) -> web.Response:
    summary = await own_consultation(visit)

    def load(connection: Connection) -> list[DraftRow]:
        return own_rows(visit, connection, summary.consultation_id, codes)

    rows = await visit.read(load)
    if not rows:
        raise web.HTTPNotFound
    written = next((row.draft for row in rows if row.draft), None)
    outcome = answer_drafts.outcome_of(written) if written else NO_ANSWER
    keys = [DraftKey(row.item.proposal.id, row.draft.version if row.draft else 0) for row in rows]
    return await _page(visit, summary, keys, outcome)


async def _act(visit: Visit) -> web.Response:
    """Does what the button `then` says."""
    summary = await own_consultation(visit)
    wanted = draft_keys(visit.form.get("item", []))

    def load(connection: Connection) -> list[DraftRow]:
        return answer_rows(visit, connection, [key.proposal_id for key in wanted])

    known = {
        row.item.proposal.id
        for row in await visit.read(load)
        if row.item.proposal.consultation_id == summary.consultation_id
    }
    keys = [key for key in wanted if key.proposal_id in known]
    if not keys:
        raise web.HTTPNotFound
    match visit.field("then"):
        case "use" | "template" | "forget":
            return await _with_templates(visit, summary, keys)
        case "drop":
            return await _drop(visit, summary, keys)
        case _:
            return await _save(visit, summary, keys)


async def _save(visit: Visit, summary: ConsultationSummary, keys: Sequence[DraftKey]) -> web.Response:
    outcome = _outcome(visit)
    done = await visit.write(lambda connection: _save_all(visit, connection, keys, outcome))
    if not done.conflicts and not done.refused:
        return await _saved(visit, keys)
    left = [key for key in keys if key.proposal_id not in done.saved]
    # The form goes on from what is stored now: the member saw it, and may replace it.
    after = {number: draft.version if draft else 0 for number, draft in done.conflicts.items()}
    left = [DraftKey(key.proposal_id, after.get(key.proposal_id, key.version)) for key in left]
    problem = next(iter(done.refused.values()), None)
    return await _page(visit, summary, left, outcome, problem=problem, conflicts=done.conflicts)


def _save_all(visit: Visit, connection: Connection, keys: Sequence[DraftKey], outcome: OfficialAnswer) -> _Saved:
    context = visit.moderation(connection)
    saved: list[int] = []
    conflicts: dict[int, AnswerDraft | None] = {}
    refused: dict[int, RefusalReason] = {}
    for key in keys:
        try:
            with connection.begin_nested():
                answer_drafts.save_draft(context, key, outcome)
        except DraftConflict as conflict:
            conflicts[key.proposal_id] = conflict.stored
        except DecisionRefused as problem:
            refused[key.proposal_id] = problem.reason
        else:
            saved.append(key.proposal_id)
    return _Saved(tuple(saved), conflicts, refused)


async def _saved(visit: Visit, keys: Sequence[DraftKey]) -> web.Response:
    """Redirects to the preview, or to the page of the draft; of several drafts to their list."""
    slug, said = visit.part("slug"), f"saved:{len(keys)}"
    if visit.field("then") == "preview":

        def load(connection: Connection) -> list[DraftRow]:
            return answer_rows(visit, connection, [key.proposal_id for key in keys])

        codes = [("item", row.item.proposal.code) for row in await visit.read(load)]
        return visit.see(f"/consultations/{slug}/answers/preview?{urlencode(codes)}")
    if "code" in visit.request.match_info:
        return visit.see(f"/consultations/{slug}/answers/{visit.part('code')}", said=said)
    return see_answers(visit, "drafts", {"saved": len(keys)})


async def _drop(visit: Visit, summary: ConsultationSummary, keys: Sequence[DraftKey]) -> web.Response:
    """Deletes drafts; if one was changed meanwhile, none is deleted."""

    def work(connection: Connection) -> None:
        for key in keys:
            answer_drafts.drop_draft(visit.moderation(connection), key)

    try:
        await visit.write(work)
    except (DraftConflict, DecisionRefused) as error:
        problem: RefusalReason = error.reason if isinstance(error, DecisionRefused) else "changed"
        return await _page(visit, summary, keys, _outcome(visit), problem=problem)
    return see_answers(visit, "owed", {"dropped": len(keys)})


async def _with_templates(visit: Visit, summary: ConsultationSummary, keys: Sequence[DraftKey]) -> web.Response:
    """Uses, stores or deletes a template. The form stays as it was typed, and is not saved."""
    outcome, then = _outcome(visit), visit.field("then")
    number, name = id_in(visit.field("template")) or 0, visit.field("template_name")[:LONGEST_NAME]

    def work(connection: Connection) -> OfficialAnswer:
        if then == "forget":
            delete_answer_template(connection, number)
        elif then == "template" and name:
            new_id = visit.site.services.ids
            row = AnswerTemplate(
                id=new_id(),
                name=name,
                reason=cleaned_reason(outcome.reason),
                staff_name=visit.member.name,
                changed_at=visit.now,
            )
            insert_answer_templates(connection, [row])
        elif then == "use":
            chosen = next((it.reason for it in list_answer_templates(connection) if it.id == number), {})
            return outcome._replace(reason={**outcome.reason, **chosen})
        return outcome

    done = "nameless" if then == "template" and not name else then
    return await _page(visit, summary, keys, await visit.write(work), done=done)


def _outcome(visit: Visit) -> OfficialAnswer:
    """Returns the answer as it stands in the form."""
    status = next((it for it in PUBLIC_STATUSES if it == visit.field("status")), NO_ANSWER.status)
    reason = {tag: text for tag in LANGUAGES if (text := visit.field(f"reason-{tag}"))}
    return OfficialAnswer(status, reason, visit.field("body"), visit.field("link"), visit.field("kind") == "correction")


async def _page(
    visit: Visit,
    summary: ConsultationSummary,
    keys: Sequence[DraftKey],
    outcome: OfficialAnswer,
    *,
    problem: RefusalReason | None = None,
    conflicts: Mapping[int, AnswerDraft | None] | None = None,
    done: str = "",
) -> web.Response:
    def load(connection: Connection) -> _Editor:
        return _load(visit, connection, [key.proposal_id for key in keys], outcome)

    editor = await visit.read(load)
    status = 409 if conflicts else 422 if problem else 200
    return visit.page(
        "answer.html",
        status=status,
        summary=summary,
        **editor._asdict(),
        keys={key.proposal_id: key.version for key in keys},
        answer=outcome,
        statuses=PUBLIC_STATUSES,
        problem_reason=problem,
        conflicts=conflicts or {},
        outcomes=answer_outcomes(visit),
        done=done,
        language_name=language_name,
        limits={"reason": LONGEST_REASON, "body": LONGEST_BODY, "link": LONGEST_LINK, "name": LONGEST_NAME},
    )


def _load(visit: Visit, connection: Connection, numbers: Sequence[int], outcome: OfficialAnswer) -> _Editor:
    rows = answer_rows(visit, connection, numbers)
    required = dict.fromkeys(tag for row in rows for tag in required_languages(row.item))
    _, everyone = audiences(connection, [row.item for row in rows], visit.site.services.keys)
    hearing = everyone.by_language()
    shown = list(dict.fromkeys((*required, *hearing, *outcome.reason)))
    reason_fields = [ReasonField(tag, language_name(tag), tag in required, hearing.get(tag, 0)) for tag in shown]
    further = [ReasonField(tag, language_name(tag), False, 0) for tag in LANGUAGES if tag not in shown]
    previews, _ = preview_answers(visit, connection, rows) if len(rows) == 1 else ([], everyone)
    return _Editor(rows, reason_fields, further, list_answer_templates(connection), previews)
