"""Phrases that a value selects, by that value.

Ids are whole here, so that `python3 -m bot i18n update` finds each one in the code.
"""

from __future__ import annotations

from typing import Final

ACCOUNT_STATES: Final = {
    "reading": "account.reading",
    "public": "account.public",
    "hidden": "account.hidden",
    "merged": "account.merged",
    "split": "account.split",
    "withdrawn": "account.withdrawn",
}
"""State of a proposal, for its author and on its page."""
ACCOUNT_STATUSES: Final = {
    "received": "account.status.received",
    "under_consideration": "account.status.under_consideration",
    "accepted": "account.status.accepted",
    "rejected": "account.status.rejected",
    "next_phase": "account.status.next_phase",
    "done": "account.status.done",
}
"""Status of an official answer."""
AGE_BANDS: Final = {
    "0_6": "age_band.0_6",
    "6_15": "age_band.6_15",
    "15_18": "age_band.15_18",
    "18_27": "age_band.18_27",
    "27_45": "age_band.27_45",
    "45_55": "age_band.45_55",
    "55_65": "age_band.55_65",
    "65_plus": "age_band.65_plus",
}
"""Age bands."""
COMMAND_BUTTONS: Final = {
    "change": "button.change",
    "continue": "button.continue",
    "delete": "button.delete",
    "delete_all": "button.delete_all",
    "done": "button.done",
    "human": "button.human",
    "link": "button.link",
    "mine": "button.mine",
    "news": "button.news",
    "repeat": "button.repeat",
    "skip": "button.skip",
    "start": "button.start",
    "start_over": "button.start_over",
    "stop": "button.stop",
    "submit": "button.submit",
}
"""Labels of the buttons of global commands."""
COMMAND_DESCRIPTIONS: Final = {
    "back": "command.back",
    "delete": "command.delete",
    "help": "command.help",
    "human": "command.human",
    "language": "command.language",
    "mydata": "command.mydata",
    "privacy": "command.privacy",
    "start": "command.start",
    "status": "command.status",
    "stop": "command.stop",
}
"""What a command does, for the menu of a messenger."""
COURTESY_REPLIES: Final = {"hello": "courtesy.hello", "thank_you": "courtesy.thank_you"}
"""Replies to hello and thank you."""
DECISIONS: Final = {
    "approve": "desk.decided.approve",
    "hide": "desk.decided.hide",
    "merge": "desk.decided.merge",
    "restore": "desk.decided.restore",
    "reword": "desk.decided.reword",
    "split": "desk.decided.split",
    "translate": "desk.decided.translate",
}
"""Confirmation of a decision."""
DECISIONS_REFUSED: Final = {
    "changed": "desk.refused.changed",
    "drafted": "desk.refused.drafted",
    "held": "desk.refused.held",
    "only_proposals": "desk.refused.only_proposals",
    "reason_languages": "desk.refused.reason_languages",
    "target": "desk.refused.target",
    "twice": "desk.refused.twice",
    "unknown": "desk.refused.unknown",
    "words": "desk.refused.words",
}
"""Why a decision is refused."""
FLAGS: Final = {
    "address": "desk.flag.address",
    "email": "desk.flag.email",
    "emoji": "desk.flag.emoji",
    "formula": "desk.flag.formula",
    "iban": "desk.flag.iban",
    "link": "desk.flag.link",
    "markup": "desk.flag.markup",
    "name": "desk.flag.name",
    "other_script": "desk.flag.other_script",
    "phone": "desk.flag.phone",
    "sensitive": "desk.flag.sensitive",
    "very_long": "desk.flag.very_long",
}
"""What a moderator should look at."""
LINK_SIDES: Final = {
    "here": "door.here",
    "there": "door.there",
}
"""Which chat keeps its answers."""
MEDIA_ALSO: Final = {
    "picture": "media.also.picture",
    "voice": "media.also.voice",
    "voice_picture": "media.also.voice_picture",
}
"""Which attachments a text question takes."""
MEDIA_SHOWN: Final = {
    "picture": "media.shown.picture",
    "voice": "media.shown.voice",
}
"""An attachment in the summary."""
MEDIA_THANKS: Final = {
    "picture": "media.thanks.picture",
    "voice": "media.thanks.voice",
}
"""An attachment has arrived."""
MISSING: Final = {
    "dont_know": "missing.dont_know",
    "refused": "missing.refused",
}
"""Buttons for a missing answer."""
MISSING_IN_SUMMARY: Final = {
    "not_asked": "summary.not_asked",
    "skipped": "summary.skipped",
    "refused": "summary.refused",
    "dont_know": "summary.dont_know",
    "interrupted": "summary.interrupted",
}
"""A missing answer in the summary."""
OWN_PROPOSAL_STATES: Final = {
    "waiting": "mine.waiting",
    "released": "mine.released",
    "withdrawn": "mine.withdrawn",
}
"""State of a proposal, in the list of a resident's own ones."""
PROPOSAL_STATES: Final = {
    "waiting": "proposal.state.waiting",
    "released": "proposal.state.released",
    "hidden": "proposal.state.hidden",
    "merged": "proposal.state.merged",
    "split": "proposal.state.split",
    "withdrawn": "proposal.state.withdrawn",
}
"""State of a proposal, in a list."""
PUSH_BUTTONS: Final = {
    "no": "button.push.no",
    "pause": "button.push.pause",
    "recall": "button.push.recall",
    "resume": "button.push.resume",
    "status": "button.push.status",
    "surely": "button.push.surely",
    "yes": "button.push.yes",
}
"""Buttons below a push."""
PUSH_LEDGER: Final = {
    "planned": "push.ledger.planned",
    "queued": "push.ledger.queued",
    "sent": "push.ledger.sent",
    "failed": "push.ledger.failed",
    "skipped": "push.ledger.skipped",
    "recalled": "push.ledger.recalled",
}
"""How many messages of a push are where."""
PERSONAL_DETAILS: Final = {
    "phone": "personal.phone",
    "email": "personal.email",
    "address": "personal.address",
    "name": "personal.name",
    "iban": "personal.iban",
}
"""What the text of a proposal seems to give away."""
PUSH_OBSTACLES: Final = {
    "cap": "push.reason.cap",
    "closed": "push.reason.closed",
    "expired": "push.reason.expired",
    "had_it": "push.reason.had_it",
    "refused": "push.reason.refused",
    "unknown": "push.reason.unknown",
    "unreachable": "push.reason.unreachable",
    "withdrawn": "push.reason.withdrawn",
}
"""Why a contact gets no push."""
PUSH_STATES: Final = {
    "planning": "push.state.planning",
    "sending": "push.state.sending",
    "paused": "push.state.paused",
    "recalled": "push.state.recalled",
    "done": "push.state.done",
}
"""State of a push."""
RATINGS: Final = {
    "agree": "statements.agree",
    "disagree": "statements.disagree",
    "pass": "statements.pass",
    "important": "statements.important",
    "unimportant": "statements.unimportant",
    "original": "statements.original",
}
"""Buttons below a statement."""
ROLES: Final = {
    "helper": "desk.role.helper",
    "facilitator": "desk.role.facilitator",
    "kernteam": "desk.role.kernteam",
    "admin": "desk.role.admin",
    "project": "desk.role.project",
    "relay": "desk.role.relay",
    "observer": "desk.role.observer",
    "auditor": "desk.role.auditor",
}
"""Roles of the team."""
SECTORS: Final = {
    "administration": "results.sector.administration",
    "business": "results.sector.business",
    "civil_society": "results.sector.civil_society",
    "residents": "results.sector.residents",
    "science": "results.sector.science",
}
"""Sectors, in results."""
SIDES: Final = {
    "agree": "results.side.agree",
    "disagree": "results.side.disagree",
}
"""What an opinion group stands for."""
STAFF_COMMANDS: Final = {
    "answer": "desk.help.answer",
    "approve": "desk.help.approve",
    "hide": "desk.help.hide",
    "list": "desk.help.list",
    "merge": "desk.help.merge",
    "push": "desk.help.push",
    "queue": "desk.help.queue",
    "restore": "desk.help.restore",
    "reword": "desk.help.reword",
    "split": "desk.help.split",
    "team": "desk.help.team",
    "top": "desk.help.top",
    "translate": "desk.help.translate",
}
"""What a staff command is for."""
SUBSCRIPTION_CHOICES: Final = {
    "districts": "news.districts",
    "topics": "news.topics",
}
"""Questions about a subscription."""
SUPPRESSED: Final = {
    "few": "results.few",
    "merged": "results.merged",
    "protected": "results.protected",
}
"""In place of a number that is not published."""
TOPIC_NAMES: Final = {
    "economy": "topic.economy",
    "inclusion": "topic.inclusion",
    "chances": "topic.chances",
    "administration": "topic.administration",
    "neighbourhoods": "topic.neighbourhoods",
}
"""Topics of consultations."""
MODE_NAMES: Final = {
    "self": "results.mode.self",
    "assisted": "results.mode.assisted",
    "paper": "results.mode.paper",
}
"""How people took part."""
RANKING_METHODS: Final = {
    "kemeny": "results.kemeny",
    "borda": "results.borda",
    "pairwise": "results.pairwise",
}
"""How a ranking is counted."""
RATING_COUNTS: Final = {
    "agree": "web.account.agree",
    "disagree": "web.account.disagree",
    "passed": "web.account.passed",
}
"""Ratings on the page of a proposal."""
CONSENT_ANSWERS: Final = {
    "yes": "consent.yes",
    "no": "consent.no",
}
"""Answers to a consent question."""
SECTOR_ANSWERS: Final = {
    "administration": "sectors.administration",
    "business": "sectors.business",
    "science": "sectors.science",
    "civil_society": "sectors.civil_society",
    "residents": "sectors.residents",
}
"""Answers to the question for sectors."""
TRAIT_ANSWERS: Final = {
    "other_language": "traits.other_language",
    "care": "traits.care",
    "disability": "traits.disability",
    "offline": "traits.offline",
    "little_money": "traits.little_money",
    "young": "traits.young",
    "old": "traits.old",
    "none": "traits.none",
}
"""Answers to the question for traits."""
WEB_ERRORS: Final = {
    "closed": "web.error.closed",
    "expired": "web.error.expired",
    "held": "web.error.held",
    "making": "web.error.making",
    "not_found": "web.error.not_found",
    "not_yet": "web.error.not_yet",
    "room_over": "web.error.room_over",
    "session": "web.error.session",
    "too_long": "web.error.too_long",
    "too_many": "web.error.too_many",
    "trouble": "web.error.trouble",
    "withdrawn": "web.error.withdrawn",
}
"""Headings of error pages."""
WEB_ERROR_TEXTS: Final = {
    "closed": "web.error.closed_text",
    "expired": "web.error.expired_text",
    "held": "web.error.held_text",
    "making": "web.error.making_text",
    "not_found": "web.error.not_found_text",
    "not_yet": "web.error.not_yet_text",
    "room_over": "web.error.room_over_text",
    "session": "web.error.session_text",
    "too_long": "web.error.too_long_text",
    "too_many": "web.error.too_many_text",
    "trouble": "web.error.trouble_text",
    "withdrawn": "web.error.withdrawn_text",
}
"""Texts of error pages."""
REALLY: Final = {
    "delete": "mine.really_delete",
    "votes": "mine.really_votes",
}
"""Asks before something is deleted."""
WITHHELD: Final = {
    "few": "results.withheld_few",
    "protected": "results.withheld_protected",
}
"""Why a question has no numbers."""
BUDGET_METHODS: Final = {
    "equal shares": "results.equal_shares",
    "greedy": "results.greedy",
}
"""How a budget is spent."""
MEDIA_STATES: Final = {
    "waiting": "media.state.waiting",
    "kept": "media.state.kept",
    "failed": "media.state.failed",
    "too_large": "media.state.too_large",
    "wrong_type": "media.state.wrong_type",
}
"""What became of an attachment."""
