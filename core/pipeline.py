"""assess(): samples in, exactly one assessment each out, in order, whatever happens."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from core.decision.policy import decide
from core.errors import AssayError, InferenceStalled, InputError
from core.imaging.attempt import prepare_frame
from core.model.bundle.bundle import Bundle
from core.ordered_map import ordered_map
from core.types import (
    Assessment,
    Disposition,
    Finding,
    Frame,
    Policy,
    Provenance,
    Reason,
    Sample,
    Unreadable,
    Verdict,
)

log = logging.getLogger(__name__)

FAULTS_IN_A_ROW = 20


def assess(
    samples: Iterable[Sample],
    *,
    bundle: Bundle,
    policy: Policy,
    workers: int = 1,
    timeout_s: float = 60.0,
) -> Iterator[Assessment]:
    """Judge pictures.

    Args:
        samples: Any iterable; drawn a few ahead of what is yielded.
        bundle: A verified bundle.
        policy: The thresholds; must have been certified on this bundle.
        workers: Inference threads.
        timeout_s: Watchdog of one network call in seconds.

    Yields:
        One assessment per sample, in the samples' order. What cannot be read is DEFER/UNREADABLE,
        what fails is DEFER/FAULT; nothing is dropped and nothing is negative by omission.

    Raises:
        AssayError: The policy was certified on another bundle, or ``FAULTS_IN_A_ROW`` samples in a
            row failed, which is no longer about the samples.
    """
    if policy.bundle != bundle.label:
        raise AssayError(
            f"The policy {policy.id} was certified on {policy.bundle}, not on {bundle.label}.",
            hint="`assay certify` this bundle.",
        )
    origin = Provenance(
        bundle.label, bundle.sha256, policy.id, version("assay-inspection"), bundle.network.device
    )
    judge = partial(_judge_or_defer, bundle=bundle, policy=policy, origin=origin)
    stall = partial(_stalled, bundle=bundle, origin=origin)
    in_a_row = 0
    for assessment in ordered_map(
        judge, samples, workers=workers, timeout_s=timeout_s, stalled=stall
    ):
        faulty = any(f.reason is Reason.FAULT for f in assessment.verdict.findings)
        in_a_row = in_a_row + 1 if faulty else 0
        yield assessment
        if in_a_row >= FAULTS_IN_A_ROW:
            raise AssayError(
                f"{in_a_row} pictures in a row failed, the last with: {assessment.verdict.message}",
                hint="`assay doctor` checks the installation; --debug shows the trace.",
            )


def _judge_or_defer(
    sample: Sample, *, bundle: Bundle, policy: Policy, origin: Provenance
) -> Assessment:
    started = time.perf_counter()
    try:
        return _judge(sample, bundle, policy, origin, started)
    except InputError as exc:
        return _deferred(sample, Finding(Reason.UNREADABLE, exc.message), bundle, origin)
    except Exception as exc:
        # The one border where any failure becomes a DEFER: the batch must go on, and the trace is
        # kept in the log.
        log.exception("assessing failed")
        return _deferred(sample, Finding(Reason.FAULT, f"{type(exc).__name__}."), bundle, origin)


def _judge(
    sample: Sample, bundle: Bundle, policy: Policy, origin: Provenance, started: float
) -> Assessment:
    frame = sample.frame
    if isinstance(frame, Unreadable):
        return _deferred(sample, Finding(Reason.UNREADABLE, frame.message), bundle, origin)
    size = bundle.backbone.size
    prepared = (
        prepare_frame(bundle.pack, frame, size, bundle.model.depths)
        if isinstance(frame, Frame)
        else frame
    )
    ready = time.perf_counter()
    evidence = bundle.model.evidence(bundle.network.extract(prepared.pixels))
    prediction = bundle.model.predict(evidence, prepared)
    verdict = decide(prediction, policy, bundle.model.classes, bundle.model.positive)
    done = time.perf_counter()
    decode_ms = sample.decode_ms + 1e3 * (ready - started)
    infer_ms = 1e3 * (done - ready)
    timing = {"decode": decode_ms, "infer": infer_ms, "total": decode_ms + infer_ms}
    blank = _blank(sample, verdict, bundle, origin)
    return replace(
        blank,
        prediction=prediction,
        evidence=evidence,
        timing_ms=timing,
    )


def _stalled(
    sample: Sample, exc: InferenceStalled, *, bundle: Bundle, origin: Provenance
) -> Assessment:
    log.error("inference stalled: %s", exc.message)
    return _deferred(sample, Finding(Reason.FAULT, exc.message), bundle, origin)


def _deferred(sample: Sample, finding: Finding, bundle: Bundle, origin: Provenance) -> Assessment:
    return _blank(sample, Verdict(Disposition.DEFER, "", (finding,)), bundle, origin)


def _blank(sample: Sample, verdict: Verdict, bundle: Bundle, origin: Provenance) -> Assessment:
    """Give what is known of a sample whatever became of it: what its file says of itself too."""
    return Assessment(
        sample_id=sample.id,
        group=sample.group or sample.frame.group,
        sha256=sample.frame.sha256,
        verdict=verdict,
        wording=bundle.pack.wording[verdict.disposition],
        classes=bundle.model.classes,
        prediction=None,
        evidence=None,
        provenance=origin,
        timing_ms={"decode": sample.decode_ms, "infer": 0.0, "total": sample.decode_ms},
        meta=sample.frame.meta,
        lost=isinstance(sample.frame, Unreadable) and sample.frame.lost,
    )
