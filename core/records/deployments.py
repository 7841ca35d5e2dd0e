"""Which bundle and policy judge a product now, how far by themselves, and by whose word.

The rows are append-only and covered by the audit log; the newest of a product is in force. A person
goes up one stage of autonomy at a time, on evidence that is kept with the row, and down at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from core.errors import ConfigError
from core.records.connection import Store, reading, writing
from core.records.deployment import (
    AUDIT_SHARE,
    SECOND_TYPED,
    Deployment,
    Figure,
    Stage,
    check_persons,
    refuse_leap,
)
from core.records.deployment_rows import deployment_from_row, history_of, newest_number, write
from core.records.tables import DEPLOYMENTS
from core.records.values import now, plain
from core.records.voided import refuse_voided


def deploy(
    store: Store,
    pack: str,
    product: str,
    stage: Stage | None = None,
    *,
    bundle: str,
    bundle_sha256: str,
    policy_id: str,
    by: str,
    second_person: str = "",
    audit_share: float = AUDIT_SHARE,
    evidence: Mapping[str, Figure] | None = None,
    at: datetime | None = None,
    also: Callable[[Connection, Deployment], None] | None = None,
) -> Deployment:
    """Return the deployment by which a bundle under a policy judges a product from now on.

    Args:
        store: The store.
        pack: The pack's name.
        product: What is judged; empty for whatever has no deployment of its own.
        stage: At most one step above where the bundle stands, or any below. None keeps what the
            bundle has, but that another policy than the one in force is at most SUPERVISED; another
            bundle starts from AUDIT.
        bundle: Name and short hash of the bundle.
        bundle_sha256: Full hash of the bundle, by which the archive holds it.
        policy_id: The policy.
        by: Who deploys it.
        second_person: Who else agreed.
        audit_share: Share of the automatic negatives to be drawn at random for a person, 0 to 1.
        evidence: What the person had before them, by name.
        at: When; now, unless given.
        also: Writes more in the same transaction; what it raises takes the deployment back.

    Raises:
        ConfigError: Nobody signs it, one person signs twice, the share is none, the stage is more
            than one step up, or an alarm has voided the policy.
        StoreError: The database failed.
    """
    check_persons(by, second_person)
    if not 0.0 <= audit_share <= 1.0:
        raise ConfigError(
            f"The audit share is {audit_share:g}; expected 0 to 1.", hint="Give 0.02 for 2 %."
        )
    with writing(store) as connection:
        last = next(iter(history_of(connection, pack, plain(product))), None)
        if stage is None:
            stage = _kept_stage(last, plain(bundle), policy_id)
        refuse_leap(stage, stage_for(last, plain(bundle)))
        new = Deployment(
            number=newest_number(connection) + 1,
            pack=pack,
            product=plain(product),
            bundle=plain(bundle),
            bundle_sha256=bundle_sha256,
            policy_id=policy_id,
            stage=stage,
            audit_share=float(audit_share),
            deployed_by=plain(by.strip()),
            second_person=plain(second_person.strip()),
            evidence=dict(evidence or {}),
            supersedes=last.id if last else "",
            deployed_at=at or now(),
        )
        refuse_voided(connection, new)
        write(connection, new, "deploy")
        if also:
            also(connection, new)
    return new


def take_back(
    store: Store,
    pack: str,
    product: str,
    *,
    by: str,
    second_person: str = "",
    number: int | None = None,
    at: datetime | None = None,
) -> Deployment:
    """Return a new row by which an earlier deployment of a product is in force again.

    Its stage comes back with it, but never above that at which its bundle stood last.

    Args:
        store: The store.
        pack: The pack's name.
        product: The product.
        by: Who takes it back.
        second_person: Who else agreed, as somebody typed it.
        number: The deployment to return to; the last one that differs from what is in force when
            None.
        at: When; now, unless given.

    Raises:
        ConfigError: Nobody signs it, there is no such deployment, or an alarm has voided its
            policy.
        StoreError: The database failed.
    """
    check_persons(by, second_person)
    with writing(store) as connection:
        rows = history_of(connection, pack, plain(product))
        earlier = _earlier(rows, pack, product, number)
        of_bundle = next(one for one in rows if one.bundle_sha256 == earlier.bundle_sha256)
        new = Deployment(
            number=newest_number(connection) + 1,
            pack=pack,
            product=earlier.product,
            bundle=earlier.bundle,
            bundle_sha256=earlier.bundle_sha256,
            policy_id=earlier.policy_id,
            stage=min(earlier.stage, of_bundle.stage, key=lambda stage: stage.step),
            audit_share=earlier.audit_share,
            deployed_by=plain(by.strip()),
            second_person=plain(second_person.strip()),
            evidence=_restored(earlier, second_person),
            supersedes=rows[0].id,
            deployed_at=at or now(),
        )
        refuse_voided(connection, new)
        write(connection, new, "take back")
    return new


def earlier_of(store: Store, pack: str, product: str, number: int | None = None) -> Deployment:
    """Return the deployment that `take_back` would return to.

    Raises:
        ConfigError: There is none.
        StoreError: The database failed.
    """
    return _earlier(history(store, pack, product), pack, product, number)


def stage_of(store: Store, pack: str, product: str = "") -> Stage:
    """Return the stage in force for a product; AUDIT where nothing is deployed.

    Raises:
        StoreError: The database failed.
    """
    last = newest(store, pack, product)
    return last.stage if last else Stage.AUDIT


def newest(store: Store, pack: str, product: str = "") -> Deployment | None:
    """Return the deployment of a product that is in force; None where nothing is deployed.

    Raises:
        StoreError: The database failed.
    """
    return next(iter(history(store, pack, product)), None)


def by_product(store: Store, pack: str) -> dict[str, Deployment]:
    """Return the deployment in force of every product of a pack that has one.

    Raises:
        StoreError: The database failed.
    """
    return {product: one for (of, product), one in all_in_force(store).items() if of == pack}


def all_in_force(store: Store) -> dict[tuple[str, str], Deployment]:
    """Return the deployment in force of every pack and product that has one.

    Raises:
        StoreError: The database failed.
    """
    query = select(DEPLOYMENTS).order_by(DEPLOYMENTS.c.number)
    with reading(store) as connection:
        rows = connection.execute(query).mappings()
        return {(row["pack"], row["product"]): deployment_from_row(row) for row in rows}


def last_number(store: Store) -> int:
    """Return the number of the newest deployment, by which news is noticed; 0 before the first.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return newest_number(connection)


