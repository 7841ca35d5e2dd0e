"""The figures of a store as Prometheus reads them.

No label bears anything of a person or a case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from core.child_process import CRASHES
from core.records.figures import StoreFigures
from core.records.values import now
from core.service.anchors import AnchorStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(
    figures: StoreFigures, anchors: AnchorStatus | None, at: datetime | None = None
) -> bytes:
    """Return the figures in Prometheus's text format.

    Args:
        figures: Those of the store.
        anchors: How the audit log compares with its anchors; None where no file is set.
        at: The moment that ages count to; now, unless given.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once([*_store(figures, at or now()), *_process(), *_anchors(anchors)]))
    return generate_latest(registry)


class _Once(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _store(figures: StoreFigures, at: datetime) -> Iterable[Metric]:
    cases = _gauge("assay_cases", "Cases by verdict and where they stand.", "pack state verdict")
    for (pack, state, word), n in sorted(figures.cases.items()):
        cases.add_metric([pack, state.name.lower(), word.value], n)
    yield cases
    rate = _gauge("assay_deferral_ratio", "Share of the cases sent to a person.", "pack")
    for pack in sorted({pack for pack, _, _ in figures.cases}):
        rate.add_metric([pack], figures.deferral_rate(pack) or 0.0)
    yield rate
    yield _ages(
        "assay_review_oldest_seconds", "Age of the oldest case for a person.",
        figures.oldest_case, at,
    )  # fmt: skip
    jobs = _gauge("assay_jobs", "Jobs of the queue.", "kind state")
    for labels, n in sorted(figures.jobs.items()):
        jobs.add_metric(list(labels), n)
    yield jobs
    yield _ages(
        "assay_queue_oldest_seconds", "Age of the oldest picture to be judged.",
        figures.oldest_job, at,
    )  # fmt: skip
    outbox = _gauge("assay_outbox_undelivered", "Messages that have not left.", "pack output")
    for labels, n in sorted(figures.undelivered.items()):
        outbox.add_metric(list(labels), n)
    yield outbox
    yield _total("assay_decisions", "Verdicts on record.", figures.decisions)
    yield _total("assay_reviews", "Reviews on record, those taken back included.", figures.reviews)
    yield _total("assay_audit_events", "Events of the audit log.", figures.events)
    alarms = _gauge("assay_alarms", "Alarms of the monitor that stand.", "pack kind voiding")
    counted = Counter((one.pack, one.kind, str(one.is_voiding).lower()) for one in figures.alarms)
    for key, n in sorted(counted.items()):
        alarms.add_metric(list(key), n)
    yield alarms


def _process() -> Iterable[Metric]:
    yield _total(
        "assay_child_crashes", "Children of this process that a signal ended.", CRASHES.total
    )
    yield InfoMetricFamily("assay", "What runs.", value={"version": version("assay-inspection")})


def _anchors(status: AnchorStatus | None) -> Iterable[Metric]:
    if status is not None:
        text = "Whether the audit log contains every anchor."
        yield GaugeMetricFamily("assay_audit_anchors_hold", text, value=status.broken is None)
        text = "Events since the last anchor."
        last = status.last.head.seq if status.last else 0
        behind = max(0, status.newest.seq - last)
        yield GaugeMetricFamily("assay_audit_events_unanchored", text, value=behind)


def _gauge(name: str, text: str, labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels.split())


def _total(name: str, text: str, value: int) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, value=value)


def _ages(name: str, text: str, times: Mapping[str, datetime], at: datetime) -> Metric:
    gauge = _gauge(name, text, "pack")
    for pack, since in sorted(times.items()):
        gauge.add_metric([pack], max(0.0, (at - since).total_seconds()))
    return gauge
