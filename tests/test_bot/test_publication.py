"""Nothing goes round the gate to the public: who reads what was not released is known by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bot.web.api.policy import POLICY

ROOT = Path(__file__).parents[2]
GATE = "bot.proposals.publication"
TABLES = frozenset(
    {"answer_drafts", "answers", "attachments", "moderation", "participations", "proposals", "ratings"}
    | {"remains", "sessions"}
)
"""Modules of `storage.tables` whose queries give what people wrote, decided about it, or think of it."""
UNPROTECTED = frozenset(
    f"bot.{name}"
    for name in (
        "results.counts.participation_reader",
        "results.official_answer_rate",
        "results.edition",
        "results.vote_loader",
        "results.published",
    )
)
"""What is made of these before the gate."""

INSIDE = {
    "bot.delivery.attachments.": "fetches, keeps and removes files; gives them to the core team",
    "bot.conversations.closing": "ends participations with their consultation",
    "bot.authoring.lifecycle": "says what a change of state means for how many, to who makes it",
    "bot.authoring.going_live": "says what going live means for how many, to who does it",
    "bot.authoring.publish_impact": "holds a new revision against those that have answers",
    "bot.proposals.seed_statements": "publishes statements of the city",
    "bot.consultations.trials": "deletes what was said to try a revision out",
    "bot.proposals.waves": "takes released ideas over into another consultation",
    "bot.staff.chat.": "for the team",
    "bot.web.console.": "for the team: each page names its permission",
    "bot.consultations.participant": "goes on with a person's own conversation",
    "bot.conversations.people_cache": "goes on with a person's own conversation",
    "bot.exchange.content": "for other programs, by the team",
    "bot.exchange.ballots": "takes over what came from other programs",
    "bot.exchange.duplicate_detection": "takes over what came from other programs",
    "bot.exchange.importer": "takes over what came from other programs",
    "bot.broadcasts.outcome_notifications": "tells authors and raters what became of a proposal",
    "bot.broadcasts.outcome_audience": "counts authors and raters who are told, for the team",
    "bot.exchange.exports.attachment_files": "for the core team",
    "bot.consultations.answer_text": "what an answer in own words says",
    "bot.conversations.attachments": "writes",
    "bot.results.released_answers": "reads what is released",
    "bot.proposals.": "for the team and for authors; residents rate what `ReadableProposals` finds released",
    "bot.cli.bench.editions": "measures",
    "bot.cli.bench.results": "measures",
    "bot.results.counts.counts": "counts",
    "bot.results.successive_editions": "compares two editions before the newer one is published",
    "bot.results.counts.participation_reader": "counts",
    "bot.results.live_progress": "counts how many answered, for the team",
    "bot.web.public.participation": "a person's own conversation",
    "bot.web.public.spread_pages": "counts how many came, small numbers as fewer than",
    "bot.privacy.dropped_answers": "deletes what fell off a person's path",
    "bot.conversations.path_cleanup": "deletes what fell off a person's path before there was a rule for it",
    "bot.privacy.account_linking": "a person's own chats",
    "bot.results.editions.": "stores what the gate gives",
    "bot.conversations.answer_rows": "writes",
    "bot.conversations.batch_order": "writes",
    "bot.consultations.session_rows": "writes",
    "bot.conversations.session_start": "goes on with a person's own conversation",
    "bot.privacy.re_erasure": "erases",
    "bot.exchange.exports.job": "counts participations, to say how far an export is",
    "bot.exchange.exports.ideas": "for the core team and analysts",
    "bot.exchange.exports.package": "for the core team and analysts; what is public comes from the gate",
    "bot.exchange.exports.tables": "for the core team and analysts",
    "bot.privacy.retention": "tidies up",
    "bot.conversations.late_messages": "goes on with a person's own conversation",
    "bot.conversations.senders": "goes on with a person's own conversation",
    "bot.privacy.contributions": "a person's own ideas",
    "bot.cli.entries": "counts by poster, for the team",
    "bot.privacy.personal_data": "a person's own data",
    "bot.results.official_answer_rate": "counts",
    "bot.results.edition": "counts, for the gate",
    "bot.cli.inner_results": "for the core team, and in the audit log",
    "bot.results.vote_loader": "counts",
    "bot.results.published": "what the gate gives",
    "bot.conversations.transcripts": "a conversation of one's own on the command line",
    "bot.conversations.turns": "goes on with a person's own conversation",
    GATE: "the gate",
}
"""Who may read these tables, and what for: modules, and packages that make nothing public. A new output is none of
them: it takes what it shows from the gate."""

PUBLIC = ("bot.web.", "bot.web.api.", "bot.exchange.exports.opendata", "bot.cli.results", "bot.results.text_output")
FROM_INSIDE = {
    ("bot.web.server", "add_console_routes"): "the pages of the team",
    ("bot.web.server", "spread_pages"): "counts of participations, small ones as fewer than",
    ("bot.web.api.registry", "item_by_code"): "what somebody with the right scope decides about",
    ("bot.web.api.read_operations", "item_by_code"): "where a page of a list begins",
    ("bot.web.api.read_operations", "load_items"): "the queue",
    ("bot.web.api.serializers", "approvers"): "the queue",
    ("bot.web.api.serializers", "decrypt_original"): "the queue",
    ("bot.web.api.serializers", "find_similar_proposals"): "the queue",
    ("bot.web.api.read_operations", "count_moderation_states"): "the queue",
    ("bot.web.api.read_operations", "moderation_queue"): "the queue",
    ("bot.web.api.serializers", "proposals_by_id"): "the queue",
    ("bot.web.api.read_operations", "trials"): "the word that starts a test revision",
    ("bot.web.api.states", "going_live"): "for who changes the state",
    ("bot.web.api.states", "lifecycle"): "for who changes the state",
    ("bot.cli.results", "renew_edition"): "brings the newest edition up to date",
    ("bot.web.public.contribution", "parse_proposal_code"): "what a code looks like",
    ("bot.web.public.resume", "parse_proposal_code"): "what a code looks like",
    ("bot.web.public.forms", "participation_of"): "a person's own conversation",
    ("bot.web.assisted.meeting_pages", "participation_of"): "a person's own conversation",
    ("bot.web.public.participation", "sessions_of_people"): "a person's own conversation",
    ("bot.web.public.contribution", "reason_in_language"): "words of the city",
    ("bot.web.public.contribution", "newest_first"): "the order of what the gate gave",
    ("bot.web.public.opendata", "package"): "the profile public, made of what the gate gives",
    ("bot.web.public.my_contributions", "status_lines"): "what the gate gave, in words",
    ("bot.web.public.my_contributions", "personal_data"): "a person's own codes",
    ("bot.web.*", "parse_entry_code"): "of a poster",
}
"""What makes pages and the API may take from there, and what for."""


@cache
def _tree(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def modules() -> list[str]:
    paths = sorted((ROOT / "bot").rglob("*.py"))
    return [".".join(it.relative_to(ROOT).with_suffix("").parts) for it in paths if it.name != "__init__.py"]


def taken(module: str) -> Iterator[tuple[str, str, str]]:
    """Every function and module that is imported: from where, its own name, and how it is called here. Classes hold
    what others found."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                if not alias.name[0].isupper() or alias.name.isupper():
                    yield node.module, alias.name, alias.asname or alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.rpartition(".")[0], alias.name.rpartition(".")[2], alias.asname or alias.name