def history(store: Store, pack: str, product: str = "") -> list[Deployment]:
    """Return the deployments of a product, newest first.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return history_of(connection, pack, plain(product))


def stage_for(last: Deployment | None, bundle: str) -> Stage:
    """Return the stage at which a bundle stands: another one than is in force starts from AUDIT."""
    return last.stage if last and last.bundle == bundle else Stage.AUDIT


def _restored(earlier: Deployment, second_person: str) -> dict[str, Figure]:
    """Return the evidence of an earlier deployment, with who agrees now in the place of then."""
    kept = {name: one for name, one in earlier.evidence.items() if name != SECOND_TYPED}
    typed = {SECOND_TYPED: True} if second_person.strip() else {}
    return {**kept, "restores": earlier.number, **typed}


def _kept_stage(last: Deployment | None, bundle: str, policy_id: str) -> Stage:
    stage = stage_for(last, bundle)
    is_same = last is not None and last.covers(bundle, policy_id)
    # AUTOMATIC was released on the certificate of that policy.
    return stage if is_same else min(stage, Stage.SUPERVISED, key=lambda one: one.step)


def _earlier(rows: list[Deployment], pack: str, product: str, number: int | None) -> Deployment:
    def is_wanted(one: Deployment) -> bool:
        if number is not None:
            return one.number == number
        now_ = rows[0]
        return (one.covers(now_.bundle, now_.policy_id), one.stage) != (True, now_.stage)

    found = next(filter(is_wanted, rows[1:]), None)
    if found is None:
        wanted = f"number {number}" if number is not None else "one before what is in force"
        known = ", ".join(str(one.number) for one in rows[1:]) or "none"
        raise ConfigError(
            f"{pack} {product or '(no product named)'} has no deployment to return to: expected "
            f"{wanted}, earlier ones are: {known}.",
            hint="`assay deployments --history` lists them.",
        )
    return found
