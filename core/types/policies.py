"""Targets, certificates, and the policy that they make."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Targets:
    """What is asked of the thresholds.

    Attributes:
        escape: Largest allowed share of positive groups let through as negative, of those that
            pass the gates.
        overkill: Largest allowed share of negative groups called positive, of those that pass the
            gates.
        confidence: Probability with which each limit must hold over draws of the cal set.
        ood_alpha: Share of ordinary images that the OOD gate may flag.
        review_budget: Alternative target: the largest expected share of deferred images.
        uncertified_negatives: Whether a person lets pictures pass although no escape rate is
            certified.
    """

    escape: float = 0.05
    overkill: float = 0.05
    confidence: float = 0.95
    ood_alpha: float = 0.01
    review_budget: float | None = None
    uncertified_negatives: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no rate, and the error rates 0 and 1, which nothing and anything meets.

        Raises:
            ValueError: A target is not a rate, or an error rate or the confidence is not inside
                (0, 1).
        """
        budget = 0.0 if self.review_budget is None else self.review_budget
        for name, rate in {"ood_alpha": self.ood_alpha, "review_budget": budget}.items():
            if not 0.0 <= rate <= 1.0:
                raise ValueError(f"{name}: expected a rate from 0 to 1, got {rate}")
        for name in ("escape", "overkill", "confidence"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name}: expected above 0 and below 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a certificate of escapes must hold before negatives may stand without a person.

    Attributes:
        bound: Largest upper bound on the escape rate.
        groups: Fewest positive groups that the bound is counted over.
        confidence: Least probability with which the bound holds.
    """

    bound: float = 0.2
    groups: int = 20
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a ceiling that holds nothing back.

        Raises:
            ValueError: The bound or the confidence is not inside (0, 1), or groups is below 1.
        """
        if not (0.0 < self.bound < 1.0 and 0.0 < self.confidence < 1.0 and self.groups >= 1):
            raise ValueError(
                f"ceiling: expected bound and confidence inside (0, 1) and a group or more, "
                f"got {self}"
            )


@dataclass(frozen=True, slots=True)
class Certificate:
    """An upper bound on an error rate, with everything needed to check it by hand.

    The rate is of the groups that pass the gates: what a gate holds back cannot be an error, and
    counting it would let it stand for groups on which the rule was tried.

    Attributes:
        kind: ``escape`` or ``overkill``.
        alpha: The rate asked for.
        confidence: Probability over draws of the cal set; more than was asked for where other
            targets were certified on the same cases before.
        n: Groups with a picture that passed the gates: those that the rate is counted over.
        k: Groups among them on which the rule erred.
        bound: Upper confidence bound on the rate; 1.0 when n = 0.
        certified: Whether ``bound <= alpha`` for a rule that decides anything.
        threshold: The certified limit on the positive probability; None when there is none.
        needed: How many more error-free groups would certify ``alpha``; 0 when certified.
        best_alpha: The smallest rate that n error-free groups could certify today.
        excluded: Groups of this side left out because the gates let none of their pictures pass.
    """

    kind: str
    alpha: float
    confidence: float
    n: int
    k: int
    bound: float
    certified: bool
    threshold: float | None
    needed: int
    best_alpha: float
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class GoodOnly:
    """What good groups alone say about overkill: a bound on average, not with a confidence.

    Attributes:
        n: Good groups that a new picture is compared with.
        alpha: The overkill rate asked for.
        level: Positive iff ``good_p <= level``; None where n groups do not bound alpha.
    """

    n: int
    alpha: float
    level: float | None


@dataclass(frozen=True, slots=True)
class Policy:
    """How a bundle's predictions are judged: immutable, named by the hash of its content.

    Attributes:
        bundle: Name and short hash of the bundle that it was certified on.
        targets: What was asked.
        t_neg: Negative iff ``positive_probability <= t_neg``; None lets nothing through.
        t_pos: Positive iff ``positive_probability >= t_pos``; None calls nothing out.
        escape: Certificate of the negative side.
        overkill: Certificate of the positive side.
        flagged: Share of cal images that the OOD gate holds back: (rate, low, high, n), the
            interval allowing for images of one group being alike.
        residual: Share of positive groups among those with an automatic negative on cal: (rate,
            low, high, n).
        deferred: Share of cal images that the probability and its limits hand to a person.
        good_only: What bounds overkill while held-out cases certify no ``t_pos``; None where they
            do, or where the bundle has no memory bank.
        attempt: How many different targets were certified on the same cal cases, this one
            included, when it was made.
        added: Digest of the reviewed cases that it was certified on beside, or instead of, those of
            the bundle; empty for none.
        suspended: Why its certificate does not hold any more, as a sentence; empty while it does.
    """

    bundle: str
    targets: Targets
    t_neg: float | None
    t_pos: float | None
    escape: Certificate
    overkill: Certificate
    flagged: tuple[float, float, float, int]
    residual: tuple[float, float, float, int]
    deferred: float
    good_only: GoodOnly | None = None
    attempt: int = 1
    added: str = ""
    suspended: str = ""

    def __post_init__(self) -> None:
        """Refuse a policy whose certificate does not hold and that lets pictures through.

        Raises:
            ValueError: As above.
        """
        if self.suspended and (self.t_neg is not None or self.escape.certified):
            raise ValueError("suspended: expected no t_neg and no certified escape rate")

    @property
    def held_out(self) -> int:
        """Return the number of cal images that it was certified on."""
        return self.flagged[3]

    @property
    def has_negatives(self) -> bool:
        """Return whether it can call an image negative without a person, certified or not."""
        return self.t_neg is not None

    @property
    def has_positives(self) -> bool:
        """Return whether it can call an image positive without a person, certified or not."""
        by_memory = self.good_only is not None and self.good_only.level is not None
        return self.t_pos is not None or by_memory

    @property
    def id(self) -> str:
        """Return the first 16 hex digits of the sha256 of the canonical JSON content."""
        fields = asdict(self)
        # What has none of these is named as it was before there were any.
        for name in ("added", "suspended"):
            if not fields[name]:
                del fields[name]
        content = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:16]
