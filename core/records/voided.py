"""Certificates that an alarm has voided: what may not come back, and since when.

What judges again must have learnt something: its certificate rests on cases that were reviewed
since, or it is of another bundle.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from core.errors import ConfigError
from core.records.connection import Store, reading
from core.records.deployment import Deployment
from core.records.tables import ALARMS, DEPLOYMENTS

_HINT = "Certify again on the cases reviewed since, propose that policy and release it."


def refuse_voided(connection: Connection, new: Deployment) -> None:
    """Refuse to deploy a policy whose certificate an alarm has voided for the product.

    Neither that policy comes back, nor, by taking back, an earlier one of the same bundle.

    Args:
        connection: An open one.
        new: The deployment that is about to be written.

    Raises:
        ConfigError: As above.
    """
    restored = new.evidence.get("restores")
    for row in _voiding(connection, new.pack, new.product, new.bundle_sha256):
        is_earlier = isinstance(restored, int) and restored < row.number
        if row.policy_id == new.policy_id or is_earlier:
            raise ConfigError(
                f"An alarm has voided the certificate of the policy {row.policy_id}. "
                f"{row.sentence}",
                hint=_HINT,
            )


def refuse_same_cases(
    store: Store, pack: str, product: str, bundle_sha256: str, policy_id: str, added: str
) -> None:
    """Refuse a policy certified on the very cases of one that an alarm has voided.

    Args:
        store: The store.
        pack: The pack's name.
        product: The product.
        bundle_sha256: Hash of the policy's bundle.
        policy_id: The policy.
        added: Digest of the reviewed cases that it was certified on; empty for none.

    Raises:
        ConfigError: As above: other targets on the same cases show nothing new.
        StoreError: The database failed.
    """
    with reading(store) as connection:
        for row in _voiding(connection, pack, product, bundle_sha256):
            if json.loads(row.evidence).get("added", "") == added:
                raise ConfigError(
                    f"The policy {policy_id} rests on the same cases as {row.policy_id}, whose "
                    f"certificate an alarm has voided. {row.sentence}",
                    hint=_HINT,
                )


def voided_since(store: Store, pack: str, product: str, bundle_sha256: str) -> datetime | None:
    """Return when an alarm last voided a bundle's certificate; None where none did.

    Cases from before it do not describe what comes in now.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        rows = _voiding(connection, pack, product, bundle_sha256)
    return datetime.fromisoformat(rows[0].raised_at) if rows else None


def _voiding(connection: Connection, pack: str, product: str, bundle_sha256: str) -> Sequence[Any]:
    """Return the alarms that voided a bundle's policies, the newest first."""
    columns = ALARMS.c
    query = (
        select(
            DEPLOYMENTS.c.number,
            columns.policy_id,
            columns.sentence,
            columns.raised_at,
            columns.evidence,
        )
        .join(DEPLOYMENTS, columns.deployment_id == DEPLOYMENTS.c.id)
        .where(
            columns.pack == pack,
            columns.product.in_({"", product}),
            columns.bundle_sha256 == bundle_sha256,
        )
    )
    return connection.execute(query.order_by(DEPLOYMENTS.c.number.desc())).all()
