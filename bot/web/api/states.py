"""API operations for state changes of a consultation: the same steps as on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from bot.authoring import going_live, lifecycle, second_person, state_texts
from bot.authoring.lifecycle import Step, StepRefused
from bot.authoring.publish_impact import PublishOptions
from bot.web.api import serializers
from bot.web.api.models import ArchiveIn, BackIn, ConsultationOut, GoLiveIn, ReopenIn
from bot.web.api.problems import ApiProblem
from bot.web.api.registry import ROOT, ApiCall, operation
from storage.tables.revisions import PublishedRevision

_Found = TypeVar("_Found")
_STATUS: Final = {"unknown": 404, "end_past": 422, "no_revision": 422}
"""409 for all others."""
_OPERATIONS: Final[dict[Step, str]] = {"publish --back": "back"}


@operation("POST", "/consultations/{slug}/close", answer=ConsultationOut)
def close(call: ApiCall) -> ConsultationOut:
    """Close a consultation now; the answers stay."""
    return _shown(
        call,
        _taken(call, lambda: lifecycle.close_consultation(call.connection, call.slug, call.publish_context)).revision,
    )


@operation("POST", "/consultations/{slug}/reopen", answer=ConsultationOut, given=ReopenIn)
def reopen(call: ApiCall) -> ConsultationOut:
    """Reopen a consultation; earlier answers are deleted at the promised time, not later."""
    until = call.given.until
    found = _taken(
        call, lambda: lifecycle.reopen_consultation(call.connection, call.slug, call.publish_context, until=until)
    )
    return _shown(call, found.revision)


@operation("POST", "/consultations/{slug}/archive", answer=ConsultationOut, given=ArchiveIn)
def archive(call: ApiCall) -> ConsultationOut:
    """Archive a closed consultation once no proposal waits for an answer. Without `confirm`, returns the
    consequences.
    """
    found = _taken(call, lambda: lifecycle.preview_archiving(call.connection, call.slug, call.publish_context))
    if not call.given.confirm:
        means = "; ".join(state_texts.describe_archiving(found, call.publish_context.zone))
        raise ApiProblem("confirm", 409, f"To archive {call.slug} means: {means}. Send `confirm`: true to do it.")
    return _shown(
        call,
        _taken(call, lambda: lifecycle.archive_consultation(call.connection, call.slug, call.publish_context)).revision,
    )


@operation("POST", "/consultations/{slug}/unarchive", answer=ConsultationOut)
def unarchive(call: ApiCall) -> ConsultationOut:
    """Bring an archived consultation back; it is closed then."""
    return _shown(
        call, _taken(call, lambda: lifecycle.unarchive_consultation(call.connection, call.slug, call.publish_context))
    )


@operation("POST", "/consultations/{slug}/go-live", answer=ConsultationOut, given=GoLiveIn)
def go_live(call: ApiCall) -> ConsultationOut:
    """Make the test revision, or the draft, the live one; or ask a second member to agree, where that is set (202)."""
    given = call.given
    found = _taken(
        call,
        lambda: going_live.make_consultation_live(
            call.connection,
            call.slug,
            call.publish_context,
            intent=PublishOptions(given.base, frozenset(given.same_meaning), not given.confirm),
            stage=given.stage,
            number=given.revision,
        ),
    )
    shown = _shown(call, found.revision)
    where = second_person.where_to_agree(call.public_url, call.slug)
    return shown.model_copy(update={"agreement": where}) if found.is_asked else shown


@operation("POST", "/consultations/{slug}/back", answer=ConsultationOut, given=BackIn)
def back(call: ApiCall) -> ConsultationOut:
    """Return to the revision that was live before."""
    intent = PublishOptions(None, frozenset(call.given.same_meaning), not call.given.confirm)
    return _shown(
        call,
        _taken(
            call,
            lambda: going_live.return_to_previous_revision(
                call.connection, call.slug, call.publish_context, intent=intent
            ),
        ).revision,
    )


def _taken(call: ApiCall, step: Callable[[], _Found]) -> _Found:
    """Runs a step. Raises ApiProblem if the key is not valid for it or the step is refused."""
    call.must_know()
    try:
        return step()
    except StepRefused as refused:
        detail = state_texts.refusal_text(refused, _remedy(call.slug), call.publish_context.zone)
        raise ApiProblem(refused.reason, _STATUS.get(refused.reason, 409), detail) from None


def _remedy(slug: str) -> Callable[[Step], str]:
    """Returns how a step is requested here; publishing is done on the command line."""

    def named(step: Step) -> str:
        if step in {"publish", "publish --test"}:
            return f"`{step.replace('publish', 'publish FILE')}` from the command line"
        return f"`POST {ROOT}/consultations/{slug}/{_OPERATIONS.get(step, step)}`"

    return named


def _shown(call: ApiCall, revision: PublishedRevision) -> ConsultationOut:
    return serializers.serialize_consultation(revision, call.context.now)
