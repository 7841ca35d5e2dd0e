"""propose, release, reject, roll back: nobody alone changes what is automatic.

A policy is proposed with its evidence. Another person who may release it lets it take effect: its
bundle is then opened and checked anew, and the policy computed anew from the cases that justify it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from core.errors import BundleError, ConfigError, PermissionDenied
from core.model.bundle.bundle import Bundle
from core.people import Person, Role
from core.records import deployments, proposals
from core.records.connection import Store, writing
from core.records.deployment import AUDIT_SHARE, SECOND_TYPED, Deployment, Figure
from core.records.deployment_rows import history_of
from core.records.proposals import Outcome, Proposal
from core.records.voided import refuse_same_cases
from core.service.bundles.added_cases import AddedCases
from core.service.bundles.archive import keep_recertified, take
from core.service.bundles.deployments import Signed, current_policy, return_to
from core.service.bundles.open import open_bundle, policy_of
from core.service.people.oidc import provider_of
from core.service.recertify.in_force import InForce, in_force
from core.service.summaries import summarise_policy
from core.settings import Settings
from core.types import Policy

SINGLE_PERSON = "single person"


def propose(
    store: Store,
    settings: Settings,
    pack: str,
    product: str,
    policy: Policy,
    *,
    by: Person,
    evidence: Mapping[str, Any],
    added: AddedCases | None = None,
) -> Proposal:
    """Return the proposal that a policy judges a product; nothing changes by it.

    Args:
        store: The store.
        settings: Where the archive is.
        pack: The pack's name.
        product: The product; empty for whatever has no deployment of its own.
        policy: Of the bundle that judges the product now.
        by: Who proposes it.
        evidence: What is shown to whoever decides, as JSON.
        added: The reviewed cases that it was certified on; None for none.

    Raises:
        PermissionDenied: The person may not propose a policy.
        BundleError: The policy is of another bundle, or its own cases do not justify it.
        NothingDeployed: Nothing judges the product yet.
        ConfigError: An alarm has voided the certificate on these very cases.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "propose a policy")
    now_ = in_force(store, pack, product)
    if policy.bundle != now_.bundle:
        raise BundleError(
            f"The policy {policy.id} is of {policy.bundle}; {now_.bundle} judges now.",
            hint="Deploy that bundle first.",
        )
    bundle = take(now_.bundle_sha256, settings)
    keep_recertified(bundle, policy, added, settings)
    policy_of(bundle, policy.id)
    return _add(store, bundle, policy, now_, evidence, by)


def propose_bundle(
    store: Store,
    settings: Settings,
    path: Path,
    product: str,
    *,
    by: Person,
    policy_id: str = "",
) -> Proposal:
    """Return the proposal that another bundle judges a product; nothing changes by it.

    Args:
        store: The store.
        settings: Where things run, and where the archive is.
        path: The bundle's folder.
        product: The product; empty for whatever of the pack has no deployment of its own.
        by: Who proposes it.
        policy_id: The policy; the bundle's current one when empty.

    Raises:
        PermissionDenied: The person may not propose a bundle.
        BundleError: The bundle is altered, or has no such policy.
        NothingDeployed: Nothing judges the product yet.
        ConfigError: An alarm has voided the certificate on these very cases.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "propose a bundle")
    bundle = open_bundle(path, settings)
    pack = bundle.pack.name
    now_ = in_force(store, pack, product)
    policy = current_policy(bundle, settings, policy_id)
    evidence = {"summary": list(summarise_policy(bundle.pack, policy))}
    return _add(store, bundle, policy, now_, evidence, by)


def _add(
    store: Store,
    bundle: Bundle,
    policy: Policy,
    before: InForce,
    evidence: Mapping[str, Any],
    by: Person,
) -> Proposal:
    """Return the proposal that a policy of a bundle follows what judges a product now."""
    pack, product = before.pack, before.product
    refuse_same_cases(store, pack, product, bundle.sha256, policy.id, policy.added)
    return proposals.add_proposal(
        store,
        pack=pack,
        product=product,
        bundle=bundle.label,
        bundle_sha256=bundle.sha256,
        policy_id=policy.id,
        before=before.policy_id,
        deployment=before.deployment_id,
        evidence=evidence,
        by=by.id,
    )


def release(
    store: Store,
    settings: Settings,
    proposal: Proposal,
    *,
    by: Person,
    comment: str = "",
    confirmation: str = "",
) -> Deployment:
    """Return the deployment by which a proposed policy judges from now on, everywhere.

    Args:
        store: The store.
        settings: Where the archive is.
        proposal: The proposal.
        by: Who releases it: somebody else than who proposed it.
        comment: What they want to be read with it.
        confirmation: The policy's id, typed by who works alone; kept as "single person".

    Raises:
        PermissionDenied: The person may not release a policy, proposed it, or gave a name where
            people sign in.
        BundleError: The bundle or the policy is altered, or scores differently here.
        ConfigError: It was decided already, or something else judges by now.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "release a policy")
    if is_alone(by) and provider_of(settings) is not None:
        raise PermissionDenied(
            f"People sign in here, and {by.name} is a name that was typed.",
            hint="Release it on the page Policies, signed in.",
        )
    is_single = _check_second_person(proposal, by, confirmation)
    bundle = take(proposal.bundle_sha256, settings)
    policy = policy_of(bundle, proposal.policy_id)
    now_ = in_force(store, proposal.pack, proposal.product)
    return deployments.deploy(
        store,
        proposal.pack,
        proposal.product,
        bundle=bundle.label,
        bundle_sha256=bundle.sha256,
        policy_id=policy.id,
        by=by.id,
        second_person="" if is_single else proposal.proposed_by,
        audit_share=now_.deployment.audit_share if now_.deployment else AUDIT_SHARE,
        evidence={"proposal": proposal.id, **_signature(by, is_single=is_single)},
        also=partial(_settle_release, proposal, by, comment),
    )


