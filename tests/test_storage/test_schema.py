"""Migrations make exactly the tables of the models; the two halves of the data share nothing."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Inspector, LargeBinary, String, inspect, text

import storage
from storage import migrate
from storage.core.errors import StoreBusy, StoreOutdated, StoreTooNew
from storage.core.store import Store
from storage.migrate import MigrationResult
from storage.models import metadata
from storage.tables import erasures
from storage.tables.erasures import tables_of_residents
from tests.support.databases import Database, Houses, TableTemplate, execute, only_postgresql, only_sqlite
from tests.support.rows import lookup, person

pytestmark = pytest.mark.migrates
HEAD = migrate.head_revision()
IDENTITY = {"contacts", "addresses", "received", "dead_letters", "outbox", "staff_chats"} | {
    "opt_ins",
    "broadcasts",
    "broadcast_recipients",
    "link_codes",
    "link_attempts",
    "set_aside",
}
PARTICIPATION = {"sessions", "answers", "consents", "proposals", "ratings", "proposal_statuses"} | {
    "rating_events",
    "moderations",
    "decisions",
    "proposal_texts",
    "attachments",
    "editions",
    "edition_rows",
    "room_results",
    "answer_drafts",
}
STAFF = {"staff", "api_keys", "audit"} | {
    "console_sessions",
    "console_uploads",
    "consultation_drafts",
    "dialogue_tests",
    "export_jobs",
    "invitations",
    "staff_assignments",
    "entry_places",
    "staff_credentials",
    "answer_templates",
    "page_settings",
    "logos",
}
"""Those who work here: they are no residents, and nothing leads from them to what anyone said."""
MAY_BE_CALLED_ALIKE = {"id", "channel", "language", "created_at", "at", "state", "reason"}
"""Names of columns in both halves that say nothing about a person: ids are made for each row again."""


@contextmanager
def opened(database: Database) -> Iterator[Store]:
    store = Store(database.url, busy_seconds=0.5)
    try:
        yield store
    finally:
        store.dispose()


def test_models_and_migrations_agree(store: Store) -> None:
    with store.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_importing_models_alone_completes_the_metadata() -> None:
    code = "from storage.models import metadata; print(*metadata.tables)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    package = Path(storage.__file__).parent
    sources = [file.read_text("utf-8") for folder in ("core", "tables") for file in (package / folder).glob("*.py")]
    declared = re.findall(r'^    __tablename__ = "(\w+)"$', "\n".join(sources), re.M)
    assert len(declared) == len(set(declared)) > 30
    assert sorted(found) == sorted(declared)


def test_models_and_migrations_agree_on_every_rule(houses: Houses) -> None:
    """What the comparison above does not look at: rules of tables, keys, conditions of indexes."""
    with opened(houses.make()) as migrated, opened(houses.make_empty()) as made:
        if made.dialect == "sqlite":
            Path(str(made.writer.url.database)).touch()
        with made.begin() as connection:
            metadata.create_all(connection)
            expected = described(inspect(connection))
        with migrated.begin() as connection:
            found = described(inspect(connection))
    found.pop("alembic_version")
    assert found == expected


def described(inspector: Inspector) -> dict[str, Any]:
    """Everything the database tells about its tables, in a form that can be compared."""

    def plain(found: Any) -> list[str]:
        return sorted(json.dumps(each, sort_keys=True, default=str) for each in found)

    return {
        table: {
            "columns": plain(inspector.get_columns(table)),
            "key": plain([inspector.get_pk_constraint(table)]),
            "references": plain(inspector.get_foreign_keys(table)),
            "unique": plain(inspector.get_unique_constraints(table)),
            "rules": plain(inspector.get_check_constraints(table)),
            "indexes": plain(inspector.get_indexes(table)),
            "options": plain([inspector.get_table_options(table)]),
        }
        for table in inspector.get_table_names()
    }


def test_up_down_up(houses: Houses) -> None:
    with opened(houses.make_empty()) as store:
        assert migrate.upgrade(store) == MigrationResult(None, HEAD, None)
        assert migrate.upgrade(store) == MigrationResult(HEAD, HEAD, None)
        migrate.check_schema(store)
        assert migrate.downgrade(store, "base").now is None
        with store.begin() as connection:
            assert set(inspect(connection).get_table_names()) == {"alembic_version"}
            assert inspect(connection).get_view_names() == []
        assert migrate.upgrade(store)[:2] == (None, HEAD)


def test_revisions_are_named_by_date() -> None:
    for script in migrate._scripts().walk_revisions():
        assert script.module.__file__ is not None
        assert script.module.__file__.endswith(f"{script.revision}.py")
        assert script.revision[:8].isdigit()


def test_tables_of_a_newer_program_are_left_alone(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '20990101_flying_cars'"))
    for attempt in (migrate.upgrade, migrate.check_schema):
        with pytest.raises(StoreTooNew, match="20990101_flying_cars"):
            attempt(store)


def test_older_tables_are_noticed(store: Store) -> None:
    migrate.downgrade(store, "20261123_first_house")
    with pytest.raises(StoreOutdated, match="20261123_first_house"):
        migrate.check_schema(store)


def test_two_that_start_at_once_take_turns(houses: Houses) -> None:
    database = houses.make_empty()

    def start(_: int) -> MigrationResult:
        with opened(database) as store:
            return migrate.upgrade(store)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(start, range(4)))
    assert sorted(done, key=str) == sorted(
        [MigrationResult(None, HEAD, None), *[MigrationResult(HEAD, HEAD, None)] * 3], key=str
    )


def test_waiting_for_the_tables_ends(database: Database) -> None:
    with opened(database) as holder, opened(database) as late:
        migrate.downgrade(late, "20261123_first_house")
        with holder.begin() as connection:
            if holder.dialect == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({migrate.LOCK})"))
            with pytest.raises(StoreBusy):
                migrate.upgrade(late, wait_seconds=0.1)
        assert migrate.upgrade(late).now == HEAD


@only_sqlite
def test_sqlite_is_copied_before(houses: Houses) -> None:
    database = houses.make()
    with opened(database) as store:
        with store.begin() as connection:
            person(connection, 1)
        down = migrate.downgrade(store, "20261123_first_house")
        up = migrate.upgrade(store)
        assert down.copy is not None
        assert up.copy == database.file.with_name("0.before-20261123_first_house.db")
        assert up.copy.stat().st_mode & 0o777 == 0o600
    with opened(Database("sqlite", f"sqlite:///{up.copy}")) as copy, copy.reading() as connection:
        assert connection.execute(text("SELECT lookup FROM addresses")).scalar() == lookup(1)
        assert migrate.current_revision(connection) == "20261123_first_house"


@only_sqlite
def test_a_new_house_is_for_its_owner_only(houses: Houses) -> None:
    database = houses.make_empty()
    with opened(database) as store:
        migrate.upgrade(store)
        assert database.file.stat().st_mode & 0o777 == 0o600


def test_every_table_belongs_to_a_half_or_to_what_is_asked() -> None:
    assert (
        set(metadata.tables)
        == IDENTITY
        | PARTICIPATION
        | {"begin_counts", "consultations", "revisions", "revision_files", "revision_stages", "trials", "triggers"}
        | {"rooms", "installation", "data_migrations", "erasures"}
        | STAFF
    )


def test_nothing_joins_who_somebody_is_to_what_they_said() -> None:
    identity, participation = (
        {column.name for table in half for column in metadata.tables[table].c} for half in (IDENTITY, PARTICIPATION)
    )
    assert identity & participation == MAY_BE_CALLED_ALIKE
    assert not participation & {"contact_id", "lookup", "address", "external_id"}
    assert not identity & {"session_id", "pseudonym", "consultation_id", "receipt", "waiting_key"}
    referred = {key.column.table.name for table in STAFF for key in metadata.tables[table].foreign_keys}
    assert referred <= STAFF | {"consultations"}
    for table in metadata.tables.values():
        for key in table.foreign_keys:
            assert key.column.table.name not in STAFF or table.name in STAFF
            assert (table.name in IDENTITY) == (key.column.table.name in IDENTITY)


KEPT_OUT_OF_SAMPLES = set(erasures.columns_with_words())
MAY_BE_SAMPLED = {
    "a name of a fixed list": """
        answer_drafts.problem answer_drafts.status
        answers.missing answers.mode attachments.kind attachments.state attachments.ending broadcasts.state
        broadcast_recipients.state broadcast_recipients.reason consultations.state decisions.kind dead_letters.reason
        moderations.state moderations.flags opt_ins.about outbox.purpose outbox.state proposals.status
        proposal_statuses.status revision_stages.stage sessions.mode sessions.status triggers.kind
        data_migrations.name erasures.table_name addresses.unreachable_reason outbox.error""",
    "a channel or a language": """
        addresses.channel answers.channel answers.language attachments.channel broadcast_recipients.channel
        broadcast_recipients.language consents.channel consents.language contacts.language contacts.spoken_language
        dead_letters.channel opt_ins.language outbox.channel proposal_texts.language proposals.language
        received.channel sessions.channel sessions.language""",
    "written by the city for everybody": """
        entry_places.code entry_places.name
        answers.question_key attachments.question_key consents.question_key consents.text_hash consultations.slug
        answer_drafts.body answer_drafts.link answer_templates.name answer_templates.reason
        broadcasts.slug broadcasts.segment editions.position editions.document editions.compared edition_rows.table_name
        edition_rows.question_key edition_rows.question_type edition_rows.kind edition_rows.code
        edition_rows.revisions edition_rows.reason moderations.question_key opt_ins.subject
        opt_ins.wording_hash proposals.district proposals.question_key proposals.topic proposal_statuses.body
        proposal_statuses.link rating_events.question_key revisions.content revisions.content_hash
        room_results.question_key room_results.shown rooms.at rooms.code
        sessions.place_code triggers.value""",
    "a number at random, or a keyed hash: by itself it leads nowhere": """
        addresses.lookup attachments.file consents.pseudonym dead_letters.external_id dead_letters.lookup
        begin_counts.network installation.id link_codes.code_hash moderations.code outbox.channel_ref outbox.lookup
        proposals.code
        proposals.pseudonym proposals.source proposals.source_id rating_events.pseudonym ratings.pseudonym
        received.external_id sessions.pseudonym sessions.receipt sessions.waiting_key staff_chats.lookup""",
    "of the people who work here": """
        answer_drafts.staff_door answer_drafts.staff_name answer_drafts.staff_role answer_templates.staff_name
        api_keys.key_hash api_keys.label api_keys.scopes api_keys.slug audit.act audit.actor audit.door audit.mac
        audit.object audit.previous audit.purpose audit.role console_sessions.browser console_sessions.token_hash
        console_uploads.checked console_uploads.decisions console_uploads.name export_jobs.kind export_jobs.state
        invitations.token_hash proposal_texts.translator staff.code_hash staff.name staff.role staff_credentials.handle
        staff_credentials.kind staff_credentials.label staff_credentials.sealed staff_credentials.secret""",
    "what the city says about itself": """
        consultation_drafts.changed_by consultation_drafts.text consultation_drafts.title revision_files.text
        dialogue_tests.changed_by dialogue_tests.content dialogue_tests.name
        logos.content logos.content_type logos.digest page_settings.changed_by page_settings.content""",
}
"""Columns of text that hold nothing anyone said, each with the reason."""


def test_every_column_of_text_holds_words_or_says_why_not() -> None:
    texts = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, String | LargeBinary | JSON)
    }
    declared = {f"{table}.{column}" for table, column in KEPT_OUT_OF_SAMPLES}
    excluded = {column for columns in MAY_BE_SAMPLED.values() for column in columns.split()}
    assert texts == declared | excluded
    assert not declared & excluded


@only_postgresql
def test_postgresql_takes_no_samples_of_words(store: Store) -> None:
    query = text(
        "SELECT relname, attname FROM pg_attribute JOIN pg_class t ON t.oid = attrelid "
        "WHERE attstattarget = 0 AND t.relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    with store.begin() as connection:
        found = {(table, column) for table, column in connection.execute(query)}
        # Neither statistics over several columns nor indexes over expressions sample them again.
        others = connection.execute(text("SELECT count(*) FROM pg_statistic_ext")).scalar()
        over_words = connection.execute(text("SELECT count(*) FROM pg_index WHERE indexprs IS NOT NULL")).scalar()
    assert found == KEPT_OUT_OF_SAMPLES
    assert (others, over_words) == (0, 0)


@only_postgresql
def test_migration_drops_old_samples_and_keeps_view_grants(houses: Houses) -> None:
    database = houses.make()
    with opened(database) as store:
        migrate.downgrade(store, "20261130_stages")
        name = f"reader_{database.url.partition('?')[0].rpartition('/')[2]}"
        with store.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO consultations (id, slug, sample, state, created_at) VALUES (1, 'a', false, 'open', now())"
            )
            connection.exec_driver_sql(
                "INSERT INTO proposals (id, consultation_id, code, text, language, created_at) "
                "SELECT n, 1, 'P-' || n, 'Bank ' || mod(n, 50), 'de', now() FROM generate_series(1, 300) AS n"
            )
        execute(
            database.url,
            "ANALYZE proposals",
            f"CREATE ROLE {name}",
            f"GRANT SELECT ON v_proposals TO {name}",
            "CREATE VIEW of_others AS SELECT code, text FROM v_proposals",
        )
        before = sampled(store)
        migrate.upgrade(store)
        with store.reading() as connection:
            kept = f"SELECT has_table_privilege('{name}', 'v_proposals', 'SELECT')"
            assert connection.execute(text(kept)).scalar()
            assert connection.execute(text("SELECT count(*) FROM of_others")).scalar() == 0, "none is released"
        assert ("proposals", "text") in before
        assert sampled(store) == before - KEPT_OUT_OF_SAMPLES
        execute(database.url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def sampled(store: Store) -> set[tuple[str, str]]:
    """The columns of which the planner has samples."""
    with store.reading() as connection:
        query = text("SELECT tablename, attname FROM pg_stats WHERE schemaname = 'public'")
        return {(table, column) for table, column in connection.execute(query)}


def test_the_two_halves_are_what_an_erasure_leaves_something_in() -> None:
    assert set(tables_of_residents()) == IDENTITY | PARTICIPATION


def test_the_copy_that_tests_get_is_a_migrated_database(table_template: TableTemplate, tmp_path: Path) -> None:
    copied, migrated = (Store(f"sqlite:///{tmp_path / name}.db") for name in ("copied", "migrated"))
    assert table_template.copy(tmp_path / "copied.db")
    assert not table_template.copy(tmp_path / "copied.db")
    migrate.upgrade(migrated)
    migrate.check_schema(copied)
    assert (tmp_path / "copied.db").stat().st_mode == (tmp_path / "migrated.db").stat().st_mode
    tables, ids = [], set()
    for store in (copied, migrated):
        with store.reading() as connection:
            tables.append(connection.execute(text("SELECT type, name FROM sqlite_master ORDER BY name")).all())
            ids.add(connection.execute(text("SELECT id FROM installation")).scalar())
        store.dispose()
    assert tables[0] == tables[1]
    assert len(ids) == 2
