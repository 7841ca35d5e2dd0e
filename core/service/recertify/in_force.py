"""What judges a product now, as a proposal replaces it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from core.errors import NothingDeployed
from core.records import deployments
from core.records.connection import Store, reading
from core.records.deployment import Deployment
from core.records.tables import DECISIONS


@dataclass(frozen=True, slots=True)
class InForce:
    """A bundle and the policy by which it judges a product.

    Attributes:
        pack: The pack's name.
        product: The product; empty for whatever has no deployment of its own.
        bundle: Name and short hash of the bundle.
        bundle_sha256: Its full hash.
        policy_id: The policy.
        deployment: The deployment, its own or that of the products without one; None where a
            worker was given the bundle.
    """

    pack: str
    product: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    deployment: Deployment | None

    @property
    def deployment_id(self) -> str:
        """Id of the product's own deployment; empty for none."""
        own = self.deployment
        return own.id if own and own.product == self.product else ""


def in_force(store: Store, pack: str, product: str = "") -> InForce:
    """Return what judges a product now: a deployment, else what made its last decision.

    Raises:
        NothingDeployed: Nothing is deployed for it, and nothing was judged yet.
        StoreError: The database failed.
    """
    found = deployments.newest(store, pack, product) or deployments.newest(store, pack)
    if found is not None:
        names = (found.bundle, found.bundle_sha256, found.policy_id)
        return InForce(pack, product, *names, found)
    columns = DECISIONS.c
    query = (
        select(columns.bundle, columns.bundle_sha256, columns.policy_id)
        .where(columns.pack == pack, columns.product == product)
        .order_by(columns.seq.desc())
        .limit(1)
    )
    with reading(store) as connection:
        row = connection.execute(query).first()
    if row is None:
        raise NothingDeployed(
            f"Nothing judges {pack} {product}".rstrip() + " yet.",
            hint="`assay deploy BUNDLE --product PRODUCT` lets a bundle judge it.",
        )
    return InForce(pack, product, *row, None)
