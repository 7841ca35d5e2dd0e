"""What the stages screen shows, in words and rows, without a screen."""

from __future__ import annotations

import math
from html import escape

from core.decision.certificate import percent, upper_bound
from core.decision.rate import percent_range, percentage
from core.records.releases import StoredRelease
from domains.xray import pack
from domains.xray.worklist.staging import Evidence

SINGLE_USER = (
    "A typed name is no proof of who somebody is: whoever can open this page can release. There "
    "are no accounts yet, so keep the page to those who may."
)


def override_words(evidence: Evidence) -> str:
    """Say how often readers differ from the verdicts in use; empty while nobody read any."""
    if not evidence.overridden.n:
        return ""
    return f"Readers differ from the verdict in {evidence.overridden.describe()}."


def confirm_words(evidence: Evidence) -> str:
    """Write what a person confirms before a release."""
    if not evidence.reads:
        return "Nothing has been compared yet. I release it all the same."
    reads = "1 read" if evidence.reads == 1 else f"{evidence.reads:,} reads"
    return f"I have looked at these figures of {reads} and release it."


def release_words(one: StoredRelease) -> str:
    """Say who released what, when and for which bundle."""
    at = one.released_at.astimezone()
    return f"{at:%Y-%m-%d %H:%M} {one.stage.value}, by {one.released_by}, for {one.bundle}"


def evidence_rows(
    evidence: Evidence, error_words: tuple[str, str]
) -> list[tuple[str, str, str, str]]:
    """Lay evidence out: what, counted, share, 95 % interval."""
    missed, alarm = (word.capitalize() for word in error_words)
    shares = {
        "Left to a person": evidence.deferred,
        "Agreement where it decided": evidence.agreement,
        f"{missed} (of what readers called abnormal)": evidence.missed,
        f"{alarm} (of what readers called normal)": evidence.false_alarm,
        "Overridden by readers": evidence.overridden,
    }
    rows = [
        (what, f"{one.k:,} of {one.n:,}", percentage(one.value), percent_range(one.low, one.high))
        for what, one in shares.items()
    ]
    return [*rows, *_release_rows(evidence, missed)]


def _release_rows(evidence: Evidence, missed: str) -> list[tuple[str, str, str, str]]:
    """Lay out what a release to automatic depends on."""
    k, n = evidence.escaped, evidence.abnormal
    share = percentage(k / n if n else math.nan)
    at_most = f"at most {percent(upper_bound(k, n, pack.ceiling.confidence))}"
    return [
        (f"{missed}, patients that the verdict decided on", f"{k:,} of {n:,}", share, at_most),
        ("Read since supervised was released here", f"{evidence.supervised:,}", "", ""),
    ]


def evidence_html(evidence: Evidence, error_words: tuple[str, str]) -> str:
    """Lay evidence out as a table."""
    head = ("", "reads", "share", "95 % interval")
    lines = [head, *evidence_rows(evidence, error_words)]
    rows = "".join(
        f"<tr>{''.join(f'<td {_CELL}>{escape(word)}</td>' for word in line)}</tr>" for line in lines
    )
    return f'<table class="assay-plain" style="border-collapse:collapse">{rows}</table>'


_CELL = (
    'style="padding:.22rem 1.2rem .22rem 0;white-space:nowrap;border-bottom:1px solid #66758f33"'
)
