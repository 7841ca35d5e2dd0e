"""Whether certificates still hold, as sentences, table rows and what a figure draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.decision.certificate_text import percent
from core.decision.label_sets import COVERAGE
from core.decision.monitoring import coverage_over_time
from core.decision.rate import describe_share, percentage
from core.errors import BundleError
from core.service.monitoring.monitor import Watched
from core.service.monitoring.signals import drift_level, odds
from core.service.review.in_use import InUse

WAY_OUT = (
    "Read the pictures below, have more cases read, and propose a policy that is certified on them "
    "on the page Quality; another person with the role lead releases it."
)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a figure over time.

    Attributes:
        name: What it shows.
        times: When, local time.
        values: One a time; None where there is none.
    """

    name: str
    times: tuple[datetime, ...]
    values: tuple[float | None, ...]


def describe_nothing(home: Path) -> str:
    """Return that nothing is watched in a home folder, and what to do next."""
    return (
        f"Nothing is watched yet in {home.resolve()}: no policy with a certificate judges there. "
        "`assay deploy BUNDLE --product PRODUCT` lets a bundle judge; from its first verdict on it "
        "is watched."
    )


def describe_missing_bundle(used: InUse, shelf: Path) -> BundleError:
    """Return that a bundle judges whose files are missing, so that nothing of it is watched."""
    return BundleError(
        f"{used.bundle} judges here and is not watched: its files are missing from {shelf}.",
        hint="Bring that folder back from a backup, or deploy the bundle again.",
    )


def describe_escapes(one: Watched) -> str:
    """Return the live escape rate beside the certified one."""
    alpha = percent(one.scope.policy.targets.escape)
    if one.escapes is None:
        return (
            f"Certified at most {alpha}. Nothing is drawn for the audit, so the live escape rate "
            "cannot be measured."
        )
    found, audited = one.escapes.estimate, one.audited
    share = percentage(one.scope.audit_share)
    basis = f"{share} of what passes is drawn at random; people have read {audited:,} of these"
    if not found.found:
        return f"Certified at most {alpha}. {basis} and found no positive case anywhere yet."
    return (
        f"Certified at most {alpha}; live {describe_share(found.value, (found.low, found.high))}. "
        f"{basis}, and {found.escapes:,} of the {found.found:,} positive cases found were among "
        "them."
    )


def describe_ood(one: Watched) -> str:
    """Return how unlike the certificate's pictures those of now are."""
    if not one.state.ood.steps:
        return "No picture has come since the policy is in force."
    cases = f"{one.state.ood.steps:,} cases"
    if not _is_unusual(one.state.ood.log):
        return f"{cases}, no more unlike the pictures of the certificate than chance makes them."
    return (
        f"{cases}. As unlike the pictures of the certificate as these are, chance alone is at most "
        f"once in {odds(one.state.ood.log)} times."
    )


def describe_coverage(one: Watched) -> str:
    """Return how often the label that a person named was in the label set."""
    n, k = len(one.covered), sum(one.covered)
    if not n:
        return (
            "Nobody has named the label of a picture yet; then the share of label sets that hold "
            "the true label stands here."
        )
    (rate,) = coverage_over_time(one.covered, blocks=1)
    return (
        f"The label that people named was in the label set of {k:,} of {n:,} pictures: "
        f"{describe_share(rate.value, (rate.low, rate.high))}. Promised is {percent(COVERAGE)} of "
        "all pictures; those that people read are the harder ones."
    )


def drift_rows(one: Watched) -> list[tuple[str, ...]]:
    """Return a table of what is watched per source, the most unusual first, with its head."""
    rows = []
    for number, (source, own) in enumerate(one.state.streams.items(), 1):
        for name, stream in own.items():
            log, level = stream.martingale.log, drift_level(number)
            steps = stream.martingale.steps
            evidence = describe_evidence(log) if steps else "gathering a baseline"
            alarm = f"once in {odds(level)}"
            rows.append((log, (source or "all", name, f"{steps:,}", evidence, alarm)))
    ranked = [row for _, row in sorted(rows, key=lambda row: -row[0])]
    return [("Source", "Feature", "Pictures", "By chance alone", "Alarm from"), *ranked]


def describe_evidence(log_wealth: float) -> str:
    """Return how seldom chance alone would look like this, as a test's wealth bounds it."""
    return f"once in {odds(log_wealth)}" if _is_unusual(log_wealth) else "nothing unusual"


def _is_unusual(log_wealth: float) -> bool:
    return log_wealth >= math.log(2.0)


def series_of(points: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[Series]:
    """Return lines of a figure out of the points that the monitor keeps.

    Args:
        points: As in ``MonitorState``.
        names: What to draw, by the name in a point, with what it is called.
    """
    times = tuple(datetime.fromisoformat(one["at"]).astimezone() for one in points)
    return [
        Series(title, times, tuple(_number(one.get(name)) for one in points))
        for name, title in names.items()
    ]


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
