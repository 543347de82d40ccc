"""The phrases for values that pages of the console show: states, roles, steps, problems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from bot.consultations.changes import ChangeKind
from flows.phrase_families import ACCOUNT_STATUSES, FLAGS
from storage.tables.attachments import AttachmentKind, AttachmentState
from storage.tables.consultations import ConsultationStateNow
from storage.tables.export_jobs import ExportState
from storage.tables.staff import Role

STATE_PHRASES: Final[dict[ConsultationStateNow, str]] = {
    "draft": "console.state.draft",
    "test": "console.state.test",
    "not_yet": "console.state.not_yet",
    "open": "console.state.open",
    "closed": "console.state.closed",
    "archived": "console.state.archived",
}
ROLE_PHRASES: Final[dict[Role, str]] = {
    "helper": "console.role.helper",
    "facilitator": "console.role.facilitator",
    "kernteam": "console.role.kernteam",
    "admin": "console.role.admin",
    "project": "console.role.project",
    "relay": "console.role.relay",
    "observer": "console.role.observer",
    "auditor": "console.role.auditor",
}
ROLE_HINTS: Final[dict[Role, str]] = {
    "helper": "console.role_hint.helper",
    "facilitator": "console.role_hint.facilitator",
    "kernteam": "console.role_hint.kernteam",
    "admin": "console.role_hint.admin",
    "project": "console.role_hint.project",
    "relay": "console.role_hint.relay",
    "observer": "console.role_hint.observer",
    "auditor": "console.role_hint.auditor",
}
STEP_PHRASES: Final = {
    "close": "console.step.close",
    "reopen": "console.step.reopen",
    "archive": "console.step.archive",
    "unarchive": "console.step.unarchive",
}
CONSEQUENCE_PHRASES: Final = {
    "close": "console.consequence.close",
    "reopen": "console.consequence.reopen",
    "archive": "console.consequence.archive",
    "unarchive": "console.consequence.unarchive",
}
DONE_PHRASES: Final = {
    "close": "console.done.close",
    "reopen": "console.done.reopen",
    "archive": "console.done.archive",
    "unarchive": "console.done.unarchive",
    "session": "console.done.session",
    "credential": "console.done.credential",
    "removed": "console.done.removed",
    "linked": "console.done.linked",
    "unlinked": "console.done.unlinked",
    "role": "console.done.role",
    "revoked": "console.done.revoked",
    "reinstated": "console.done.reinstated",
    "assigned": "console.done.assigned",
    "chat": "console.done.chat",
    "export": "console.done.export",
    "export_cancelled": "console.done.export_cancelled",
    "upload_dropped": "console.done.upload_dropped",
    "file_published": "console.done.file_published",
    "file_kept": "console.done.file_kept",
    "file_back": "console.done.file_back",
    "place": "console.done.place",
    "settings": "console.done.settings",
}
PROBLEM_PHRASES: Final = {
    "attachment_lost": "console.problem.attachment_lost",
    "expired": "console.problem.expired",
    "wrong_code": "console.problem.wrong_code",
    "differs": "console.problem.differs",
    "passkey": "console.problem.passkey",
    "short": "console.problem.short",
    "long": "console.problem.long",
    "monotonous": "console.problem.monotonous",
    "name": "console.problem.name",
    "name_missing": "console.problem.name_missing",
    "name_taken": "console.problem.name_taken",
    "role_missing": "console.problem.role_missing",
    "unknown_member": "console.problem.unknown_member",
    "last_method": "console.problem.last_method",
    "date": "console.problem.date",
    "owner_everywhere": "console.problem.owner_everywhere",
    "changed_meanwhile": "console.problem.changed_meanwhile",
    "changed": "console.problem.changed",
    "no_text": "console.problem.no_text",
    "purpose_missing": "console.problem.purpose_missing",
    "not_public": "console.problem.not_public",
    "exports_full": "console.problem.exports_full",
    "count_failed": "console.problem.count_failed",
    "file_missing": "console.problem.file_missing",
    "file_large": "console.problem.file_large",
    "file_slow": "console.problem.file_slow",
    "other_slug": "console.problem.other_slug",
    "upload_gone": "console.problem.upload_gone",
    "moved": "console.problem.moved",
    "undecided": "console.problem.undecided",
    "undo_late": "console.problem.undo_late",
    "undo_refused": "console.problem.undo_refused",
    "place_name": "console.problem.place_name",
    "place_code": "console.problem.place_code",
    "place_taken": "console.problem.place_taken",
    "place_many": "console.problem.place_many",
    "no_maintenance": "console.problem.no_maintenance",
}
SETTING_PROBLEMS: Final = {
    "organisation": "console.setting_problem.organisation",
    "accent": "console.setting_problem.accent",
    "privacy_url": "console.setting_problem.address",
    "imprint_url": "console.setting_problem.address",
    "accessibility_contact": "console.setting_problem.too_long",
    "imprint": "console.setting_problem.too_long",
    "languages": "console.setting_problem.languages",
    "empty": "console.setting_problem.image_damaged",
    "too_large": "console.setting_problem.image_too_large",
    "unknown_kind": "console.setting_problem.image_kind",
    "too_many_pixels": "console.setting_problem.image_pixels",
    "damaged": "console.setting_problem.image_damaged",
    "svg_content": "console.setting_problem.image_content",
}
"""What is wrong with a setting: by the setting, of a logo by the flaw."""
_REFUSALS: Final[dict[str, str]] = {
    "is_open": "console.refusal.is_open",
    "is_closed": "console.refusal.is_closed",
    "is_archived": "console.refusal.is_archived",
    "not_archived": "console.refusal.not_archived",
    "owed": "console.refusal.owed",
    "end_over": "console.refusal.end_over",
    "end_past": "console.refusal.end_past",
    "undo_over": "console.refusal.undo_over",
    "answers_gone": "console.refusal.answers_gone",
}
REFUSAL_PHRASES: Final[Mapping[str, str]] = defaultdict(lambda: "console.refusal.other", _REFUSALS)
"""Reasons why a step is refused; those that a page cannot cause share one phrase."""

HIDE_REASONS: Final = {
    "personal": "moderation.reason.personal",
    "insult": "moderation.reason.insult",
    "off_topic": "moderation.reason.off_topic",
    "unclear": "moderation.reason.unclear",
}
"""Templates for the reason that the author of a text reads, in all languages."""
OUTCOME_PHRASES: Final = {
    "approve": "console.outcome.approve",
    "hide": "console.outcome.hide",
    "edit": "console.outcome.edit",
    "merge": "console.outcome.merge",
    "review": "console.outcome.review",
    "unreview": "console.outcome.unreview",
    "half": "console.outcome.half",
    "changed": "console.outcome.changed",
    "flagged": "console.outcome.flagged",
    "refused": "console.outcome.refused",
    "restore": "console.outcome.restore",
}
TRANSLATION_PHRASES: Final = {
    "save": "console.translation.saved",
    "review": "console.outcome.review",
    "unreview": "console.outcome.unreview",
    "remove": "console.translation.removed",
}
MESSAGE_PHRASES: Final = {
    "answered": "console.messages.answered",
    "done": "console.messages.was_done",
    "reopened": "console.messages.reopened",
    "over": "console.messages.over",
    "sent": "console.messages.was_sent",
    "no_words": "console.messages.no_words",
}
ANSWER_OUTCOMES: Final = {
    "saved": "console.answers.said.saved",
    "dropped": "console.answers.said.dropped",
    "changed": "console.answers.said.changed",
    "refused": "console.answers.said.refused",
    "held": "console.answers.said.held",
    "undone": "console.answers.said.undone",
    "late": "console.answers.said.late",
}
ANSWER_LISTS: Final = {
    "owed": "console.answers.list.owed",
    "drafts": "console.answers.list.drafts",
    "answered": "console.answers.list.answered",
    "all": "console.answers.list.all",
}
ANSWER_DONE: Final = {
    "use": "console.answer.done.use",
    "template": "console.answer.done.template",
    "forget": "console.answer.done.forget",
    "nameless": "console.answer.done.nameless",
}
_DRAFT_PROBLEMS: Final[dict[str, str]] = {
    "withdrawn": "console.answers.problem.withdrawn",
    "already": "console.answers.problem.already",
    "not_public": "console.answers.problem.not_public",
    "reason_languages": "console.answers.problem.languages",
    "link": "console.answers.problem.link",
    "same_text": "console.answers.problem.same_text",
    "nothing_to_correct": "console.answers.problem.nothing_to_correct",
    "changed": "console.answers.problem.changed",
    "held": "console.answers.problem.held",
    "too_long": "console.answers.problem.too_long",
    "status": "console.answers.problem.status",
}
DRAFT_PROBLEMS: Final[Mapping[str, str]] = defaultdict(lambda: "console.answers.problem.other", _DRAFT_PROBLEMS)
"""Reasons why a draft is not saved or not sent."""

ATTACHMENT_KINDS: Final[dict[AttachmentKind, str]] = {
    "voice": "console.attachment.voice",
    "picture": "console.attachment.picture",
}
ATTACHMENT_STATES: Final[dict[AttachmentState, str]] = {
    "waiting": "console.attachment.waiting",
    "failed": "console.attachment.failed",
    "too_large": "console.attachment.too_large",
    "wrong_type": "console.attachment.wrong_type",
}
"""Why there is no file."""

CONTENT_PHRASES: Final = {
    "public": "console.content.public",
    "analysis": "console.content.analysis",
    "raw": "console.content.raw",
}
CONTENT_HINTS: Final = {
    "public": "console.content_hint.public",
    "analysis": "console.content_hint.analysis",
    "raw": "console.content_hint.raw",
}
FORMAT_PHRASES: Final = {
    "csv": "console.format.csv",
    "xlsx": "console.format.xlsx",
    "attachments": "console.format.attachments",
    "decidim": "console.format.decidim",
    "meinberlin": "console.format.meinberlin",
    "pb": "console.format.pb",
    "pds": "console.format.pds",
    "polis": "console.format.polis",
}
EXPORT_PHRASES: Final[dict[ExportState, str]] = {
    "waiting": "console.export.waiting",
    "running": "console.export.running",
    "done": "console.export.done",
    "sending": "console.export.sending",
    "fetched": "console.export.fetched",
    "expired": "console.export.expired",
    "failed": "console.export.failed",
    "aborted": "console.export.aborted",
}
LINK_PHRASES: Final = {
    "used": "console.link.used",
    "expired": "console.link.expired",
    "foreign": "console.link.foreign",
}

CHANGE_PHRASES: Final[dict[ChangeKind, str]] = {
    "type": "console.change.type",
    "fixed": "console.change.fixed",
    "agreed_text": "console.change.agreed_text",
    "swap": "console.change.swap",
    "words": "console.change.words",
    "measure": "console.change.measure",
    "label": "console.change.label",
    "spelling": "console.change.spelling",
    "option_new": "console.change.option_new",
    "option_gone": "console.change.option_gone",
    "statement_new": "console.change.statement_new",
    "statement_gone": "console.change.statement_gone",
    "path": "console.change.path",
    "setting": "console.change.setting",
    "note": "console.change.note",
    "question_new": "console.change.question_new",
    "question_gone": "console.change.question_gone",
    "order": "console.change.order",
    "language_new": "console.change.language_new",
    "language_gone": "console.change.language_gone",
    "told": "console.change.told",
}
"""Changes of questions that have answers."""
FIELD_PHRASES: Final = {
    "questions": "console.field.questions",
    "options": "console.field.options",
    "seeds": "console.field.seeds",
    "languages": "console.field.languages",
    "text": "console.field.text",
    "label": "console.field.label",
    "title": "console.field.title",
    "asks": "console.field.asks",
    "why": "console.field.why",
    "readers": "console.field.readers",
    "decides": "console.field.decides",
    "feedback": "console.field.feedback",
    "audience": "console.field.audience",
    "thanks": "console.field.thanks",
    "level": "console.field.level",
    "contact": "console.field.contact",
    "name": "console.field.name",
    "hours": "console.field.hours",
    "phone": "console.field.phone",
    "email": "console.field.email",
    "web": "console.field.web",
    "retention": "console.field.retention",
    "days": "console.field.days",
    "remains": "console.field.remains",
    "minutes": "console.field.minutes",
    "opens": "console.field.opens",
    "closes": "console.field.closes",
    "topics": "console.field.topics",
    "districts": "console.field.districts",
    "keywords": "console.field.keywords",
    "results": "console.field.results",
    "smallest_cell": "console.field.smallest_cell",
    "four_eyes": "console.field.four_eyes",
    "review": "console.field.review",
    "ask_if": "console.field.ask_if",
    "exits": "console.field.exits",
    "type": "console.field.type",
    "sensitive": "console.field.sensitive",
}
"""The names of parts of a consultation file; others are shown as they stand in the file."""
CONFLICT_PHRASES: Final = {
    "base_old": "console.conflict.base_old",
    "base_unknown": "console.conflict.base_unknown",
    "takes_back": "console.conflict.takes_back",
    "earlier_again": "console.conflict.earlier_again",
}

POSTER_PHRASES: Final = {
    "a4": "console.poster.a4",
    "a5": "console.poster.a5",
    "card": "console.poster.card",
    "sticker": "console.poster.sticker",
}

LABELS: Final[dict[str, Any]] = {
    "state_phrases": STATE_PHRASES,
    "role_phrases": ROLE_PHRASES,
    "role_hints": ROLE_HINTS,
    "step_phrases": STEP_PHRASES,
    "consequence_phrases": CONSEQUENCE_PHRASES,
    "done_phrases": DONE_PHRASES,
    "problem_phrases": PROBLEM_PHRASES,
    "setting_problems": SETTING_PROBLEMS,
    "refusal_phrases": REFUSAL_PHRASES,
    "flag_phrases": FLAGS,
    "hide_reasons": HIDE_REASONS,
    "outcome_phrases": OUTCOME_PHRASES,
    "translation_phrases": TRANSLATION_PHRASES,
    "message_phrases": MESSAGE_PHRASES,
    "answer_outcomes": ANSWER_OUTCOMES,
    "answer_lists": ANSWER_LISTS,
    "answer_done": ANSWER_DONE,
    "draft_problems": DRAFT_PROBLEMS,
    "account_statuses": ACCOUNT_STATUSES,
    "attachment_kinds": ATTACHMENT_KINDS,
    "attachment_states": ATTACHMENT_STATES,
    "content_phrases": CONTENT_PHRASES,
    "content_hints": CONTENT_HINTS,
    "format_phrases": FORMAT_PHRASES,
    "export_phrases": EXPORT_PHRASES,
    "link_phrases": LINK_PHRASES,
    "conflict_phrases": CONFLICT_PHRASES,
    "poster_phrases": POSTER_PHRASES,
}
"""All of them, by the names that templates use."""
