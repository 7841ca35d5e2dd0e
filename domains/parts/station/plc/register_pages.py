"""The register table as CSV and as the tables of `domains/parts/README.md`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from domains.parts.station.plc.registers import (
    COIL,
    CONTROL,
    GATE_COIL,
    STATUS,
    OfflineReason,
    Register,
)
from domains.parts.station.result import LineReason

COLUMNS = (
    "register", "modbus_table", "address", "reference", "bits", "name", "type", "access",
    "word_order", "meaning",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """A Modbus table: its letter in ours, its name, the number before its first entry."""

    letter: str
    name: str
    reference: int
    access: str
    registers: tuple[Register, ...]


_TABLES = (
    _Table("I", "input registers", 30001, "PLC reads", STATUS),
    _Table("H", "holding registers", 40001, "PLC writes", CONTROL),
    _Table("C", "coils", 1, "PLC writes", (COIL,)),
    _Table("C", "coils", 1, "PLC reads", (GATE_COIL,)),
)


def registers_csv() -> str:
    """Return the whole register table as CSV with a header: what the command prints."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for table in _TABLES:
        for register in table.registers:
            writer.writerow(
                (
                    _address(table, register),
                    table.name,
                    register.address,
                    f"{table.reference + register.address:05d}",
                    _bits(register),
                    register.name,
                    register.type,
                    table.access,
                    register.word_order,
                    register.meaning,
                )
            )
    return out.getvalue()


def registers_markdown() -> str:
    """Return the tables of the status block, the control block and the coil."""
    parts = []
    for table in _TABLES:
        rows = [
            (_address(table, one), _bits(one), one.name, one.type, one.meaning)
            for one in table.registers
        ]
        parts.append(_markdown(("word", "bits", "name", "type", "meaning"), rows))
    return "\n".join(parts)


def reasons_markdown() -> str:
    """Return the table of reason codes, I5."""
    rows = [("0", "PASS", "", "The part passes.")]
    rows += [(str(one.number), one.result.value, one.name, one.sentence) for one in LineReason]
    return _markdown(("I5", "result", "name", "meaning"), rows)


def offline_markdown() -> str:
    """Return the table of reasons for being offline, bits 4 to 6 of I0."""
    rows = [(str(one.value), one.name, one.sentence) for one in OfflineReason]
    return _markdown(("bits 4-6", "name", "meaning"), rows)


def _address(table: _Table, register: Register) -> str:
    first = f"{table.letter}{register.address}"
    return first if register.words == 1 else f"{first}-{register.address + register.words - 1}"


def _bits(register: Register) -> str:
    if register.bits is None or register in (COIL, GATE_COIL):
        return ""
    low, high = register.bits
    return str(low) if low == high else f"{low}-{high}"


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in _with_rule(columns, rows))


def _with_rule(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    yield columns
    yield ["---"] * len(columns)
    yield from rows
