"""A decision on record as the assessment it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.model.bundle.bundle import Bundle
from core.records.values import StoredDecision
from core.types import Assessment, Evidence, Prediction, Provenance, Verdict


def as_stored(fresh: Assessment, stored: StoredDecision, bundle: Bundle) -> Assessment:
    """Return a picture's assessment with the verdict, the figures and the origin on record.

    Args:
        fresh: What judging the picture gave just now.
        stored: The decision that holds for it.
        bundle: The bundle that both were judged with.
    """
    return replace(
        fresh,
        verdict=Verdict(stored.disposition, stored.label, stored.findings),
        wording=stored.wording,
        prediction=_prediction(fresh, stored, bundle),
        evidence=_evidence(fresh, stored),
        provenance=Provenance(
            stored.bundle,
            stored.bundle_sha256,
            stored.policy_id,
            stored.code_version,
            stored.device,
        ),
        timing_ms={
            "decode": stored.decode_ms,
            "infer": stored.infer_ms,
            "total": stored.total_ms,
        },
        lost=stored.is_provisional and fresh.lost,
    )


def _prediction(fresh: Assessment, stored: StoredDecision, bundle: Bundle) -> Prediction | None:
    if not stored.probabilities:
        return None
    known = fresh.prediction
    return Prediction(
        np.array(stored.probabilities),
        _number(stored.positive_probability),
        _number(stored.ood_p),
        findings=known.findings if known else (),
        is_multilabel=bundle.model.is_multilabel,
        good_p=1.0 if stored.good_p is None else stored.good_p,
        resembled=known.resembled if known else "",
    )


def _evidence(fresh: Assessment, stored: StoredDecision) -> Evidence | None:
    if not stored.features:
        return None
    known = fresh.evidence
    evidence = Evidence(stored.feature_array(), stored.logit_array(), _number(stored.ood_score))
    return replace(evidence, good_p=known.good_p, asymmetry=known.asymmetry) if known else evidence


def _number(figure: float | None) -> float:
    return float("nan") if figure is None else figure
