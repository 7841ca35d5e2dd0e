from __future__ import annotations

import importlib
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from core.errors import ConfigError, StoreError
from core.records import audit, case_status, migrations, reviews, tables
from core.records.addresses import mask_url
from core.records.connection import open_store, reading, writing
from core.records.over_time import answered_since
from core.records.store import new_decision, record
from core.records.tables import CASE_STATUS, IMAGES, SCHEMA, TableRow
from core.records.values import TILE_OF, case_id_of
from core.records.worklist import case_detail
from core.types import Disposition, Finding, Reason, Tile

FIELD = "f1e1d" * 12


def test_the_migrations_lead_to_the_tables_that_the_code_declares(store):
    with reading(store) as connection:
        assert compare_metadata(MigrationContext.configure(connection), TableRow.metadata) == []


def test_the_schema_that_the_code_names_is_the_last_migration():
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])

    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_a_store_of_newer_code_is_refused_unchanged(store, execute, caplog):
    execute(store, "UPDATE alembic_version SET version_num = '9999'")
    where = store.engine.url.render_as_string(hide_password=False)

    with pytest.raises(StoreError, match=f"schema 9999; this code knows schemas up to {SCHEMA}"):
        open_store(where, store.blobs)

    assert caplog.messages == []


def test_a_step_that_adds_a_table_leaves_a_million_statuses_as_they_are(
    store, assessment, keep, execute
):
    keep(store, assessment())
    forget_answers(store)
    for table in ("view_events", "skipped_cases", "kept_answers"):
        execute(store, f"DROP TABLE {table}")
    execute(store, "DROP INDEX ix_reviews_reviewer")  # which r0010 makes
    execute(store, "UPDATE alembic_version SET version_num = 'r0009'")
    execute(store, "UPDATE case_status SET sites = 'as it was'")

    again = open_store(store.engine.url.render_as_string(hide_password=False), store.blobs)

    with reading(again) as connection:
        assert connection.scalar(select(CASE_STATUS.c.sites)) == "as it was"
        assert compare_metadata(MigrationContext.configure(connection), TableRow.metadata) == []
    again.close()


def test_answers_of_an_older_store_are_found_by_their_time(store, assessment, keep):
    contents = (b"stands", b"is taken back", b"drawn", b"judged again", b"waits")
    for content in contents:
        made = replace(assessment(content, p=0.9), meta={"note": f'"{TILE_OF}": "'})
        tile = Tile(FIELD, 0, 0) if content == b"drawn" else None
        new = new_decision(replace(made, tile=tile), pack="parts", name="a.png")
        found = (Finding(Reason.AUDIT, ""),) if content == b"drawn" else ()
        record(store, [replace(new, decision=replace(new.decision, findings=found))])
    cases = {content: case_id_of("parts", "", sha256(content).hexdigest()) for content in contents}
    for content in contents[:-1]:
        item = case_detail(store, cases[content]).item
        reviews.review(store, item, Disposition.NEGATIVE, reviewer="Ada")
    reviews.undo(store, cases[b"is taken back"], 1, reviewer="Ada")
    keep(store, assessment(b"judged again", p=0.1, policy="policy-2"))
    before = answered_since(store, "parts", datetime(2000, 1, 1, tzinfo=UTC))
    forget_answers(store)

    with open_store(store.engine.url.render_as_string(hide_password=False), store.blobs) as again:
        assert answered_since(again, "parts", datetime(2000, 1, 1, tzinfo=UTC)) == before
        assert audit.verify(again).faults == ()
        with reading(again) as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, TableRow.metadata) == []
    assert {one.case_id: (one.verdict, one.is_drawn, one.tile_of) for one in before} == {
        cases[b"stands"]: (Disposition.POSITIVE, False, ""),
        cases[b"drawn"]: (Disposition.POSITIVE, True, FIELD),
        cases[b"judged again"]: (Disposition.POSITIVE, False, ""),
    }


def forget_answers(store):
    """Take a store back to the tables of r0011, which knew no answers in the status of a case."""
    with writing(store) as connection:
        connection.execute(text("DROP INDEX ix_audit_events_actor_order"))
        connection.execute(text("CREATE INDEX ix_reviews_reviewer ON reviews (reviewer)"))
        connection.execute(text("DROP INDEX ix_case_status_answers"))
        connection.execute(text("DROP INDEX ix_case_status_time"))
        columns = "pack, opened_at, product, disposition"
        connection.execute(text(f"CREATE INDEX ix_case_status_time ON case_status ({columns})"))
        for name in (
            *("answer", "answer_by", "answer_at", "answer_verdict", "answer_is_drawn"),
            "tile_of",
        ):
            connection.execute(text(f"ALTER TABLE case_status DROP COLUMN {name}"))
        for name in ("picture_origins", "compared_pictures"):
            connection.execute(text(f"DROP TABLE {name}"))
        connection.execute(text("UPDATE alembic_version SET version_num = 'r0011'"))


