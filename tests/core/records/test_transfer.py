"""Rows copied from one store to another, on every pair of engines at hand."""

import pytest
from sqlalchemy import Integer

from core.errors import ConfigError, StoreError
from core.records import audit, blobs, hash_chain, queue, reviews
from core.records.connection import open_store, reading, writing
from core.records.intake import receive
from core.records.store import decisions
from core.records.tables import TableRow
from core.records.values import now
from core.records.worklist import next_case
from core.service.storage.migrate import migrate_store
from core.types import Disposition
from tests.core.records.conftest import POSTGRES, emptied

SERVED = [("sqlite", "postgresql"), ("postgresql", "sqlite")] if POSTGRES else []
PAIRS = [("sqlite", "sqlite"), *(pytest.param(one, marks=pytest.mark.service) for one in SERVED)]


def where_of(engine, folder):
    if engine == "postgresql":
        emptied(POSTGRES)
        return POSTGRES
    return str(folder / "assay.sqlite")


@pytest.fixture(params=PAIRS, ids="-".join)
def places(request, tmp_path):
    return tuple(
        (where_of(engine, tmp_path / name), tmp_path / name / "blobs")
        for engine, name in zip(request.param, ("old", "new"), strict=True)
    )


@pytest.fixture
def filled(places, keep, assessment):
    """A store with something in most of its tables; gives how to migrate it."""
    (where, folder), (target, target_folder) = places
    store = open_store(where, folder)
    contents = [b"picture %d" % n for n in range(7)]
    names = blobs.put_many(folder, contents)
    keep(
        store,
        *(assessment(c, p=n / 6, group=f"gr\u00fc\u4e2d{n // 2}") for n, c in enumerate(contents)),
    )
    keep(store, assessment(b"", p=None))
    reviews.review(store, next_case(store, "parts"), Disposition.POSITIVE, reviewer="Ada \u0141")
    receive(store, pack="xray", key="1.2.3", sha256=names[0], source="a test", meta={"a": "\u2028"})
    with writing(store) as connection:
        queue.add(connection, "deliver", "a", pack="parts", payload={"x": "y"}, at=now())
    yield (
        store,
        lambda: migrate_store(where, target, source_blobs=folder, target_blobs=target_folder),
    )
    store.close()


def rows_of(store):
    with reading(store) as connection:
        return {
            table.name: {tuple(map(str, row)) for row in connection.execute(table.select())}
            for table in TableRow.metadata.sorted_tables
        }


def test_a_migrated_store_is_the_same_row_for_row(places, filled):
    store, migrate = filled
    before = rows_of(store)

    copied = migrate()

    new = open_store(*places[1])
    assert rows_of(new) == before == rows_of(store)
    assert {name for name, rows in before.items() if rows} >= {
        "cases", "images", "decisions", "reviews", "receipts", "jobs", "audit_events",
        "case_status",
    }  # fmt: skip
    assert copied.rows == {name: len(rows) for name, rows in before.items()}
    head = audit.head(new)
    assert copied.head == f"{head.seq}:{head.hash}"
    assert audit.verify(new, audit.head(store)).faults == ()
    assert {one.content_key: one for one in decisions(new)} == {
        one.content_key: one for one in decisions(store)
    }
    assert blobs.list_names(new.blobs) == blobs.list_names(store.blobs)
    assert (copied.pictures, copied.faults) == (7, ())
    new.close()


def test_there_and_back_gives_one_hash(places, filled, tmp_path):
    _, migrate = filled
    first = migrate()

    again = migrate_store(
        places[1][0],
        str(tmp_path / "third" / "assay.sqlite"),
        source_blobs=places[1][1],
    )

    assert again == first


def test_a_target_that_holds_something_is_refused_and_left_alone(places, filled):
    _, migrate = filled
    migrate()

    with pytest.raises(StoreError, match=r"not empty: it has rows in .*audit_events"):
        migrate()


def test_a_migration_that_breaks_leaves_an_empty_target_and_goes_on(places, filled, monkeypatch):
    _, migrate = filled
    broken, whole = [0], hash_chain.digest

    def digest(row):
        broken[0] += 1
        if broken[0] == 20:
            raise KeyboardInterrupt
        return whole(row)

    monkeypatch.setattr("core.records.transfer.digest", digest)
    with pytest.raises(KeyboardInterrupt):
        migrate()
    monkeypatch.undo()

    new = open_store(*places[1])
    assert not any(rows_of(new).values())
    new.close()
    assert migrate().rows["decisions"] == 8


def test_a_source_that_works_or_is_no_store_is_refused(places, filled):
    store, migrate = filled
    (job,) = queue.claim(store, ["deliver"], worker="w", lease_s=60)

    with pytest.raises(StoreError, match="1 workers are at work"):
        migrate()

    queue.release(store, [job], wait_s=0)
    migrate()


def test_an_address_without_a_store_makes_none(tmp_path, filled, places):
    with pytest.raises(StoreError, match="There is no store at"):
        migrate_store(str(tmp_path / "none.sqlite"), str(tmp_path / "b.sqlite"))
    assert not (tmp_path / "none.sqlite").exists()
    with pytest.raises(ConfigError, match="one database"):
        migrate_store(places[0][0], places[0][0], source_blobs=tmp_path, target_blobs=tmp_path)


def test_a_lost_and_an_altered_picture_are_named_and_the_rest_is_copied(places, filled):
    store, migrate = filled
    lost, altered, *rest = blobs.list_names(store.blobs)
    (store.blobs / lost[:2] / lost).unlink()
    (store.blobs / altered[:2] / altered).write_bytes(b"other")

    copied = migrate()

    assert copied.faults == (f"picture altered: {altered}", f"picture missing: {lost}")
    assert blobs.list_names(places[1][1]) == rest


def test_no_engine_numbers_rows_by_itself():
    # A sequence of PostgreSQL's would not know the rows that were copied.
    own = [
        f"{table.name}.{column.name}"
        for table in TableRow.metadata.sorted_tables
        for column in table.primary_key
        if isinstance(column.type, Integer)
        and column.autoincrement not in (False, "ignore_fk")
        and len(table.primary_key) == 1
    ]
    assert own == []
