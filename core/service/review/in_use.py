"""What judges each site now: the bundle and policy whose release the page of stages offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.records import deployments
from core.records.connection import Store
from core.records.deployment import Deployment
from core.records.store import decisions, judged_products


@dataclass(frozen=True, slots=True)
class InUse:
    """The bundle and policy by which pictures of a site are judged.

    Attributes:
        bundle: Name and short hash of the bundle.
        bundle_sha256: Its full hash.
        policy_id: The policy.
    """

    bundle: str
    bundle_sha256: str
    policy_id: str


def in_use_at(store: Store, pack: str, site: str) -> InUse | None:
    """Return what judges the pictures of a site; None where nothing does and nothing ever has.

    A site that nodes name is a product: its own deployment judges it, else that of the products
    without one. One that the files alone name is judged as these are. Where nothing is deployed, a
    worker judges by the bundle that it was given: the newest verdict tells which.

    Raises:
        StoreError: The database failed.
    """
    in_force = deployments.by_product(store, pack)
    is_product = _newest(store, pack, site) is not None or _newest(store, pack, "") is None
    product = site if is_product else ""
    found = in_force.get(product) or in_force.get("")
    return _deployed(found) if found else _newest(store, pack, product)


def products_in_use(store: Store, pack: str) -> Mapping[str, InUse]:
    """Return what judges each product of a pack that is deployed or has verdicts.

    Raises:
        StoreError: The database failed.
    """
    products = {*deployments.by_product(store, pack), *judged_products(store, pack)}
    found = {product: in_use_at(store, pack, product) for product in sorted(products)}
    return {product: one for product, one in found.items() if one}


def _deployed(one: Deployment) -> InUse:
    return InUse(one.bundle, one.bundle_sha256, one.policy_id)


def _newest(store: Store, pack: str, product: str) -> InUse | None:
    for one in decisions(store, pack=pack, product=product, limit=1):
        return InUse(one.bundle, one.bundle_sha256, one.policy_id)
    return None
