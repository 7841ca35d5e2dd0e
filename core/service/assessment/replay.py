"""replay: a past verdict made again from its picture, its bundle and its policy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.records import blobs
from core.records.connection import Store
from core.records.store import decision as stored_decision
from core.records.values import StoredDecision, new_decision
from core.service.assessment.assessor import Assessor
from core.service.bundles.archive import take
from core.service.bundles.open import policy_of
from core.settings import Settings

_COMPARED = (
    "disposition",
    "wording",
    "label",
    "classes",
    "probabilities",
    "positive_probability",
    "ood_p",
    "ood_score",
    "findings",
    "message",
)


def replay(decision_id: str, store: Store, settings: Settings) -> list[str]:
    """Recompute a decision and compare every bit of it.

    Returns:
        One line per difference; empty when the decision came out the same.

    Raises:
        StoreError: There is no such decision, or its picture is missing or altered.
        BundleError: Its bundle or its policy is missing or altered.
    """
    past = stored_decision(store, decision_id)
    bundle = take(past.bundle_sha256, settings)
    policy = policy_of(bundle, past.policy_id)
    if not past.sha256:
        return ["The file could not be read at all then, so there is nothing to recompute."]
    data = blobs.get(store.blobs, past.sha256)
    with Assessor(bundle, policy, settings) as assessor:
        again = assessor.one(data)
    return list(
        _differences(
            past, new_decision(again, pack=past.pack, name="", product=past.product).decision
        )
    )


def _differences(past: StoredDecision, now: StoredDecision) -> Iterator[str]:
    for name in _COMPARED:
        before, after = getattr(past, name), getattr(now, name)
        if before != after:
            yield f"{name}: {before} then, {after} now"
    for name, before, after in (
        ("features", past.feature_array(), now.feature_array()),
        ("logits", past.logit_array(), now.logit_array()),
    ):
        if before.shape != after.shape:
            yield f"{name}: {before.size} numbers then, {after.size} now"
        elif before.tobytes() != after.tobytes():
            yield f"{name}: differ by up to {np.abs(before - after).max():.3g}"
