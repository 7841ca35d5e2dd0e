"""What the log names beside what the tables hold, compared on disk: both outgrow memory.

SQLite keeps the lines in a private temporary file, gone when it is closed, and sorts them there, so
that a walk takes the same memory however large the store is. Text is kept as bytes, which hold
whatever an edited event may name.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from sqlalchemy import Table

from core.records.hash_chain import digest
from core.records.tables import RowLike

_PREPARE = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
CREATE TABLE rows (name BLOB, id BLOB, logged BLOB, found BLOB);
CREATE TABLE cases (case_id BLOB, seq INTEGER);
BEGIN;
"""
# Of several events that cover a row the first holds: each hash stands behind its event's place.
_PLACE = 20
_DIFFERENT = f"""
SELECT name, id, count(logged), substr(min(logged), {_PLACE + 1}), max(found)
FROM rows GROUP BY name, id
HAVING count(logged) <> 1 OR max(found) IS NOT substr(min(logged), {_PLACE + 1})
"""
# The log and the table each name a case and an event once.
_LONE_CASES = "SELECT case_id, seq FROM cases GROUP BY case_id, seq HAVING count(*) <> 2"


class AuditIndex:
    """The rows and cases that events name, and those that the tables hold.

    Attributes:
        covered: How many rows were named, each as often as events name it.
    """

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(_PREPARE)
        self._events, self.covered = 0, 0

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def add_event(self, event: RowLike) -> None:
        """Add what an event names; the events are added in their order."""
        place = f"{self._events:0{_PLACE}}"
        self._events += 1
        lines = [
            (_bytes(table), _bytes(key), _bytes(f"{place}{found}"))
            for table, key, found in _digests(event["detail"])
        ]
        self.covered += len(lines)
        self._file.executemany("INSERT INTO rows (name, id, logged) VALUES (?, ?, ?)", lines)
        self._add_cases((case_id, event["seq"]) for case_id in set(cases_in(event["detail"])))

    def add_rows(self, table: Table, rows: Sequence[RowLike]) -> None:
        """Add rows of a table."""
        name = _bytes(table.name)
        lines = ((name, _bytes(row["id"]), _bytes(digest(row))) for row in rows)
        self._file.executemany("INSERT INTO rows (name, id, found) VALUES (?, ?, ?)", lines)

    def add_cases(self, rows: Sequence[RowLike]) -> None:
        """Add rows of the search."""
        self._add_cases((row["case_id"], row["seq"]) for row in rows)

    def _add_cases(self, entries: Iterator[tuple[str, int]]) -> None:
        lines = ((_bytes(case_id), seq) for case_id, seq in entries)
        self._file.executemany("INSERT INTO cases VALUES (?, ?)", lines)

    def different_rows(self) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with a row, and its table and id, ordered by these."""
        for name, key, times, logged, found in self._file.execute(_DIFFERENT):
            subject = f"{_text(name)} {_text(key)}"
            yield from (("row covered again", subject) for _ in range(1, times))
            if logged is None:
                yield "row added", subject
            elif found is None:
                yield "row missing", subject
            elif found != logged:
                yield "row edited", subject

    def different_cases(self) -> Iterator[tuple[str, int]]:
        """Yield each case and event that the log or the search names alone, in order."""
        for case_id, seq in self._file.execute(_LONE_CASES):
            yield _text(case_id), seq


def cases_in(detail: str) -> list[str]:
    """Return the ids of the cases that an event's detail names."""
    try:
        return [name for name in json.loads(detail).get("cases", ()) if isinstance(name, str)]
    except (ValueError, AttributeError, TypeError):
        return []  # an edited event: its hash tells


def _digests(detail: str) -> list[tuple[str, str, object]]:
    try:
        rows = json.loads(detail)["rows"]
        return [(table, key, found) for table in rows for key, found in rows[table].items()]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []  # an edited event: its hash tells, and its rows count as added


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