def test_who_opens_an_older_store_reads_why_it_takes_long(store, caplog, tmp_path):
    where = store.engine.url.render_as_string(hide_password=False)
    forget_answers(store)
    with open_store(where, store.blobs):
        pass
    with open_store(where, store.blobs), open_store(tmp_path / "new.sqlite"):
        pass

    (line,) = caplog.messages
    assert line.startswith(
        f"The store at {mask_url(store.engine.url)} is brought from schema r0011"
    )
    assert where == mask_url(store.engine.url) or where not in line


def test_opening_again_keeps_what_is_there(store, assessment, keep):
    keep(store, assessment())
    where = store.engine.url.render_as_string(hide_password=False)

    again = open_store(where, store.blobs)

    assert again.engine.url == store.engine.url
    assert keep(again, assessment()) == keep(store, assessment())
    again.close()


def test_sqlite_waits_for_the_disk_and_holds_its_foreign_keys(sqlite_store):
    with reading(sqlite_store) as connection:
        pragmas = ["journal_mode", "synchronous", "foreign_keys"]
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]

    assert found == ["wal", 2, 1]


def test_a_write_may_leave_the_disk_to_the_next_one_that_waits_for_it(store):
    is_sqlite = store.engine.dialect.name == "sqlite"
    asked = "PRAGMA synchronous" if is_sqlite else "SHOW synchronous_commit"
    found = []
    for is_durable in (True, False, True):
        with writing(store, is_durable=is_durable) as connection:
            found.append(connection.exec_driver_sql(asked).scalar())

    assert found == ([2, 1, 2] if is_sqlite else ["on", "off", "on"])


def test_a_reader_sees_one_moment_while_others_write(store, assessment, keep):
    keep(store, assessment(b"one"))
    with reading(store) as connection:
        first = connection.exec_driver_sql("SELECT count(*) FROM decisions").scalar()
        keep(store, assessment(b"two"))
        assert connection.exec_driver_sql("SELECT count(*) FROM decisions").scalar() == first == 1


def test_the_tables_can_be_imported_again_as_streamlit_does():
    before = set(tables.TableRow.metadata.tables)
    importlib.reload(tables)
    try:
        assert set(tables.TableRow.metadata.tables) == before
    finally:
        importlib.reload(tables)


def test_a_file_that_is_no_database_is_a_store_error(tmp_path):
    path = tmp_path / "assay.sqlite"
    path.write_bytes(b"this is no database at all" * 100)

    with pytest.raises(StoreError, match="not a database"):
        open_store(path)


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError, match="cannot be made"):
        open_store(tmp_path / "file" / "assay.sqlite")


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "postgresql://host:port/db"])
def test_a_url_that_no_store_can_live_at_is_a_config_error(url, tmp_path):
    with pytest.raises(ConfigError, match="Give a path"):
        open_store(url, tmp_path)


def test_a_database_server_needs_a_folder_for_the_blobs():
    with pytest.raises(ConfigError, match="without a folder for its blobs"):
        open_store("postgresql://host/db")


def test_a_path_with_odd_characters_is_taken_as_it_is(tmp_path):
    path = tmp_path / "a %20?b" / "assay.sqlite"

    store = open_store(path)
    store.close()

    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == (SCHEMA,)
    raw.close()
    assert store.blobs == path.parent / "blobs"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://assay:s3cretPW@127.0.0.1:1/assay",
        "postgresql://assay@127.0.0.1:1/assay?password=s3cretPW",
        "postgresql://assay@127.0.0.1:1/assay?sslpassword=s3cretPW&passfile=/s3cretPW",
        "postgresql://assay:s3cretPW@127.0.0.1:port/assay",
        "mysql://assay@h/db?password=s3cretPW",
        "postgresql://assay@127.0.0.1:1/assay?password=s3cretPW&nonsense=1",
    ],
)
def test_no_password_of_a_url_is_ever_printed(url, tmp_path):
    with pytest.raises((ConfigError, StoreError)) as raised:
        open_store(url, tmp_path)

    assert "s3cretPW" not in str(raised.value)


def test_the_status_of_a_case_reads_the_decisions_on_its_contents_alone(sqlite_store):
    """Not every decision of its product, which made recording slower with every picture."""
    query = case_status._LATEST.where(IMAGES.c.case_id.in_(["a", "b"]))
    literal = query.compile(sqlite_store.engine, compile_kwargs={"literal_binds": True})
    with sqlite_store.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {literal}").all()
    steps = [row[3] for row in plan if "decisions" in row[3]]
    assert len(steps) == 1
    assert "(content_key=?" in steps[0]
