"""The handle on a store: opening, migrating, reading and writing, on SQLite or PostgreSQL."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import ConfigError, StoreError
from core.records.addresses import ADDRESSES, mask_secrets, mask_url, parse_address
from core.records.table_base import chunks
from core.records.tables import SCHEMA

__all__ = [
    "Store",
    "chunks",
    "open_existing",
    "open_store",
    "reading",
    "writing",
]

logger = logging.getLogger(__name__)

_BUSY_S = 60.0
_WRITER_LOCK = 0x_A55A_7001
_SYNCHRONOUS = "synchronous"


@dataclass(frozen=True, slots=True)
class Store:
    """Where decisions are kept; cheap to pass around, safe to share between threads.

    A ``with`` block closes it at its end.

    Attributes:
        engine: The database.
        blobs: Folder of the content-addressed files.
    """

    engine: Engine
    blobs: Path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every connection; the handle may be used again."""
        self.engine.dispose()


def open_store(where: str | Path, blobs: Path | None = None) -> Store:
    """Return a store with its tables made or migrated, also when many processes open it.

    Args:
        where: Path of a SQLite file, or the URL of a SQLite or PostgreSQL database.
        blobs: Folder of the files; ``blobs`` beside the SQLite file unless given.

    Raises:
        ConfigError: The URL cannot be used, or names a server and no blob folder is given.
        StoreError: The database cannot be reached, or was written by newer code.
    """
    store = _connect(parse_address(where), blobs)
    try:
        _migrate(store)
    except StoreError:
        store.close()
        raise
    return store


def open_existing(where: str | Path, blobs: Path | None = None) -> Store:
    """Return a store that is there with the tables of this code; nothing is made or migrated.

    Args:
        where: As for `open_store`.
        blobs: As for `open_store`.

    Raises:
        ConfigError: The URL cannot be used, or names a server and no blob folder is given.
        StoreError: There is no store, or its tables are not those of this code.
    """
    url = parse_address(where)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise _absent(url)
    store = _connect(url, blobs)
    try:
        _check_schema(store)
    except StoreError:
        store.close()
        raise
    return store


def _check_schema(store: Store) -> None:
    found, url = _revision_of(store), store.engine.url
    if found is None:
        raise _absent(url)
    if found != SCHEMA:
        raise StoreError(
            f"The store at {mask_url(url)} has schema {found}; this code works with {SCHEMA}.",
            hint="Any command of the newer version that opens it, such as `assay audit head`, "
            "brings an older store up to date.",
        )


def _absent(url: URL) -> StoreError:
    return StoreError(f"There is no store at {mask_url(url)}.", hint=ADDRESSES)


def _connect(url: URL, blobs: Path | None) -> Store:
    if blobs is None:
        if url.get_backend_name() != "sqlite":
            raise ConfigError(
                "A store on a database server was opened without a folder for its blobs.",
                hint="Give the folder where the pictures are to be kept.",
            )
        blobs = Path(url.database or ".").parent / "blobs"
    return Store(_engine(url), blobs)


def _migrate(store: Store) -> None:
    if _revision_of(store) == SCHEMA:
        return

    def announce(found: str) -> None:
        logger.warning(
            "The store at %s is brought from schema %s to %s; a million cases take about half a "
            "minute.",
            mask_url(store.engine.url),
            found,
            SCHEMA,
        )

    # Alembic takes a third of a second to import: only a store that needs it pays.
    from core.records.case_status import refresh_all
    from core.records.migrations import upgrade

    with writing(store) as connection:
        is_status_old = upgrade(connection, announce)
        if store.engine.dialect.name == "sqlite":
            _estimate(connection)
        if is_status_old:
            refresh_all(connection)


def _estimate(connection: Connection) -> None:
    """Tell SQLite's planner how few decisions share a content, and how many share a product.

    Without figures it takes two columns that are equal for more selective than one: for each image
    it then reads every decision of the product instead of the one or two on its content.
    """
    connection.exec_driver_sql("PRAGMA analysis_limit = 400")
    connection.exec_driver_sql("ANALYZE decisions")
    connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl = 'decisions'")
    for index, rows in _ROWS_ALIKE.items():
        connection.exec_driver_sql(
            "INSERT INTO sqlite_stat1 VALUES ('decisions', ?, ?)", (index, rows)
        )
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # reads them


_ROWS_ALIKE = {
    "sqlite_autoindex_decisions_1": "1000000 2 2 2 2 1",  # content, bundle, policy …
    "sqlite_autoindex_decisions_2": "1000000 1",  # id
    "ix_decisions_product": "1000000 300000 100000 1",
    "ix_decisions_time": "1000000 300000 100000 1",
}
"""For each index: rows, and how many agree in its first column, in its first two, and so on."""


@contextmanager
def reading(store: Store) -> Iterator[Connection]:
    """Return a connection that sees one moment of the store, whatever others write meanwhile.

    Raises:
        StoreError: The database failed.
    """
    engine = store.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with _mapped(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(store: Store, *, is_durable: bool = True) -> Iterator[Connection]:
    """Return the one writing connection; commits at the end, rolls back on an exception.

    Writers take turns from the first statement on: what a writer reads here nobody else changes
    before it commits. A read that turns into a write later would fail at once under SQLite.

    Args:
        store: The store.
        is_durable: Whether the commit waits for the disk. Without it a power cut may take the
            change, whole; the next durable commit makes it durable as well.

    Raises:
        StoreError: The database failed, or stayed busy for a minute.
    """
    engine = store.engine.execution_options(immediate=True, is_durable=is_durable)
    with _mapped(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_WRITER_LOCK)))
            if not is_durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        yield connection


@contextmanager
def _mapped(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, sqlite3.Error) as exc:
        raise StoreError(
            f"The store at {mask_url(engine.url)} failed: "
            f"{mask_secrets(str(getattr(exc, 'orig', exc)), engine.url)}.",
            hint="Check that it is reachable and writable, and that its disk has room.",
        ) from exc


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        _make_folder(Path(url.database or ".").parent)
        engine = create_engine(url, connect_args={"timeout": _BUSY_S})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(url, pool_pre_ping=True)
    except (ImportError, NoSuchModuleError) as exc:
        raise ConfigError(
            f"PostgreSQL needs a driver that is not installed: {exc}.",
            hint="pip install 'assay-inspection[postgresql]'",
        ) from exc


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreError(
            f"The store's folder {folder} cannot be made: {exc}.",
            hint="Give a path that can be written.",
        ) from exc


def _prepare_sqlite(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None  # sqlite3 would otherwise begin by itself, and too late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        raw.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options, wanted = connection.get_execution_options(), "FULL"
    if not options.get("is_durable", True):
        wanted = "NORMAL"
    if connection.info.get(_SYNCHRONOUS, "FULL") != wanted:  # lasts as long as the connection
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info[_SYNCHRONOUS] = wanted
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")


def _revision_of(store: Store) -> str | None:
    with reading(store) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
