"""Verdicts, probabilities and labels as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from core.records.values import StoredDecision
from core.types import Disposition, Policy
from dashboard.overlay import KnownCase
from dashboard.present import LIKELY, VerdictMark, format_probability, verdict_mark


def mark_html(mark: VerdictMark, style: str = "assay-mark") -> str:
    """Return the sign of a verdict as HTML: its shape, which readers are not read, and its word.

    Args:
        mark: The sign.
        style: ``assay-mark`` in a line of text, ``assay-word`` where it is what matters most.
    """
    return (
        f'<span class="{style} {escape(mark.kind)}"><i aria-hidden="true">{escape(mark.shape)}</i>'
        f"{escape(mark.word)}</span>"
    )


def verdict_html(
    decision: StoredDecision, wording: Mapping[Disposition, str], policy: Policy | None
) -> str:
    """Return a verdict as HTML; a verdict without a probability has no bar."""
    probability = decision.positive_probability
    mark = verdict_mark(decision.disposition, decision.wording)
    head = f'<div class="assay-head">{mark_html(mark, "assay-word")}'
    if probability is None:
        return f'{head}<span class="assay-quiet">no probability</span></div>'
    positive = escape(wording[Disposition.POSITIVE])
    return (
        f'{head}<span class="assay-chance">{escape(format_probability(probability))}</span></div>'
        f'<div class="assay-quiet">calibrated probability of {positive}</div>'
        + bar_html(probability, wording, policy)
    )


def bar_html(probability: float, wording: Mapping[Disposition, str], policy: Policy | None) -> str:
    """Return a probability as a bar from 0 to 1, with the two limits marked if they are known."""
    mark = f'<b style="left:{100 * probability:.2f}%"></b>'
    if policy is None:
        # The line of the limits is kept free: what stands below does not move once they are read.
        return f'<div class="assay-bar">{mark}</div><div class="assay-ends">&nbsp;</div>'
    t_neg, t_pos = policy.t_neg, policy.t_pos
    passed, failed = (escape(wording[d]) for d in (Disposition.NEGATIVE, Disposition.POSITIVE))
    zones, ends = [], []
    if t_neg is not None:
        zones.append(f'<i class="negative" style="left:0;width:{100 * t_neg:.2f}%"></i>')
        ends.append(f"{passed} up to {escape(format_probability(t_neg))}")
    else:
        ends.append(f"no certified limit for {passed}")
    if t_pos is not None:
        zones.append(f'<i class="positive" style="left:{100 * t_pos:.2f}%;right:0"></i>')
        ends.append(f"{failed} from {escape(format_probability(t_pos))}")
    else:
        ends.append(f"no certified limit for {failed}")
    return (
        f'<div class="assay-bar">{"".join(zones)}{mark}</div>'
        f'<div class="assay-ends"><span>{ends[0]}</span><span>{ends[1]}</span></div>'
    )


def labels_html(probabilities: Sequence[tuple[str, float]], left_out: str) -> str:
    """Return labels with their probabilities as bars; those as likely as not stand out."""
    rows = [
        f'<div class="assay-label {"likely" if probability >= LIKELY else ""}">'
        f'<span>{escape(name)}</span><i><b style="width:{100 * probability:.1f}%"></b></i>'
        f"<em>{escape(format_probability(probability))}</em></div>"
        for name, probability in probabilities
    ]
    more = f'<div class="assay-quiet">{escape(left_out)}</div>' if left_out else ""
    return f'<div class="assay-labels">{"".join(rows)}{more}</div>'


def known_case_html(one: KnownCase) -> str:
    """Return a known case's label and distance as HTML, with the shape of the side it is on."""
    sides = {None: None, True: Disposition.POSITIVE, False: Disposition.NEGATIVE}
    mark = verdict_mark(sides[one.positive], one.label.replace("|", ", "))
    return (
        f'<div class="assay-known">{mark_html(mark)}<br>'
        f"<span>distance {one.distance:.1f}</span></div>"
    )
