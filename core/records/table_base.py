"""What every table at rest shares.

The tables keep their own registry and metadata: Streamlit's reload would otherwise raise "Table
already defined".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import MetaData
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

_Id = TypeVar("_Id", str, int)

RowLike = Mapping[Any, Any]
"""A row by column name, before or after the database; SQLAlchemy also takes columns as keys."""

_PARAMETERS = 1000
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite then keeps the rows in the primary key's tree: one tree less to write to for each row.
BY_ID = {"sqlite_with_rowid": False}


class TableRow(SQLModel, registry=registry()):
    """Base of the tables; holds the metadata they share with nobody."""

    metadata = MetaData(naming_convention=_NAMES)


def chunks(ids: Sequence[_Id]) -> Iterator[Sequence[_Id]]:
    """Yield pieces of a list of ids that fit one statement's parameters."""
    for start in range(0, len(ids), _PARAMETERS):
        yield ids[start : start + _PARAMETERS]
