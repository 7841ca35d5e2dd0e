"""Which decision stands for a picture: the one that the last judging of it came to.

Decisions and reinstatements share one count. A decision stands from when it is recorded until
another one of the same content is recorded or reinstated, so that judging again under an earlier
policy brings that policy's decision back without writing it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from core.records.new_decision import NewDecision
from core.records.row_mapping import to_row
from core.records.table_base import chunks
from core.records.tables import DECISIONS, REINSTATEMENTS
from core.records.values import StoredDecision, name_of, stamp
from core.types import Disposition, Reason

IN_ORDER = func.coalesce(
    select(func.max(REINSTATEMENTS.c.seq))
    .where(REINSTATEMENTS.c.decision_id == DECISIONS.c.id)
    .correlate(DECISIONS)
    .scalar_subquery(),
    DECISIONS.c.seq,
)
"""Sorts decisions on one content: the last one stands."""

_COLUMNS = tuple(
    DECISIONS.c[name]
    for name in (
        "id",
        "seq",
        "content_key",
        "bundle_sha256",
        "policy_id",
        "pack",
        "product",
        "is_provisional",
        "audit_probability",
        "findings",
    )
)
_LAST_NUMBERS = select(
    *(select(func.max(t.c.seq)).scalar_subquery() for t in (DECISIONS, REINSTATEMENTS))
)
_ON_CONTENT = select(*_COLUMNS, IN_ORDER.label("in_order")).where(
    DECISIONS.c.content_key.in_(bindparam("keys", expanding=True))
)
_Key = tuple[str, str, str, str]


class _Kept(NamedTuple):
    """What has to be known of a decision on record."""

    id: str
    is_provisional: bool
    audit_probability: float | None
    is_corrected: bool


@dataclass
class Additions:
    """What a batch adds to the decisions, as it is worked out.

    Attributes:
        seq: The last number given.
        kept: For each content, bundle, policy and product its last decision.
        in_force: For each pack, product and content the id of the decision that stands.
        ids: The decision that holds for each of the batch, in its order.
        written: New decisions by id.
        decisions: Their rows.
        reinstatements: New rows.
        changed: Contents for which another decision stands now.
    """

    seq: int
    kept: dict[_Key, _Kept]
    in_force: dict[tuple[str, str, str], str]
    ids: list[str] = field(default_factory=list)
    written: dict[str, StoredDecision] = field(default_factory=dict)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    reinstatements: list[dict[str, Any]] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)


def additions(connection: Connection, batch: Sequence[NewDecision], at: datetime) -> Additions:
    """Return what a batch adds, in the caller's write transaction.

    Of one content, bundle, policy and product the first decision holds, unless it is provisional
    and the new one is not, or it is a negative without an audit draw and the new one has one, or
    the new one knows that it contradicts a person: that is recorded as superseding it. So a picture
    that was looked at beforehand is drawn all the same once a deployment judges it.

    Args:
        connection: From `core.records.connection.writing`.
        batch: Decisions in the order in which they were made.
        at: When.
    """
    made = _known(connection, {new.decision.content_key for new in batch})
    for new in batch:
        _add(made, new.decision, stamp(at))
    return made


def _add(made: Additions, new: StoredDecision, at: str) -> None:
    key, place = _key(new), (new.pack, new.product, new.content_key)
    kept = made.kept.get(key)
    before = kept.id if kept else ""
    if kept is None or _takes_place(new, kept):
        written = replace(new, supersedes=before) if before else new
        made.seq += 1
        row = to_row(written, made.seq)
        made.decisions.append(row)
        made.written[row["id"]] = written
        made.kept[key] = _Kept(
            row["id"], new.is_provisional, new.audit_probability, new.is_corrected
        )
    decision_id = made.kept[key].id
    stood = made.in_force.get(place, "")
    if stood and stood != decision_id and decision_id == before:
        made.seq += 1
        made.reinstatements.append(_reinstatement(made.seq, decision_id, stood, at))
    if stood != decision_id:
        made.in_force[place] = decision_id
        made.changed.add(new.content_key)
    made.ids.append(decision_id)


def _takes_place(new: StoredDecision, kept: _Kept) -> bool:
    if kept.is_provisional:
        return not new.is_provisional
    if new.is_corrected and not kept.is_corrected:
        return True
    is_negative = new.disposition is Disposition.NEGATIVE
    return is_negative and kept.audit_probability is None and new.audit_probability is not None


def _reinstatement(seq: int, decision_id: str, supersedes: str, at: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "id": name_of("reinstatement", str(seq), decision_id),
        "decision_id": decision_id,
        "supersedes": supersedes,
        "reinstated_at": at,
    }


def _known(connection: Connection, contents: Iterable[str]) -> Additions:
    last = connection.execute(_LAST_NUMBERS).one()
    made = Additions(max(seq or 0 for seq in last), {}, {})
    rows = [
        row
        for keys in chunks(sorted(contents))
        for row in connection.execute(_ON_CONTENT, {"keys": keys})
    ]
    for row in sorted(rows, key=lambda row: row.seq):
        key = (row.content_key, row.bundle_sha256, row.policy_id, row.product)
        is_corrected = f'"{Reason.CORRECTED.value}"' in row.findings
        made.kept[key] = _Kept(row.id, row.is_provisional, row.audit_probability, is_corrected)
    for row in sorted(rows, key=lambda row: row.in_order):
        made.in_force[row.pack, row.product, row.content_key] = row.id
    return made


def _key(decision: StoredDecision) -> _Key:
    return decision.content_key, decision.bundle_sha256, decision.policy_id, decision.product
