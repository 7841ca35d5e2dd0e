"""Which share of the reviewed cases a second person reads, and how many known answers are mixed in.

Rows are append-only; the newest of a product holds, else that of the product without a name.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from core.errors import ConfigError
from core.records import hash_chain
from core.records.connection import Store, reading, writing
from core.records.tables import READ_PLANS, RowLike
from core.records.values import name_of, now, plain, stamp
from core.types import Disposition

TARGET = 0.9
MOST_GOLD = 0.03
SEED_BYTES = 16


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How much of a product's reviewing is checked by reading twice.

    Attributes:
        negative: Share, 0 to 1, read twice of the cases whose verdict is negative.
        positive: The same of those whose verdict is positive.
        defer: The same of those that the verdict leaves to a person.
        gold: Share of known answers among the cases a person is shown, at most ``MOST_GOLD``.
        target: Sensitivity that each reviewer has to show on the known answers, inside (0, 1).
        seed: Key of the draw; empty before the plan is stored.
        id: Of its row; empty before that.
    """

    negative: float = 0.0
    positive: float = 0.0
    defer: float = 0.0
    gold: float = 0.0
    target: float = TARGET
    seed: str = ""
    id: str = ""

    def share_of(self, disposition: Disposition) -> float:
        """Return the share that is read twice of the cases with a verdict."""
        return float(getattr(self, disposition.value))


def plan_of(store: Store, pack: str, product: str = "") -> ReadPlan:
    """Return the plan that holds for a product; one without any share where nobody set one.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return plan_in_force(connection, pack, product)


def plan_in_force(connection: Connection, pack: str, product: str) -> ReadPlan:
    """Return the plan that holds for a product, in the caller's transaction."""
    for name in dict.fromkeys((plain(product), "")):
        if (row := _newest(connection, pack, name)) is not None:
            return _plan(row)
    return ReadPlan()


def set_plan(
    store: Store, pack: str, product: str, plan: ReadPlan, *, by: str, at: datetime | None = None
) -> ReadPlan:
    """Return the plan that holds from now on; its draw keeps the key of the one before.

    Args:
        store: The store.
        pack: The pack's name.
        product: The product; empty for every one without a plan of its own.
        plan: The shares.
        by: Id of who sets it.
        at: When; now, unless given.

    Raises:
        ConfigError: A share is none, or the target.
        StoreError: The database failed.
    """
    _check(plan)
    with writing(store) as connection:
        before = _newest(connection, pack, plain(product))
        number = (connection.scalar(select(func.max(READ_PLANS.c.number))) or 0) + 1
        row: dict[str, Any] = {
            "number": number,
            "id": name_of("read plan", str(number)),
            "pack": pack,
            "product": plain(product),
            **{f"{one.value}_share": plan.share_of(one) for one in Disposition},
            "gold_share": float(plan.gold),
            "sensitivity_target": float(plan.target),
            "seed": before["seed"] if before else secrets.token_hex(SEED_BYTES),
            "set_by": plain(by),
            "set_at": stamp(at or now()),
            "supersedes": before["id"] if before else "",
        }
        hash_chain.append_row(
            connection,
            READ_PLANS,
            row,
            actor=plain(by),
            action="set read plan",
            subject=row["id"],
            at=at or now(),
        )
    return replace(plan, seed=row["seed"], id=row["id"])


def _newest(connection: Connection, pack: str, product: str) -> RowLike | None:
    query = select(READ_PLANS).where(READ_PLANS.c.pack == pack, READ_PLANS.c.product == product)
    return connection.execute(query.order_by(READ_PLANS.c.number.desc())).mappings().first()


def _plan(row: RowLike) -> ReadPlan:
    return ReadPlan(
        **{one.value: row[f"{one.value}_share"] for one in Disposition},
        gold=row["gold_share"],
        target=row["sensitivity_target"],
        seed=row["seed"],
        id=row["id"],
    )


def _check(plan: ReadPlan) -> None:
    for one in Disposition:
        if not 0.0 <= plan.share_of(one) <= 1.0:
            raise ConfigError(
                f"The share read twice of {one.value} is {plan.share_of(one):g}; expected 0 to 1.",
                hint="Give 0.05 for 5 %.",
            )
    if not 0.0 <= plan.gold <= MOST_GOLD:
        raise ConfigError(
            f"The share of known answers is {plan.gold:g}; expected 0 to {MOST_GOLD:g}.",
            hint="1 to 3 % measure a reviewer within a few shifts; more costs work.",
        )
    if not 0.0 < plan.target < 1.0:
        raise ConfigError(
            f"The sensitivity asked for is {plan.target:g}; expected between 0 and 1.",
            hint="Give 0.9 for 90 %.",
        )
