"""Proposed policies and what became of them: append-only, covered by the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, select

from core.errors import ConfigError, StoreError
from core.records import hash_chain
from core.records.connection import Store, reading, writing
from core.records.tables import PROPOSAL_OUTCOMES, PROPOSALS
from core.records.values import name_of, now, plain, stamp


class Outcome(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    RELEASED = "released"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy that somebody proposes for a product.

    Attributes:
        number: Its number among all proposals of the store, from 1.
        pack: The pack's name.
        product: The product; empty for whatever has no deployment of its own.
        bundle: Name and short hash of the bundle.
        bundle_sha256: Its full hash.
        policy_id: The policy.
        before: The policy in force when it was proposed.
        deployment: Id of the deployment in force then; empty for none.
        evidence: What is shown to whoever decides, as JSON.
        proposed_by: Id of the person.
        proposed_at: When, in UTC.
        outcome: Where it stands.
        comment: What whoever decided wrote; empty while it is open.
        decided_by: Id of that person.
        decided_at: When, in UTC; None while it is open.
        released_as: Id of the deployment by which it was released.
    """

    number: int
    pack: str
    product: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    before: str
    deployment: str
    evidence: Mapping[str, Any]
    proposed_by: str
    proposed_at: datetime
    outcome: Outcome = Outcome.OPEN
    comment: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    released_as: str = ""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        """Name it by pack, product and number."""
        name = name_of("proposal", self.pack, self.product, str(self.number))
        object.__setattr__(self, "id", name)


def add_proposal(
    store: Store,
    *,
    pack: str,
    product: str,
    bundle: str,
    bundle_sha256: str,
    policy_id: str,
    before: str,
    deployment: str,
    evidence: Mapping[str, Any],
    by: str,
    at: datetime | None = None,
) -> Proposal:
    """Return a new proposal once it is durable.

    Raises:
        StoreError: The database failed.
    """
    with writing(store) as connection:
        number = connection.scalar(select(func.max(PROPOSALS.c.number))) or 0
        new = Proposal(
            number=number + 1,
            pack=pack,
            product=plain(product),
            bundle=plain(bundle),
            bundle_sha256=bundle_sha256,
            policy_id=policy_id,
            before=before,
            deployment=deployment,
            evidence=evidence,
            proposed_by=plain(by),
            proposed_at=at or now(),
        )
        row = {
            "number": new.number,
            "id": new.id,
            "pack": new.pack,
            "product": new.product,
            "bundle": new.bundle,
            "bundle_sha256": new.bundle_sha256,
            "policy_id": new.policy_id,
            "before": new.before,
            "deployment": new.deployment,
            "evidence": json.dumps(dict(evidence), sort_keys=True, allow_nan=False),
            "proposed_by": new.proposed_by,
            "proposed_at": stamp(new.proposed_at),
        }
        hash_chain.append_row(
            connection,
            PROPOSALS,
            row,
            actor=new.proposed_by,
            action="propose",
            subject=new.id,
            at=new.proposed_at,
        )
    return new


def settle(
    connection: Connection,
    proposal_id: str,
    outcome: Outcome,
    *,
    by: str,
    comment: str = "",
    deployment: str = "",
    at: datetime | None = None,
) -> None:
    """Write what became of a proposal, in the caller's transaction.

    Raises:
        ConfigError: That was decided before.
    """
    query = select(PROPOSAL_OUTCOMES.c.outcome, PROPOSAL_OUTCOMES.c.decided_by)
    decided = connection.execute(query.where(PROPOSAL_OUTCOMES.c.id == proposal_id)).first()
    if decided:
        raise ConfigError(
            f"The proposal was {decided.outcome} by {decided.decided_by} already.",
            hint="Look at it again; propose anew if that was wrong.",
        )
    when = at or now()
    row = {
        "id": proposal_id,
        "outcome": outcome.value,
        "comment": plain(comment),
        "deployment": deployment,
        "decided_by": plain(by),
        "decided_at": stamp(when),
    }
    action = "release" if outcome is Outcome.RELEASED else "reject"
    hash_chain.append_row(
        connection,
        PROPOSAL_OUTCOMES,
        row,
        actor=plain(by),
        action=action,
        subject=proposal_id,
        at=when,
    )


def list_proposals(
    store: Store, pack: str = "", product: str | None = None, *, limit: int = 200
) -> list[Proposal]:
    """Return proposals, newest first.

    Args:
        store: The store.
        pack: Of this pack only; of all when empty.
        product: Of this product only; of all when None.
        limit: At most so many.

    Raises:
        StoreError: The database failed.
    """
    query = _QUERY.order_by(PROPOSALS.c.number.desc()).limit(limit)
    if pack:
        query = query.where(PROPOSALS.c.pack == pack)
    if product is not None:
        query = query.where(PROPOSALS.c.product == plain(product))
    with reading(store) as connection:
        return [_from_row(row) for row in connection.execute(query)]


def proposal_of(store: Store, name: str) -> Proposal:
    """Return a proposal by its id or its number.

    Raises:
        StoreError: There is none, or the database failed.
    """
    is_number = name.isascii() and name.isdigit() and len(name) < 10
    wanted = PROPOSALS.c.number == int(name) if is_number else PROPOSALS.c.id == name
    with reading(store) as connection:
        row = connection.execute(_QUERY.where(wanted)).first()
    if row is None:
        raise StoreError(
            f"The store holds no proposal {name!r}.", hint="`assay proposals` lists them."
        )
    return _from_row(row)


_OUTCOME = PROPOSAL_OUTCOMES.c
_QUERY = select(
    PROPOSALS,
    _OUTCOME.outcome,
    _OUTCOME.comment,
    _OUTCOME.decided_by,
    _OUTCOME.decided_at,
    _OUTCOME.deployment.label("released_as"),
).outerjoin(PROPOSAL_OUTCOMES, _OUTCOME.id == PROPOSALS.c.id)


def _from_row(row: Row[Any]) -> Proposal:
    return Proposal(
        number=row.number,
        pack=row.pack,
        product=row.product,
        bundle=row.bundle,
        bundle_sha256=row.bundle_sha256,
        policy_id=row.policy_id,
        before=row.before,
        deployment=row.deployment,
        evidence=json.loads(row.evidence),
        proposed_by=row.proposed_by,
        proposed_at=datetime.fromisoformat(row.proposed_at),
        outcome=Outcome(row.outcome or Outcome.OPEN),
        comment=row.comment or "",
        decided_by=row.decided_by or "",
        decided_at=datetime.fromisoformat(row.decided_at) if row.decided_at else None,
        released_as=row.released_as or "",
    )
