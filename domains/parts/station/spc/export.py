"""A station's parts for programs of statistical process control: CSV, and Q-DAS ASCII (.dfq).

Both tell a part that nobody judged from one that was judged good: its values are marked invalid
(K0002 = 129), and no program counts them as zeros. Times are UTC. Reference parts and parts met
while a challenge was due carry their reason of sampling (K0015), so that no program counts them
among those of the line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC
from enum import IntEnum
from io import StringIO

from core.errors import ConfigError
from core.spreadsheet import escape_formula
from domains.parts.station.part import InspectedPart
from domains.parts.station.result import LineReason, LineResult

CSV_COLUMNS = (
    "number", "recorded_at", "part_id", "part_seq", "product", "recipe", "result", "reasons",
    "score", "rejected", "k0002", "k0015", "bundle_sha256", "policy",
)  # fmt: skip

_DUE = frozenset({LineReason.CHALLENGE_DUE, LineReason.CHALLENGE_FAILED})


class ValueAttribute(IntEnum):
    """Q-DAS K0002: what a value is worth."""

    VALID = 0
    INVALID = 129


class SamplingReason(IntEnum):
    """Q-DAS K0015: why a part was looked at."""

    RUNNING = 0
    FIRST_PART = 30
    PRE_RUN = 50


def value_attribute(part: InspectedPart) -> ValueAttribute:
    """Return whether a part was judged by what its picture shows: passed, or found defective."""
    is_defective = part.result is LineResult.FAIL and LineReason.DEFECT in part.reasons
    is_judged = part.score is not None and (part.result is LineResult.PASS or is_defective)
    return ValueAttribute.VALID if is_judged else ValueAttribute.INVALID


def sampling_reason(part: InspectedPart) -> SamplingReason:
    """Return 30 for a reference part, 50 for a part met while a challenge was due, 0 otherwise."""
    if part.trigger.challenge:
        return SamplingReason.FIRST_PART
    return SamplingReason.RUNNING if _DUE.isdisjoint(part.reasons) else SamplingReason.PRE_RUN


def write_csv(
    parts: Iterable[InspectedPart], *, separator: str = ",", has_bom: bool = False
) -> bytes:
    """Return one line a part under a head, as UTF-8.

    Args:
        parts: In the order in which they are to stand.
        separator: ``,`` or ``;``.
        has_bom: Whether a byte order mark stands before it, as spreadsheets want it.

    Raises:
        ConfigError: The separator is another one.
    """
    if separator not in (",", ";"):
        raise ConfigError(
            f"CSV columns are separated by a comma or a semicolon, got {separator!r}.",
            hint="Give , or ;",
        )
    text = StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(_csv_row(part) for part in parts)
    return ("\ufeff" if has_bom else "").encode() + text.getvalue().encode(errors="replace")


def write_dfq(parts: Sequence[InspectedPart], *, station: str) -> bytes:
    """Return the parts of one product as Q-DAS ASCII with coded values, one K field a line.

    Characteristic 1 is the score, a variable; characteristic 2 whether the part was rejected, an
    attribute with the sample size 1 (K0020) and the count of defective parts (K0021). Attributes
    carry their value in K0001 too, which readers of variables alone understand.

    Args:
        parts: In the order of time.
        station: Name of the station, the machine of the file.

    Raises:
        ConfigError: The parts are of several products: a file describes one.
    """
    products = sorted({part.product for part in parts})
    if len(products) > 1:
        raise ConfigError(
            f"A Q-DAS file describes one product, got {', '.join(products)}.",
            hint="Export each product to a file of its own.",
        )
    head = (
        ("K0100", "2"),
        ("K1001/1", products[0] if products else ""),
        ("K1002/1", products[0] if products else ""),
        ("K1082/1", station),
        ("K2001/1", "1"),
        ("K2002/1", "score"),
        ("K2004/1", "0"),
        ("K2022/1", "6"),
        ("K2001/2", "2"),
        ("K2002/2", "rejected"),
        ("K2004/2", "1"),
    )
    fields = [*head, *(field for part in parts for field in _dfq_fields(part))]
    text = "".join(f"{code} {_printable(value)}\r\n" for code, value in fields)
    return text.encode("cp1252", errors="replace")


def _csv_row(part: InspectedPart) -> tuple[str, ...]:
    attribute = value_attribute(part)
    is_valid = attribute is ValueAttribute.VALID
    rejected = str(int(part.result is not LineResult.PASS)) if is_valid else ""
    row = (
        str(part.trigger.number),
        part.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        part.part_id,
        str(part.trigger.part_seq),
        part.product,
        str(part.trigger.recipe),
        part.result.value,
        " ".join(reason.name for reason in part.reasons),
        "" if part.score is None else f"{part.score:.6f}",
        rejected,
        str(attribute.value),
        str(sampling_reason(part).value),
        part.bundle_sha256,
        part.policy,
    )
    return tuple(map(escape_formula, row))


def _dfq_fields(part: InspectedPart) -> Iterable[tuple[str, str]]:
    rejected = str(int(part.result is not LineResult.PASS))
    attribute = str(value_attribute(part).value)
    at = part.recorded_at.astimezone(UTC).strftime("%d.%m.%Y/%H:%M:%S")
    reason = str(sampling_reason(part).value)
    values = {1: f"{part.score or 0.0:.6f}", 2: rejected}
    for number, value in values.items():
        yield f"K0001/{number}", value
        yield f"K0002/{number}", attribute
        yield f"K0004/{number}", at
        yield f"K0014/{number}", part.part_id
        yield f"K0015/{number}", reason
    yield "K0020/2", "1"
    yield "K0021/2", rejected


def _printable(text: str) -> str:
    """Return text on one line: a line break in a part's id would forge a field."""
    return "".join(char if char.isprintable() else " " for char in text)
