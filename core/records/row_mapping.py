"""Decisions as table rows and back, every bit the same."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from core.records.tables import RowLike
from core.records.values import FIGURES, StoredDecision, stamp
from core.types import Disposition, Finding, Reason

_SPELT = {"disposition", "classes", "probabilities", "findings", "decided_at"}
_PLAIN = tuple(f.name for f in fields(StoredDecision) if f.name not in _SPELT)


def _bare(value: float | None) -> float | None:
    # SQLite gives 0.0 back for -0.0; the digest of a row must not depend on the engine.
    return None if value is None else float(value) + 0.0


def to_row(decision: StoredDecision, seq: int) -> dict[str, Any]:
    """Return a decision as its table row; lists of floats go through JSON, which is exact."""
    return {
        **{name: getattr(decision, name) for name in _PLAIN},
        **{name: _bare(getattr(decision, name)) for name in FIGURES},
        "seq": seq,
        "id": decision.id,
        "disposition": decision.disposition.value,
        "classes": json.dumps(decision.classes),
        "probabilities": json.dumps(decision.probabilities),
        "findings": json.dumps([_finding_text(finding) for finding in decision.findings]),
        "decided_at": stamp(decision.decided_at),
    }


def from_row(row: RowLike) -> StoredDecision:
    """Return the decision of a table row, equal to the one that was laid out."""
    return StoredDecision(
        **{name: row[name] for name in _PLAIN},
        disposition=Disposition(row["disposition"]),
        classes=tuple(json.loads(row["classes"])),
        probabilities=tuple(json.loads(row["probabilities"])),
        findings=tuple(Finding(Reason(r), *rest) for r, *rest in json.loads(row["findings"])),
        decided_at=datetime.fromisoformat(row["decided_at"]),
    )


def _finding_text(finding: Finding) -> tuple[str, ...]:
    return (finding.reason.value, finding.detail, *filter(None, [finding.check]))
