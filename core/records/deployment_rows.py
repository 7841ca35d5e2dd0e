"""Deployments as rows, in the caller's transaction."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, func, select

from core.records import hash_chain
from core.records.deployment import Deployment, Stage
from core.records.tables import DEPLOYMENTS, RowLike
from core.records.values import stamp


def newest_number(connection: Connection) -> int:
    """Return the number of the newest deployment of the store; 0 before the first."""
    return connection.scalar(select(func.max(DEPLOYMENTS.c.number))) or 0


def history_of(connection: Connection, pack: str, product: str) -> list[Deployment]:
    """Return the deployments of a product, newest first."""
    # By number, not by time: a clock that was set back must not bring an older row forward.
    query = select(DEPLOYMENTS).where(DEPLOYMENTS.c.pack == pack, DEPLOYMENTS.c.product == product)
    rows = connection.execute(query.order_by(DEPLOYMENTS.c.number.desc())).mappings()
    return [deployment_from_row(row) for row in rows]


def write(connection: Connection, new: Deployment, action: str) -> None:
    """Write a deployment, and into the audit log who did what."""
    row = {
        "number": new.number,
        "id": new.id,
        "pack": new.pack,
        "product": new.product,
        "bundle": new.bundle,
        "bundle_sha256": new.bundle_sha256,
        "policy_id": new.policy_id,
        "stage": new.stage.value,
        "audit_share": new.audit_share,
        "deployed_by": new.deployed_by,
        "second_person": new.second_person,
        "evidence": json.dumps(dict(new.evidence), sort_keys=True, allow_nan=False),
        "supersedes": new.supersedes,
        "deployed_at": stamp(new.deployed_at),
    }
    hash_chain.append_row(
        connection,
        DEPLOYMENTS,
        row,
        actor=new.deployed_by,
        action=action,
        subject=new.id,
        at=new.deployed_at,
    )


def deployment_from_row(row: RowLike) -> Deployment:
    """Return a deployment of its row."""
    return Deployment(
        number=row["number"],
        pack=row["pack"],
        product=row["product"],
        bundle=row["bundle"],
        bundle_sha256=row["bundle_sha256"],
        policy_id=row["policy_id"],
        stage=Stage(row["stage"]),
        audit_share=row["audit_share"],
        deployed_by=row["deployed_by"],
        second_person=row["second_person"],
        evidence=json.loads(row["evidence"]),
        supersedes=row["supersedes"],
        deployed_at=datetime.fromisoformat(row["deployed_at"]),
    )