def reject(store: Store, proposal: Proposal, *, by: Person, comment: str = "") -> Proposal:
    """Return a proposal that was turned down, or taken back by who made it.

    Raises:
        PermissionDenied: The person may not decide on a policy.
        ConfigError: It was decided already.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "reject a policy")
    with writing(store) as connection:
        proposals.settle(connection, proposal.id, Outcome.REJECTED, by=by.id, comment=comment)
    return replace(proposal, outcome=Outcome.REJECTED, comment=comment, decided_by=by.id)


def roll_back(
    store: Store,
    settings: Settings,
    pack: str,
    product: str,
    *,
    by: Person,
    number: int | None = None,
) -> Deployment:
    """Return the deployment by which an earlier one of a product is in force again, at once.

    Args:
        store: The store.
        settings: Where the archive is.
        pack: The pack's name.
        product: The product.
        by: Who rolls back; one person does.
        number: The deployment; the one before what is in force when None.

    Raises:
        PermissionDenied: The person may not roll back.
        BundleError: Its bundle or its policy is missing or altered.
        ConfigError: There is no earlier one.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "roll back a policy")
    return return_to(store, settings, pack, product, signed=Signed(by), number=number)


def is_alone(by: Person) -> bool:
    """Return whether nobody signs in here, so that a person is known by the name they typed."""
    return by.id == by.name


def _check_second_person(proposal: Proposal, by: Person, confirmation: str) -> bool:
    """Return whether one person releases what they proposed, which takes a typed confirmation.

    Raises:
        PermissionDenied: They proposed it and others could release it, or did not type its id.
    """
    if by.id.casefold() != proposal.proposed_by.casefold():
        return False
    if not is_alone(by):
        raise PermissionDenied(
            f"{by.name} proposed this policy and cannot release it as well.",
            hint="Ask somebody else with the role lead to look at the evidence and release it.",
        )
    if confirmation.strip() != proposal.policy_id:
        raise PermissionDenied(
            f"{by.name} proposed this policy; one person alone releases it by typing its id, "
            f"{proposal.policy_id}. Got {confirmation.strip() or 'nothing'}.",
            hint="Type the id, or ask somebody else to release it.",
        )
    return True


def _signature(by: Person, *, is_single: bool) -> dict[str, Figure]:
    """Return what is to be known of who released a policy with whom."""
    if is_single:
        return {SINGLE_PERSON: True}
    return {SECOND_TYPED: True} if is_alone(by) else {}


def _policy_before(connection: Connection, new: Deployment) -> str | None:
    """Return the policy of all products, where a product gets its first deployment; else None.

    An alarm may have suspended it since.
    """
    rows = [] if new.supersedes else history_of(connection, new.pack, "")
    return next((one.policy_id for one in rows if one.id != new.id), None)


def _settle_release(
    proposal: Proposal, by: Person, comment: str, connection: Connection, new: Deployment
) -> None:
    if new.supersedes != proposal.deployment or _policy_before(connection, new) not in (
        None,
        proposal.before,
    ):
        raise ConfigError(
            f"Something else judges {proposal.pack} {proposal.product}".rstrip()
            + " since this was proposed; its evidence no longer holds.",
            hint="Reject it and propose anew.",
        )
    proposals.settle(
        connection, proposal.id, Outcome.RELEASED, by=by.id, comment=comment, deployment=new.id
    )
