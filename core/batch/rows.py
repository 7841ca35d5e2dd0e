"""The rows of a verdict: what `assay assess --json` prints, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from core.json_output import assessment_line
from core.service.assessment.recording import Recorded
from core.types import Policy

_TEXT = ("file", "sha256", "case", "decision", "pack", "bundle", "policy", "disposition", "wording")
_NUMBERS = ("positive_probability", "ood_p_value", "good_only_p_value")
_TIMES = ("decode_ms", "infer_ms", "total_ms")
_PROBABILITIES = pa.map_(pa.string(), pa.float64())

SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in (*_TEXT, "label", "message")),
        pa.field("probabilities", _PROBABILITIES),
        pa.field("label_set", pa.list_(pa.string())),
        pa.field("superclasses", _PROBABILITIES),
        *(pa.field(name, pa.float64()) for name in _NUMBERS),
        pa.field("in_distribution", pa.bool_()),
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("checks", pa.list_(pa.string())),
        pa.field("is_provisional", pa.bool_(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in _TIMES),
    ]
)


def row_of(one: Recorded, *, pack: str, policy: Policy) -> dict[str, Any]:
    """Return a verdict as a row of ``SCHEMA``; what is not a number is null, as in JSON.

    Args:
        one: The verdict, recorded or not.
        pack: Name of the pack.
        policy: The policy it was judged by.
    """
    line = assessment_line(one.assessment, pack=pack, policy=policy, decision=one.decision)
    row = flatten(line)
    row["is_provisional"] = one.assessment.is_provisional
    return {name: _finite(row[name]) for name in SCHEMA.names}


def flatten(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `assay assess --json` prints of a picture by the names of the columns."""
    good_only = line["good_only"] or {"p_value": None}
    return {
        **line,
        "probabilities": list(line["probabilities"].items()),
        "superclasses": list(line["superclasses"].items()),
        "ood_p_value": line["ood"]["p_value"],
        "in_distribution": line["ood"]["in_distribution"],
        "good_only_p_value": good_only["p_value"],
        **{f"{name}_ms": value for name, value in line["timing_ms"].items()},
    }


def table_of(rows: list[dict[str, Any]], metadata: Mapping[str, str]) -> pa.Table:
    """Return rows as a table with metadata for its footer."""
    return pa.Table.from_pylist(rows, SCHEMA.with_metadata(dict(metadata)))


def _finite(value: Any) -> Any:  # noqa: ANN401
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
