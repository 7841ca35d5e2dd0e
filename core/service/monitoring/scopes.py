"""What is monitored: every policy in force whose certificate has not been voided."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from core.decision.policy import from_json
from core.errors import BundleError
from core.model.bundle.serialization import unpack_cases
from core.packs import installed
from core.records.connection import Store, reading
from core.records.deployment import AUDIT_SHARE, Deployment, Stage
from core.records.deployment_rows import history_of
from core.records.deployments import all_in_force
from core.records.monitored import WatchedRows, undeployed
from core.records.values import name_of
from core.service.bundles.archived import place_on_shelf
from core.service.monitoring.state import (
    OOD_PLACES,
    MonitorState,
    OodCounts,
    ood_place,
    ood_side,
)
from core.settings import Settings
from core.types import Policy

_WEIGHTS = "weights.safetensors"
_POLICIES = "policies"
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scope:
    """A policy in force, with the decisions that were made by it since it is.

    Attributes:
        rows: Which decisions.
        policy: The policy.
        bundle: Name and short hash of the bundle.
        epoch_id: The deployment since which the policy has been in force without a break.
        deployment: The deployment in force; None where a worker was given the bundle.
    """

    rows: WatchedRows
    policy: Policy
    bundle: str
    epoch_id: str
    deployment: Deployment | None

    @property
    def audit_share(self) -> float:
        """Share of its automatic negatives that is drawn for a person."""
        return self.deployment.audit_share if self.deployment else AUDIT_SHARE

    @property
    def stage(self) -> Stage:
        """How far its verdicts go by themselves."""
        return self.deployment.stage if self.deployment else Stage.AUDIT


def scopes_of(store: Store, settings: Settings) -> list[Scope]:
    """Return what is monitored now.

    Raises:
        StoreError: The database failed.
    """
    in_force = all_in_force(store)
    with reading(store) as connection:
        found = [
            _deployed(one, history_of(connection, pack, product), _own(in_force, pack), settings)
            for (pack, product), one in in_force.items()
        ]
        for pack in installed():
            if (pack, "") not in in_force:
                own = _own(in_force, pack)
                made = undeployed(connection, pack, own)
                found.append(_undeployed(pack, own, made, settings) if made else None)
    return [one for one in found if one is not None and not one.policy.suspended]


def _own(in_force: Mapping[tuple[str, str], Deployment], pack: str) -> frozenset[str]:
    return frozenset(product for of, product in in_force if of == pack and product)


def _deployed(
    one: Deployment, history: Sequence[Deployment], own: frozenset[str], settings: Settings
) -> Scope | None:
    policy = read_policy(one.bundle_sha256, one.policy_id, settings)
    if policy is None:
        return None
    first = list(takewhile(lambda past: past.covers(one.bundle, one.policy_id), history))[-1]
    rows = WatchedRows(
        one.pack, one.product, own, one.bundle_sha256, one.policy_id, first.deployed_at
    )
    return Scope(rows, policy, one.bundle, first.id, one)


def _undeployed(
    pack: str, own: frozenset[str], made: tuple[str, str, str], settings: Settings
) -> Scope | None:
    bundle, sha256, policy_id = made
    policy = read_policy(sha256, policy_id, settings)
    if policy is None:
        return None
    rows = WatchedRows(pack, "", own, sha256, policy_id, _EVER)
    return Scope(rows, policy, bundle, name_of("undeployed", pack, sha256, policy_id), None)


def read_policy(bundle_sha256: str, policy_id: str, settings: Settings) -> Policy | None:
    """Return a policy of the archive as it lies there, None where it does not read.

    Whoever judges by it checks it against the bundle's own cases; that takes longer.
    """
    file = policy_place(bundle_sha256, policy_id, settings)
    try:
        return from_json(json.loads(file.read_text()))
    except (OSError, ValueError, BundleError):
        return None


def policy_place(bundle_sha256: str, policy_id: str, settings: Settings) -> Path:
    """Return the file of a policy in the archive."""
    return place_on_shelf(bundle_sha256, settings) / _POLICIES / f"{policy_id}.json"


def certified_places(bundle_sha256: str, settings: Settings) -> OodCounts:
    """Return by side how many held-out groups lie in each place of the OOD p-value.

    The certificate rests on new pictures coming as these came. One picture of each group counts,
    of those that pass the gates; none where the bundle is not in the archive.
    """
    counts = np.zeros((2, OOD_PLACES), np.int64)
    try:
        weights = load_file(place_on_shelf(bundle_sha256, settings) / _WEIGHTS)
        cal = unpack_cases("cal", weights)
    except (OSError, SafetensorError, BundleError):
        return MonitorState().ood_counts
    known = cal.gates_passed & np.isfinite(cal.ood_p)
    _, first = np.unique(cal.group[known], return_index=True)
    pairs = zip(cal.positive_probability[known][first], cal.ood_p[known][first], strict=True)
    for positive_probability, p in pairs:
        counts[ood_side(float(positive_probability)), ood_place(float(p))] += 1
    negative, positive = (tuple(row) for row in counts.tolist())
    return negative, positive
