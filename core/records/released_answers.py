"""Answers that the policy in force was certified on: corrected in the open, never taken back."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from core.records import deployments
from core.records.connection import Store, chunks, reading
from core.records.proposals import Outcome, Proposal, list_proposals
from core.records.tables import CASES, REVIEWS
from core.records.values import stamp


def policy_resting_on(store: Store, case_id: str) -> str:
    """Return the id of the policy in force that was certified on a case's answer; empty for none.

    Raises:
        StoreError: The database failed.
    """
    query = select(CASES.c.pack, CASES.c.product).where(CASES.c.id == case_id)
    with reading(store) as connection:
        row = connection.execute(query).first()
    released = None if row is None else _released(store, row.pack, row.product)
    return released.policy_id if released and case_id in _counted(released) else ""


def corrected_since_release(store: Store, pack: str, product: str) -> tuple[str, ...]:
    """Return the cases that the policy in force was certified on and that were answered anew since.

    Args:
        store: The store.
        pack: The pack's name.
        product: The product.

    Raises:
        StoreError: The database failed.
    """
    released = _released(store, pack, product)
    if released is None:
        return ()
    found: set[str] = set()
    with reading(store) as connection:
        for ids in chunks(sorted(_counted(released))):
            query = select(REVIEWS.c.case_id).where(
                REVIEWS.c.case_id.in_(ids), REVIEWS.c.reviewed_at > stamp(released.proposed_at)
            )
            found |= set(connection.scalars(query))
    return tuple(sorted(found))


def _released(store: Store, pack: str, product: str) -> Proposal | None:
    """Return the proposal by which the policy in force was released; None for no such policy."""
    deployed = deployments.newest(store, pack, product) or deployments.newest(store, pack)
    if deployed is None:
        return None
    proposed = list_proposals(store, pack, deployed.product)
    made = (one for one in proposed if one.outcome is Outcome.RELEASED)
    return next((one for one in made if one.policy_id == deployed.policy_id), None)


def _counted(released: Proposal) -> Collection[str]:
    return frozenset(released.evidence.get("reviewed", {}).get("cases", ()))
