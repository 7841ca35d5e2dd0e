"""One picture judged: prepared, sent through the network, and decided on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from typing import Self, TypeVar

from core.decision.named_subject import NamedSubject
from core.decision.policy import decide
from core.errors import AssayError, InferenceStalled, InputError
from core.imaging.appearance import measure_appearance
from core.imaging.attempt import prepare_frame
from core.model.bundle.bundle import Bundle
from core.model.estimators.label_lists import list_labels, restrict
from core.types import (
    Assessment,
    Disposition,
    Finding,
    Frame,
    NetworkOutput,
    Policy,
    Prepared,
    Provenance,
    Reason,
    Sample,
    Unreadable,
    Verdict,
)

log = logging.getLogger(__name__)

R = TypeVar("R")


def _measure(prepared: Prepared) -> dict[str, float | str]:
    height, width = prepared.source_size
    size: dict[str, float | str] = {"size": float(min(height, width))}
    return size | dict(prepared.traits) | measure_appearance(prepared.pixels)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What the network gave for a picture.

    Attributes:
        prepared: The picture as it was given to the network.
        output: Without patches, where a memory bank has scored them.
        decode_ms: Wall milliseconds of reading and preparing.
        infer_ms: Wall milliseconds of the network.
    """

    prepared: Prepared
    output: NetworkOutput
    decode_ms: float
    infer_ms: float


@dataclass(frozen=True, slots=True)
class Judge:
    """Makes a sample's assessment; never raises, and safe to call from several threads.

    Attributes:
        bundle: A verified bundle.
        policy: The thresholds, certified on this bundle.
        provenance: What every verdict names as its origin.
        product: Which of the pack's products the pictures are of; empty for the only one.
    """

    bundle: Bundle
    policy: Policy
    provenance: Provenance
    product: str = ""

    @classmethod
    def of(cls, bundle: Bundle, policy: Policy, product: str = "") -> Self:
        """Return what judges pictures of a product by a bundle and a policy.

        Raises:
            AssayError: The policy was certified on another bundle.
        """
        if policy.bundle != bundle.label:
            raise AssayError(
                f"The policy {policy.id} was certified on {policy.bundle}, not on {bundle.label}.",
                hint="`assay certify` this bundle.",
            )
        code, device = version("assay-inspection"), bundle.network.device
        made = Provenance(bundle.label, bundle.sha256, policy.id, code, device)
        return cls(bundle, policy, made, product)

    def __call__(self, sample: Sample) -> Assessment:
        """Return the assessment of a sample, whatever happens."""
        return self.conclude(sample, self.extract(sample))

    def extract(self, sample: Sample) -> Extracted | Assessment:
        """Return what the network gives for a sample, or its assessment where it cannot be run."""
        return self._attempt(sample, partial(self._extract, sample))

    def conclude(self, sample: Sample, step: Extracted | Assessment) -> Assessment:
        """Return the assessment of a sample, whatever happens, after what ``extract`` gave."""
        if isinstance(step, Assessment):
            return step
        return self._attempt(sample, partial(self._conclude, sample, step))

    def _attempt(self, sample: Sample, work: Callable[[], R]) -> R | Assessment:
        try:
            return work()
        except InputError as exc:
            return self._deferred(sample, Reason.UNREADABLE, exc.message)
        except Exception as exc:
            # The one border where any failure becomes a DEFER: the batch must go on, and the trace
            # is kept in the log.
            log.exception("assessing failed")
            return self._deferred(sample, Reason.FAULT, f"{type(exc).__name__}.")

    def stalled(self, sample: Sample, exc: InferenceStalled) -> Assessment:
        """Return the assessment of a sample on which the network gave no answer in time."""
        log.error("inference stalled: %s", exc.message)
        return self._deferred(sample, Reason.FAULT, exc.message)

    def failed(self, sample: Sample, exc: Exception) -> Assessment:
        """Return the assessment of a sample that could not be made, by no fault of its bytes."""
        log.error("preparing failed", exc_info=exc)
        detail = exc.message if isinstance(exc, AssayError) else f"{type(exc).__name__}."
        return self._deferred(sample, Reason.FAULT, detail)

    def _extract(self, sample: Sample) -> Extracted | Assessment:
        bundle, frame, started = self.bundle, sample.frame, time.perf_counter()
        if isinstance(frame, Unreadable):
            return self._deferred(sample, Reason.UNREADABLE, frame.message)
        prepared = (
            prepare_frame(bundle.pack, frame, bundle.backbone.size, bundle.model.depths)
            if isinstance(frame, Frame)
            else frame
        )
        ready = time.perf_counter()
        output = bundle.model.score_patches(bundle.network.extract(prepared.pixels))
        decode_ms = sample.decode_ms + 1e3 * (ready - started)
        return Extracted(prepared, output, decode_ms, 1e3 * (time.perf_counter() - ready))

    def _conclude(self, sample: Sample, step: Extracted) -> Assessment:
        model, started = self.bundle.model, time.perf_counter()
        evidence = model.evidence(step.output, step.prepared)
        prediction = model.predict(evidence, step.prepared)
        label_set, superclasses = list_labels(model, prediction, self._subject)
        prediction = restrict(model, prediction, self._subject)
        verdict = decide(prediction, self.policy, model.classes, model.positive)
        infer_ms = step.infer_ms + 1e3 * (time.perf_counter() - started)
        total_ms = step.decode_ms + infer_ms
        return replace(
            self._blank(sample, verdict),
            prediction=prediction,
            evidence=evidence,
            timing_ms={"decode": step.decode_ms, "infer": infer_ms, "total": total_ms},
            label_set=label_set,
            superclasses=superclasses,
            measures=_measure(step.prepared),
        )

    @property
    def _subject(self) -> NamedSubject | None:
        """The subject that the product names, if any."""
        subjects = self.bundle.pack.subjects
        name = subjects.of_product(self.product) if subjects else ""
        return NamedSubject(name, subjects.noun) if subjects and name else None

    def _deferred(self, sample: Sample, reason: Reason, detail: str) -> Assessment:
        return self._blank(sample, Verdict(Disposition.DEFER, "", (Finding(reason, detail),)))

    def _blank(self, sample: Sample, verdict: Verdict) -> Assessment:
        """Return what is known of a sample whatever became of it: its file's metadata too."""
        return Assessment(
            sample_id=sample.id,
            group=sample.group or sample.frame.group,
            sha256=sample.frame.sha256,
            verdict=verdict,
            wording=self.bundle.pack.wording[verdict.disposition],
            classes=self.bundle.model.classes,
            prediction=None,
            evidence=None,
            provenance=self.provenance,
            timing_ms={"decode": sample.decode_ms, "infer": 0.0, "total": sample.decode_ms},
            meta=sample.frame.meta,
            lost=isinstance(sample.frame, Unreadable) and sample.frame.lost,
            tile=None if isinstance(sample.frame, Unreadable) else sample.frame.tile,
        )
