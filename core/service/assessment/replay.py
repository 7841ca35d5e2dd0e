"""replay: a past verdict made again from its picture, its bundle and its policy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from core.model.bundle.bundle import Bundle
from core.records import blobs
from core.records.audit_draw import is_drawn
from core.records.connection import Store
from core.records.new_decision import new_decision
from core.records.store import cases_of
from core.records.store import decision as stored_decision
from core.records.values import StoredDecision
from core.service.assessment.assessor import CLAIMED_TILE, Assessor
from core.service.bundles.archive import take
from core.service.bundles.open import policy_of
from core.settings import Settings
from core.types import Disposition, Reason, Verdict

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
    """Return the differences between a decision and the same computed again, bit for bit.

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
    claims = any(one.check == CLAIMED_TILE for one in past.findings)
    with Assessor(bundle, policy, settings, past.product, reads_tiles=not claims) as assessor:
        again = assessor.one(data)
    made = new_decision(again, pack=past.pack, name="", product=past.product).decision
    draw = _draw_differences(past, cases_of(store, past))
    return [*_differences(_uncorrected(_undrawn(past), bundle), made), *draw]


def _draw_differences(past: StoredDecision, case_ids: Collection[str]) -> Iterator[str]:
    """Yield a line where the audit draw on record is not what its hash gives for any case."""
    if past.audit_probability is None or past.disposition is not Disposition.NEGATIVE:
        return
    recorded = any(one.reason is Reason.AUDIT for one in past.findings)
    draws = {is_drawn(past.policy_id, one, past.audit_probability) for one in case_ids}
    if draws and recorded not in draws:
        yield f"audit draw: {recorded} then, {not recorded} now"


def _undrawn(past: StoredDecision) -> StoredDecision:
    """Return a decision as it was before the audit draw, which is made of the case."""
    findings = tuple(one for one in past.findings if one.reason is not Reason.AUDIT)
    message = Verdict(past.disposition, past.label, findings).message
    return replace(past, findings=findings, message=message)


def _uncorrected(past: StoredDecision, bundle: Bundle) -> StoredDecision:
    """Return a decision as the rule made it, before a person's earlier answer stopped it."""
    corrected = [one for one in past.findings if one.reason is Reason.CORRECTED]
    if not corrected:
        return past
    findings = tuple(one for one in past.findings if one.reason is not Reason.CORRECTED)
    made = Disposition(corrected[0].check)
    message = Verdict(made, past.label, findings).message
    wording = bundle.pack.wording[made]
    return replace(past, disposition=made, wording=wording, findings=findings, message=message)


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