def is_unprotected(package: str, name: str) -> bool:
    """Whether this import leads to what was not released."""
    if package == "storage.tables":
        return name in TABLES
    if package.startswith("storage.tables."):
        return package.split(".")[2] in TABLES and not name.isupper()
    return f"{package}.{name}" in UNPROTECTED or package in UNPROTECTED


def is_inside(module: str) -> bool:
    return module in INSIDE or any(module.startswith(it) for it in INSIDE if it.endswith("."))


def test_only_who_is_known_reads_what_was_not_released():
    reading = {it for it in modules() if any(is_unprotected(package, name) for package, name, _ in taken(it))}
    strangers = {it for it in reading if not is_inside(it) and not it.startswith("bot.web.api.")}
    assert not strangers, f"take what is shown from {GATE}, or say in INSIDE who alone sees it"
    assert not {it for it in INSIDE if not any(one == it or one.startswith(it) for one in reading)}, (
        "not needed any more"
    )


def test_what_makes_pages_and_answers_takes_nothing_from_inside():
    found = set()
    for module in modules():
        if not module.startswith(PUBLIC) or module == "bot.web.api.write_operations" or is_inside(module):
            continue
        for package, name, _ in taken(module):
            leads_inside = is_inside(package) or is_inside(f"{package}.{name}") or is_unprotected(package, name)
            if leads_inside and GATE not in {package, f"{package}.{name}"} and not name.isupper():
                found.add((module, name))
    known = set(FROM_INSIDE)
    assert not {it for it in found if it not in known and (f"{it[0].rpartition('.')[0]}.*", it[1]) not in known}


def test_what_a_reading_key_gets_comes_through_the_gate():
    """In the module of reading operations only those for who decides look past the gate."""
    past = {here for package, name, here in taken("bot.web.api.read_operations") if is_unprotected(package, name)} | {
        "load_items"
    }
    for node in _tree("bot.web.api.read_operations").body:
        if isinstance(node, ast.FunctionDef) and POLICY.get(node.name, "read") == "read":
            used = {it.id for it in ast.walk(node) if isinstance(it, ast.Name)}
            assert not used & past, node.name


def test_deciding_is_nothing_for_reading_keys():
    names = {node.name for node in _tree("bot.web.api.write_operations").body if isinstance(node, ast.FunctionDef)}
    assert {POLICY[name] for name in names & set(POLICY)} == {"moderate", "publish"}


def test_nobody_asks_the_database_past_its_modules():
    for module in modules():
        if module.startswith("bot.cli.bench.") or module == "bot.cli.reference.tables":
            continue  # the one measures a database of its own, the other describes the tables
        names = {name for package, name, _ in taken(module) if package.split(".")[0] in {"sqlalchemy", "sqlite3"}}
        assert not names & {"text", "select", "table", "column", "literal_column", "Table", "MetaData"}, module
        counting = [
            it for it in ast.walk(_tree(module)) if isinstance(it, ast.Attribute) and it.attr == "count_answers"
        ]
        assert not counting or module == "bot.results.live_results"


def test_a_page_that_goes_round_the_gate_is_found(monkeypatch):
    round_about = ast.parse("from storage.tables import answers\nfrom bot.results.vote_loader import load\n")
    real = _tree
    monkeypatch.setattr(f"{__name__}._tree", lambda it: round_about if it == "bot.web.public.results" else real(it))
    for test in (
        test_only_who_is_known_reads_what_was_not_released,
        test_what_makes_pages_and_answers_takes_nothing_from_inside,
    ):
        try:
            test()
        except AssertionError:
            continue
        raise AssertionError(f"{test.__name__} did not see it")
