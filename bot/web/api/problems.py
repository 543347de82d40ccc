"""API errors as problem+json (RFC 9457), with a plain sentence and a remedy."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json

from bot.proposals.moderation_rules import DecisionRefused, RefusalReason

CONTENT_TYPE: Final = "application/problem+json"
URN: Final = "urn:mitsprache:problem:"


class FieldError(BaseModel):
    """One error in a request."""

    where: str = Field(description="The field, e.g. parts.1.text.")
    reason: str


class ProblemOut(BaseModel):
    """The reason why a request failed."""

    type: str = Field(examples=["urn:mitsprache:problem:changed"])
    title: str
    status: int
    detail: str
    faults: list[FieldError] = []


class ApiProblem(Exception):
    """Ends a request with a problem. `kind` is the last part of its type."""

    def __init__(
        self, kind: str, status: int, detail: str, *, faults: list[FieldError] | None = None, wait: float = 0
    ) -> None:
        super().__init__(kind)
        self.status = status
        self.wait = wait
        self.out = ProblemOut(
            type=URN + kind, title=kind.replace("_", " "), status=status, detail=detail, faults=faults or []
        )

    def response(self) -> web.Response:
        body = to_json(self.out.model_dump(exclude_defaults=False))
        response = web.Response(body=body, content_type=CONTENT_TYPE, status=self.status)
        if self.status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="mitsprache"'
        if self.wait:
            response.headers["Retry-After"] = str(int(self.wait) + 1)
        return response


_REFUSALS: Final[dict[RefusalReason, tuple[int, str]]] = {
    "unknown": (404, "There is no such proposal or answer."),
    "changed": (412, "It has changed since you read it (it is {state} now); read it again, then decide."),
    "withdrawn": (409, "Its author has withdrawn it, so no decision is possible."),
    "already": (409, "It is {state}, so this decision is not possible now."),
    "twice": (409, "You have already approved it; another member of the team has to."),
    "itself": (409, "A proposal cannot be merged into itself."),
    "merged": (409, "That one was merged into {code}; merge into {code}."),
    "elsewhere": (409, "They belong to different consultations."),
    "no_reason": (422, "A reason is required."),
    "same_text": (409, "This would change nothing."),
    "no_text": (422, "There must be a text of at most {most} characters, with a title of at most {title}."),
    "parts": (422, "Two to {most} different parts are required."),
    "language": (422, "{language} is not a language of this installation, or is the one in which it was written."),
    "status": (422, "Every proposal begins as received; choose another status."),
    "reason_languages": (422, "The reason is required in German and in the language of the proposal: {languages}."),
    "link": (422, "The link must lead to a page: https://…"),
    "only_proposals": (409, "That is an answer to a question; this decision is possible for proposals only."),
    "nothing_to_correct": (409, "There is no official answer that could be corrected."),
    "held": (409, "An official answer to it was sent a moment ago; it can still be taken back."),
    "drafted": (409, "{name} has written a draft of an official answer to it in the console."),
    "not_public": (409, "It is not public."),
    "too_long": (422, "A text must have at most {most} characters."),
}


def refusal_problem(refusal: DecisionRefused) -> ApiProblem:
    """Converts a refused decision into a problem."""
    status, sentence = _REFUSALS[refusal.reason]
    return ApiProblem(refusal.reason, status, sentence.format(**refusal.values))


def validation_problem(error: ValidationError) -> ApiProblem:
    """Converts a validation error into a problem, without the input, which third-party logs might keep."""
    faults = [
        FieldError(where=".".join(map(str, one["loc"])) or "body", reason=one["msg"])
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return ApiProblem("malformed", 422, "Some fields are wrong; see faults.", faults=faults[:20])
