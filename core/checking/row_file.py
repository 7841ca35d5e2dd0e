"""Rows of one shape in a file without a name, so that memory does not grow with their number."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

Numbers = NDArray[np.integer[Any]]


class Rows(Protocol):
    """An array by its first axis: in memory, or in a file from which rows are read as asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then the shape of each."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, at: Any, /) -> Any:  # noqa: ANN401
        """Return one row for a number; rows for a slice or an array of numbers."""


class RowFile:
    """Rows in a temporary file (of ``TMPDIR``), which is gone with this object.

    It is read and not mapped: pages of a mapped file count as memory of the process.

    Args:
        shape: Of one row.
        dtype: Of its numbers.
        count: Rows that are there from the beginning, all zeros.
    """

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, count: int = 0) -> None:
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._row, self._dtype, self._count = shape, np.dtype(dtype), count
        self._bytes = int(np.prod(shape, dtype=np.int64)) * self._dtype.itemsize
        self._file.truncate(count * self._bytes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then the shape of each."""
        return (self._count, *self._row)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    def append(self, row: NDArray[Any]) -> int:
        """Return the number under which a row is kept."""
        self[self._count] = row
        self._count += 1
        return self._count - 1

    def extend(self, rows: NDArray[Any]) -> None:
        """Keep rows behind those that are there."""
        self[self._count] = rows
        self._count += len(rows)

    def __setitem__(self, start: int, rows: NDArray[Any]) -> None:
        """Write rows, or one, from the row ``start`` on."""
        values = np.ascontiguousarray(rows, self._dtype)
        if values.shape[max(0, values.ndim - len(self._row)) :] != self._row:
            raise ValueError(f"rows: expected (..., *{self._row}), got {values.shape}")
        left, at = values.reshape(-1).view(np.uint8).data, start * self._bytes
        while left:
            done = os.pwrite(self._file.fileno(), left, at)
            left, at = left[done:], at + done

    def __getitem__(self, at: int | slice | Numbers, /) -> NDArray[Any]:
        """Return one row for a number; rows for a slice or an array of numbers."""
        if isinstance(at, int | np.integer):
            return np.asarray(self._read(int(at), 1)[0])
        if isinstance(at, slice):
            start, stop, step = at.indices(self._count)
            if step == 1:
                return self._read(start, max(0, stop - start))
            at = np.arange(start, stop, step)
        found = np.empty((len(at), *self._row), self._dtype)
        for place, start, count in _runs(at):
            found[place : place + count] = self._read(start, count)
        return found

    def _read(self, start: int, count: int) -> NDArray[Any]:
        if not 0 <= start <= start + count <= self._count:
            raise IndexError(f"row {start} and {count} on: expected below {self._count}")
        rows = np.empty((count, *self._row), self._dtype)
        left, at = rows.reshape(-1).view(np.uint8).data, start * self._bytes
        while left:
            done = os.preadv(self._file.fileno(), [left], at)
            if not done:
                raise OSError("a temporary file ended early")
            left, at = left[done:], at + done
        return rows


def _runs(numbers: Numbers) -> Iterator[tuple[int, int, int]]:
    """Yield place, first number and length of each run of numbers that count on by one."""
    if not len(numbers):
        return
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 2) != 1)
    lengths = np.diff(starts, append=len(numbers))
    yield from zip(starts.tolist(), numbers[starts].tolist(), lengths.tolist(), strict=True)


@dataclass(frozen=True, slots=True)
class RowSelection:
    """Some rows of others, read when they are asked for."""

    rows: Rows
    numbers: Numbers

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then the shape of each."""
        return (len(self.numbers), *self.rows.shape[1:])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)

    def __getitem__(self, at: int | slice | Numbers, /) -> NDArray[Any]:
        """Return one row for a number; rows for a slice or an array of numbers."""
        numbers = self.numbers[at]
        return np.asarray(self.rows[numbers if isinstance(numbers, np.ndarray) else int(numbers)])


def take_rows(rows: Rows, numbers: Numbers) -> Rows:
    """Return some rows: read when they are asked for, unless all of them are in memory."""
    if isinstance(rows, np.ndarray):
        return np.asarray(rows[numbers])
    return RowSelection(rows, numbers)


def empty_rows(like: Rows, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any] | RowFile:
    """Return as many rows of another shape, all zeros: in memory where the others are, else not."""
    if isinstance(like, np.ndarray):
        return np.zeros((len(like), *shape), dtype)
    return RowFile(shape, dtype, len(like))


def set_rows(rows: NDArray[Any] | RowFile, start: int, values: NDArray[Any]) -> None:
    """Write values over the rows from ``start`` on."""
    if isinstance(rows, RowFile):
        rows[start] = values
    else:
        rows[start : start + len(values)] = values
