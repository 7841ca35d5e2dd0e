"""deploy, take back, and follow: which bundle and policy judge each product of a store now."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from core.errors import BundleError, ConfigError, NothingDeployed, PermissionDenied
from core.model.bundle.bundle import Bundle
from core.people import Person, Role
from core.records import deployments
from core.records.connection import Store
from core.records.deployment import AUDIT_SHARE, SECOND_TYPED, Deployment, Stage
from core.records.voided import refuse_same_cases
from core.service.bundles.archive import keep, policy_on_shelf, take
from core.service.bundles.open import open_bundle, policy_of
from core.service.people.oidc import provider_of
from core.settings import Settings
from core.types import Policy

REFRESH_S = 0.5
_MOST_OPEN = 8


@dataclass(frozen=True)
class ProductJudge:
    """What judges a product now.

    Attributes:
        bundle: A verified bundle.
        policy: The thresholds.
        audit_share: Share of automatic negatives that is drawn at random for a person.
    """

    bundle: Bundle
    policy: Policy
    audit_share: float = AUDIT_SHARE


@dataclass(frozen=True)
class Signed:
    """Who answers for a deployment.

    Attributes:
        by: Who deploys or takes back.
        second_person: Who else agreed, as somebody typed it; empty for nobody.
    """

    by: Person
    second_person: str = ""

    def refuse_typed(self, settings: Settings) -> None:
        """Refuse a typed name where people sign in: it would stand beside names that are verified.

        Raises:
            PermissionDenied: As above.
        """
        if self.second_person.strip() and provider_of(settings) is not None:
            raise PermissionDenied(
                f"People sign in here, and {self.second_person.strip()} is a name that was typed.",
                hint="`assay deploy BUNDLE --propose` asks for a second person: whoever has the "
                "role lead releases it on the page Policies, signed in.",
            )


def deploy_bundle(
    path: Path,
    store: Store,
    settings: Settings,
    *,
    product: str,
    signed: Signed,
    policy_id: str = "",
    stage: Stage | None = None,
    audit_share: float = AUDIT_SHARE,
) -> Deployment:
    """Return the deployment of a verified bundle, archived to judge a product from now on.

    Args:
        path: The bundle's folder.
        store: The store.
        settings: Where things run, and where the archive is.
        product: The product; empty for whatever of the pack has no deployment of its own.
        signed: Who answers for it.
        policy_id: The policy; the bundle's current one when empty.
        stage: As in `core.records.deployments.deploy`; not AUTOMATIC, which is released on the
            evidence of people's reads.
        audit_share: Share of automatic negatives to be drawn at random for a person.

    Raises:
        PermissionDenied: The person may not deploy, or the second one is a typed name where people
            sign in.
        BundleError: The bundle is altered, has no such policy, or the policy is of another bundle.
        ConfigError: As in `core.records.deployments.deploy`.
        StoreError: The database failed.
    """
    signed.by.require(Role.LEAD, "deploy a bundle")
    signed.refuse_typed(settings)
    if stage is Stage.AUTOMATIC:
        raise ConfigError(
            "The stage automatic is released on the evidence of what people have read, not here.",
            hint="Release it on the dashboard's page of stages.",
        )
    bundle = open_bundle(path, settings)
    policy = current_policy(bundle, settings, policy_id)
    refuse_same_cases(store, bundle.pack.name, product, bundle.sha256, policy.id, policy.added)
    return deployments.deploy(
        store,
        bundle.pack.name,
        product,
        stage,
        bundle=bundle.label,
        bundle_sha256=bundle.sha256,
        policy_id=policy.id,
        by=signed.by.id,
        second_person=signed.second_person,
        audit_share=audit_share,
        evidence={SECOND_TYPED: True} if signed.second_person.strip() else {},
    )


def return_to(
    store: Store,
    settings: Settings,
    pack: str,
    product: str,
    *,
    signed: Signed,
    number: int | None = None,
) -> Deployment:
    """Return a deployment like an earlier one, whose bundle was found in the archive.

    Args:
        store: The store.
        settings: Where the archive is.
        pack: The pack's name.
        product: The product.
        signed: Who answers for it.
        number: The deployment; the last one that differs from what is in force when None.

    Raises:
        PermissionDenied: The person may not deploy.
        BundleError: Its bundle or its policy is missing or altered.
        ConfigError: As in `core.records.deployments.take_back`.
        StoreError: The database failed.
    """
    signed.by.require(Role.LEAD, "take a deployment back")
    signed.refuse_typed(settings)
    earlier = deployments.earlier_of(store, pack, product, number)
    policy_of(take(earlier.bundle_sha256, settings), earlier.policy_id)
    return deployments.take_back(
        store,
        pack,
        product,
        by=signed.by.id,
        second_person=signed.second_person,
        number=earlier.number,
    )


def current_policy(bundle: Bundle, settings: Settings, policy_id: str = "") -> Policy:
    """Return the policy that counts now, or the one named, once it is archived with its bundle.

    Raises:
        BundleError: There is none, it was altered, or it belongs to another bundle.
    """
    policy = policy_of(bundle, policy_id)
    if policy.bundle != bundle.label:
        raise BundleError(
            f"The policy {policy.id} was certified on {policy.bundle}, not on {bundle.label}.",
            hint="If the bundle was trained anew, start the worker anew.",
        )
    keep(bundle, policy, settings)
    return policy


class Deployed:
    """Follows the deployments of a store: one indexed read at most every half second.

    Args:
        store: The store.
        settings: Where the archive is.
        defaults: Bundles that judge the products of their packs without a deployment, by the policy
            that is current in their folders; one a pack at most.
        refresh_s: Seconds for which what was read counts.

    Raises:
        ConfigError: Two bundles are for one pack, or another bundle than the one given is deployed
            for the products without a deployment of their own.
        StoreError: The database failed.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        defaults: Sequence[Bundle] = (),
        refresh_s: float = REFRESH_S,
    ) -> None:
        self.store, self.settings, self._refresh_s = store, settings, refresh_s
        self._defaults = _by_pack(defaults)
        self._opened: OrderedDict[str, Bundle] = OrderedDict()
        self._policies: dict[tuple[str, str], Policy] = {}
        self._number, self._read_at = -1, 0.0
        self._in_force: dict[tuple[str, str], Deployment] = {}
        self._refresh()
        for pack, bundle in self._defaults.items():
            self._refuse_rival(pack, bundle)

    def products(self, pack: str) -> Collection[str] | None:
        """Return the products of a pack that something judges; None when something judges any.

        Raises:
            StoreError: The database failed.
        """
        self._refresh()
        if pack in self._defaults or (pack, "") in self._in_force:
            return None
        return {product for of, product in self._in_force if of == pack}

    def judge_of(self, pack: str, product: str) -> ProductJudge:
        """Return what judges a product now.

        Its own deployment does, else that of the products without one, else the bundle given for
        the pack. Opening a bundle that was not open takes a second or two.

        Raises:
            NothingDeployed: No bundle is to judge it.
            BundleError: The bundle or its policy is missing or altered.
            StoreError: The database failed.
        """
        self._refresh()
        found = self._in_force.get((pack, product)) or self._in_force.get((pack, ""))
        if found is not None:
            return self._judge(found)
        if pack not in self._defaults:
            raise NothingDeployed(
                f"Nothing is deployed for {pack} {product}.".replace(" .", "."),
                hint="`assay deploy BUNDLE --product PRODUCT` lets a bundle judge it.",
            )
        bundle = self._defaults[pack]
        return ProductJudge(bundle, current_policy(bundle, self.settings))

    def _refresh(self) -> None:
        if self._number >= 0 and monotonic() - self._read_at < self._refresh_s:
            return
        number = deployments.last_number(self.store)
        if number != self._number:
            self._in_force = deployments.all_in_force(self.store)
            self._number = number
        self._read_at = monotonic()

    def _judge(self, found: Deployment) -> ProductJudge:
        bundle = self._open(found.bundle_sha256)
        key = (found.bundle_sha256, found.policy_id)
        if key not in self._policies:
            self._policies[key] = policy_on_shelf(bundle, found.policy_id, self.settings)
        return ProductJudge(bundle, self._policies[key], found.audit_share)

    def _open(self, sha256: str) -> Bundle:
        given = [one for one in self._defaults.values() if one.sha256 == sha256]
        if sha256 not in self._opened:
            self._opened[sha256] = given[0] if given else take(sha256, self.settings)
        self._opened.move_to_end(sha256)
        if len(self._opened) > _MOST_OPEN:
            self._opened.popitem(last=False)
        return self._opened[sha256]

    def _refuse_rival(self, pack: str, bundle: Bundle) -> None:
        found = self._in_force.get((pack, ""))
        if found is not None and found.bundle_sha256 != bundle.sha256:
            raise ConfigError(
                f"{found.bundle} is deployed for {pack}, and {bundle.label} was given: it would "
                "judge nothing.",
                hint="Start the worker without a bundle, or `assay deploy` the one given.",
            )


def _by_pack(bundles: Sequence[Bundle]) -> dict[str, Bundle]:
    names = [bundle.pack.name for bundle in bundles]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"Expected one bundle a pack, got several for: {', '.join(twice)}.",
            hint="`assay deploy BUNDLE --product PRODUCT` gives every product its own.",
        )
    return dict(zip(names, bundles, strict=True))
