"""Certificates as sentences."""

from __future__ import annotations

import math

from core.decision.certificate import NEVER
from core.types import Certificate

_EVENTS = {"escape": "are let through", "overkill": "are called out"}


def percent(rate: float) -> str:
    """Return a rate as a percentage of three significant digits, rounded up (conservative)."""
    if rate <= 0.0:
        return "0 %"
    digit = 10.0 ** (math.floor(math.log10(100.0 * rate)) - 2)
    # The tolerance keeps rounding errors (5.000000000000001) from costing a whole digit.
    return f"{math.ceil(100.0 * rate / digit * (1.0 - 1e-12)) * digit:.3g} %"


def describe_certificate(certificate: Certificate, word: str, unit: str) -> str:
    """Return what is certified, or what is missing, in one or two plain sentences.

    Args:
        certificate: The certificate.
        word: The domain's word for the error, singular: ``escape``, ``missed abnormal``.
        unit: The domain's words for what is counted, plural: ``defective groups``.
    """
    c = certificate
    if c.certified:
        return (
            f"At most {percent(c.alpha)} of {unit} that pass the gates {_EVENTS[c.kind]}, "
            f"with {100 * c.confidence:.6g} % confidence: {_count(c.k, word)} in {c.n}, "
            f"upper bound {percent(c.bound)}.{_left_out(c)}"
        )
    counted = f"{c.n} {unit} seen" + (
        f", {_count(c.k, word)} at the strictest limit" if c.k else ""
    )
    if c.alpha >= 1.0:  # a review budget whose limits nothing was counted at
        return f"Nothing bounds the {word} rate: {counted}, {_missing(c, word)}.{_left_out(c)}"
    today = "nothing" if c.bound >= 1.0 else percent(c.bound)
    return (
        f"Cannot certify {_article(word)} {word} rate of {percent(c.alpha)}: {counted}, "
        f"{_missing(c, word)}; {today} could be certified today.{_left_out(c)}"
    )


def describe_attempt(attempt: int, asked: float, confidence: float) -> str:
    """Return a sentence on earlier certifications on the same cases; empty for the first.

    Args:
        attempt: How many different targets were certified, these included.
        asked: The confidence asked for.
        confidence: The one that each certificate holds with, from ``confidence_spent``.
    """
    if attempt == 1:
        return ""
    return (
        f"Certification number {attempt} on these held-out cases. Targets that were chosen after "
        f"the first result can pass by luck, so this one must hold with "
        f"{100 * confidence:.6g} % confidence: all after the "
        f"first together then hold with the {100 * asked:.6g} % asked for."
    )


def _left_out(c: Certificate) -> str:
    if not c.excluded:
        return ""
    verb = "is" if c.excluded == 1 else "are"
    return f" {c.excluded} more {verb} not counted: the gates sent all their pictures to review."


def _missing(c: Certificate, word: str) -> str:
    if c.needed == NEVER:
        return "and no number of them would be enough"
    verb = "is" if c.needed == 1 else "are"
    return f"{c.needed} more without {_article(word)} {word} {verb} needed"


def _count(k: int, word: str) -> str:
    return f"{k} {word}" if k == 1 else f"{k} {word}s"


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"
