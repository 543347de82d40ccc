"""The registry of API operations: one function each, registered with its input and output models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter
from sqlalchemy import Connection

from bot.authoring.publishing import PublishContext
from bot.proposals import publication
from bot.proposals.moderation_decisions import ModerationContext
from bot.proposals.moderation_rules import ModerationItem, item_by_code
from bot.staff.assignments import may_in
from bot.staff.policy import Action
from bot.web.api.access_keys import Bearer
from bot.web.api.policy import POLICY, Scope
from bot.web.api.problems import ApiProblem
from storage.tables.consultations import find_consultation
from storage.tables.revisions import PublishedRevision, find_live_revision, live_revision_of

Method = Literal["GET", "POST"]
ROOT: Final = "/api/v1"


class In(BaseModel):
    """Base of inputs; unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=20_000)


class Out(BaseModel):
    """Base of outputs."""

    model_config = ConfigDict(frozen=True)


class Nothing(In):
    """No parameters."""


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request within its transaction, for reading (GET) or writing (POST)."""

    context: ModerationContext
    bearer: Bearer
    publish_context: PublishContext
    """The further dependencies of a change of state."""
    path: dict[str, str]
    given: Any
    """The query (GET) or body (POST), checked."""
    action: Action
    """The permission of the staff that the scope of the operation stands for."""
    seen: str | None = None
    """The version a decision is about; None: any."""
    public_url: str = ""
    """The public address of the pages."""

    @property
    def connection(self) -> Connection:
        return self.context.connection

    @property
    def slug(self) -> str:
        """The consultation in the path."""
        return self.path["slug"]

    def must_know(self) -> None:
        """Raises ApiProblem if the key is not valid for the consultation in the path."""
        about = find_consultation(self.connection, self.slug)
        if about is None or not self.may_know(self.slug, about.id):
            raise ApiProblem("unknown", 404, "There is no such consultation.")

    def consultation(self) -> PublishedRevision:
        """Returns the consultation in the path; others than that of the key do not exist for it."""
        revision = find_live_revision(self.connection, self.slug)
        if revision is None or revision.is_trial or not self.may_know(self.slug, revision.consultation_id):
            raise ApiProblem("unknown", 404, "There is no such consultation.")
        return revision

    def item(self, *, unreleased: bool = False) -> tuple[ModerationItem, PublishedRevision]:
        """Returns the text in the path with its consultation; unreleased texts and open answers only on request."""
        find = item_by_code if unreleased else publication.released_proposal
        item = find(self.connection, self.path["code"])
        about = item and live_revision_of(self.connection, item.proposal.consultation_id)
        if item is None or about is None or not self.may_know(about.slug, about.consultation_id):
            raise ApiProblem("unknown", 404, "There is no such proposal.")
        return item, about

    def may_know(self, slug: str, consultation_id: int) -> bool:
        """Whether the key is valid for this consultation, and its owner may act there."""
        if self.bearer.key.slug not in {None, slug}:
            return False
        return may_in(self.connection, self.bearer.member, self.action, consultation_id, self.context.now)


class Operation(NamedTuple):
    """An operation. `given` validates the query or body, `answer` is the model of the response."""

    name: str
    method: Method
    path: str
    scope: Scope
    run: Callable[[ApiCall], BaseModel]
    given: TypeAdapter[Any]
    answer: type[BaseModel]
    needs_version: bool
    summary: str


OPERATIONS: Final[dict[str, Operation]] = {}


def operation(
    method: Method, path: str, *, answer: type[BaseModel], given: Any = Nothing, needs_version: bool = False
) -> Callable[[Callable[[ApiCall], BaseModel]], Callable[[ApiCall], BaseModel]]:
    """Registers an operation by its function's name, which the policy must list: nothing is open by mistake."""

    def enter(run: Callable[[ApiCall], BaseModel]) -> Callable[[ApiCall], BaseModel]:
        name = run.__name__
        summary = (run.__doc__ or "").strip().partition("\n")[0]
        adapter = TypeAdapter(given)
        OPERATIONS[name] = Operation(
            name=name,
            method=method,
            path=ROOT + path,
            scope=POLICY[name],
            run=run,
            given=adapter,
            answer=answer,
            needs_version=needs_version,
            summary=summary,
        )
        return run

    return enter
