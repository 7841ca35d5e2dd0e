"""What is shown, worked out from stored values: words, numbers and keys, without a screen."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from core.packs import DomainPack
from core.records.cases import CaseDetail, CaseImage, Counts, StoredReview
from core.records.values import StoredDecision
from core.types import Disposition, Policy, Reason

OWN_KEYS = frozenset("CRHNSU")
"""C and R are Streamlit's; the others work the page: heat map, note, skip, undo."""

LONGEST_NAME = 48
_UNSCORED = 2.0
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How people judged the cases that one kind of verdict was made on.

    Attributes:
        verdict: What the system had said.
        said: How many cases people called what.
    """

    verdict: Disposition
    said: Mapping[Disposition, int]

    @property
    def cases(self) -> int:
        """Cases that people looked at."""
        return sum(self.said.values())

    @property
    def same(self) -> int:
        """Cases on which people said the same."""
        return self.said.get(self.verdict, 0)


def verdict_keys(wording: Mapping[Disposition, str]) -> dict[Disposition, str]:
    """Find a key for each verdict a person may give: the first letter of its word that is free.

    Where every letter of a word is taken, the first free digit stands in. Digits from 1 on pick
    images, so the stand-ins are counted down from 9.

    Args:
        wording: The pack's word for each disposition.
    """
    taken = set(OWN_KEYS)
    keys: dict[Disposition, str] = {}
    for disposition in (Disposition.NEGATIVE, Disposition.POSITIVE):
        letters = [c for c in wording[disposition].upper() if c.isascii() and c.isalpha()]
        keys[disposition] = next(c for c in (*letters, *"987") if c not in taken)
        taken.add(keys[disposition])
    return keys


def file_name(name: str, longest: int = LONGEST_NAME) -> str:
    """Give the last part of a name as text that cannot play tricks with the page.

    Controls and direction marks are spelt out, and the middle of a long name is left out. The
    answer is text, not HTML: whoever writes HTML escapes it.
    """
    last = PurePath(name).name or name
    plain = "".join(
        f"\\u{ord(c):04x}" if unicodedata.category(c) in _HIDDEN else c for c in last
    )
    if len(plain) <= longest:
        return plain
    head = (longest - 1) // 2
    return f"{plain[:head]}…{plain[-(longest - 1 - head):]}"


def case_name(detail: CaseDetail) -> str:
    """Name a case: its group, or the file of a case that has none."""
    alone = detail.images[0]
    content = alone.decision.content_key if alone.decision else ""
    ungrouped = len(detail.images) == 1 and detail.item.key in (content, "")
    return file_name(alone.name if ungrouped else detail.item.key)


def worst_first(images: Sequence[CaseImage]) -> list[CaseImage]:
    """Order a case's images as the queue orders cases: unscored, then by falling probability."""
    return sorted(images, key=lambda image: -_urgency(image.decision))


def _urgency(decision: StoredDecision | None) -> float:
    if decision is None or decision.positive_probability is None:
        return _UNSCORED
    return decision.positive_probability


def is_blind(detail: CaseDetail) -> bool:
    """Say whether the verdict stays hidden until the person has judged.

    A case drawn at random to measure the live error rate must be judged as if nobody had.
    """
    return any(
        finding.reason is Reason.AUDIT
        for image in detail.images
        if image.decision
        for finding in image.decision.findings
    )


def why(decision: StoredDecision, pack: DomainPack, policy: Policy | None) -> list[str]:
    """Say in plain sentences why an image is where it is.

    Args:
        decision: The verdict.
        pack: Whose words are used.
        policy: The limits it was judged by; None when they are not at hand.
    """
    if decision.findings:
        return [f"{f.reason.sentence} {f.detail}".strip() for f in decision.findings]
    negative = decision.disposition is Disposition.NEGATIVE
    limit = policy and (policy.t_neg if negative else policy.t_pos)
    chance = decision.positive_probability
    if limit is None or chance is None:
        return [f"Called {decision.wording} by itself."]
    side = "at or below" if negative else "at or above"
    return [
        f"Called {decision.wording} by itself: the probability {probability(chance)} is {side} "
        f"the certified limit {probability(limit)}."
    ]


def probability(value: float | None) -> str:
    """Write a probability so that it never looks like certainty."""
    if value is None:
        return "–"
    if value < 0.001:
        return "< 0.001"
    return "> 0.999" if value > 0.999 else f"{value:.3f}"


def legend(pack: DomainPack) -> str:
    """Say what the colours of the heat map mean."""
    positive = pack.wording[Disposition.POSITIVE]
    return f"Orange speaks for {positive}, blue against it; the stronger, the more so."


def progress(counts: Counts, today: int) -> str:
    """Say how far the work is."""
    waiting = sum(counts.waiting.values())
    return f"{waiting:,} waiting, {today:,} done today"


def all_done(pack: DomainPack, counts: Counts) -> str:
    """Say that nothing waits, and what could be done next."""
    if not any((*counts.waiting.values(), counts.negative, *counts.reviewed.values())):
        return (
            f"Nothing has been assessed yet. `assay assess BUNDLE PATH` judges pictures; those "
            f"marked {pack.wording[Disposition.DEFER]} and {pack.wording[Disposition.POSITIVE]} "
            f"come here."
        )
    passed = pack.wording[Disposition.NEGATIVE]
    return (
        f"All caught up: {sum(counts.reviewed.values()):,} cases reviewed, {counts.negative:,} "
        f"called {passed} automatically. New cases show up here by themselves; the overview "
        f"says what the verdicts so far are worth."
    )


def agreements(
    reviews: Sequence[StoredReview], verdicts: Mapping[str, Disposition]
) -> list[Agreement]:
    """Set what people said against what the system had said.

    Args:
        reviews: Reviews that stand, one a case.
        verdicts: Disposition by decision id; reviews of other decisions are left out.
    """
    said: dict[Disposition, Counter[Disposition]] = {d: Counter() for d in Disposition}
    for review in reviews:
        verdict = verdicts.get(review.decision_id)
        if verdict is not None and review.disposition is not None:
            said[verdict][review.disposition] += 1
    return [Agreement(verdict, dict(count)) for verdict, count in said.items() if count]


def agreement_words(agreement: Agreement, pack: DomainPack) -> str:
    """Say one agreement in a sentence."""
    word = pack.wording[agreement.verdict]
    cases = "1 case" if agreement.cases == 1 else f"{agreement.cases:,} cases"
    if agreement.verdict is Disposition.DEFER:
        parts = " and ".join(
            f"{agreement.said[d]:,} {pack.wording[d]}" for d in Disposition if d in agreement.said
        )
        return f"Of {cases} marked {word}, people called {parts}."
    return f"Of {cases} called {word} automatically, people agreed with {agreement.same:,}."


def histogram(
    decisions: Sequence[StoredDecision], bins: int = 25
) -> dict[Disposition, NDArray[np.int64]]:
    """Count verdicts by positive probability in equal bins from 0 to 1; unscored ones are left out.

    Args:
        decisions: Verdicts.
        bins: How many bins.
    """
    return {
        disposition: np.histogram(
            [
                d.positive_probability
                for d in decisions
                if d.disposition is disposition and d.positive_probability is not None
            ],
            bins=bins,
            range=(0.0, 1.0),
        )[0].astype(np.int64)
        for disposition in Disposition
    }
