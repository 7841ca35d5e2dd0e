"""How many verdicts of each kind were given, and how far reviewers agree with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.packs import DomainPack
from core.records.cases import StoredReview
from core.records.values import StoredDecision
from core.types import Disposition


@dataclass(frozen=True, slots=True)
class Agreement:
    """Reviewers' verdicts on the cases that got one kind of automatic verdict.

    Attributes:
        verdict: The automatic verdict.
        reviewed: Number of cases by the reviewers' verdict.
    """

    verdict: Disposition
    reviewed: Mapping[Disposition, int]

    @property
    def cases(self) -> int:
        """Cases that people reviewed."""
        return sum(self.reviewed.values())

    @property
    def agreed(self) -> int:
        """Cases on which the reviewer gave the same verdict."""
        return self.reviewed.get(self.verdict, 0)


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """Verdicts of one bundle under one policy.

    Attributes:
        counts: Images by disposition.
        bins: Images by disposition in equal bins of the positive probability from 0 to 1; those
            without a probability are in none.
        verdicts: Disposition by decision id.
    """

    counts: Mapping[Disposition, int]
    bins: Mapping[Disposition, NDArray[np.int64]]
    verdicts: Mapping[str, Disposition]

    @property
    def images(self) -> int:
        """All images counted."""
        return sum(self.counts.values())

    @property
    def automation(self) -> float:
        """Share of the images that were decided without a person; 0 when there are none."""
        return 1.0 - self.counts[Disposition.DEFER] / self.images if self.images else 0.0


def count_verdicts(decisions: Sequence[StoredDecision], bins: int = 50) -> VerdictCounts:
    """Return the verdicts counted, with a histogram of their positive probabilities.

    Args:
        decisions: Verdicts of one bundle under one policy.
        bins: How many equal bins from 0 to 1.
    """
    probabilities: dict[Disposition, list[float]] = {d: [] for d in Disposition}
    for decision in decisions:
        if decision.positive_probability is not None:
            probabilities[decision.disposition].append(decision.positive_probability)
    counted = Counter(decision.disposition for decision in decisions)
    return VerdictCounts(
        counts={d: counted[d] for d in Disposition},
        bins={
            d: np.histogram(probabilities[d], bins=bins, range=(0.0, 1.0))[0].astype(np.int64)
            for d in Disposition
        },
        verdicts={decision.id: decision.disposition for decision in decisions},
    )


def compare_reviews(
    reviews: Sequence[StoredReview], verdicts: Mapping[str, Disposition]
) -> list[Agreement]:
    """Return the reviewers' verdicts counted by the automatic verdict that they were given on.

    Args:
        reviews: Reviews that stand, one a case.
        verdicts: Disposition by decision id; reviews of other decisions are left out.
    """
    counts: dict[Disposition, Counter[Disposition]] = {d: Counter() for d in Disposition}
    for review in reviews:
        verdict = verdicts.get(review.decision_id)
        if verdict is not None and review.disposition is not None:
            counts[verdict][review.disposition] += 1
    return [Agreement(verdict, dict(count)) for verdict, count in counts.items() if count]


def describe_agreement(agreement: Agreement, pack: DomainPack) -> str:
    """Return one agreement as a sentence."""
    word = pack.wording[agreement.verdict]
    cases = "1 case" if agreement.cases == 1 else f"{agreement.cases:,} cases"
    if agreement.verdict is Disposition.DEFER:
        parts = " and ".join(
            f"{agreement.reviewed[d]:,} {pack.wording[d]}"
            for d in Disposition
            if d in agreement.reviewed
        )
        return f"Of {cases} marked {word}, people called {parts}."
    return f"Of {cases} called {word} automatically, people agreed with {agreement.agreed:,}."


def describe_unreviewed_negatives(found: Sequence[Agreement], pack: DomainPack) -> str:
    """Return a sentence where no automatic negative was ever reviewed; empty otherwise."""
    if any(one.verdict is Disposition.NEGATIVE for one in found):
        return ""
    negative = pack.wording[Disposition.NEGATIVE]
    return (
        f"No automatic {negative} has been reviewed by a person yet, so the live "
        f"{pack.error_names[0]} rate is not measured."
    )


def describe_counted(counted: VerdictCounts, most: int) -> str:
    """Return how many images the figures count."""
    images = counted.images
    newest = f"the newest {most:,} images" if images >= most else f"{images:,} images"
    unscored = images - sum(int(counts.sum()) for counts in counted.bins.values())
    return f"{newest}, {unscored:,} of them without a probability"
